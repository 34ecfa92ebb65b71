#include "probes/http.hpp"

#include "probes/tcp.hpp"
#include "probes/tls.hpp"
#include "tests/support/child.hpp"
#include "tests/support/scripted_peer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/ssl/context.hpp>

#include <filesystem>

namespace vnetprobe::http_test {
namespace {

using namespace std::chrono_literals;
using test::Child;
using test::free_port;
using test::ScriptedPeer;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::Le;
using testing::Not;
using testing::SizeIs;
using Socket = asio::ip::tcp::socket;

constexpr auto patient = 20s;    // never reached where an answer comes
constexpr auto silence = 300ms;  // long enough to be sure that loopback had its say

std::string word(const HttpObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "";
}

asio::awaitable<HttpObservation> ask_plain(HttpRequest request, std::uint16_t port, std::chrono::milliseconds limit) {
  const Endpoint remote{.address = "127.0.0.1", .port = port};
  auto opened = co_await open_tcp(remote, patient);
  Connection connection = std::move(opened.socket.value());
  auto seen = co_await observe_http(connection, std::move(request), false, limit);
  co_return seen;
}

asio::awaitable<HttpObservation> ask_tls(HttpRequest request, std::uint16_t port, TlsContext& context,
                                         std::chrono::milliseconds limit) {
  const Endpoint remote{.address = "127.0.0.1", .port = port};
  auto opened = co_await open_tcp(remote, patient);
  TlsRequest wanted;
  wanted.server_name = "a.test";
  auto secured = co_await open_tls(std::move(opened.socket.value()), context, std::move(wanted), patient);
  Connection connection = std::move(secured.stream);
  auto seen = co_await observe_http(connection, std::move(request), false, limit);
  co_return seen;
}

const std::string* header(const HttpObservation& seen, std::string_view name) {
  const auto found = std::ranges::find(seen.headers, name, &HttpHeader::name);
  return found == seen.headers.end() ? nullptr : &found->value;
}

void make_certificate(const TemporaryDirectory& room) {
  Child openssl({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                 "2", "-subj", "/CN=a.test", "-addext", "subjectAltName=DNS:a.test", "-keyout", room.path() / "key.pem",
                 "-out", room.path() / "cert.pem"});
  ASSERT_EQ(openssl.wait(), 0) << openssl.said();
}

TlsContext trusting(const TemporaryDirectory& room) {
  auto made = TlsContext::make({.ca_files = {room.path() / "cert.pem"}});
  return std::move(std::get<TlsContext>(made));
}

class Nginx : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    room_ = new TemporaryDirectory;
    make_certificate(*room_);
    const std::string here = room_->path();
    std::filesystem::permissions(here, std::filesystem::perms::all);
    std::string page;
    for (int line = 0; line < 20'000; ++line) page += "a line of a long page\n";
    room_->write("www/page.txt", page);
    room_->write("www/short.txt", "short");
    plain_ = free_port();
    secure_ = free_port();
    const auto conf = room_->write("nginx.conf", fmt::format(R"(
daemon off; user root; worker_processes 1; pid {0}/pid; error_log stderr notice;
events {{ worker_connections 64; }}
http {{
  access_log off; gzip on; gzip_types text/plain; gzip_min_length 1; root {0}/www;
  client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3; uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5;
  server {{
    listen 127.0.0.1:{1};
    listen 127.0.0.1:{2} ssl;
    ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;
    location = /denied {{
      add_header x-ms-request-id 1 always; add_header x-ms-error-code AuthorizationFailure always;
      add_header Set-Cookie secret=1 always; return 403 "denied\n";
    }}
    location = /firewall {{ return 470 "Action: Deny. Reason: No rule matched. Proceeding with default action."; }}
    location = /sign-in {{ return 302 "https://login.test/?sig=abc"; }}
    location = /nothing {{ return 204; }}
    location = /echo {{ default_type text/plain; return 200 "$request_method $http_host $http_user_agent $http_connection $http_x_ms_version"; }}
    location = /chunked {{ ssi on; ssi_types text/plain; alias {0}/www/short.txt; }}
    location = /old {{ chunked_transfer_encoding off; ssi on; ssi_types text/plain; alias {0}/www/page.txt; }}
  }}
}})",
                                                             here, plain_, secure_));
    server_ = new Child({"nginx", "-p", here, "-c", conf});
    ASSERT_TRUE(server_->says("start worker process ")) << server_->said();
  }
  static void TearDownTestSuite() {
    // The master takes its workers along when it is asked; killed, it would leave them.
    if (server_) {
      ::kill(server_->pid(), SIGTERM);
      server_->wait();
    }
    delete server_;
    delete room_;
  }

  HttpObservation ask(const std::string& path, HttpRequest request = {}) {
    asio::io_context io;
    request.url = fmt::format("http://a.test:{}{}", plain_, path);
    return test::run(io, ask_plain(std::move(request), plain_, patient));
  }

  static inline TemporaryDirectory* room_;
  static inline Child* server_;
  static inline std::uint16_t plain_, secure_;
};

TEST_F(Nginx, AnswersAreKeptAsTheyAre) {
  struct Case {
    std::string path;
    int status;
    std::string reason, excerpt, code;
  };
  for (const auto& c : std::vector<Case>{
           {"/short.txt", 200, "OK", "short", ""},
           {"/denied", 403, "Forbidden", "denied ", "AuthorizationFailure"},
           {"/firewall", 470, "", "Action: Deny. Reason: No rule matched. Proceeding with default action.", ""},
           {"/nothing", 204, "No Content", "", ""},
           {"/chunked", 200, "OK", "short", ""},
       }) {
    const auto seen = ask(c.path);
    EXPECT_EQ(word(seen), "") << c.path << seen.detail.value_or("");
    EXPECT_EQ(seen.status, c.status) << c.path;
    EXPECT_EQ(seen.reason, c.reason) << c.path;
    EXPECT_EQ(seen.body_excerpt, c.excerpt) << c.path;
    EXPECT_EQ(seen.service_error_code.value_or(""), c.code) << c.path;
    EXPECT_EQ(seen.version, "HTTP/1.1") << c.path;
    EXPECT_FALSE(seen.body_truncated) << c.path;
    EXPECT_EQ(seen.remote, (Endpoint{"127.0.0.1", plain_})) << c.path;
    ASSERT_TRUE(seen.clock_offset) << c.path;
    EXPECT_LT(std::chrono::abs(*seen.clock_offset), 60s) << c.path;
  }
}

TEST_F(Nginx, SecretsOfAnAnswerAreNotKept) {
  const auto denied = ask("/denied");
  ASSERT_TRUE(header(denied, "Set-Cookie"));
  EXPECT_EQ(*header(denied, "Set-Cookie"), "[redacted]");
  EXPECT_EQ(*header(denied, "x-ms-request-id"), "1");
  EXPECT_EQ(*header(ask("/sign-in"), "Location"), "https://login.test/?sig=[redacted]");
}

TEST_F(Nginx, SeesTheHeadersThatEveryRequestCarriesAndItsOwn) {
  EXPECT_EQ(ask("/echo", {.headers = {{"x-ms-version", "2019-12-12"}}}).body_excerpt,
            fmt::format("GET a.test:{} vnetprobe/{} close 2019-12-12", plain_, VNETPROBE_VERSION));
  EXPECT_THAT(ask("/echo", {.headers = {{"User-Agent", "browser"}}}).body_excerpt, HasSubstr(" browser close"));
  EXPECT_EQ(ask("/echo", {.absolute_form = true}).status, 200);
}

TEST_F(Nginx, ALongPageIsReadUpToTheBound) {
  for (const auto* path : {"/page.txt", "/old"}) {
    const auto seen = ask(path);
    EXPECT_EQ(word(seen), "") << path;
    EXPECT_EQ(seen.body_bytes, 64U << 10) << path;
    EXPECT_TRUE(seen.body_truncated) << path;
    EXPECT_LE(seen.body_excerpt.size(), 1024U + 3) << path;
  }
}

TEST_F(Nginx, AnAnswerToHeadHasNoBodyToWaitFor) {
  const auto seen = ask("/page.txt", {.method = "HEAD"});
  EXPECT_EQ(word(seen), "");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body_bytes, 0U);
  EXPECT_FALSE(seen.body_truncated);
}

TEST_F(Nginx, AnswersOverTlsToo) {
  asio::io_context io;
  auto context = trusting(*room_);
  for (const auto& [path, status] :
       std::vector<std::pair<std::string, int>>{{"/short.txt", 200}, {"/denied", 403}, {"/old", 200}}) {
    const auto seen = test::run(io, ask_tls({.url = "https://a.test" + path}, secure_, context, patient));
    EXPECT_EQ(word(seen), "") << path;
    EXPECT_EQ(seen.status, status) << path;
  }
}

// Without Connection: close and without a length, the end of the connection is the end of the body.
TEST(HttpProbe, TakesAnAnswerThatEndsWithTheConnection) {
  TemporaryDirectory room;
  make_certificate(room);
  asio::ssl::context keys(asio::ssl::context::tls_server);
  keys.use_certificate_chain_file(room.path() / "cert.pem");
  keys.use_private_key_file(room.path() / "key.pem", asio::ssl::context::pem);
  asio::io_context io;
  ScriptedPeer rude(io, [&keys](Socket socket) -> asio::awaitable<void> {
    asio::ssl::stream<Socket> stream(std::move(socket), keys);
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
    co_await test::read_request(stream);
    co_await test::write_all(stream, "HTTP/1.0 200 OK\r\n\r\nwithout goodbye");
  });
  auto context = trusting(room);
  const auto seen = test::run(io, ask_tls({.url = "https://a.test/"}, rude.port(), context, patient));
  EXPECT_EQ(word(seen), "");
  EXPECT_EQ(seen.version, "HTTP/1.0");
  EXPECT_EQ(seen.body_excerpt, "without goodbye");
  EXPECT_FALSE(seen.body_truncated) << seen.detail.value_or("");
}

// Says `answer`, then waits for the client to go.
ScriptedPeer::Script say(std::string answer) {
  return [answer](Socket socket) -> asio::awaitable<void> {
    co_await test::read_request(socket);
    co_await test::write_all(socket, answer);
    co_await test::wait_for_end(socket);
  };
}

ScriptedPeer::Script say_and_close(std::string answer) {
  return [answer](Socket socket) -> asio::awaitable<void> {
    co_await test::read_request(socket);
    co_await test::write_all(socket, answer);
  };
}

ScriptedPeer::Script say_and_reset(std::string answer) {
  return [answer](Socket socket) -> asio::awaitable<void> {
    co_await test::read_request(socket);
    co_await test::write_all(socket, answer);
    if (!answer.empty()) co_await test::wait_for_end(socket);
    test::reset(socket);
  };
}

// `beginning`, and then `more` until the client is gone.
ScriptedPeer::Script never_end(std::string beginning, std::string more) {
  return [beginning, more](Socket socket) -> asio::awaitable<void> {
    co_await test::read_request(socket);
    co_await test::write_all(socket, beginning);
    for (;;) co_await test::write_all(socket, more);
  };
}

ScriptedPeer::Script drip(std::string answer) {
  return [answer](Socket socket) -> asio::awaitable<void> {
    co_await test::read_request(socket);
    for (const char c : answer) {
      co_await test::write_all(socket, std::string(1, c));
      co_await sleep_for(10ms);
    }
    co_await test::wait_for_end(socket);
  };
}

TEST(HttpProbe, SurvivesWhatNoHonestServerAnswers) {
  struct Case {
    std::string what;
    ScriptedPeer::Script script;
    std::string error;
    int status;
    bool truncated;
    std::string excerpt;
    std::chrono::milliseconds limit = patient;
  };
  const std::string megabyte = "X: " + std::string(1'000'000, 'x') + "\r\n";
  std::string many;
  for (int n = 0; n < 1000; ++n) many += fmt::format("X-{}: y\r\n", n);
  for (const auto& c : std::vector<Case>{
           {"silence", say(""), "timed_out", 0, false, "", silence},
           {"closed at once", say_and_close(""), "closed", 0, false, ""},
           {"closed in the head", say_and_close("HTTP/1.1 200 OK\r\nServ"), "closed", 0, false, ""},
           {"reset", say_and_reset(""), "reset", 0, false, ""},
           {"a megabyte of header", say("HTTP/1.1 200 OK\r\n" + megabyte + "\r\n"), "headers_too_big", 0, false, ""},
           {"headers to no end", never_end("HTTP/1.1 200 OK\r\n", "X: y\r\n"), "headers_too_big", 0, false, ""},
           {"a status line to no end", never_end("HTTP/1.1 200 ", "OK"), "headers_too_big", 0, false, ""},
           {"1000 headers", say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + many + "\r\n"), "", 200, false, ""},
           {"TLS on a plain port", say("\x15\x03\x01\x00\x02\x02\x28"), "malformed", 0, false, "", silence},
           {"an SSH server", say("SSH-2.0-OpenSSH_9.2\r\n"), "malformed", 0, false, ""},
           {"two digits", say("HTTP/1.1 20 OK\r\n\r\n"), "malformed", 0, false, ""},
           {"four digits", say("HTTP/1.1 2000 OK\r\n\r\n"), "malformed", 0, false, ""},
           {"HTTP/2", say("HTTP/2 200\r\n\r\n"), "malformed", 0, false, ""},
           {"a header without a colon", say("HTTP/1.1 200 OK\r\nserver\r\n\r\n"), "malformed", 0, false, ""},
           {"no reason phrase", say("HTTP/1.1 470 \r\nContent-Length: 2\r\n\r\nno"), "", 470, false, "no"},
           {"interim answers",
            say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 "
                "OK\r\nContent-Length: 2\r\n\r\nok"),
            "", 200, false, "ok"},
           {"HTTP/1.0, ended by EOF", say_and_close("HTTP/1.0 200 OK\r\n\r\nold"), "", 200, false, "old"},
           {"a body to no end", never_end("HTTP/1.1 200 OK\r\n\r\n", "0123456789"), "", 200, true, ""},
           {"chunks to no end",
            never_end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "a\r\n0123456789\r\n"), "", 200, true,
            ""},
           {"a body without its rest", say_and_close("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), "", 200, true,
            "half"},
           {"a terabyte announced", say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\nsome"), "", 200, true,
            "some", silence},
           {"more than memory announced", say("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551614\r\n\r\nsome"),
            "", 200, true, "some", silence},
           {"a length of letters", say("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), "malformed", 0, false, ""},
           {"a broken chunk", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"), "", 200,
            true, "ok"},
           {"a byte now and then", drip("HTTP/1.1 200 OK\r\nServer: " + std::string(10'000, 's')), "timed_out", 0,
            false, "", silence},
           {"a body byte now and then", drip("HTTP/1.1 200 OK\r\n\r\n" + std::string(10'000, 's')), "", 200, true, "",
            2 * silence},
       }) {
    asio::io_context io;
    ScriptedPeer server(io, c.script);
    const auto started = Clock::now();
    const auto seen = test::run(io, ask_plain({.url = "http://a.test/"}, server.port(), c.limit));
    EXPECT_EQ(word(seen), c.error) << c.what << ": " << seen.detail.value_or("");
    EXPECT_EQ(seen.status, c.status) << c.what;
    EXPECT_EQ(seen.body_truncated, c.truncated) << c.what;
    EXPECT_THAT(seen.body_excerpt, testing::StartsWith(c.excerpt)) << c.what;
    EXPECT_LE(seen.body_bytes, 64U << 10) << c.what;
    EXPECT_LE(seen.headers.size(), 64U) << c.what;
    EXPECT_LT(Clock::now() - started, patient) << c.what;
  }
}

TEST(HttpProbe, TellsHowABodyBrokeOff) {
  asio::io_context io;
  ScriptedPeer server(io, say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
  const auto seen = test::run(io, ask_plain({.url = "http://a.test/"}, server.port(), silence));
  EXPECT_EQ(seen.detail, "the body broke off after 4 bytes: timed_out");
}

TEST(HttpProbe, SendsABodyOfTheSizeThatItTells) {
  asio::io_context io;
  std::string asked;
  constexpr std::size_t size = 65536;
  ScriptedPeer server(io, [&asked](Socket socket) -> asio::awaitable<void> {
    asked = co_await test::read_request(socket);
    std::size_t received = asked.size() - asked.find("\r\n\r\n") - 4;
    std::string more(8192, ' ');
    while (received < size) received += co_await socket.async_read_some(asio::buffer(more), asio::use_awaitable);
    co_await test::write_all(socket, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  HttpRequest wanted{.method = "POST", .url = "http://a.test/token"};
  wanted.body.assign(size, 'x');
  const auto seen = test::run(io, ask_plain(wanted, server.port(), patient));
  EXPECT_EQ(seen.status, 400);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.request_bytes, static_cast<int>(size));
  EXPECT_THAT(asked, HasSubstr("POST /token HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("\r\nContent-Length: 65536\r\n"));
}

// Reads the request's header and no more, says `answer`, and hangs up on the body that is still on its way.
ScriptedPeer::Script hang_up_early(std::string answer) {
  return [answer](Socket socket) -> asio::awaitable<void> {
    std::string header(64, ' ');
    co_await socket.async_read_some(asio::buffer(header), asio::use_awaitable);
    co_await test::write_all(socket, answer);
    test::reset(socket);
  };
}

TEST(HttpProbe, TakesAnAnswerThatComesBeforeItsRequestIsRead) {
  asio::io_context io;
  HttpRequest wanted{.method = "PUT", .url = "http://a.test/report"};
  wanted.body.assign(std::size_t{32} << 20, 'x');  // more than loopback's buffers hold: sending ends in an error
  ScriptedPeer refuses(io, hang_up_early("HTTP/1.1 403 Expired\r\nContent-Length: 0\r\n\r\n"));
  const auto refused = test::run(io, ask_plain(wanted, refuses.port(), patient));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(word(refused), "");

  asio::io_context another;
  ScriptedPeer hangs_up(another, hang_up_early(""));
  EXPECT_EQ(word(test::run(another, ask_plain(wanted, hangs_up.port(), patient))), "send_failed");
}

TEST(HttpProbe, SendsNoUserAndNoFragmentOfTheUrl) {
  asio::io_context io;
  std::string asked;
  ScriptedPeer server(io, [&asked](Socket socket) -> asio::awaitable<void> {
    asked = co_await test::read_request(socket);
    co_await test::write_all(socket, "HTTP/1.1 204 No Content\r\n\r\n");
  });
  for (const bool absolute : {false, true}) {
    const auto seen = test::run(io, ask_plain({.url = "http://user:word@a.test/p?q#f",
                                               .headers = {{"X", "a\r\nInjected: b"}},
                                               .absolute_form = absolute,
                                               .proxy_credentials = absolute ? "user:pass" : ""},
                                              server.port(), patient));
    EXPECT_EQ(seen.status, 204);
    EXPECT_EQ(seen.url, "http://a.test/p?q#f");
    EXPECT_THAT(asked, HasSubstr(absolute ? "GET http://a.test/p?q HTTP/1.1\r\nHost: a.test\r\n"
                                          : "GET /p?q HTTP/1.1\r\nHost: a.test\r\n"));
    EXPECT_THAT(asked, Not(HasSubstr("word")));
    EXPECT_THAT(asked, Not(HasSubstr("\nInjected")));
    EXPECT_EQ(asked.find("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n") != std::string::npos, absolute);
  }
  EXPECT_EQ(word(test::run(io, ask_plain({.url = "/relative"}, server.port(), patient))), "send_failed");
}

}  // namespace
}  // namespace vnetprobe::http_test
