// The HTTP side of the compiler: queries, forms, credentials and defaults become plain templates,
// so that a request costs nothing more for them.
#include <algorithm>

#include "harness/scenario/compiler.hpp"

namespace stampede {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&lower](char x, char y) { return lower(x) == lower(y); });
}

bool has_header(const std::vector<Header>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const Header& header) { return same_name(header.first, name); });
}

// What the step says, else what the profile says.
template <class T>
const std::optional<T>& either(const std::optional<T>& step, const std::optional<T>& profile) {
  return step ? step : profile;
}

}  // namespace

// name=value&name=value, both encoded.
Template Compiler::compile_pairs(const std::vector<std::pair<std::string, Source>>& specs,
                                 Template::Encoding encoding) {
  Template pairs;
  std::string_view before;
  for (const auto& [name, source] : specs) {
    pairs += Template::literal(before);
    pairs += Template::encoded(encoding, Template::literal(name));
    pairs += Template::literal("=");
    pairs += Template::encoded(encoding, compile_template(source));
    before = "&";
  }
  return pairs;
}

Template Compiler::compile_target(const HttpSpec& spec) {
  Template target = compile_template(spec.path);
  if (spec.query.empty()) return target;
  target += Template::literal(spec.path.text.find('?') == std::string::npos ? "?" : "&");
  target += compile_pairs(spec.query, Template::Encoding::query);
  return target;
}

Template Compiler::compile_auth(const AuthSpec& auth) {
  if (auth.kind == AuthSpec::Kind::bearer) {
    Template value = Template::literal("Bearer ");
    value += compile_template(auth.secret);
    return value;
  }
  Template plain = compile_template(auth.user);
  plain += Template::literal(":");
  plain += compile_template(auth.secret);
  Template value = Template::literal("Basic ");
  value += Template::encoded(Template::Encoding::base64, std::move(plain));
  return value;
}

std::vector<Header> Compiler::compile_request_headers(
    const std::vector<std::pair<std::string, Source>>& specs, const HttpOptions& options) {
  std::vector<Header> headers = compile_headers(specs);
  const std::size_t of_step = headers.size();
  // Subtle: credentials of the step beat a header of the profile.
  const auto& auth = either(options.auth, profile_.http.options.auth);
  const bool own_auth = options.auth && options.auth->kind != AuthSpec::Kind::none;
  if (own_auth && !has_header(headers, "authorization")) {
    headers.emplace_back("Authorization", compile_auth(*auth));
  }
  std::vector<Header> defaults = compile_headers(profile_.http.headers);
  for (Header& header : defaults) {
    const auto end = headers.begin() + static_cast<std::ptrdiff_t>(of_step + (own_auth ? 1 : 0));
    const bool named = std::any_of(headers.begin(), end, [&header](const Header& other) {
      return same_name(other.first, header.first);
    });
    if (!named) headers.push_back(std::move(header));
  }
  const bool wanted = auth && auth->kind != AuthSpec::Kind::none;
  if (wanted && !has_header(headers, "authorization")) {
    headers.emplace_back("Authorization", compile_auth(*auth));
  }
  const auto& coding = either(options.compression, profile_.http.options.compression);
  if (coding && !coding->empty() && !has_header(headers, "accept-encoding")) {
    headers.emplace_back("Accept-Encoding", Template::literal(*coding));
  }
  return headers;
}

std::optional<HttpExtras> Compiler::compile_extras(const HttpSpec& spec) {
  const HttpDefaults& defaults = profile_.http;
  HttpExtras extras;
  if (const auto& redirects = either(spec.options.redirects, defaults.options.redirects)) {
    extras.redirects_max = redirects->hops_max;
    extras.redirects_any_host = redirects->any_host;
  }
  const auto& coding = either(spec.options.compression, defaults.options.compression);
  extras.decode = coding && !coding->empty();
  extras.cookies = defaults.cookies;
  const auto is_cookie = [](const auto& header) { return same_name(header.first, "cookie"); };
  extras.send_cookies = defaults.cookies &&
                        std::none_of(spec.headers.begin(), spec.headers.end(), is_cookie) &&
                        std::none_of(defaults.headers.begin(), defaults.headers.end(), is_cookie);
  if (extras.redirects_max == 0 && !extras.decode && !extras.cookies) return std::nullopt;
  return extras;
}

HttpStep Compiler::compile_action(const HttpSpec& spec, Place /*place*/) {
  HttpStep step;
  step.number = http_steps_++;
  step.method = spec.method;
  step.path = compile_target(spec);
  step.headers = compile_request_headers(spec.headers, spec.options);
  if (spec.body) step.body = compile_template(*spec.body);
  if (!spec.form.empty()) step.body = compile_pairs(spec.form, Template::Encoding::form);
  step.body_file = spec.body_file;
  step.classifier = Classifier(spec.expect);
  step.captures = compile_captures(spec.captures);
  step.checks = compile_checks(spec.checks);
  step.required_headers = profile_.http.require;
  step.wanted_headers = wanted_headers(step.captures, step.checks);
  for (const std::string& name : step.required_headers) {
    const bool wanted =
        std::any_of(step.wanted_headers.begin(), step.wanted_headers.end(),
                    [&name](const std::string& other) { return same_name(other, name); });
    if (!wanted) step.wanted_headers.push_back(name);
  }
  step.wanted_headers_and_wait = step.wanted_headers;
  step.wanted_headers_and_wait.emplace_back("Retry-After");
  if (wants_retry_after_) step.wanted_headers = step.wanted_headers_and_wait;
  step.keep_body = looks_into_body(step.captures, step.checks);
  const auto& body_max = either(spec.options.body_max, profile_.http.options.body_max);
  step.body_max = body_max.value_or(step.keep_body ? body_kept_default : body_counted_default);
  step.extras = compile_extras(spec);
  return step;
}

std::vector<Header> Compiler::compile_stream_headers(
    const std::vector<std::pair<std::string, Source>>& specs) {
  HttpOptions plain;
  plain.compression = std::string();  // streams are read as they come
  return compile_request_headers(specs, plain);
}

bool Compiler::sends_cookies(const std::vector<Header>& headers) const {
  return profile_.http.cookies && !has_header(headers, "cookie");
}

}  // namespace stampede
