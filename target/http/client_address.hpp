// Whose request it is, where a proxy stands before us: the proxy's word counts only if the operator
// named it (--trusted-proxies). Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "target/http/api.hpp"

namespace boxoffice {

inline constexpr std::size_t proxy_hops_max = 16;  // of X-Forwarded-For, from its end

// As addresses are compared: in the shortest spelling, IPv4 not dressed as IPv6. "" if it is none.
std::string plain_address(std::string_view text);

// The right-most address of X-Forwarded-For that is no trusted proxy's, when `peer` is one; else
// `peer`. Everybody can put anything before what the last trusted proxy added, so the reading ends
// at the first address that is not trusted, at the first thing that is no address, and after
// `proxy_hops_max`.
std::string client_address(const HttpRequest& request, std::string_view peer,
                           const std::set<std::string>& trusted);

}  // namespace boxoffice
