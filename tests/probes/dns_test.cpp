#include "probes/dns.hpp"

#include "tests/probes/dns_wire.hpp"
#include "tests/support/child.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <functional>

namespace vnetprobe::dns_test {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::Child;
using test::Message;
using test::TemporaryDirectory;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto patient = 20s;    // never reached where an answer comes
constexpr auto silence = 200ms;  // long enough to be sure that loopback had its say

std::string error_of(const DnsObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "";
}

DnsObservation ask(asio::io_context& io, std::string name, DnsType type, Endpoint server, DnsTransport transport,
                   std::chrono::milliseconds limit) {
  DnsObservation seen;
  bool done = false;
  asio::co_spawn(io, observe_dns(std::move(name), type, std::move(server), transport, limit),
                 [&](const std::exception_ptr& thrown, DnsObservation result) {
                   if (thrown) std::rethrow_exception(thrown);
                   seen = std::move(result);
                   done = true;
                 });
  io.restart();
  while (!done && io.run_one() > 0) {
  }
  return seen;
}

DnsObservation ask(std::string name, std::uint16_t port, DnsType type = DnsType::a,
                   DnsTransport transport = DnsTransport::udp, std::chrono::milliseconds limit = patient) {
  asio::io_context io;
  return ask(io, std::move(name), type, {"127.0.0.1", port}, transport, limit);
}

// unbound with a public and a private zone, and one whose primary server is dead.
class Unbound {
 public:
  explicit Unbound(const std::string& extra = "") {
    directory_.write("blob.zone", zone());
    directory_.write("unbound.conf", fmt::format(R"(server:
  directory: "{0}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  do-daemonize: no
  do-ip6: no
  interface: 127.0.0.1
  port: {1}
  module-config: "iterator"
  max-udp-size: 512
  minimal-responses: yes
  local-zone: "refused.test." always_refuse
  local-zone: "nothing.test." static
  {2}
auth-zone:
  name: "windows.net"
  zonefile: "{0}/blob.zone"
  for-upstream: no
  for-downstream: yes
  fallback-enabled: no
auth-zone:
  name: "broken.contoso.com"
  primary: 127.0.0.1@1
  for-upstream: no
  for-downstream: yes
  fallback-enabled: no
remote-control:
  control-enable: no
)",
                                                 directory_.path().string(), port, extra));
    child_.emplace(std::vector<std::string>{"unbound", "-d", "-c", (directory_.path() / "unbound.conf").string()});
    EXPECT_TRUE(child_->says("start of service")) << child_->said();
  }

  const std::uint16_t port = test::free_port();

 private:
  static std::string zone() {
    std::string text = R"($ORIGIN windows.net.
@ 3600 IN SOA ns hostmaster 1 3600 600 86400 60
@ 3600 IN NS ns
ns 3600 IN A 127.0.0.1
acct.blob.core 60 IN CNAME acct.privatelink.blob.core
acct.privatelink.blob.core 10 IN A 10.0.1.5
gone.blob.core 60 IN CNAME gone.privatelink.blob.core
v6.blob.core 60 IN AAAA fd00::5
)";
    for (int n = 1; n <= 60; ++n) text += fmt::format("big.blob.core 60 IN A 10.0.2.{}\n", n);
    return text;
  }

  TemporaryDirectory directory_;
  std::optional<Child> child_;
};

TEST(DnsProbe, SeesWhatUnboundAnswers) {
  const Unbound unbound;
  struct Case {
    std::string name;
    DnsType type;
    std::string rcode, error;
    std::vector<std::string> addresses;
    std::size_t records;
  };
  for (const auto& c : std::vector<Case>{
           {"acct.blob.core.windows.net", DnsType::a, "NOERROR", "", {"10.0.1.5"}, 2},
           {"ACCT.blob.core.windows.net.", DnsType::a, "NOERROR", "", {"10.0.1.5"}, 2},
           {"acct.blob.core.windows.net", DnsType::aaaa, "NOERROR", "", {}, 1},
           {"v6.blob.core.windows.net", DnsType::aaaa, "NOERROR", "", {"fd00::5"}, 1},
           {"v6.blob.core.windows.net", DnsType::a, "NOERROR", "", {}, 0},
           {"gone.blob.core.windows.net", DnsType::a, "NOERROR", "", {}, 1},
           {"x.nothing.test", DnsType::a, "NXDOMAIN", "nxdomain", {}, 0},
           {"x.refused.test", DnsType::a, "REFUSED", "refused", {}, 0},
           {"x.broken.contoso.com", DnsType::a, "SERVFAIL", "servfail", {}, 0},
       })
    for (const auto transport : {DnsTransport::udp, DnsTransport::tcp}) {
      const auto seen = ask(c.name, unbound.port, c.type, transport);
      EXPECT_EQ(error_of(seen), c.error) << c.name << " " << seen.detail.value_or("");
      EXPECT_EQ(seen.rcode, c.rcode) << c.name;
      EXPECT_EQ(seen.addresses, c.addresses) << c.name;
      EXPECT_EQ(seen.answers.size(), c.records) << c.name;
      EXPECT_GT(seen.duration, 0us);
      EXPECT_EQ(seen.transport, transport);
      EXPECT_FALSE(seen.name.ends_with('.'));
    }
}

TEST(DnsProbe, ReportsTruncationOverUdpAndTheWholeAnswerOverTcp) {
  const Unbound unbound;
  const auto over_udp = ask("big.blob.core.windows.net", unbound.port);
  EXPECT_EQ(error_of(over_udp), "");
  EXPECT_TRUE(over_udp.truncated);
  EXPECT_LT(over_udp.addresses.size(), 60U);
  const auto over_tcp = ask("big.blob.core.windows.net", unbound.port, DnsType::a, DnsTransport::tcp);
  EXPECT_FALSE(over_tcp.truncated);
  EXPECT_EQ(over_tcp.addresses.size(), 60U);
}

TEST(DnsProbe, TellsAServerThatListensOnTcpOnly) {
  const Unbound unbound("do-udp: no");
  const auto over_udp = ask("acct.blob.core.windows.net", unbound.port);
  EXPECT_EQ(error_of(over_udp), "unreachable");
  EXPECT_THAT(over_udp.detail.value_or(""), HasSubstr("ECONNREFUSED"));
  EXPECT_LT(over_udp.duration, 5s);
  const auto over_tcp = ask("acct.blob.core.windows.net", unbound.port, DnsType::a, DnsTransport::tcp);
  EXPECT_THAT(over_tcp.addresses, ElementsAre("10.0.1.5"));
}

TEST(DnsProbe, SeesWhatDnsmasqAnswers) {
  const auto port = test::free_port();
  Child dnsmasq({"dnsmasq", "-k", "-u", "root", "-C", "/dev/null", "--no-resolv", "--no-hosts",
                 "--pid-file=", "--log-facility=-", "--listen-address=127.0.0.1", "--bind-interfaces", "-p",
                 std::to_string(port), "--cname=kv.vault.azure.net,kv.privatelink.vaultcore.azure.net",
                 "--host-record=kv.privatelink.vaultcore.azure.net,10.0.1.9,fd00::9", "--local=/empty.test/"});
  ASSERT_TRUE(dnsmasq.says("started, version")) << dnsmasq.said();
  EXPECT_THAT(ask("kv.vault.azure.net", port).addresses, ElementsAre("10.0.1.9"));
  EXPECT_THAT(ask("kv.vault.azure.net", port, DnsType::aaaa).addresses, ElementsAre("fd00::9"));
  EXPECT_TRUE(ask("kv.vault.azure.net", port).authoritative);
  EXPECT_EQ(error_of(ask("x.empty.test", port)), "nxdomain");
  EXPECT_EQ(error_of(ask("no-upstream.test", port)), "refused");
  EXPECT_THAT(ask("kv.vault.azure.net", port, DnsType::a, DnsTransport::tcp).addresses, ElementsAre("10.0.1.9"));
}

TEST(DnsProbe, RefusesToAskNobody) {
  asio::io_context io;
  EXPECT_EQ(error_of(ask(io, "a.test", DnsType::a, {}, DnsTransport::udp, patient)), "no_resolver");
  const auto seen = ask(io, "a.test", DnsType::a, {"dns.example", 53}, DnsTransport::udp, patient);
  EXPECT_EQ(error_of(seen), "no_resolver");
  EXPECT_THAT(seen.detail.value_or(""), HasSubstr("dns.example"));
  EXPECT_EQ(error_of(ask(std::string(300, 'x'), 9)), "malformed");
}

TEST(DnsProbe, TellsNobodyThereFromSilence) {
  const auto port = test::free_port();
  for (const auto transport : {DnsTransport::udp, DnsTransport::tcp}) {
    const auto seen = ask("a.test", port, DnsType::a, transport);
    EXPECT_EQ(error_of(seen), "unreachable");
    const bool udp = transport == DnsTransport::udp;
    EXPECT_EQ(seen.detail,
              std::string("ECONNREFUSED: Connection refused") + (udp ? " (ICMP type 3 code 3 from 127.0.0.1)" : ""));
    EXPECT_EQ(seen.errno_name, "ECONNREFUSED");
    EXPECT_EQ(seen.icmp ? seen.icmp->offender : "", udp ? "127.0.0.1" : "");
  }
}

// A UDP server for what no real one does: answers every query with what `answer` makes of it.
class ScriptedServer {
 public:
  using Answer = std::function<std::vector<Bytes>(const Message& fitting)>;

  ScriptedServer(asio::io_context& io, Answer answer)
      : socket_(io, {asio::ip::address_v4::loopback(), 0}), answer_(std::move(answer)) {
    receive();
  }
  Endpoint endpoint() const { return {"127.0.0.1", socket_.local_endpoint().port()}; }
  int asked() const { return asked_; }

 private:
  void receive() {
    socket_.async_receive_from(
        asio::buffer(query_), client_, [this](boost::system::error_code error, std::size_t count) {
          if (error || count < 12) return;
          ++asked_;
          for (const auto& answer : answer_(Message{.id = static_cast<unsigned>(query_[0] << 8U | query_[1])}))
            socket_.send_to(asio::buffer(answer), client_);
          receive();
        });
  }

  asio::ip::udp::socket socket_;
  Answer answer_;
  asio::ip::udp::endpoint client_;
  std::array<unsigned char, 512> query_{};
  int asked_{};
};

TEST(DnsProbe, SurvivesWhatNoHonestServerAnswers) {
  struct Case {
    std::string what;
    ScriptedServer::Answer answer;
    std::string error, detail;
    std::size_t addresses;
    std::chrono::milliseconds limit;
  };
  const auto one = [](auto change) {
    return [change](Message m) -> std::vector<Bytes> { return {change(std::move(m))}; };
  };
  for (const auto& c : std::vector<Case>{
           {"silence", [](const Message&) { return std::vector<Bytes>{}; }, "timed_out", "", 0, silence},
           {"another id", one([](Message m) {
              m.id ^= 1U;
              return m.a("a.test", {6, 6, 6, 6}).bytes();
            }),
            "timed_out", "", 0, silence},
           {"another id, then the answer",
            [](const Message& m) {
              auto forged = m, real = m;
              forged.id ^= 1U;
              return std::vector<Bytes>{forged.a("a.test", {6, 6, 6, 6}).bytes(),
                                        real.a("a.test", {1, 1, 1, 1}).bytes()};
            },
            "", "", 1, patient},
           {"another question", one([](Message m) {
              m.question = "b.test";
              return m.a("b.test", {6, 6, 6, 6}).bytes();
            }),
            "malformed", "another question", 0, silence},
           {"another question, then the answer",
            [](const Message& m) {
              auto other = m, real = m;
              other.question = "b.test";
              return std::vector<Bytes>{other.bytes(), real.a("a.test", {1, 1, 1, 1}).bytes()};
            },
            "", "", 1, patient},
           {"aliases in a circle",
            one([](Message m) { return m.cname("a.test", "b.test").cname("b.test", "a.test").bytes(); }), "alias_loop",
            "loop", 0, patient},
           {"200 records", one([](Message m) {
              for (unsigned n = 0; n < 200; ++n) m.a("a.test", {10, 0, 0, static_cast<unsigned char>(n)});
              return m.bytes();
            }),
            "", "", 64, patient},
           {"half a message", one([](Message m) {
              auto bytes = m.a("a.test", {1, 2, 3, 4}).bytes();
              bytes.erase(bytes.end() - 6, bytes.end());
              return bytes;
            }),
            "malformed", "record 1", 0, patient},
           {"a compression loop", one([](Message m) {
              m.section = {0xC0, 24, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
              m.records = 1;
              return m.bytes();
            }),
            "malformed", "record 1", 0, patient},
           {"garbage", one([](const Message&) { return Bytes(200, 0xEE); }), "timed_out", "", 0, silence},
           {"a bare refusal", one([](Message m) {
              m.flags |= 5U;
              return m.bytes();
            }),
            "refused", "", 0, patient},
       }) {
    asio::io_context io;
    const ScriptedServer server(io, c.answer);
    const auto seen = ask(io, "a.test", DnsType::a, server.endpoint(), DnsTransport::udp, c.limit);
    EXPECT_EQ(error_of(seen), c.error) << c.what;
    EXPECT_THAT(seen.detail.value_or(""), HasSubstr(c.detail)) << c.what;
    EXPECT_EQ(seen.addresses.size(), c.addresses) << c.what;
    EXPECT_EQ(server.asked(), c.limit == silence ? 3 : 1)
        << c.what << ": again where nothing came back, and only there";
  }
}

TEST(DnsProbe, AsksAgainWhenADatagramGotLost) {
  asio::io_context io;
  int came = 0;
  const ScriptedServer server(io, [&](Message m) {
    return ++came == 1 ? std::vector<Bytes>{} : std::vector<Bytes>{m.a("a.test", {1, 2, 3, 4}).bytes()};
  });
  const auto seen = ask(io, "a.test", DnsType::a, server.endpoint(), DnsTransport::udp, 3s);
  EXPECT_EQ(error_of(seen), "");
  EXPECT_THAT(seen.addresses, ElementsAre("1.2.3.4"));
  EXPECT_EQ(seen.sent, came);
}

TEST(DnsProbe, TellsATcpServerThatHangsUp) {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket client(io);
  std::array<char, 512> query{};
  acceptor.async_accept(client, [&](boost::system::error_code) {
    client.async_read_some(asio::buffer(query), [&](boost::system::error_code, std::size_t) { client.close(); });
  });
  const auto seen =
      ask(io, "a.test", DnsType::a, {"127.0.0.1", acceptor.local_endpoint().port()}, DnsTransport::tcp, patient);
  EXPECT_EQ(error_of(seen), "unreachable");
  EXPECT_THAT(seen.detail.value_or(""), HasSubstr("closed the connection"));
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(DnsProbe, LeavesNothingBehindWhenCancelledFromOutside) {
  asio::io_context io;
  const auto before = open_descriptors();
  {
    std::optional<ScriptedServer> silent;
    asio::cancellation_signal stop;
    silent.emplace(io, [&](const Message&) {
      stop.emit(asio::cancellation_type::terminal);
      return std::vector<Bytes>{};
    });
    std::optional<DnsObservation> seen;
    asio::co_spawn(io, observe_dns("a.test", DnsType::a, silent->endpoint(), DnsTransport::udp, patient),
                   asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr&, DnsObservation result) {
                     seen = std::move(result);
                     silent.reset();
                   }));
    io.run();
    ASSERT_TRUE(seen);
    EXPECT_EQ(error_of(*seen), "timed_out");
    EXPECT_THAT(seen->detail.value_or(""), HasSubstr("stopped from outside"));
  }
  EXPECT_LE(open_descriptors(), before + 3);  // the reactor's own, made with its first socket
}

TEST(DnsProbe, MayBeDestroyedWithItsLoopWhileItWaits) {
  for (const auto transport : {DnsTransport::udp, DnsTransport::tcp}) {
    asio::io_context io;
    asio::ip::udp::socket silent(io, {asio::ip::address_v4::loopback(), 0});
    asio::co_spawn(io,
                   observe_dns("a.test", DnsType::a, {"127.0.0.1", silent.local_endpoint().port()}, transport, patient),
                   asio::detached);
    io.poll();
  }
}

TEST(DnsProbe, AsksManyAtOnce) {
  asio::io_context io;
  ScriptedServer server(io, [](Message m) { return std::vector<Bytes>{m.a("a.test", {1, 2, 3, 4}).bytes()}; });
  int answered = 0, done = 0;
  constexpr int count = 100;
  for (int n = 0; n < count; ++n)
    asio::co_spawn(io, observe_dns("a.test", DnsType::a, server.endpoint(), DnsTransport::udp, patient),
                   [&](const std::exception_ptr&, const DnsObservation& seen) {
                     ++done;
                     answered += seen.addresses.size() == 1 ? 1 : 0;
                   });
  while (done < count && io.run_one() > 0) {
  }
  EXPECT_EQ(answered, count);
}

}  // namespace
}  // namespace vnetprobe::dns_test
