#include "target/http/api.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "target/http/request_parser.hpp"
#include "target/http/response_head.hpp"

namespace boxoffice {
namespace {

using namespace std::string_literals;

HttpRequest sample() {
  HttpRequest request;
  request.path = "/api/reservations";
  request.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  return request;
}

TEST(Problem, IsTheBodyOfTheSpecification) {
  No no;
  no.refusal = Refusal::seat_held;
  no.detail = "seat 6 is held";
  no.seat = 6;
  no.seat_state = "HELD";
  const auto response = problem(no, sample());
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.code, "SEAT_HELD");
  EXPECT_TRUE(response.headers.empty());
  EXPECT_EQ(response.body,
            R"({"type":"/problems/seat-held","title":"Seat is held by another user","status":409,)"
            R"("detail":"seat 6 is held","instance":"/api/reservations","code":"SEAT_HELD",)"
            R"("message":"Seat is held by another user",)"
            R"("traceId":"4bf92f3577b34da6a3ce929d0e0e4736",)"
            R"("conflicts":[{"seatId":6,"state":"HELD"}],"retryAfterMs":null})");
}

TEST(Problem, TellsWhenToComeBackInWholeSecondsRoundedUp) {
  No no;
  no.refusal = Refusal::rate_limited;
  no.retry_after_ms = 1001;
  const auto response = problem(no, sample());
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].first, "Retry-After");
  EXPECT_EQ(response.headers[0].second, "2");
  EXPECT_NE(response.body.find("\"retryAfterMs\":1001"), std::string::npos);
}

TEST(Problem, WhoIsSentAwayForNowIsToldWhenToComeBack) {
  for (const RefusalRow& row : refusal_table) {
    No no;
    no.refusal = row.refusal;
    const auto unsaid = problem(no, sample());
    const bool told = !unsaid.headers.empty() && unsaid.headers[0].first == "Retry-After";
    EXPECT_EQ(told, row.status == 503) << row.code;
    no.retry_after_ms = 2500;
    EXPECT_EQ(problem(no, sample()).headers.at(0).second, "3") << row.code;
  }
}

TEST(Problem, HostilePathsStayJson) {
  HttpRequest request = sample();
  request.path = "/\"\\\x01\xff</a>";
  No no;
  no.refusal = Refusal::sale_not_open;
  no.opens_at = "2030-01-01T00:00:00.000Z";
  const auto json = nlohmann::json::parse(problem(no, request).body);
  EXPECT_EQ(json["status"], 425);
  EXPECT_EQ(json["opensAt"], "2030-01-01T00:00:00.000Z");
}

TEST(Refusals, EveryRowIsFoundByItsRefusal) {
  for (const RefusalRow& row : refusal_table) EXPECT_EQ(row_of(row.refusal).code, row.code);
}

// The load generator classifies by status alone, so a code may not move to another class.
TEST(Refusals, EveryCodeHasTheStatusOfItsClass) {
  const std::map<int, std::set<std::string_view>> classes{
      {400, {"MALFORMED", "IDEMPOTENCY_KEY_MISSING"}},
      {401, {"UNAUTHENTICATED", "TOKEN_INVALID", "BAD_CREDENTIALS"}},
      {403, {"FORBIDDEN", "NOT_ADMITTED"}},
      {404, {"NOT_FOUND"}},
      {405, {"METHOD_NOT_ALLOWED"}},
      {409,
       {"SEAT_HELD", "SEAT_CLAIMED", "ALREADY_PAID", "IN_PROGRESS", "ALREADY_FINAL", "LOGIN_TAKEN",
        "BID_TOO_LOW"}},
      {410,
       {"HOLD_EXPIRED", "ORDER_EXPIRED", "PASS_EXPIRED", "GHOSTED", "SALE_ENDED", "AUCTION_CLOSED",
        "OFFER_OVER"}},
      {413, {"BODY_TOO_LARGE"}},
      {415, {"UNSUPPORTED_MEDIA_TYPE"}},
      {422,
       {"VALIDATION_FAILED", "SEAT_SOLD", "SEAT_UNKNOWN", "SEAT_LOCKED", "QUOTA_EXCEEDED",
        "BID_LIMIT", "AMOUNT_MISMATCH", "IDEMPOTENCY_KEY_REUSED"}},
      {425, {"SALE_NOT_OPEN", "AUCTION_NOT_OPEN", "AUCTION_RUNNING", "WINDOW_CLOSED"}},
      {429, {"RATE_LIMITED", "QUEUE_FULL"}},
      {500, {"INTERNAL"}},
      {503, {"OVERLOADED", "DEPENDENCY_DOWN", "REBUILDING"}},
      {504, {"PG_TIMEOUT", "COMMIT_UNKNOWN"}}};
  std::map<int, std::set<std::string_view>> rows;
  for (const RefusalRow& row : refusal_table) rows[row.status].insert(row.code);
  EXPECT_EQ(rows, classes);
}

TEST(Refusals, CodesAreUniqueAndTheirSlugsAreTheSameWords) {
  std::set<std::string_view> codes;
  for (const RefusalRow& row : refusal_table) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.code << " twice";
    std::string slug(row.code);
    for (char& c : slug) c = c == '_' ? '-' : static_cast<char>(std::tolower(c));
    EXPECT_EQ(row.slug, slug);
    EXPECT_FALSE(row.title.empty()) << row.code;
    EXPECT_NE(reason_phrase(row.status), "Status") << row.status;
  }
}

TEST(Refusals, EachIsAProblemThatCarriesTheTrace) {
  for (const RefusalRow& row : refusal_table) {
    No no;
    no.refusal = row.refusal;
    const auto response = problem(no, sample());
    EXPECT_EQ(response.status, row.status);
    EXPECT_EQ(response.content_type, "application/problem+json");
    const auto json = nlohmann::json::parse(response.body);
    EXPECT_EQ(json["status"], row.status);
    EXPECT_EQ(json["code"], row.code);
    EXPECT_EQ(json["type"], "/problems/" + std::string(row.slug));
    EXPECT_EQ(json["traceId"], sample().trace_id);
  }
}

TEST(HttpRequest, QueryValuesAreDecoded) {
  HttpRequest request;
  request.query = "a=1&b=x%20y+z&c&d=%zz&%65=last&a=2";
  EXPECT_EQ(request.query_value("a"), "1");
  EXPECT_EQ(request.query_value("b"), "x y z");
  EXPECT_EQ(request.query_value("c"), "");
  EXPECT_EQ(request.query_value("d"), "%zz");
  EXPECT_EQ(request.query_value("e"), "last");
  EXPECT_FALSE(request.query_value("f"));
}

TEST(HttpRequest, PathIdsAreUnsignedDecimals) {
  HttpRequest request;
  request.path_parameters = {"18446744073709551615", "18446744073709551616", "-1", "+1", "1x", ""};
  EXPECT_EQ(request.path_id(0), 18446744073709551615U);
  for (std::size_t i = 1; i < 8; ++i) EXPECT_FALSE(request.path_id(i)) << i;
}

TEST(HttpRequest, HeadersIgnoreCase) {
  HttpRequest request;
  request.headers = {{"content-TYPE", "a"}, {"X", "b"}};
  EXPECT_EQ(request.header("Content-Type"), "a");
  EXPECT_EQ(request.header("Y"), "");
}

TEST(ResponseHead, NoValueMakesAHeader) {
  std::string out;
  append_field(out, "Location", "/a\r\nSet-Cookie: x");
  EXPECT_EQ(out, "Location: /aSet-Cookie: x\r\n");
}

TEST(ResponseHead, TraceIdsComeFromValidParentsOnly) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(trace_id_of(good), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace_id_of(good + "x"), "");
  EXPECT_EQ(trace_id_of("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(trace_id_of("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(trace_id_of(""), "");
}

struct Parsed {
  HttpRequest request;
  std::string chunked;
  BadRequest bad = BadRequest::none;
  bool done = false;
};
// Byte by byte or at once: the same.
Parsed parse(std::string_view text, bool bytewise, std::string& memory) {
  Parsed parsed;
  memory = text;
  RequestParser parser(parsed.request, parsed.chunked);
  std::size_t begin = 0;
  for (std::size_t end = bytewise ? 1 : memory.size(); end <= memory.size(); ++end) {
    begin += parser.feed(std::string_view(memory).substr(begin, end - begin));
    if (parser.done() || parser.bad() != BadRequest::none) break;
  }
  parsed.bad = parser.bad();
  parsed.done = parser.done();
  if (!parsed.chunked.empty()) parsed.request.body = "chunked";
  return parsed;
}

TEST(ResponseHead, RequestsOfOursCarryTheTraceAndASpanOfTheirOwn) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string first = traceparent_of(trace), second = traceparent_of(trace);
  EXPECT_EQ(trace_id_of(first), trace);
  EXPECT_EQ(trace_id_of(second), trace);
  EXPECT_NE(first, second) << "each request is a span";
  for (const char* none : {"", "4bf9", "4BF92F3577B34DA6A3CE929D0E0E4736"}) {
    const std::string begun = trace_id_of(traceparent_of(none));
    EXPECT_EQ(begun.size(), 32U) << none;
    EXPECT_NE(begun, trace_id_of(traceparent_of(none))) << none;
  }
}

TEST(RequestParser, ReadsARequestInAnyPieces) {
  for (const bool bytewise : {false, true}) {
    std::string memory;
    const auto parsed =
        parse("POST /api/x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nA: b\r\n\r\nhello",
              bytewise, memory);
    ASSERT_TRUE(parsed.done);
    EXPECT_EQ(parsed.request.method, "POST");
    EXPECT_EQ(parsed.request.path, "/api/x");
    EXPECT_EQ(parsed.request.query, "y=1");
    EXPECT_EQ(parsed.request.body, "hello");
    EXPECT_EQ(parsed.request.header("A"), "b");
  }
}

TEST(RequestParser, ReadsChunks) {
  for (const bool bytewise : {false, true}) {
    std::string memory;
    const auto parsed = parse(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: z\r\n\r\n",
        bytewise, memory);
    ASSERT_TRUE(parsed.done);
    EXPECT_EQ(parsed.chunked, "abcde");
  }
}

TEST(RequestParser, RefusesWhatCanBeReadInTwoWays) {
  const std::pair<std::string, BadRequest> cases[] = {
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       BadRequest::malformed},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       BadRequest::malformed},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", BadRequest::unknown_coding},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", BadRequest::malformed},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", BadRequest::malformed},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", BadRequest::malformed},
      {"GET / HTTP/1.1\r\n\r\n", BadRequest::malformed},
      {"GET / HTTP/1.1\nHost: a\n\n", BadRequest::bad_version},
      {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::malformed},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", BadRequest::bad_version},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", BadRequest::malformed},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"s, BadRequest::malformed},
  };
  for (const auto& [text, expected] : cases) {
    std::string memory;
    const auto parsed = parse(text, false, memory);
    EXPECT_EQ(parsed.bad, expected) << text;
    EXPECT_FALSE(parsed.done) << text;
  }
}

TEST(RequestParser, KeepsItsLimits) {
  std::string memory;
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(parse(head + "X: " + std::string(9000, 'a') + "\r\n\r\n", false, memory).bad,
            BadRequest::header_too_large);
  EXPECT_EQ(
      parse("GET /" + std::string(2047, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", false, memory).bad,
      BadRequest::none);
  EXPECT_EQ(
      parse("GET /" + std::string(2048, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", false, memory).bad,
      BadRequest::uri_too_long);
  EXPECT_EQ(
      parse("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", false, memory).bad,
      BadRequest::uri_too_long);
  EXPECT_EQ(parse(head + "Content-Length: 16385\r\n\r\n", false, memory).bad,
            BadRequest::body_too_large);
  EXPECT_EQ(parse(head + "Transfer-Encoding: chunked\r\n\r\n4001\r\n", false, memory).bad,
            BadRequest::body_too_large);
  std::string many = head;
  for (int i = 0; i < 64; ++i) many += "X: y\r\n";
  EXPECT_EQ(parse(many + "\r\n", false, memory).bad, BadRequest::header_too_large);
}

}  // namespace
}  // namespace boxoffice
