// `connection` and `tls` of a profile.
#pragma once

#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

// `node` may be absent: nothing happens. What it does not name stays as it is.
void read_connection(const YamlNode* node, Problems& problems, ConnectionSpec& into);
void read_tls(const YamlNode* node, Problems& problems, TlsSpec& into);
// Those of a scenario: the profile's, and over them what the scenario itself says.
void read_own_connection(const Fields& fields, Problems& problems, const Profile& profile,
                         ScenarioSpec& scenario);

}  // namespace stampede
