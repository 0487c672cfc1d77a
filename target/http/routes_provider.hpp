// The routes of the payment provider's own process.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/provider_books.hpp"

namespace boxoffice {

// `books` are those of the process and outlive the table.
[[nodiscard]] std::shared_ptr<void> add_provider_routes(ThreadContext& thread, ProviderBooks& books,
                                                        RouteTable& table);

}  // namespace boxoffice
