#include "harness/profile/profile_reader_http.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace stampede {

namespace {

using Sources = std::vector<std::pair<std::string, Source>>;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool is_token_char(char c) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

// Headers that the client writes itself.
bool is_own_header(std::string_view name) {
  constexpr std::array<std::string_view, 6> own{
      "host", "content-length", "transfer-encoding", "connection", "upgrade", "sec-websocket-key"};
  return std::find(own.begin(), own.end(), lower(name)) != own.end();
}

// JSON of a YAML value: plain numbers, booleans and null are theirs, the rest is text.
nlohmann::ordered_json json_of(const YamlNode& node) {
  using Json = nlohmann::ordered_json;
  switch (node.kind) {
    case YamlNode::Kind::null:
      return nullptr;
    case YamlNode::Kind::list: {
      Json list = Json::array();
      for (const YamlNodePtr& item : node.items) list.push_back(json_of(*item));
      return list;
    }
    case YamlNode::Kind::map: {
      Json map = Json::object();
      for (const YamlNode::Member& member : node.members) {
        map[member.key->text] = json_of(*member.value);
      }
      return map;
    }
    case YamlNode::Kind::scalar:
      break;
  }
  if (node.quoted) return node.text;
  if (node.text == "true" || node.text == "false") return node.text == "true";
  std::int64_t whole = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto number = parse_number(node.text);
  const auto [stop, error] = std::from_chars(node.text.data(), end, whole);
  if (number && error == std::errc{} && stop == end) return whole;
  if (number) return *number;
  return node.text;
}

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<Unit, 8> size_units{{{"", 1},
                                          {"B", 1},
                                          {"KB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"KiB", 1ULL << 10U},
                                          {"MiB", 1ULL << 20U},
                                          {"GiB", 1ULL << 30U}}};

}  // namespace

Parsed<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view example = "1500, 64KiB, 10MB";
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const auto digits = static_cast<std::size_t>(stop - text.data());
  if (error != std::errc{} || digits == 0) {
    return TextProblem{0, "a size is wanted, not " + in_quotes(text), std::string(example)};
  }
  const std::string_view rest = text.substr(digits);
  const auto* const unit = std::find_if(size_units.begin(), size_units.end(),
                                        [rest](const Unit& one) { return one.name == rest; });
  if (unit == size_units.end()) {
    return TextProblem{digits, "unknown unit " + in_quotes(rest), "B, KB, MB, GB, KiB, MiB, GiB"};
  }
  if (number > body_max_max / unit->bytes) {
    return TextProblem{0, std::string(text) + " is out of range", "at most 1024GiB"};
  }
  return Parsed<std::uint64_t>(boost::system::in_place_value, number * unit->bytes);
}

bool is_secret_header(std::string_view name) {
  constexpr std::array<std::string_view, 6> whole{
      "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "apikey"};
  const std::string written = lower(name);
  return std::find(whole.begin(), whole.end(), written) != whole.end() ||
         written.find("token") != std::string::npos || written.find("secret") != std::string::npos;
}

void find_secrets(const YamlNode& node, Secrets& secrets) {
  const auto keep = [&secrets](const YamlNodePtr& secret, bool credential = true) {
    if (secret == nullptr || secret->kind != YamlNode::Kind::scalar) return;
    // One that comes from a variable is none of the text.
    const bool variable = credential ? secret->text.starts_with("${") && secret->text.ends_with('}')
                                     : secret->text.find("${") != std::string::npos;
    const bool spelt = secret->place.line > 0 && !secret->text.empty() && !variable;
    if (spelt) secrets.emplace(std::pair{secret->place.line, secret->place.column}, secret->text);
  };
  for (const YamlNodePtr& item : node.items) find_secrets(*item, secrets);
  for (const YamlNode::Member& member : node.members) {
    if (member.key->text == "auth" && member.value->kind == YamlNode::Kind::map) {
      keep(member.value->find("bearer"));
      const YamlNodePtr basic = member.value->find("basic");
      if (basic != nullptr && basic->kind == YamlNode::Kind::map) keep(basic->find("password"));
    }
    if (member.key->text == "headers" && member.value->kind == YamlNode::Kind::map) {
      for (const YamlNode::Member& header : member.value->members) {
        if (is_secret_header(header.key->text)) keep(header.value, false);
      }
    }
    find_secrets(*member.value, secrets);
  }
}

std::string without_secrets(std::string_view text, const Secrets& secrets) {
  std::string kept;
  std::size_t done = 0, line_begin = 0;
  int line = 1;
  for (const auto& [place, secret] : secrets) {  // in the order of their places
    for (; line < place.first && line_begin < text.size(); ++line) {
      line_begin = std::min(text.find('\n', line_begin), text.size() - 1) + 1;
    }
    const std::size_t at = line_begin + static_cast<std::size_t>(std::max(place.second, 1) - 1);
    if (at < done || at >= text.size()) continue;
    kept.append(text.substr(done, at - done)).append("***");
    // What the file spells with escapes or over several lines is taken out with its line.
    const bool plain = text.substr(at).starts_with(secret);
    done = plain ? at + secret.size() : std::min(text.find('\n', at), text.size());
  }
  return kept.append(text.substr(done));
}

std::string without_secret(const std::string& set) {
  const std::size_t equals = set.find('=');
  const std::string path = "." + lower(set.substr(0, equals));
  const std::string value = equals == std::string::npos ? "" : lower(set.substr(equals));
  const std::size_t header = path.rfind(".headers.");
  const bool secret = path.find(".auth") != std::string::npos ||
                      value.find("auth") != std::string::npos ||
                      (header != std::string::npos && is_secret_header(path.substr(header + 9)));
  return secret && equals != std::string::npos ? set.substr(0, equals + 1) + "***" : set;
}

const std::vector<std::string>& HttpReader::step_keys() {
  static const std::vector<std::string> keys{"query",     "form",        "body_file", "auth",
                                             "redirects", "compression", "body_max"};
  return keys;
}

HttpDefaults HttpReader::read_defaults(const YamlNode* node) {
  HttpDefaults defaults;
  const Fields fields(
      problems_, node, "http",
      {"headers", "auth", "redirects", "compression", "body_max", "cookies", "require"});
  defaults.headers = read_headers(fields.find("headers"));
  defaults.options = read_options(fields);
  values_.flag(fields.find("cookies"), defaults.cookies);
  const YamlNode* const require = fields.find("require");
  values_.names(require, defaults.require);
  if (defaults.require.size() > required_headers_max) {
    problems_.report(*require, "more than " + std::to_string(required_headers_max) + " headers");
  }
  return defaults;
}

HttpOptions HttpReader::read_options(const Fields& fields) {
  return {read_auth(fields.find("auth")), read_redirects(fields.find("redirects")),
          read_compression(fields.find("compression")), read_body_max(fields.find("body_max"))};
}

Sources HttpReader::read_headers(const YamlNode* node) {
  Sources headers;
  for (const YamlNode::Member& member : values_.members(node, "a map of headers")) {
    const std::string& name = member.key->text;
    const auto bad = std::find_if_not(name.begin(), name.end(), is_token_char);
    if (name.empty() || bad != name.end()) {
      problems_.report(*member.key, in_quotes(name) + " cannot name a header",
                       "letters, digits and !#$%&'*+-.^_`|~",
                       static_cast<std::size_t>(bad - name.begin()));
    } else if (is_own_header(name)) {
      problems_.report(*member.key, "header " + name + " is written by stampede itself");
    }
    Source value;
    values_.source(member.value.get(), value);
    const std::size_t line = value.text.find_first_of("\r\n");
    if (line != std::string::npos) {
      problems_.report(*member.value, "a line break in the value of header " + name,
                       "a header is one line", line);
    }
    headers.emplace_back(name, std::move(value));
  }
  return headers;
}

std::optional<AuthSpec> HttpReader::read_auth(const YamlNode* node) {
  if (node == nullptr) return std::nullopt;
  AuthSpec auth;
  if (node->kind == YamlNode::Kind::scalar && node->text == "none") return auth;
  if (node->kind != YamlNode::Kind::map) {
    problems_.report(*node, "auth is a map, or none",
                     "auth: {bearer: \"${token}\"}, or {basic: {user: …, password: …}}");
    return std::nullopt;
  }
  const Fields fields(problems_, node, "auth", {"basic", "bearer"});
  const YamlNode* const basic = fields.find("basic");
  const YamlNode* const bearer = fields.find("bearer");
  if ((basic == nullptr) == (bearer == nullptr)) {
    problems_.report(*node, "auth is either basic or bearer");
    return std::nullopt;
  }
  if (bearer != nullptr) {
    auth.kind = AuthSpec::Kind::bearer;
    values_.source(bearer, auth.secret);
    if (auth.secret.text.find_first_of(" \t\r\n") != std::string::npos) {
      problems_.report(*bearer, "white space in a bearer token", "the token alone, without Bearer");
    }
    return auth;
  }
  auth.kind = AuthSpec::Kind::basic;
  Fields parts(problems_, basic, "basic", {"user", "password"});
  const YamlNode* const user = parts.require("user");
  values_.source(user, auth.user);
  values_.source(parts.require("password"), auth.secret);
  if (auth.user.text.find(':') != std::string::npos) {
    problems_.report(*user, "a user of basic authentication has no colon", "RFC 7617");
  }
  return auth;
}

std::optional<RedirectSpec> HttpReader::read_redirects(const YamlNode* node) {
  if (node == nullptr) return std::nullopt;
  RedirectSpec redirects;
  if (node->kind == YamlNode::Kind::scalar && (node->text == "true" || node->text == "false")) {
    redirects.hops_max = node->text == "true" ? redirects_default : 0;
  } else if (node->kind == YamlNode::Kind::map) {
    redirects.hops_max = redirects_default;
    const Fields fields(problems_, node, "redirects", {"max", "any_host"});
    values_.whole(fields.find("max"), redirects.hops_max, 0, redirects_max);
    values_.flag(fields.find("any_host"), redirects.any_host);
  } else {
    values_.whole(node, redirects.hops_max, 0, redirects_max);
  }
  return redirects;
}

std::optional<std::string> HttpReader::read_compression(const YamlNode* node) {
  if (node == nullptr) return std::nullopt;
  std::string accepted;
  const auto add = [&](const YamlNode& one) {
    if (one.kind == YamlNode::Kind::scalar && (one.text == "gzip" || one.text == "deflate")) {
      accepted += (accepted.empty() ? "" : ", ") + one.text;
    } else {
      problems_.report(one, "unknown content coding " + in_quotes(one.text),
                       "gzip, deflate, [gzip, deflate] or none");
    }
  };
  if (node->kind == YamlNode::Kind::list) {
    for (const YamlNodePtr& item : node->items) add(*item);
  } else if (node->kind != YamlNode::Kind::scalar || node->text != "none") {
    add(*node);
  }
  return accepted;
}

std::optional<std::uint64_t> HttpReader::read_body_max(const YamlNode* node) {
  if (node == nullptr) return std::nullopt;
  std::string text;
  values_.text(node, text);
  if (node->kind != YamlNode::Kind::scalar) return std::nullopt;
  const auto size = parse_size(text);
  if (size) return *size;
  problems_.report(*node, size.error().message, size.error().hint, size.error().at);
  return std::nullopt;
}

Sources HttpReader::read_pairs(const YamlNode* node, std::string_view what) {
  Sources pairs;
  for (const YamlNode::Member& member : values_.members(node, what)) {
    const auto add = [&](const YamlNode& value) {
      Source source;
      values_.source(&value, source);
      pairs.emplace_back(member.key->text, std::move(source));
    };
    if (member.value->kind == YamlNode::Kind::list) {
      for (const YamlNodePtr& item : member.value->items) add(*item);
    } else {
      add(*member.value);
    }
  }
  return pairs;
}

Source HttpReader::read_body(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::map || node.kind == YamlNode::Kind::list) {
    return {json_of(node).dump(), node.place, true};
  }
  Source body;
  values_.source(&node, body);
  return body;
}

std::shared_ptr<const std::string> HttpReader::read_file(const YamlNode& node,
                                                         const std::string& folder) {
  std::string name;
  values_.text(&node, name);
  if (node.kind != YamlNode::Kind::scalar) return nullptr;
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || !std::filesystem::is_regular_file(path, error)) {
    problems_.report(node, "cannot read " + in_quotes(path.string()),
                     "a file, named relative to the profile");
    return nullptr;
  }
  if (size > body_file_max) {
    problems_.report(node, in_quotes(name) + " is larger than 16 MiB");
    return nullptr;
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    problems_.report(node, "cannot read " + in_quotes(path.string()));
    return nullptr;
  }
  return std::make_shared<const std::string>(std::move(text).str());
}

void HttpReader::read_bodies(const Fields& fields, const std::string& folder, HttpSpec& http) {
  const YamlNode* const body = fields.find("body");
  const YamlNode* const form = fields.find("form");
  const YamlNode* const file = fields.find("body_file");
  const YamlNode* first = nullptr;
  for (const auto& [node, name] : {std::pair{body, "body"}, {form, "form"}, {file, "body_file"}}) {
    if (node == nullptr) continue;
    if (first != nullptr) {
      problems_.report(*node, std::string("one body per request: ") + name + " is too much",
                       "body, form or body_file");
    }
    first = node;
  }
  std::string type;
  if (body != nullptr) {
    http.body = read_body(*body);
    // A body written as YAML is JSON, and says so.
    if (body->kind != YamlNode::Kind::scalar) type = "application/json";
  }
  if (form != nullptr) {
    http.form = read_pairs(form, "a map of fields");
    type = "application/x-www-form-urlencoded";
  }
  if (file != nullptr) {
    http.body_file = read_file(*file, folder);
    type = "application/octet-stream";
  }
  const bool typed = std::any_of(http.headers.begin(), http.headers.end(), [](const auto& header) {
    return lower(header.first) == "content-type";
  });
  if (!type.empty() && !typed) {
    http.headers.emplace_back("Content-Type", Source{type, {}, true});
  }
}

}  // namespace stampede
