#include "probes/websocket.hpp"

#include "probes/http.hpp"
#include "probes/tcp.hpp"
#include "probes/tls.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/child.hpp"
#include "tests/support/scripted_peer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <boost/asio/read.hpp>
#include <boost/json/parse.hpp>

namespace vnetprobe::websocket_test {
namespace {

using namespace std::chrono_literals;
using test::Child;
using test::free_port;
using test::ScriptedPeer;
using test::TemporaryDirectory;
using testing::HasSubstr;
using Socket = asio::ip::tcp::socket;

constexpr auto patient = 20s;    // never reached where an answer comes
constexpr auto silence = 300ms;  // long enough to be sure that loopback had its say

std::string word(const WebsocketObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "";
}

asio::awaitable<WebsocketObservation> ask_plain(WebsocketRequest request, std::uint16_t port,
                                                std::chrono::milliseconds limit) {
  const Endpoint remote{.address = "127.0.0.1", .port = port};
  auto opened = co_await open_tcp(remote, patient);
  Connection connection = std::move(opened.socket.value());
  auto seen = co_await observe_websocket(connection, std::move(request), false, limit);
  co_return seen;
}

asio::awaitable<WebsocketObservation> ask_tls(WebsocketRequest request, std::uint16_t port, TlsContext& context) {
  const Endpoint remote{.address = "127.0.0.1", .port = port};
  auto opened = co_await open_tcp(remote, patient);
  TlsRequest wanted;
  wanted.server_name = "a.test";
  auto secured = co_await open_tls(std::move(opened.socket.value()), context, std::move(wanted), patient);
  Connection connection = std::move(secured.stream);
  auto seen = co_await observe_websocket(connection, std::move(request), false, patient);
  co_return seen;
}

asio::awaitable<HttpObservation> request(HttpRequest wanted, std::uint16_t port) {
  const Endpoint remote{.address = "127.0.0.1", .port = port};
  auto opened = co_await open_tcp(remote, patient);
  Connection connection = std::move(opened.socket.value());
  auto seen = co_await observe_http(connection, std::move(wanted), false, patient);
  co_return seen;
}

// A Jupyter server with one kernel, and nginx before it: once as it has to be, once as a proxy that knows no WebSocket.
class Jupyter : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    room_ = new TemporaryDirectory;
    const std::string here = room_->path();
    port_ = free_port();
    server_ = new Child({"env", "HOME=" + here, "JUPYTER_RUNTIME_DIR=" + here, "/usr/bin/python3", "-m",
                         "jupyter_server", "--ServerApp.ip=127.0.0.1", fmt::format("--ServerApp.port={}", port_),
                         "--ServerApp.port_retries=0", "--no-browser", "--allow-root", "--ServerApp.token=test-token",
                         "--ServerApp.allow_remote_access=True", "--ServerApp.root_dir=" + here});
    ASSERT_TRUE(server_->says("is running at")) << server_->said();
    asio::io_context io;
    const auto made =
        test::run(io, request({.method = "POST",
                               .url = fmt::format("http://127.0.0.1:{}/api/kernels", port_),
                               .headers = {{"Authorization", "token test-token"}, {"Content-Length", "0"}}},
                              port_));
    ASSERT_EQ(made.status, 201) << made.body_excerpt;
    kernel_ = boost::json::parse(made.body_excerpt).at("id").as_string().c_str();
    start_nginx();
  }

  static void start_nginx() {
    const std::string here = room_->path();
    std::filesystem::permissions(here, std::filesystem::perms::all);
    const test::Identity identity({.common_name = "a.test", .names = {"DNS:a.test"}, .authority = true});
    room_->write("cert.pem", identity.certificate_pem());
    room_->write("key.pem", identity.key_pem());
    good_ = free_port();
    stripping_ = free_port();
    const auto conf = room_->write("nginx.conf", fmt::format(R"(
daemon off; user root; worker_processes 1; pid {0}/pid; error_log stderr notice;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3; uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5;
  ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem; proxy_http_version 1.1; proxy_set_header Host $http_host;
  server {{
    listen 127.0.0.1:{1} ssl;
    location / {{
      proxy_pass http://127.0.0.1:{3};
      proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
    }}
  }}
  server {{ listen 127.0.0.1:{2} ssl; location / {{ proxy_pass http://127.0.0.1:{3}; }} }}
}})",
                                                             here, good_, stripping_, port_));
    nginx_ = new Child({"nginx", "-p", here, "-c", conf});
    ASSERT_TRUE(nginx_->says("start worker process ")) << nginx_->said();
  }

  static void TearDownTestSuite() {
    // Asked to, they take their kernels and workers along; killed, they would leave them.
    for (Child* child : {nginx_, server_}) {
      if (!child) continue;
      ::kill(child->pid(), SIGTERM);
      child->wait();
      delete child;
    }
    delete room_;
  }

  static WebsocketRequest channel(const std::string& origin, bool token) {
    WebsocketRequest wanted{.url = fmt::format("{}/api/kernels/{}/channels?session_id=1", origin, kernel_),
                            .pong_limit = patient};
    if (token) wanted.headers.push_back({"Authorization", "token test-token"});
    return wanted;
  }

  static TlsContext trusting() {
    auto made = TlsContext::make({.ca_files = {room_->path() / "cert.pem"}});
    return std::move(std::get<TlsContext>(made));
  }

  static inline TemporaryDirectory* room_;
  static inline Child *server_, *nginx_;
  static inline std::uint16_t port_, good_, stripping_;
  static inline std::string kernel_;
};

TEST_F(Jupyter, KernelChannelUpgradesAndAnswersPing) {
  asio::io_context io;
  auto context = trusting();
  for (const bool secure : {false, true}) {
    const auto seen =
        secure ? test::run(io, ask_tls(channel("wss://a.test", true), good_, context))
               : test::run(io, ask_plain(channel(fmt::format("ws://127.0.0.1:{}", port_), true), port_, patient));
    EXPECT_EQ(word(seen), "") << seen.detail.value_or("");
    EXPECT_EQ(seen.status, 101);
    EXPECT_TRUE(seen.upgraded && seen.accept_valid);
    EXPECT_TRUE(seen.pong_after);
    EXPECT_EQ(seen.close_code, 1000);
    EXPECT_LT(seen.duration, patient);
  }
}

TEST_F(Jupyter, RefusesWithoutAToken) {
  asio::io_context io;
  auto context = trusting();
  for (const bool secure : {false, true}) {
    const auto seen =
        secure ? test::run(io, ask_tls(channel("wss://a.test", false), good_, context))
               : test::run(io, ask_plain(channel(fmt::format("ws://127.0.0.1:{}", port_), false), port_, patient));
    EXPECT_EQ(word(seen), "not_upgraded");
    EXPECT_EQ(seen.status, 403);
    EXPECT_EQ(seen.reason, "Forbidden");
    EXPECT_FALSE(seen.upgraded);
    EXPECT_THAT(seen.body_excerpt, HasSubstr("<title>Jupyter Server</title>"));
    ASSERT_TRUE(seen.clock_offset);
  }
}

TEST_F(Jupyter, BehindAProxyThatStripsUpgradeAnswers400) {
  asio::io_context io;
  auto context = trusting();
  const auto seen = test::run(io, ask_tls(channel("wss://a.test", true), stripping_, context));
  EXPECT_EQ(word(seen), "not_upgraded");
  EXPECT_EQ(seen.status, 400);
  EXPECT_THAT(seen.body_excerpt, HasSubstr("Upgrade"));
}

// ---- servers by hand ----

std::string accept_of(const std::string& request) {
  const std::string name = "Sec-WebSocket-Key: ";
  const auto from = request.find(name) + name.size();
  const std::string text =
      request.substr(from, request.find("\r\n", from) - from) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH], encoded[64];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  const int size = EVP_EncodeBlock(encoded, digest, sizeof digest);
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size)};
}

std::string switching(const std::string& accept) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         accept + "\r\n\r\n";
}

// A frame shorter than 126 bytes, as a server sends it; the first byte is FIN and the opcode.
std::string frame(unsigned char first, const std::string& payload) {
  return std::string{static_cast<char>(first), static_cast<char>(payload.size())} + payload;
}

struct Frame {
  unsigned char first{};
  std::string payload;
};

// A masked frame shorter than 126 bytes, as a client sends it.
asio::awaitable<Frame> read_frame(Socket& socket) {
  unsigned char head[6];
  co_await asio::async_read(socket, asio::buffer(head), asio::use_awaitable);
  Frame read{.first = head[0], .payload = std::string(head[1] & 0x7FU, '\0')};
  co_await asio::async_read(socket, asio::buffer(read.payload), asio::use_awaitable);
  for (std::size_t i = 0; i < read.payload.size(); ++i)
    read.payload[i] = static_cast<char>(static_cast<unsigned char>(read.payload[i]) ^ head[2 + i % 4]);
  co_return read;
}

ScriptedPeer::Script say(std::string answer) {
  return [answer](Socket socket) -> asio::awaitable<void> {
    co_await test::read_request(socket);
    co_await test::write_all(socket, answer);
    co_await test::wait_for_end(socket);
  };
}

enum class Then { wait, close, reset };

// Upgrades, says `frames` at once, and then waits, closes or resets.
ScriptedPeer::Script upgrade_and_say(std::string frames, Then then) {
  return [frames, then](Socket socket) -> asio::awaitable<void> {
    const std::string request = co_await test::read_request(socket);
    co_await test::write_all(socket, switching(accept_of(request)) + frames);
    if (then == Then::wait) co_await test::wait_for_end(socket);
    if (then == Then::reset) {
      co_await read_frame(socket);
      test::reset(socket);
    }
  };
}

// Upgrades, says `before`, answers the ping with `pong`, and the close with a close.
ScriptedPeer::Script upgrade_and_answer(std::string before, std::string pong) {
  return [before, pong](Socket socket) -> asio::awaitable<void> {
    const std::string request = co_await test::read_request(socket);
    co_await test::write_all(socket, switching(accept_of(request)) + before);
    for (;;) {
      const Frame received = co_await read_frame(socket);
      if (received.first == 0x89) co_await test::write_all(socket, pong);
      if (received.first == 0x88) co_await test::write_all(socket, frame(0x88, received.payload));
    }
  };
}

ScriptedPeer::Script never_end(std::string beginning, std::string more, bool upgraded) {
  return [=](Socket socket) -> asio::awaitable<void> {
    const std::string request = co_await test::read_request(socket);
    std::string head = beginning;
    if (upgraded) head = switching(accept_of(request));
    co_await test::write_all(socket, head);
    for (;;) co_await test::write_all(socket, more);
  };
}

ScriptedPeer::Script answer_with_accept(std::string head) {
  return [head](Socket socket) -> asio::awaitable<void> {
    const std::string request = co_await test::read_request(socket);
    co_await test::write_all(socket, head + "Sec-WebSocket-Accept: " + accept_of(request) + "\r\n\r\n");
    co_await test::wait_for_end(socket);
  };
}

TEST(WebsocketProbe, TellsHowAHandshakeFailed) {
  const auto cut = [](std::string answer, bool hard) -> ScriptedPeer::Script {
    return [=](Socket socket) -> asio::awaitable<void> {
      co_await test::read_request(socket);
      co_await test::write_all(socket, answer);
      if (hard) test::reset(socket);
    };
  };
  struct Case {
    std::string what;
    ScriptedPeer::Script script;
    std::string error;
    int status;
    std::string excerpt;
    std::chrono::milliseconds limit = patient;
  };
  for (const auto& c : std::vector<Case>{
           {"silence", say(""), "timed_out", 0, "", silence},
           {"closed", cut("", false), "closed", 0, ""},
           {"closed in the head", cut("HTTP/1.1 101 Swi", false), "closed", 0, ""},
           {"reset", cut("", true), "reset", 0, ""},
           {"not HTTP", say("SSH-2.0-x\r\n"), "malformed", 0, ""},
           {"headers to no end", never_end("HTTP/1.1 101 x\r\n", "X: y\r\n", false), "malformed", 0, ""},
           {"a megabyte of header", say("HTTP/1.1 101 x\r\nX: " + std::string(1'000'000, 'x')), "malformed", 0, ""},
           {"a page", say("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html>x</html>"), "not_upgraded", 200,
            "<html>x</html>"},
           {"a refusal", say("HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n"), "not_upgraded", 400, "no "},
           {"upgrade required", say("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"), "not_upgraded", 426,
            ""},
           {"sign in", say("HTTP/1.1 302 Found\r\nLocation: https://login.test/\r\nContent-Length: 0\r\n\r\n"),
            "not_upgraded", 302, ""},
           {"unauthorised", say("HTTP/1.1 401 x\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"),
            "not_upgraded", 401, ""},
           {"an old server", cut("HTTP/1.0 200 OK\r\n\r\nold", false), "not_upgraded", 200, "old"},
           {"a page to no end", never_end("HTTP/1.1 403 Forbidden\r\n\r\n", "0123456789", false), "not_upgraded", 403,
            ""},
           {"a terabyte announced", cut("HTTP/1.1 403 x\r\nContent-Length: 1000000000000\r\n\r\nno", false),
            "not_upgraded", 403, "no"},
           {"a forged accept", say(switching("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")), "accept_invalid", 101, ""},
           {"no accept", say("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), "accept_invalid",
            101, ""},
           {"a status that no RFC knows", say("HTTP/1.1 999 Request denied\r\nContent-Length: 0\r\n\r\n"),
            "not_upgraded", 999, ""},
           {"no Upgrade", answer_with_accept("HTTP/1.1 101 x\r\nConnection: Upgrade\r\n"), "malformed", 101, ""},
           {"no Connection", answer_with_accept("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n"), "malformed", 101, ""},
       }) {
    asio::io_context io;
    ScriptedPeer server(io, c.script);
    const auto seen = test::run(io, ask_plain({.url = "ws://a.test/x"}, server.port(), c.limit));
    EXPECT_EQ(word(seen), c.error) << c.what << ": " << seen.detail.value_or("");
    EXPECT_EQ(seen.status, c.status) << c.what;
    EXPECT_THAT(seen.body_excerpt, testing::StartsWith(c.excerpt)) << c.what;
    EXPECT_EQ(seen.accept_valid, c.error == "malformed" && c.status == 101) << c.what;
    EXPECT_FALSE(seen.upgraded) << c.what;
    EXPECT_FALSE(seen.pong_after) << c.what;
    EXPECT_LT(seen.duration, patient) << c.what;
  }
}

// Upgrades and answers `pings` pings; then says `last` in place of a pong, and ends or resets.
ScriptedPeer::Script answer_pings(int pings, std::string last, Then then) {
  return [=](Socket socket) -> asio::awaitable<void> {
    const std::string request = co_await test::read_request(socket);
    co_await test::write_all(socket, switching(accept_of(request)));
    for (int n = 0; n < pings; ++n) {
      const Frame received = co_await read_frame(socket);
      const std::string pong = frame(0x8A, received.payload);
      co_await test::write_all(socket, pong);
    }
    co_await test::write_all(socket, last);
    if (then == Then::wait) co_await test::wait_for_end(socket);
    if (then == Then::reset) {
      co_await read_frame(socket);
      test::reset(socket);
    }
  };
}

TEST(WebsocketProbe, TellsWhatSilenceDidToAConnection) {
  struct Case {
    std::string what;
    ScriptedPeer::Script script;
    std::string error;
    std::chrono::milliseconds idle = silence;
    std::chrono::milliseconds pong_limit = patient;
  };
  for (const auto& c : std::vector<Case>{
           {"it lives", answer_pings(3, "", Then::wait), ""},
           {"a goodbye", answer_pings(1, frame(0x88, ""), Then::wait), "closed_early", patient},
           {"an end", answer_pings(1, "", Then::close), "closed_early", patient},
           {"forgotten", answer_pings(1, "", Then::wait), "no_pong", silence, silence},
           {"reset by the next packet", answer_pings(1, "", Then::reset), "reset"},
       }) {
    asio::io_context io;
    ScriptedPeer server(io, c.script);
    const auto seen = test::run(
        io, ask_plain({.url = "ws://a.test/x", .pong_limit = c.pong_limit, .idle = c.idle}, server.port(), patient));
    EXPECT_EQ(word(seen), c.error) << c.what << ": " << seen.detail.value_or("");
    EXPECT_TRUE(seen.upgraded && seen.pong_after && seen.idle) << c.what;
    if (c.idle == silence) {
      EXPECT_GE(seen.idle.value_or(0ms), silence) << c.what;
    }
  }
}

TEST(WebsocketProbe, SpellsItsConnectionHeaderAsItIsTold) {
  for (const std::string spelling : {"", "keep-alive, Upgrade"}) {
    asio::io_context io;
    std::string asked;
    ScriptedPeer server(io, [&asked](Socket socket) -> asio::awaitable<void> {
      asked = co_await test::read_request(socket);
      co_await test::write_all(socket, "HTTP/1.1 400 no\r\nContent-Length: 0\r\n\r\n");
    });
    const auto seen =
        test::run(io, ask_plain({.url = "ws://a.test/x", .connection_header = spelling}, server.port(), patient));
    EXPECT_THAT(asked, HasSubstr("\r\nConnection: " + (spelling.empty() ? "Upgrade" : spelling) + "\r\n"));
    EXPECT_EQ(seen.connection_header.value_or(""), spelling);
  }
}

TEST(WebsocketProbe, TellsWhatHappenedAfterTheUpgrade) {
  struct Case {
    std::string what;
    ScriptedPeer::Script script;
    std::string error, detail;
    std::optional<int> close_code;
    std::string close_reason;
    std::chrono::milliseconds pong_limit = patient;
  };
  const std::string pong = frame(0x8A, "vnetprobe");
  const std::string refusal = frame(0x88, "\x03\xF0no \xE2\x82\xAC");
  for (const auto& c : std::vector<Case>{
           {"a pong", upgrade_and_answer("", pong), "", "", 1000, ""},
           {"a greeting in fragments, a ping of its own, then the pong",
            upgrade_and_answer(frame(0x01, "hel") + frame(0x89, "are you there") + frame(0x80, "lo"), pong), "", "",
            1000, ""},
           {"a pong and a close at once", upgrade_and_answer("", pong + frame(0x88, "\x03\xE9")), "", "", 1001, ""},
           {"a pong and no goodbye", upgrade_and_say(pong, Then::wait), "no_pong", "", {}, "", silence},
           {"somebody else's pong", upgrade_and_answer("", frame(0x8A, "other")), "no_pong", "", {}, "", silence},
           {"silence", upgrade_and_say("", Then::wait), "no_pong", "", {}, "", silence},
           {"closed", upgrade_and_say("", Then::close), "closed_early", "", {}, ""},
           {"reset", upgrade_and_say("", Then::reset), "closed_early", "", {}, ""},
           {"a close frame", upgrade_and_say(refusal, Then::wait), "closed_early", "", 1008, "no \xE2\x82\xAC"},
           {"a close frame and the end", upgrade_and_say(refusal, Then::close), "closed_early", "", 1008,
            "no \xE2\x82\xAC"},
           {"a close frame without code", upgrade_and_say(frame(0x88, ""), Then::wait), "closed_early", "", {}, ""},
           {"a masked frame",
            upgrade_and_say(std::string("\x81\x81\x01\x02\x03\x04x", 7), Then::wait),
            "malformed",
            "mask",
            {},
            ""},
           {"a frame of 2^62 bytes",
            upgrade_and_say(std::string("\x82\x7F\x40\0\0\0\0\0\0\0", 10), Then::wait),
            "malformed",
            "",
            {},
            ""},
           {"half a pong", upgrade_and_say(frame(0x0A, "vnet"), Then::wait), "malformed", "", {}, ""},
           {"an unknown opcode", upgrade_and_say(frame(0x83, "x"), Then::wait), "malformed", "", {}, ""},
           {"text that is no UTF-8", upgrade_and_say(frame(0x81, "\xFF\xFE"), Then::wait), "malformed", "", {}, ""},
           {"messages to no end",
            never_end("", frame(0x82, std::string(100, 'x')), true),
            "no_pong",
            "mebibyte",
            {},
            ""},
           {"a message to no end",
            never_end("", frame(0x02, "") + frame(0x00, std::string(100, 'x')), true),
            "malformed",
            "",
            {},
            ""},
       }) {
    asio::io_context io;
    ScriptedPeer server(io, c.script);
    const auto seen =
        test::run(io, ask_plain({.url = "ws://a.test/x", .pong_limit = c.pong_limit}, server.port(), patient));
    EXPECT_EQ(word(seen), c.error) << c.what << ": " << seen.detail.value_or("");
    EXPECT_THAT(seen.detail.value_or(""), HasSubstr(c.detail)) << c.what;
    EXPECT_EQ(seen.status, 101) << c.what;
    EXPECT_TRUE(seen.upgraded) << c.what;
    EXPECT_EQ(seen.close_code, c.close_code) << c.what;
    EXPECT_EQ(seen.close_reason.value_or(""), c.close_reason) << c.what;
    EXPECT_EQ(seen.pong_after.has_value(), c.error.empty()) << c.what;
    EXPECT_LT(seen.duration, patient) << c.what;
  }
}

TEST(WebsocketProbe, AsksWithTheHeadersOfABrowserAndItsOwn) {
  asio::io_context io;
  std::string asked;
  ScriptedPeer server(io, [&asked](Socket socket) -> asio::awaitable<void> {
    asked = co_await test::read_request(socket);
    co_await test::write_all(socket, "HTTP/1.1 403 Forbidden\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
  });
  const auto seen = test::run(
      io,
      ask_plain({.url = "ws://user:word@a.test:81/p?token=t", .headers = {{"Cookie", "a=b"}}}, server.port(), patient));
  EXPECT_EQ(seen.url, "ws://a.test:81/p?token=[redacted]");
  for (const auto* line : {"GET /p?token=t HTTP/1.1\r\n", "\r\nHost: a.test:81\r\n", "\r\nOrigin: http://a.test:81\r\n",
                           "\r\nCookie: a=b\r\n", "\r\nSec-WebSocket-Version: 13\r\n", "\r\nUser-Agent: vnetprobe/"})
    EXPECT_THAT(asked, HasSubstr(line));
  EXPECT_THAT(asked, testing::Not(HasSubstr("word")));
  ASSERT_EQ(seen.headers.size(), 2U);
  EXPECT_EQ(seen.headers[0].value, "[redacted]");
  for (const auto* url : {"http://a.test/", "ws:/x", "nonsense", ""})
    EXPECT_EQ(word(test::run(io, ask_plain({.url = url}, server.port(), patient))), "malformed") << url;
}

}  // namespace
}  // namespace vnetprobe::websocket_test
