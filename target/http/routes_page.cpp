// The page for people: / and the few files it asks for. They speak to the API as anybody does.
#include <algorithm>
#include <array>

#include "target/http/content_coding.hpp"
#include "target/http/page_files.hpp"
#include "target/http/routes_page.hpp"

namespace boxoffice {

namespace {

// Only what this server gives may run, be shown or be spoken to; nobody may frame the page.
constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view type_of(std::string_view name) noexcept {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

// "W/" is ignored: the comparison for 304 is the weak one.
bool matches(std::string_view if_none_match, std::string_view tag) {
  if (if_none_match == "*") return true;
  return !if_none_match.empty() && if_none_match.find(tag) != std::string_view::npos;
}

const PageCoding& coding_of(const PageFile& file, const HttpRequest& request) noexcept {
  std::array<std::string_view, page_codings_max> names;
  const std::size_t known = std::min(file.codings.size(), names.size());
  const auto offered = file.codings.last(known);
  std::ranges::transform(offered, names.begin(), &PageCoding::coding);
  const std::span<const std::string_view> wanted(names.data(), known);
  return offered[choose_coding(request.header("Accept-Encoding"), wanted)];
}

// A file that is named with the digest of its bytes never changes under that name.
enum class Kept : std::uint8_t { asked_again, for_good };

HttpResponse answer(const PageFile& file, const HttpRequest& request,
                    Kept kept = Kept::asked_again) {
  const PageCoding& chosen = coding_of(file, request);
  HttpResponse response;
  response.content_type = type_of(file.name);
  if (matches(request.header("If-None-Match"), chosen.tag)) {
    response.status = 304;
  } else {
    response.body.assign(chosen.bytes.begin(), chosen.bytes.end());
    if (chosen.coding != "identity")
      response.headers.emplace_back("Content-Encoding", chosen.coding);
  }
  if (file.codings.size() > 1) response.headers.emplace_back("Vary", "Accept-Encoding");
  response.headers.emplace_back("ETag", chosen.tag);
  // "no-cache" is asked again, and answered with 304.
  response.headers.emplace_back(
      "Cache-Control", kept == Kept::for_good ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.emplace_back("Content-Security-Policy", policy);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

// "app.0123456789abcdef.js" of app.js, whose bytes have that digest.
bool is_digest_name(const PageFile& file, std::string_view wanted) noexcept {
  const auto dot = file.name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view stem = file.name.substr(0, dot + 1), end = file.name.substr(dot);
  std::string_view digest = file.codings.back().tag;  // of the file itself, quoted
  digest = digest.substr(1, digest.size() - 2);
  return wanted.size() == stem.size() + digest.size() + end.size() && wanted.starts_with(stem) &&
         wanted.substr(stem.size(), digest.size()) == digest && wanted.ends_with(end);
}

Task<HttpResponse> give_file(const HttpRequest& request) {
  const std::string_view wanted = request.path_parameters.at(0);
  const auto files = page_files();
  const auto file = std::ranges::find(files, wanted, &PageFile::name);
  if (file != files.end()) co_return answer(*file, request);
  const auto named = std::ranges::find_if(
      files, [wanted](const PageFile& one) { return is_digest_name(one, wanted); });
  if (named != files.end()) co_return answer(*named, request, Kept::for_good);
  No no;
  no.refusal = Refusal::not_found;
  co_return problem(no, request);
}

Task<HttpResponse> give_page(const HttpRequest& request) {
  const auto is_page = [](const PageFile& file) { return file.name.ends_with(".html"); };
  const auto files = page_files();
  co_return answer(*std::ranges::find_if(files, is_page), request);
}

}  // namespace

void add_page_routes(RouteTable& table) {
  const auto add = [&table](std::string_view pattern, auto handle) {
    Route route;
    route.method = "GET";
    route.pattern = pattern;
    route.role = "catalog";
    route.auth = Auth::none;
    route.handle = handle;
    table.routes.push_back(std::move(route));
  };
  add("/", &give_page);
  add("/page/{file}", &give_file);
}

}  // namespace boxoffice
