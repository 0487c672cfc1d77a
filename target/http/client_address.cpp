#include "target/http/client_address.hpp"

#include <boost/asio/ip/address.hpp>
#include <ranges>

#include "target/http/response_head.hpp"

namespace boxoffice {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Takes the last item off a list.
std::string_view take_last(std::string_view& list) noexcept {
  const auto comma = list.rfind(',');
  const bool only = comma == std::string_view::npos;
  const std::string_view item = only ? list : list.substr(comma + 1);
  list = only ? std::string_view() : list.substr(0, comma);
  return trimmed(item);
}

}  // namespace

std::string plain_address(std::string_view text) {
  constexpr std::size_t longest = 45;  // of IPv6 with an IPv4 end
  if (text.empty() || text.size() > longest || text.find('%') != std::string_view::npos) return {};
  boost::system::error_code none;
  const auto address = boost::asio::ip::make_address(text, none);
  if (none) return {};
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6())
        .to_string();
  }
  return address.to_string();
}

std::string client_address(const HttpRequest& request, std::string_view peer,
                           const std::set<std::string>& trusted) {
  std::string nearest = plain_address(peer);
  if (nearest.empty()) return std::string(peer);  // of a link, with its zone: no proxy's
  std::size_t hops = 0;
  // Several fields of the name are one list.
  for (const auto& [name, value] : request.headers | std::views::reverse) {
    if (!equal_ignoring_case(name, "X-Forwarded-For")) continue;
    for (std::string_view rest = value; !rest.empty();) {
      if (!trusted.contains(nearest) || ++hops > proxy_hops_max) return nearest;
      std::string told = plain_address(take_last(rest));
      if (told.empty()) return nearest;
      nearest = std::move(told);
    }
  }
  return nearest;
}

}  // namespace boxoffice
