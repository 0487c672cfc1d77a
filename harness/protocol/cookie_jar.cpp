#include "harness/protocol/cookie_jar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "harness/protocol/request_text.hpp"

namespace stampede {

namespace {

constexpr std::string_view blanks = " \t";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// Takes the text up to `separator` off the front.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

bool is_address(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// RFC 6265 §5.1.3. Both are lower case.
bool domain_matches(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !is_address(host);
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

// RFC 6265 §5.1.4: the folder of the request.
std::string_view default_path(std::string_view target) {
  const std::string_view path = path_of(target);
  const std::size_t last = path.rfind('/');
  if (!path.starts_with('/') || last == 0) return "/";
  return path.substr(0, last);
}

bool path_matches(std::string_view target, std::string_view cookie_path) {
  const std::string_view path = path_of(target);
  if (!path.starts_with(cookie_path)) return false;
  return path.size() == cookie_path.size() || cookie_path.ends_with('/') ||
         path[cookie_path.size()] == '/';
}

std::optional<std::int64_t> to_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// When a cookie with this Max-Age is over; nullopt: it is no number, and counts as absent.
std::optional<std::int64_t> after_max_age(std::string_view text, std::int64_t now_seconds) {
  constexpr std::int64_t longest = std::int64_t{400} * 24 * 3600;  // RFC 6265bis §5.5
  const bool minus = text.starts_with('-');
  const std::string_view digits = minus ? text.substr(1) : text;
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  if (minus) return 0;
  const auto age = to_integer(digits);  // too many digits: for ever
  if (age && *age == 0) return 0;
  return now_seconds + std::min(age.value_or(longest), longest);
}

// Reads up to `digits_max` digits, and says how many there were.
std::size_t leading_digits(std::string_view text, std::size_t digits_max, int& value) {
  std::size_t digits = 0;
  value = 0;
  while (digits < text.size() && digits <= digits_max && text[digits] >= '0' &&
         text[digits] <= '9') {
    value = value * 10 + (text[digits++] - '0');
  }
  return digits > digits_max ? 0 : digits;
}

struct DateParts {
  std::optional<std::array<int, 3>> time;
  std::optional<int> day, month, year;
};

bool take_time(std::string_view token, DateParts& date) {
  std::array<int, 3> time{};
  for (std::size_t part = 0; part < time.size(); ++part) {
    const std::size_t digits = leading_digits(token, 2, time[part]);
    if (digits == 0) return false;
    token.remove_prefix(digits);
    if (part + 1 == time.size()) break;
    if (!token.starts_with(':')) return false;
    token.remove_prefix(1);
  }
  date.time = time;
  return true;
}

bool take_month(std::string_view token, DateParts& date) {
  constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (token.size() < 3) return false;
  const std::string three = lower(token.substr(0, 3));
  for (std::size_t month = 0; month < 12; ++month) {
    if (months.substr(month * 3, 3) != three) continue;
    date.month = static_cast<int>(month) + 1;
    return true;
  }
  return false;
}

void take_date_token(std::string_view token, DateParts& date) {
  int value = 0;
  if (!date.time && take_time(token, date)) return;
  if (!date.day && leading_digits(token, 2, value) > 0) {
    date.day = value;
    return;
  }
  if (!date.month && take_month(token, date)) return;
  const std::size_t digits = leading_digits(token, 4, value);
  if (!date.year && digits >= 2) {
    date.year = digits > 2 ? value : value + (value < 70 ? 2000 : 1900);
  }
}

}  // namespace

std::optional<std::int64_t> parse_cookie_date(std::string_view text) {
  const auto is_token = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ':';
  };
  DateParts date;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_token(text[end])) ++end;
    if (end > at) take_date_token(text.substr(at, end - at), date);
    at = end + 1;
  }
  if (!date.time || !date.day || !date.month || !date.year || *date.year < 1601) {
    return std::nullopt;
  }
  const auto [hour, minute, second] = *date.time;
  const std::chrono::year_month_day day{std::chrono::year{*date.year},
                                        std::chrono::month{static_cast<unsigned>(*date.month)},
                                        std::chrono::day{static_cast<unsigned>(*date.day)}};
  if (!day.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{day}.time_since_epoch().count();
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

bool CookieJar::store(std::string_view set_cookie, const Place& from, std::int64_t now_seconds) {
  // It will stand in a header of ours.
  if (!forbidden_in_value(set_cookie).empty()) return false;
  std::string_view rest = set_cookie;
  std::string_view value = cut(rest, ';');
  if (value.find('=') == std::string_view::npos) return false;
  const std::string_view name = trim(cut(value, '='));
  value = trim(value);
  if (name.empty() || name.size() + value.size() > cookie_bytes_max) return false;
  Cookie cookie{std::string(name),
                std::string(value),
                std::string(default_path(from.path)),
                {},
                lower(from.host),
                std::nullopt,
                false};
  std::optional<std::int64_t> max_age;
  bool rooted = false;
  while (!rest.empty()) {
    std::string_view argument = cut(rest, ';');
    const std::string_view key = trim(cut(argument, '='));
    argument = trim(argument);
    if (same_header(key, "expires")) {
      if (const auto date = parse_cookie_date(argument)) cookie.expires = date;
    } else if (same_header(key, "max-age")) {
      if (const auto end = after_max_age(argument, now_seconds)) max_age = end;
    } else if (same_header(key, "domain")) {
      cookie.domain = lower(argument.substr(argument.starts_with('.') ? 1 : 0));
    } else if (same_header(key, "path")) {
      rooted = argument.starts_with('/');
      cookie.path = rooted ? argument : default_path(from.path);
    } else if (same_header(key, "secure")) {
      cookie.secure = true;
    }
  }
  if (max_age) cookie.expires = max_age;  // whatever Expires says
  if (cookie.path.size() > cookie_bytes_max) return false;
  if (!cookie.domain.empty() && !domain_matches(cookie.host, cookie.domain)) return false;
  if (cookie.secure && !from.secure) return false;
  // RFC 6265bis §4.1.3: promises of the name.
  if (name.starts_with("__Secure-") && !cookie.secure) return false;
  const bool bare = cookie.domain.empty() && rooted && cookie.path == "/";
  if (name.starts_with("__Host-") && !(cookie.secure && bare)) return false;
  const bool over = cookie.expires && *cookie.expires <= now_seconds;
  if (over) {
    std::erase_if(cookies_, [&cookie](const Cookie& other) {
      return other.name == cookie.name && other.path == cookie.path &&
             other.domain == cookie.domain && other.host == cookie.host;
    });
  } else {
    put(std::move(cookie));
  }
  return true;
}

void CookieJar::put(Cookie cookie) {
  for (Cookie& other : cookies_) {
    if (other.name != cookie.name || other.path != cookie.path || other.domain != cookie.domain ||
        other.host != cookie.host) {
      continue;
    }
    other = std::move(cookie);  // keeps its place: its age is that of the first one
    return;
  }
  if (cookies_.size() == cookies_max) cookies_.erase(cookies_.begin());
  cookies_.push_back(std::move(cookie));
}

bool CookieJar::fits(const Cookie& cookie, const Place& to, std::int64_t now_seconds) {
  if (cookie.secure && !to.secure) return false;
  if (cookie.expires && *cookie.expires <= now_seconds) return false;
  const bool host = cookie.domain.empty() ? same_header(cookie.host, to.host)
                                          : domain_matches(lower(to.host), cookie.domain);
  return host && path_matches(to.path, cookie.path);
}

void CookieJar::append_header(std::string& out, const Place& to, std::int64_t now_seconds) const {
  std::vector<const Cookie*> chosen;
  const auto longer = [](const Cookie* a, const Cookie* b) {
    return a->path.size() > b->path.size();
  };
  for (const Cookie& cookie : cookies_) {
    if (!fits(cookie, to, now_seconds)) continue;
    chosen.insert(std::upper_bound(chosen.begin(), chosen.end(), &cookie, longer), &cookie);
  }
  if (chosen.empty()) return;
  std::string_view before = "Cookie: ";
  for (const Cookie* cookie : chosen) {
    out.append(before).append(cookie->name).append("=").append(cookie->value);
    before = "; ";
  }
  out.append("\r\n");
}

}  // namespace stampede
