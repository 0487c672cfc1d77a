// `connection` and `tls` of a profile.
#pragma once

#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

// `node` may be absent: nothing happens.
void read_connection(const YamlNode* node, Problems& problems, ConnectionSpec& into);
void read_tls(const YamlNode* node, Problems& problems, TlsSpec& into);

}  // namespace stampede
