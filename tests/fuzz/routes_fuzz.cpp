// Whatever a client sends to boxoffice. Input: a byte whose lowest bit says to which port, a byte
// that seeds the splits, then the bytes of the connection, where @user and its like stand for
// tokens that a fuzzer cannot make up (routes_rig.hpp).
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/routes_rig.hpp"

namespace boxoffice::fuzz {
namespace {

using stampede::fuzz::Input;

constexpr std::size_t bytes_max = std::size_t{64} * 1024;

// What no answer may contain that the request did not: names of our insides.
constexpr std::string_view inside[] = {
    "std::",          "nlohmann",        "boost::",           "hiredis", "SELECT ",
    "INSERT ",        "json.exception",  "EVALSHA",           "target/", "errno",
    "the jwt secret", "the pass secret", "the webhook secret"};

void require(bool holds, std::string_view what, std::string_view heard) {
  if (holds) return;
  std::fprintf(stderr, "%.*s:\n%.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(heard.size()), heard.data());
  std::abort();
}

std::string_view field_of(std::string_view head, std::string_view name) {
  const std::string mark = "\r\n" + std::string(name) + ": ";
  const auto at = head.find(mark);
  if (at == std::string_view::npos) return {};
  const auto begin = at + mark.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

void check_problem(int status, std::string_view body, std::string_view heard) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  require(json.is_object(), "a problem that is no JSON", heard);
  for (const char* name : {"type", "title", "detail", "instance", "code", "message", "traceId"})
    require(json.contains(name) && json[name].is_string(), "a problem without a member", heard);
  // A lab may have its 409s told as 400s.
  const int told = json.value("status", 0);
  require(told == status || (told == 409 && status == 400), "two statuses", heard);
}

// One answer after the other; nothing after a stream or a WebSocket began.
void check(std::string_view heard, std::string_view sent) {
  const std::string_view all = heard;
  while (!heard.empty()) {
    require(heard.starts_with("HTTP/1.1 ") && heard.size() > 12, "no status line", all);
    const auto end = heard.find("\r\n\r\n");
    require(end != std::string_view::npos, "a head without an end", all);
    const int status = std::atoi(std::string(heard.substr(9, 3)).c_str());
    const std::string_view head = heard.substr(0, end + 2);
    heard.remove_prefix(end + 4);
    if (status == 100) continue;
    require(status != 500, "something went wrong", all);
    require(field_of(head, "Trace-Id").size() == 32, "no trace id", all);
    const std::string_view type = field_of(head, "Content-Type");
    if (status == 101 || type == "text/event-stream") return;
    const std::string length(field_of(head, "Content-Length"));
    std::string_view body = heard.substr(0, std::strtoull(length.c_str(), nullptr, 10));
    // Of a HEAD there is the length alone.
    if (heard.starts_with("HTTP/1.1 ")) body = {};
    heard.remove_prefix(body.size());
    for (const std::string_view word : inside) {
      const bool echoed = sent.find(word) != std::string_view::npos;
      require(echoed || body.find(word) == std::string_view::npos, "a leak", all);
    }
    if (body.empty()) continue;
    require(status < 400 || status == 503 || type == "application/problem+json",
            "an error that is no problem", all);
    if (type == "application/problem+json") check_problem(status, body, all);
    if (type == "application/json")
      require(nlohmann::json::accept(body), "an answer that is no JSON", all);
  }
}

}  // namespace
}  // namespace boxoffice::fuzz

int fuzz_routes(const std::uint8_t* data, std::size_t size);
int fuzz_routes(const std::uint8_t* data, std::size_t size) {
  using namespace boxoffice;
  using namespace boxoffice::fuzz;
  if (size > bytes_max) return 0;
  Input input(data, size);
  const Surface surface = (input.byte() & 1U) != 0 ? Surface::admin : Surface::main;
  const unsigned seed = input.byte();
  RoutesRig& rig = RoutesRig::instance();
  const std::string sent = rig.fill_in(input.rest());
  const std::string heard = rig.talk(surface, sent, seed);
  check(heard, sent);
  const bool quiet = rig.quiet();
  if (std::getenv("STAMPEDE_FUZZ_STORES") == nullptr)
    require(quiet, "a connection that does not end", heard);
  rig.forget_switches();
  return 0;
}
