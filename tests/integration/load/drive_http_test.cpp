// Goal: HTTP as real servers speak it, through a whole load. Method: a server that answers with
// given bytes, and what it was asked for.
#include <gtest/gtest.h>
#include <zlib.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <thread>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;

constexpr int sessions_each = 5;

Drive sessions(std::vector<StepSpec> steps, int count = sessions_each) {
  Drive drive;
  drive.load = regular(count, seconds{1});
  drive.steps = std::move(steps);
  return drive;
}

HttpSpec& http_of(StepSpec& step) { return std::get<HttpSpec>(step.action); }

StepSpec following(StepSpec step, std::uint32_t hops, bool any_host = false) {
  http_of(step).options.redirects = RedirectSpec{hops, any_host};
  return step;
}

StepSpec capturing(StepSpec step, std::string variable, std::string pointer) {
  CaptureSpec capture;
  capture.variable = std::move(variable);
  capture.pointer = std::move(pointer);
  http_of(step).captures.push_back(std::move(capture));
  return step;
}

Reply redirect(unsigned status, const std::string& location) {
  Reply reply;
  reply.status = status;
  reply.headers = "Location: " + location + "\r\n";
  reply.body = "moved";
  return reply;
}

std::string gzip(std::string plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<unsigned char*>(plain.data());
  stream.avail_in = static_cast<unsigned>(plain.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// An answer without a header that the profile requires is an error that names it, whatever its
// status says; what it holds is taken out all the same, and the session goes on.
TEST(DriveHttp, AnAnswerWithoutARequiredHeaderIsAnError) {
  ScriptedServer server([](const Seen& seen) {
    Reply reply;
    reply.body = R"({"id": 7})";
    if (seen.target != "/without" && seen.target != "/refused") {
      reply.headers = "trace-id: 0123456789abcdef\r\n";
    }
    if (seen.target == "/refused") reply.status = 409;
    if (seen.target == "/broken") reply.status = 500;
    return reply;
  });
  Drive drive =
      sessions({get("with", "/with"), capturing(get("without", "/without"), "v", "/id"),
                get("next", "/of/${v}"), get("refused", "/refused"), get("broken", "/broken")});
  drive.http.require = {"Trace-Id"};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  const auto outcome_of = [&driven](const char* step, Outcome outcome) {
    return static_cast<int>(driven.series(step).outcomes[static_cast<std::size_t>(outcome)]);
  };
  EXPECT_EQ(outcome_of("with", Outcome::ok), sessions_each);
  EXPECT_EQ(outcome_of("without", Outcome::assertion_failed), sessions_each);
  EXPECT_EQ(outcome_of("next", Outcome::ok), sessions_each);
  EXPECT_EQ(outcome_of("refused", Outcome::assertion_failed), sessions_each);
  EXPECT_EQ(outcome_of("broken", Outcome::http_error), sessions_each);
  EXPECT_EQ(driven.example(Outcome::assertion_failed),
            "without: status 200: the answer has no header Trace-Id");
}

TEST(DriveHttp, AnyFramingOfTheBodyIsUnderstood) {
  const std::map<std::string, std::string> answers{
      {"/chunked",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n6;a=b\r\n{\"id\":\r\n"
       "2\r\n7}\r\n0\r\nT: late\r\n\r\n"},
      {"/length", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"id\":7}"},
      {"/old", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 8\r\n\r\n{\"id\":7}"},
      {"/interim",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"id\":7}"}};
  for (const bool in_pieces : {false, true}) {
    ScriptedServer server([&answers, in_pieces](const Seen& seen) {
      Reply reply;
      reply.raw = answers.at(seen.target);
      reply.in_pieces = in_pieces;
      return reply;
    });
    std::vector<StepSpec> steps;
    for (const auto& [target, raw] : answers) {
      steps.push_back(capturing(get(target.substr(1), target), "v", "/id"));
    }
    const Driven driven = sessions(steps).against(server.port());
    driven.expect_closed_balance();
    EXPECT_EQ(driven.count(Outcome::ok), answers.size() * sessions_each);
    EXPECT_LE(server.connections, static_cast<unsigned>(sessions_each)) << "all keep alive";
  }
}

TEST(DriveHttp, ABodyMayEndWithTheConnectionAndNoneMayCome) {
  ScriptedServer server([](const Seen& seen) {
    Reply reply;
    if (seen.target == "/end") {
      reply.raw = "HTTP/1.0 200 OK\r\n\r\n{\"id\":7}";
      reply.close_after = true;
    } else if (seen.method == "HEAD") {
      reply.raw = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    } else {
      reply.status = seen.target == "/204" ? 204 : 304;
    }
    return reply;
  });
  StepSpec head = get("head", "/head");
  http_of(head).method = "HEAD";
  const Driven driven = sessions({head, get("none", "/204"), get("same", "/304"),
                                  capturing(get("end", "/end"), "v", "/id")})
                            .against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 4u * sessions_each);
}

TEST(DriveHttp, RedirectsAreAnswersUnlessAskedFor) {
  std::map<std::string, int> asked;
  ScriptedServer server([&asked](const Seen& seen) {
    ++asked[seen.target];
    return redirect(302, "/there");
  });
  const Driven driven = sessions({get("a", "/here")}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::http_error), static_cast<unsigned>(sessions_each));
  EXPECT_EQ(asked.count("/there"), 0u);
  EXPECT_EQ(driven.total().redirects, 0u);
}

// One sample from the first request to the last answer, each hop counted.
TEST(DriveHttp, AFollowedRedirectIsOneSampleOverAllHops) {
  std::map<std::string, std::string> seen_as;
  constexpr milliseconds slow{40};
  ScriptedServer server([&seen_as, slow](const Seen& seen) {
    seen_as[seen.target] = seen.method + " " + seen.body;
    Reply reply;
    if (seen.target == "/one") reply = redirect(307, "two?x=1");
    if (seen.target == "/two?x=1") reply = redirect(303, "/three#part");
    if (seen.target == "/three") reply.body = "{\"id\":7}";
    reply.delay = slow;
    return reply;
  });
  StepSpec step = capturing(following(post("a", "/one", "hello"), 2), "v", "/id");
  const Driven driven = sessions({step}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), static_cast<unsigned>(sessions_each));
  EXPECT_EQ(seen_as["/one"], "POST hello");
  EXPECT_EQ(seen_as["/two?x=1"], "POST hello") << "307 keeps method and body";
  EXPECT_EQ(seen_as["/three"], "GET ") << "303 makes a GET";
  EXPECT_EQ(driven.total().requests_begun, static_cast<unsigned>(sessions_each));
  EXPECT_EQ(driven.total().redirects, 2u * sessions_each);
  EXPECT_GE(*driven.series("a").service.min(), 3 * slow) << "all three answers";
}

TEST(DriveHttp, ALoopOrAnotherHostEndsAsAnErrorWithWords) {
  ScriptedServer loop([](const Seen& seen) { return redirect(302, seen.target); });
  const Driven round = sessions({following(get("a", "/round"), 3)}).against(loop.port());
  round.expect_closed_balance();
  EXPECT_EQ(round.count(Outcome::http_error), static_cast<unsigned>(sessions_each));
  EXPECT_EQ(round.total().redirects, 3u * sessions_each);
  EXPECT_EQ(round.example(Outcome::http_error),
            "a: status 302: more than 3 redirects, the last one to /round");

  ScriptedServer away([](const Seen& seen) {
    return seen.target == "/x" ? Reply{} : redirect(301, "http://elsewhere.example/x");
  });
  const Driven refused = sessions({following(get("a", "/"), 3)}).against(away.port());
  EXPECT_EQ(refused.count(Outcome::http_error), static_cast<unsigned>(sessions_each));
  EXPECT_EQ(refused.example(Outcome::http_error)
                .find("a: status 301: redirected to another host: http://elsewhere.example/x"),
            0u);
  const Driven allowed = sessions({following(get("a", "/"), 3, true)}).against(away.port());
  EXPECT_EQ(allowed.count(Outcome::ok), static_cast<unsigned>(sessions_each));
}

std::string line_of(const Seen& seen, const std::string& name) {
  const std::size_t at = seen.head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "-";
  const std::size_t begin = at + name.size() + 4;
  return seen.head.substr(begin, seen.head.find("\r\n", begin) - begin);
}

TEST(DriveHttp, CookiesComeBackWithinASessionAndNotInTheNext) {
  std::vector<std::string> sent;
  ScriptedServer server([&sent](const Seen& seen) {
    sent.push_back(seen.target + " " + line_of(seen, "Cookie"));
    Reply reply;
    if (seen.target == "/login") {
      reply = redirect(302, "/home");
      reply.headers += "Set-Cookie: id=" + std::to_string(seen.number) + "; Path=/; HttpOnly\r\n";
      reply.headers +=
          "Set-Cookie: other=1; Path=/else\r\nSet-Cookie: x=y; Domain=evil.example\r\n";
    }
    return reply;
  });
  Drive drive = sessions({following(get("login", "/login"), 5), get("use", "/use")}, 2);
  drive.http.cookies = true;
  drive.load = ClosedLoad{1, {{milliseconds{100}, 1}}};
  drive.model = "closed";
  drive.length = milliseconds{100};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  ASSERT_GE(sent.size(), 6u);
  EXPECT_EQ(sent[0], "/login -");
  EXPECT_EQ(sent[1], "/home id=0");
  EXPECT_EQ(sent[2], "/use id=0");
  EXPECT_EQ(sent[3], "/login -") << "a new session is a new person";
  EXPECT_EQ(sent[4], "/home id=3");
}

TEST(DriveHttp, CompressionIsAskedForAndUndone) {
  const std::string plain = "{\"id\":7,\"text\":\"" + std::string(5000, 'x') + "\"}";
  std::string accepted;
  ScriptedServer server([&plain, &accepted](const Seen& seen) {
    accepted = line_of(seen, "Accept-Encoding");
    Reply reply;
    const bool plainly = accepted == "-";
    if (!plainly) reply.headers = "Content-Encoding: gzip\r\n";
    reply.body = plainly ? plain : gzip(plain);
    return reply;
  });
  StepSpec step = capturing(get("a", "/"), "v", "/id");
  const Driven off = sessions({step}).against(server.port());
  EXPECT_EQ(off.count(Outcome::ok), static_cast<unsigned>(sessions_each));
  EXPECT_EQ(accepted, "-");
  EXPECT_GT(off.total().bytes_in, 5000u * sessions_each);
  http_of(step).options.compression = "gzip";
  const Driven on = sessions({step}).against(server.port());
  on.expect_closed_balance();
  EXPECT_EQ(on.count(Outcome::ok), static_cast<unsigned>(sessions_each));
  EXPECT_EQ(accepted, "gzip");
  EXPECT_LT(on.total().bytes_in, 1000u * sessions_each) << "as on the wire";
}

TEST(DriveHttp, LargeBodiesAreCountedOrBoundedWithWords) {
  const std::string large(20 << 20, 'x');
  ScriptedServer server([&large](const Seen&) {
    Reply reply;
    reply.body = large;
    return reply;
  });
  const Driven counted = sessions({get("a", "/", seconds{30})}, 1).against(server.port());
  EXPECT_EQ(counted.count(Outcome::ok), 1u) << "nothing of it is needed";
  EXPECT_GT(counted.total().bytes_in, large.size());
  const Driven kept =
      sessions({capturing(get("a", "/", seconds{30}), "v", "/id")}, 1).against(server.port());
  EXPECT_EQ(kept.count(Outcome::malformed), 1u);
  EXPECT_EQ(kept.example(Outcome::malformed),
            "a: the answer's body is longer than 1048576 bytes (`body_max`)");
}

// The server says no after the header of a large upload and closes.
TEST(DriveHttp, AnEarlyAnswerToALargeUploadIsHeard) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
  const std::uint16_t port = acceptor.local_endpoint().port();
  std::jthread server([&acceptor, &io] {
    for (int i = 0; i < 2; ++i) {
      boost::asio::ip::tcp::socket socket(io);
      acceptor.accept(socket);
      std::string begin(1000, ' ');
      socket.read_some(boost::asio::buffer(begin));
      const std::string no =
          "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      boost::asio::write(socket, boost::asio::buffer(no));
      socket.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
      if (i == 0) continue;  // resets: much was not read
      boost::system::error_code error;
      while (!error) socket.read_some(boost::asio::buffer(begin), error);
    }
  });
  StepSpec upload = get("upload", "/");
  http_of(upload).method = "POST";
  http_of(upload).body_file = std::make_shared<const std::string>(8 << 20, 'x');
  http_of(upload).expect.rule = std::vector<unsigned>{413};
  const Driven driven = sessions({upload}, 2).against(port);
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::rule), 2u) << driven.example(Outcome::disconnected);
}

TEST(DriveHttp, QueriesFormsFilesAndCredentialsAreWrittenAsMeant) {
  std::vector<Seen> requests;
  ScriptedServer server([&requests](const Seen& seen) {
    requests.push_back(seen);
    return Reply{};
  });
  StepSpec query = get("query", "/find?a=1");
  http_of(query).query = {{"q", Source{"x & ${session} ü", {}}}, {"tag", Source{"b/c", {}}}};
  http_of(query).options.auth =
      AuthSpec{AuthSpec::Kind::basic, Source{"me", {}}, Source{"s${session}", {}}};
  StepSpec form = get("form", "/form");
  http_of(form).method = "POST";
  http_of(form).form = {{"name", Source{"a b+c", {}}}, {"n", Source{"${session}", {}}}};
  StepSpec file = get("file", "/file");
  http_of(file).method = "PUT";
  http_of(file).body_file = std::make_shared<const std::string>("\0\1${raw}", 8);
  Drive drive = sessions({query, form, file}, 1);
  drive.http.options.auth = AuthSpec{AuthSpec::Kind::bearer, {}, Source{"t-${session}", {}}};
  drive.http.headers = {{"Accept", Source{"application/json", {}}}};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].target, "/find?a=1&q=x%20%26%200%20%C3%BC&tag=b%2Fc");
  EXPECT_EQ(line_of(requests[0], "Authorization"), "Basic bWU6czA=") << "me:s0";
  EXPECT_EQ(line_of(requests[1], "Authorization"), "Bearer t-0");
  EXPECT_EQ(line_of(requests[1], "Accept"), "application/json");
  EXPECT_EQ(requests[1].body, "name=a+b%2Bc&n=0");
  EXPECT_EQ(requests[2].body, std::string("\0\1${raw}", 8));
}

}  // namespace
}  // namespace stampede::test
