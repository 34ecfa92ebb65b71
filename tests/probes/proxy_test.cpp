#include "probes/proxy.hpp"

#include "probes/tcp.hpp"
#include "tests/support/child.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::proxy_test {
namespace {

using namespace std::chrono_literals;
using test::Accepted;
using test::ScriptedServer;
using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::milliseconds patient = 20s;  // never reached where an answer comes
constexpr std::chrono::milliseconds silence = 200ms;

std::string failure_of(const ProxyObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "";
}

struct Tunnel {
  ProxyObservation seen;
  bool open{};
  std::string echoed;  // what came back through it
};

asio::awaitable<Tunnel> try_tunnel(ProxyAddress proxy, std::string host, std::uint16_t port,
                                   std::chrono::milliseconds limit) {
  const Endpoint remote{"127.0.0.1", proxy.port};
  auto opened = co_await open_tcp(remote, patient);
  if (!opened.socket) throw std::runtime_error("nobody listens: " + opened.seen.errno_name.value_or(""));
  auto result = co_await open_tunnel(std::move(*opened.socket), std::move(proxy), std::move(host), port, limit);
  Tunnel tunnel{.seen = std::move(result.seen), .open = result.socket.has_value(), .echoed = {}};
  if (tunnel.open) {
    const std::string text = "ping";
    std::array<char, 64> bytes{};
    co_await asio::async_write(*result.socket, asio::buffer(text), asio::use_awaitable);
    const auto size =
        co_await within(patient, result.socket->async_read_some(asio::buffer(bytes), asio::use_awaitable));
    tunnel.echoed.assign(bytes.data(), size.value_or(0));
  }
  co_return tunnel;
}

Tunnel connect_through(const ProxyAddress& proxy, const std::string& host, std::uint16_t port,
                       std::chrono::milliseconds limit = patient) {
  asio::io_context io;
  return test::run(io, try_tunnel(proxy, host, port, limit));
}

void echo(const Accepted& client) {
  for (std::string some; !(some = client.read()).empty();) client.write(some);
}

// The system's squid, which lets nobody through to port 4444 and asks for a password where `extra` says so.
class Squid {
 public:
  explicit Squid(const std::string& extra = "") {
    // openssl passwd -apr1 password
    const auto passwords = files_.write("passwords", "user:$apr1$vnetprob$dNAIqQBifc4Fat9RpZCM4/\n");
    const auto folder = files_.path().string();
    std::filesystem::permissions(folder, std::filesystem::perms::all);
    const auto file = files_.write("squid.conf", fmt::format(R"(http_port 127.0.0.1:{0}
pid_filename none
cache_log /dev/stderr
access_log none
cache deny all
cache_mem 8 MB
coredump_dir {1}
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
dns_nameservers 127.0.0.1
hosts_file none
connect_timeout 3 seconds
visible_hostname squid.test
auth_param basic program /usr/lib/squid/basic_ncsa_auth {2}
auth_param basic realm the office
acl forbidden port 4444
acl known proxy_auth REQUIRED
http_access deny forbidden
{3}
http_access allow all
)",
                                                             port, folder, passwords.string(), extra));
    child_.emplace(std::vector<std::string>{"squid", "-N", "-n", name_, "-d", "1", "-f", file.string()});
    EXPECT_TRUE(child_->says("Accepting HTTP Socket connections")) << child_->said();
    test::wait_for_listener(port);  // squid says so before it calls listen()
  }
  ~Squid() {
    child_.reset();
    for (const auto* part : {"metadata", "queues", "readers"})
      std::filesystem::remove(fmt::format("/dev/shm/{}-cf__{}.shm", name_, part));
  }
  ProxyAddress address(std::string credentials = {}) const { return {"127.0.0.1", port, std::move(credentials)}; }

  const std::uint16_t port = test::free_port();

 private:
  // Two squids of one name that start at once take each other's shared memory for a former run's.
  const std::string name_ = fmt::format("squid{}", port);
  test::TemporaryDirectory files_;
  std::optional<test::Child> child_;
};

TEST(Proxy, OpensATunnelThroughSquid) {
  const ScriptedServer server(echo);
  const Squid squid;
  const auto tunnel = connect_through(squid.address(), "127.0.0.1", server.port());
  EXPECT_EQ(failure_of(tunnel.seen), "") << tunnel.seen.body_excerpt;
  EXPECT_EQ(tunnel.seen.status, 200);
  EXPECT_EQ(tunnel.echoed, "ping");
  EXPECT_EQ(tunnel.seen.proxy, fmt::format("http://127.0.0.1:{}", squid.port));
  EXPECT_EQ(tunnel.seen.target, fmt::format("127.0.0.1:{}", server.port()));
  EXPECT_EQ(tunnel.seen.remote, (Endpoint{"127.0.0.1", squid.port}));
  EXPECT_FALSE(tunnel.seen.credentials_sent);
  EXPECT_GT(tunnel.seen.duration, 0us);
}

TEST(Proxy, ShowsWhatSquidDenies) {
  const Squid squid;
  const auto denied = connect_through(squid.address(), "127.0.0.1", 4444).seen;
  EXPECT_EQ(failure_of(denied), "denied");
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(denied.reason, "Forbidden");
  EXPECT_THAT(denied.body_excerpt, HasSubstr("<!DOCTYPE"));
  EXPECT_LE(denied.body_excerpt.size(), 1100U);
  EXPECT_THAT(denied.headers,
              testing::Contains(testing::AllOf(testing::Field(&HttpHeader::name, "X-Squid-Error"),
                                               testing::Field(&HttpHeader::value, HasSubstr("ERR_ACCESS_DENIED")))));
  const auto dead = connect_through(squid.address(), "127.0.0.1", test::free_port()).seen;
  EXPECT_EQ(failure_of(dead), "denied");
  EXPECT_EQ(dead.status, 503);
}

TEST(Proxy, GivesCredentialsAndNeverShowsThem) {
  const ScriptedServer server(echo);
  const Squid squid("http_access deny !known");
  struct Case {
    std::string credentials;
    int status;
  };
  for (const auto& c : std::vector<Case>{{"", 407}, {"user:wrong", 407}, {"user:password", 200}}) {
    const auto tunnel = connect_through(squid.address(c.credentials), "127.0.0.1", server.port());
    const auto& seen = tunnel.seen;
    EXPECT_EQ(seen.status, c.status) << c.credentials;
    EXPECT_EQ(seen.credentials_sent, !c.credentials.empty());
    EXPECT_EQ(tunnel.open, c.status == 200);
    EXPECT_THAT(seen.authentication_schemes, testing::SizeIs(c.status == 407 ? 1 : 0));
    std::string everything = seen.proxy + seen.target + seen.reason + seen.body_excerpt;
    for (const auto& header : seen.headers) everything += header.name + header.value;
    EXPECT_THAT(everything, Not(HasSubstr("password")));
    EXPECT_THAT(everything, Not(HasSubstr("dXNlcj")));
  }
}

TEST(Proxy, SurvivesWhatNoProxyShouldAnswer) {
  struct Case {
    std::string what;
    ScriptedServer::Script script;
    std::string failure;
    int status = 0;
    std::vector<std::string> schemes = {};
    std::string excerpt = {};
    std::chrono::milliseconds limit = patient;
  };
  const auto say = [](std::string bytes) {
    return [bytes](const Accepted& client) {
      client.read_until("\r\n\r\n");
      client.write(bytes);
      client.wait_for_close();
    };
  };
  const auto say_and_close = [](std::string bytes) {
    return [bytes](const Accepted& client) {
      client.read_until("\r\n\r\n");
      client.write(bytes);
    };
  };
  for (const auto& c : std::vector<Case>{
           {"silence", say(""), "timed_out", 0, {}, "", silence},
           {"half a header, then silence", say("HTTP/1.1 200 Connec"), "timed_out", 0, {}, "", silence},
           {"closed at once", say_and_close(""), "closed"},
           {"half a header, then the end", say_and_close("HTTP/1.1 200 Connection est"), "closed"},
           {"reset",
            [](const Accepted& client) {
              client.read_until("\r\n\r\n");
              client.reset_at_close();
            },
            "reset"},
           {"TLS, because it is an https proxy", say_and_close("\x15\x03\x01\x02\x02"), "malformed"},
           {"a banner", say("SSH-2.0-OpenSSH_9.2\r\n"), "malformed"},
           {"a banner without an end", say("220 mail.test"), "malformed", 0, {}, "", silence},
           {"1 MB of headers", say("HTTP/1.1 200 OK\r\nX: " + std::string(1U << 20, 'x') + "\r\n\r\n"), "malformed"},
           {"a page instead of a tunnel",
            say("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nplease log in"),
            "malformed",
            200,
            {},
            "please log in"},
           {"a redirect to a portal",
            say("HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\nContent-Length: 0\r\n\r\n"), "denied", 302},
           {"a body that never ends",
            say("HTTP/1.1 403 Forbidden\r\n\r\nno\x1B[31m"),
            "denied",
            403,
            {},
            "no\\x1b[31m",
            silence},
           {"many schemes",
            say("HTTP/1.1 407 P\r\nProxy-Authenticate: Negotiate, NTLM\r\nproxy-authenticate: Basic realm=\"a, Digest "
                "b\", Digest "
                "realm = \"x\", qop=\"auth,auth-int\"\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"),
            "denied",
            407,
            {"Negotiate", "NTLM", "Basic", "Digest"}},
           {"no scheme at all", say("HTTP/1.1 407 P\r\nProxy-Authenticate: ,,=\"\r\nContent-Length: 0\r\n\r\n"),
            "denied", 407},
       }) {
    SCOPED_TRACE(c.what);
    const ScriptedServer server(c.script);
    const auto tunnel = connect_through({"127.0.0.1", server.port(), {}}, "a.test", 443, c.limit);
    EXPECT_EQ(failure_of(tunnel.seen), c.failure) << c.what;
    EXPECT_EQ(tunnel.seen.status, c.status) << c.what;
    EXPECT_EQ(tunnel.seen.authentication_schemes, c.schemes) << c.what;
    EXPECT_EQ(tunnel.seen.body_excerpt, c.excerpt) << c.what;
    EXPECT_FALSE(tunnel.open) << c.what;
  }
}

TEST(Proxy, SendsOneHonestConnect) {
  std::string request;
  {
    const ScriptedServer server([&](const Accepted& client) { request = client.read_until("\r\n\r\n"); });
    connect_through({"127.0.0.1", server.port(), "us\r\ner:p\xC3\xA4ss"}, "fd00::1", 443);
  }
  EXPECT_THAT(request,
              testing::StartsWith("CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\nUser-Agent: vnetprobe/"));
  EXPECT_THAT(request, HasSubstr("\r\nProxy-Authorization: Basic dXMNCmVyOnDDpHNz\r\n"));
}

TEST(Proxy, TakesAnyStatusOf2xxAfterInterimAnswers) {
  const ScriptedServer server([](const Accepted& client) {
    client.read_until("\r\n\r\n");
    client.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 201 Sure\r\nContent-Length: 5\r\n\r\n");
    echo(client);
  });
  const auto tunnel = connect_through({"127.0.0.1", server.port(), {}}, "a.test", 443);
  EXPECT_EQ(failure_of(tunnel.seen), "");
  EXPECT_EQ(tunnel.echoed, "ping");
}

}  // namespace
}  // namespace vnetprobe::proxy_test
