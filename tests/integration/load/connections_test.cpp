// Goal: connections are made as the profile says, over every kind of address and over TLS, and each
// way in which one cannot be made is counted in a class of its own. Method: real sockets and
// OpenSSL's server side; certificates are made by the test.
#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>

#include <deque>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/stream_server.hpp"

namespace stampede::test {
namespace {

namespace asio = boost::asio;
using ::test::Authority;
using ::test::StreamServer;
using ::test::StreamServerOptions;

Authority& authority() {
  static Authority one;
  return one;
}

constexpr const char* good_names = "DNS:shop.example,IP:127.0.0.1";

StreamServerOptions secure(const std::string& names = good_names, int from_day = -1,
                           int to_day = 2) {
  StreamServerOptions options;
  options.certificate = authority().issue(names, from_day, to_day);
  return options;
}

// So many sessions of one request each, within half a second.
Drive few(std::uint64_t sessions) {
  Drive drive;
  drive.load = regular(static_cast<double>(2 * sessions), milliseconds{500});
  drive.length = milliseconds{500};
  drive.steps = {get("home", "/")};
  return drive;
}

Drive few_secure(std::uint64_t sessions) {
  Drive drive = few(sessions);
  drive.target.use_tls = true;
  drive.target.host_header.clear();
  drive.target.tls.ca_file = authority().ca_file();
  return drive;
}

// ---- TLS

TEST(Tls, AVerifiedConnectionWithNameAndProtocol) {
  StreamServer server(secure());
  Drive drive = few_secure(20);
  drive.target.connection.host = "shop.example";
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 20u) << driven.example(Outcome::connect_failed);
  EXPECT_EQ(server.server_names(), std::set<std::string>{"shop.example"});
  EXPECT_EQ(server.protocols(), std::set<std::string>{"http/1.1"});
  EXPECT_EQ(server.versions(), std::set<std::string>{"TLSv1.3"});
  EXPECT_EQ(server.hosts(), std::set<std::string>{"shop.example"});
  EXPECT_EQ(driven.total().connecting.tls.count(), server.handshakes);
  EXPECT_EQ(driven.total().connecting.connect.count(), server.connections);
  EXPECT_EQ(driven.total().connecting.dns.count(), 0u);
}

TEST(Tls, AnAddressIsVerifiedAndNotSentAsAName) {
  StreamServer server(secure());
  const Driven driven = few_secure(5).against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 5u) << driven.example(Outcome::connect_failed);
  EXPECT_EQ(server.server_names(), std::set<std::string>{""});
}

TEST(Tls, OlderAndNewerVersionsAsTheProfileLimitsThem) {
  StreamServer server(secure());
  Drive drive = few_secure(5);
  drive.target.tls.max_version = TlsVersion::tls_1_2;
  drive.target.tls.alpn = false;
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 5u) << driven.example(Outcome::connect_failed);
  EXPECT_EQ(server.versions(), std::set<std::string>{"TLSv1.2"});
  EXPECT_TRUE(server.protocols().empty());
}

struct Refusal {
  const char* what;
  Failure failure;
  const char* text;
  std::function<void(StreamServerOptions&, Drive&)> prepare;
};

TEST(Tls, EachReasonForAFailureIsItsOwnClass) {
  const std::vector<Refusal> table{
      {"expired", Failure::tls_expired, "expired",
       [](auto& server, auto&) { server = secure(good_names, -3, -1); }},
      {"not yet", Failure::tls_expired, "not yet valid",
       [](auto& server, auto&) { server = secure(good_names, 1, 2); }},
      {"wrong name", Failure::tls_name_mismatch, "mismatch",
       [](auto& server, auto&) { server = secure("DNS:other.example,IP:10.9.8.7"); }},
      {"unknown CA", Failure::tls_untrusted, "certificate",
       [](auto&, Drive& drive) { drive.target.tls.ca_file.clear(); }},
      {"no version in common", Failure::tls_protocol, "",
       [](auto& server, Drive& drive) {
         server.max_version = TLS1_2_VERSION;
         drive.target.tls.min_version = TlsVersion::tls_1_3;
       }},
      {"no TLS at all", Failure::tls_protocol, "wrong version number",
       [](auto& server, auto&) {
         server.certificate = {};
         server.greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
       }},
      {"client certificate, 1.3", Failure::tls_client_certificate, "asked for a client",
       [](auto& server, auto&) { server.client_ca = authority().ca_file(); }},
      {"client certificate, 1.2", Failure::tls_client_certificate, "asked for a client",
       [](auto& server, Drive& drive) {
         server.client_ca = authority().ca_file();
         drive.target.tls.max_version = TlsVersion::tls_1_2;
       }},
  };
  for (const Refusal& refusal : table) {
    SCOPED_TRACE(refusal.what);
    StreamServerOptions options = secure();
    Drive drive = few_secure(10);
    refusal.prepare(options, drive);
    StreamServer server(options);
    const Driven driven = drive.against(server.port());
    driven.expect_closed_balance();
    EXPECT_EQ(driven.count(Outcome::connect_failed), 10u);
    EXPECT_EQ(driven.failures(refusal.failure), 10u);
    EXPECT_NE(driven.example(refusal.failure).find(refusal.text), std::string::npos)
        << driven.example(refusal.failure);
    EXPECT_NE(advice_on(refusal.failure), "");
  }
}

TEST(Tls, AClientCertificateIsShown) {
  StreamServerOptions options = secure();
  options.client_ca = authority().ca_file();
  StreamServer server(options);
  Drive drive = few_secure(5);
  const ::test::IssuedFiles own = authority().issue("DNS:client");
  drive.target.tls.certificate_file = own.certificate;
  drive.target.tls.key_file = own.key;
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 5u) << driven.example(Outcome::connect_failed);
}

TEST(Tls, InsecureAcceptsWhatNobodyVouchesFor) {
  StreamServer server(secure("DNS:other.example", -3, -1));
  Drive drive = few_secure(5);
  drive.target.tls.ca_file.clear();
  drive.target.tls.insecure = true;
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 5u) << driven.example(Outcome::connect_failed);
}

TEST(Tls, SessionsAreResumedByTheSameUserOrByTheWorkerOrNotAtAll) {
  for (const TlsVersion version : {TlsVersion::tls_1_2, TlsVersion::tls_1_3}) {
    for (const TlsResumption how :
         {TlsResumption::user, TlsResumption::worker, TlsResumption::none}) {
      StreamServer server(secure());
      Drive drive = few_secure(0);
      drive.model = "closed";
      drive.load = ClosedLoad{2, {{milliseconds{500}, 2}}};
      drive.target.tls.max_version = version;
      drive.target.tls.resumption = how;
      drive.target.connection.max_requests = 1;
      drive.steps = {get("first", "/"), think(0.02), get("second", "/"), think(0.05)};
      const Driven driven = drive.against(server.port());
      driven.expect_closed_balance();
      SCOPED_TRACE(static_cast<int>(how));
      EXPECT_GT(driven.count(Outcome::ok), 8u);
      EXPECT_EQ(driven.total().connecting.tls.count(), server.handshakes);
      EXPECT_EQ(driven.total().connecting.tls_resumed, server.resumed);
      if (how == TlsResumption::none) {
        EXPECT_EQ(server.resumed, 0u);
      } else if (how == TlsResumption::user) {
        EXPECT_EQ(server.resumed, server.handshakes - 2) << "each user's first is a full one";
      } else {
        EXPECT_GT(server.resumed, server.handshakes / 2);
      }
    }
  }
}

TEST(Tls, ALargeBodyComesWhole) {
  StreamServerOptions options = secure();
  options.body.assign(900'000, 'x');
  StreamServer server(options);
  Drive drive = few_secure(5);
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 5u) << driven.example(Outcome::disconnected);
  EXPECT_GT(driven.total().bytes_in, 5u * 900'000);
}

TEST(Tls, AServerThatClosesBetweenRequestsIsNoticed) {
  StreamServerOptions options = secure();
  options.answers_max = 1;
  StreamServer server(options);
  Drive drive = few_secure(5);
  drive.steps = {get("first", "/"), think(0.05), get("second", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 10u) << driven.example(Outcome::disconnected);
}

TEST(Tls, AWebSocketOverIt) {
  StreamServer server(secure());
  Drive drive = few_secure(5);
  drive.steps = {ws_connect("/ws"), ws_await("/t", "hello"), ws_send(R"({"t":"echo"})"),
                 ws_await("/t", "echo")};
  drive.steps.back().name = "echo";
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 15u) << driven.all_failures();
  EXPECT_EQ(server.handshakes, 5u);
}

TEST(Tls, FilesThatAreNotUsableAreNamedBeforeTheStart) {
  Drive drive = few_secure(1);
  drive.target.tls.ca_file = "/nonexistent/ca.pem";
  try {
    (void)drive.against(1);
    FAIL() << "must throw";
  } catch (const std::runtime_error& problem) {
    EXPECT_NE(std::string(problem.what()).find("tls.ca_file /nonexistent/ca.pem"),
              std::string::npos)
        << problem.what();
  }
}

// ---- addresses

TEST(Addresses, UnixDomainSocket) {
  StreamServerOptions options;
  options.socket_path = (authority().folder() / "web.sock").string();
  StreamServer server(options);
  Drive drive = few(10);
  drive.target.socket_path = options.socket_path;
  drive.target.host_header.clear();
  const Driven driven = drive.against(0);
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 10u) << driven.example(Outcome::connect_failed);
  EXPECT_EQ(server.hosts(), std::set<std::string>{"localhost"});
}

TEST(Addresses, AUnixDomainSocketThatIsNotThereIsRefused) {
  Drive drive = few(4);
  drive.target.socket_path = "/nonexistent.sock";
  const Driven driven = drive.against(0);
  EXPECT_EQ(driven.failures(Failure::refused), 4u);
}

TEST(Addresses, SixthVersion) {
  StreamServerOptions options;
  options.address = "::1";
  StreamServer server(options);
  Drive drive = few(10);
  drive.target.host = "::1";
  drive.target.host_header.clear();
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 10u) << driven.example(Outcome::connect_failed);
  EXPECT_EQ(server.hosts(), std::set<std::string>{fmt::format("[::1]:{}", server.port())});
}

TEST(Addresses, ANameIsAskedForOnceOrByEachConnection) {
  addrinfo* known = nullptr;
  if (getaddrinfo("localhost", "80", nullptr, &known) != 0) {
    GTEST_SKIP() << "this machine does not know localhost (no /etc/hosts)";
  }
  freeaddrinfo(known);
  for (const DnsPolicy policy : {DnsPolicy::start, DnsPolicy::connect}) {
    StreamServer server({});
    Drive drive = few(10);
    drive.target.host = "localhost";
    drive.target.connection.dns = policy;
    drive.target.connection.max_requests = 1;
    const Driven driven = drive.against(server.port());
    driven.expect_closed_balance();
    EXPECT_EQ(driven.count(Outcome::ok), 10u) << driven.example(Outcome::connect_failed);
    EXPECT_EQ(driven.total().connecting.dns.count(), policy == DnsPolicy::start ? 0u : 10u);
  }
}

TEST(Addresses, ANameThatDoesNotResolve) {
  Drive drive = few(6);
  drive.target.host = "no-such-host.invalid";
  EXPECT_THROW((void)drive.against(80), std::runtime_error);
  drive.target.connection.dns = DnsPolicy::connect;
  const Driven driven = drive.against(80);
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::connect_failed), 6u);
  EXPECT_EQ(driven.failures(Failure::unresolved), 6u);
  EXPECT_NE(driven.example(Failure::unresolved).find("no-such-host.invalid"), std::string::npos);
}

TEST(Addresses, SourcesAreTakenInTurn) {
  StreamServer server({});
  Drive drive = few(12);
  drive.target.connection.max_requests = 1;
  drive.target.connection.sources = {*parse_address_range("127.0.0.2-127.0.0.4")};
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 12u) << driven.example(Outcome::connect_failed);
  EXPECT_EQ(server.peers(), (std::set<std::string>{"127.0.0.2", "127.0.0.3", "127.0.0.4"}));
}

TEST(Addresses, ASourceThatIsNotOurs) {
  StreamServer server({});
  Drive drive = few(4);
  drive.target.connection.sources = {*parse_address_range("192.0.2.1")};
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.failures(Failure::bad_source), 4u);
}

// ---- how long a connection is used

TEST(ConnectionPolicy, ReusedByDefault) {
  StreamServer server({});
  Drive drive = few(4);
  drive.steps = {get("a", "/"), get("b", "/"), get("c", "/")};
  drive.model = "partly-open";
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 12u);
  EXPECT_EQ(server.connections, 4u);
}

TEST(ConnectionPolicy, ANewOneForEachRequestIsAnnounced) {
  StreamServer server({});
  Drive drive = few(4);
  drive.steps = {get("a", "/"), get("b", "/"), get("c", "/")};
  drive.target.connection.max_requests = 1;
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 12u);
  EXPECT_EQ(server.connections, 12u);
  EXPECT_NE(server.last_head().find("Connection: close\r\n"), std::string::npos);
}

TEST(ConnectionPolicy, SoManyRequests) {
  StreamServer server({});
  Drive drive = few(3);
  drive.steps = {get("a", "/"), get("b", "/"), get("c", "/"), get("d", "/"), get("e", "/")};
  drive.model = "partly-open";
  drive.target.connection.max_requests = 2;
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 15u);
  EXPECT_EQ(server.connections, 9u);
}

TEST(ConnectionPolicy, SoOld) {
  StreamServer server({});
  Drive drive = few(3);
  drive.steps = {get("a", "/"), get("b", "/"), think(0.3), get("c", "/"), get("d", "/")};
  drive.model = "partly-open";
  drive.target.connection.max_age = milliseconds{250};
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 12u);
  EXPECT_GE(server.connections, 6u);
}

TEST(ConnectionPolicy, TheServersWishIsHonoured) {
  StreamServerOptions options;
  for (const bool old : {false, true}) {
    if (old) options.protocol = "HTTP/1.0";
    options.headers = old ? "" : "Connection: close\r\n";
    StreamServer server(options);
    Drive drive = few(3);
    drive.steps = {get("a", "/"), get("b", "/")};
    const Driven driven = drive.against(server.port());
    EXPECT_EQ(driven.count(Outcome::ok), 6u);
    EXPECT_EQ(server.connections, 6u);
  }
}

// ---- when it does not work

// A listener whose queue is full does not answer: what else is sent to it is dropped.
class FullListener {
 public:
  FullListener() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
    acceptor_.listen(0);
    for (int i = 0; i < 8; ++i) {
      auto& socket = waiting_.emplace_back(io_, asio::ip::tcp::v4());
      socket.native_non_blocking(true);
      const auto to = acceptor_.local_endpoint();
      // Subtle: asio's own would wait for an answer.
      (void)::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size()));
    }
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::deque<asio::ip::tcp::socket> waiting_;
};

TEST(ConnectFailure, NoAnswerWithinTheTimeAllowed) {
  FullListener listener;
  Drive drive = few(4);
  drive.target.connection.connect_timeout = milliseconds{100};
  const Driven driven = drive.against(listener.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::connect_failed), 4u);
  EXPECT_EQ(driven.failures(Failure::connect_timeout), 4u);
  EXPECT_NE(driven.example(Failure::connect_timeout).find("connect_timeout"), std::string::npos);
}

TEST(ConnectFailure, TheStepsTimeoutHoldsForConnectingToo) {
  FullListener listener;
  Drive drive = few(4);
  drive.steps = {get("home", "/", milliseconds{100})};
  drive.target.connection.connect_timeout = seconds{5};
  const Driven driven = drive.against(listener.port());
  EXPECT_EQ(driven.count(Outcome::timed_out), 4u);
  EXPECT_EQ(driven.failures(Failure::connect_timeout), 4u);
}

TEST(ConnectFailure, ATlsHandshakeThatStallsIsCut) {
  ::test::ScriptedServer silent([](const ::test::Seen&) { return ::test::Reply{}; });
  Drive drive = few_secure(4);
  drive.target.connection.connect_timeout = milliseconds{100};
  const Driven driven = drive.against(silent.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.failures(Failure::connect_timeout), 4u);
}

TEST(ConnectFailure, Refused) {
  const Driven driven = few(4).against(::test::unused_port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.failures(Failure::refused), 4u);
  EXPECT_EQ(driven.total().connecting.connect.count(), 0u);
}

TEST(ConnectFailure, ResetsAndEarlyEndsAreToldApart) {
  for (const auto& [kind, failure] :
       {std::pair{::test::Reply::Kind::reset, Failure::reset},
        std::pair{::test::Reply::Kind::half_body, Failure::closed},
        std::pair{::test::Reply::Kind::garbage, Failure::malformed}}) {
    ::test::ScriptedServer server([how = kind](const ::test::Seen&) {
      ::test::Reply reply;
      reply.kind = how;
      return reply;
    });
    const Driven driven = few(4).against(server.port());
    EXPECT_EQ(driven.failures(failure), 4u) << name_of(failure) << driven.all_failures();
    EXPECT_NE(driven.example(failure), "");
  }
}

}  // namespace
}  // namespace stampede::test
