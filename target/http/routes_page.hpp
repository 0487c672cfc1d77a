// The page for people: / and the files it asks for, below /page.
#pragma once

#include "target/http/api.hpp"

namespace boxoffice {

void add_page_routes(RouteTable& table);

}  // namespace boxoffice
