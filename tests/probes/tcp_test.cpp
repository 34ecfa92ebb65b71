#include "probes/tcp.hpp"

#include "probes/connect_to.hpp"
#include "probes/udp.hpp"
#include "tests/support/child.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/ip/udp.hpp>

namespace vnetprobe::tcp_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::chrono::milliseconds patient = 20s;

TEST(ConnectTo, ReadsWhatCurlReads) {
  struct Case {
    std::string text, host, address;
    int port, to_port;
  };
  for (const auto& c : std::vector<Case>{
           {"Acct.blob.core.windows.net:443:10.0.1.5:8443", "acct.blob.core.windows.net", "10.0.1.5", 443, 8443},
           {":443:127.0.0.1:8443", "", "127.0.0.1", 443, 8443},
           {"::127.0.0.1:8443", "", "127.0.0.1", 0, 8443},
           {"a.test::127.0.0.1:", "a.test", "127.0.0.1", 0, 0},
           {"a.test:443::8443", "a.test", "", 443, 8443},
           {"[fd00::1]:443:[::1]:8443", "fd00::1", "::1", 443, 8443},
           {"a.test:443:[fe80::1%lo]:8443", "a.test", "fe80::1%lo", 443, 8443},
       }) {
    const auto parsed = parse_connect_to(c.text);
    ASSERT_TRUE(parsed.value) << c.text << ": " << parsed.error;
    EXPECT_EQ(parsed.value->host, c.host);
    EXPECT_EQ(parsed.value->port, c.port);
    EXPECT_EQ(parsed.value->replacement, (Endpoint{c.address, static_cast<std::uint16_t>(c.to_port)})) << c.text;
  }
}

TEST(ConnectTo, SaysWhatIsWrongAndShowsTheForm) {
  struct Case {
    std::string text, complaint;
  };
  for (const auto& c : std::vector<Case>{
           {"", "too few fields"},
           {"a.test", "too few fields"},
           {"a.test:443:10.0.0.1", "too few fields"},
           {"[::1:443:10.0.0.1:1", "too few fields"},
           {"a.test:443:::1:8443", "too many fields"},
           {"a.test:443:10.0.0.1:1:2", "too many fields"},
           {"a.test:70000:10.0.0.1:1", "not between 1 and 65535"},
           {"a.test:0:10.0.0.1:1", "not between 1 and 65535"},
           {"a.test:443:10.0.0.1:8443 ", "not between 1 and 65535"},
           {"a.test:443:10.0.0.1:-1", "not between 1 and 65535"},
           {"a.test:443:b.test:8443", "IP address"},
           {"[::1]x:443:10.0.0.1:1", "bracket"},
       }) {
    const auto parsed = parse_connect_to(c.text);
    EXPECT_FALSE(parsed.value) << c.text;
    EXPECT_THAT(parsed.error, HasSubstr(c.complaint)) << c.text;
    EXPECT_THAT(parsed.error, HasSubstr("HOST:PORT:ADDR:PORT")) << c.text;
  }
}

TEST(ConnectTo, TakesTheFirstEntryThatMatches) {
  std::vector<ConnectTo> table;
  for (const auto* text : {"a.test:443:127.0.0.1:1", "a.test::127.0.0.1:2", ":80:127.0.0.1:3"})
    table.push_back(*parse_connect_to(text).value);
  const auto port = [&](std::string_view host, std::uint16_t to) {
    return replacement_for(table, host, to).value_or(Endpoint{}).port;
  };
  EXPECT_EQ(port("A.test", 443), 1);
  EXPECT_EQ(port("a.test", 80), 2);
  EXPECT_EQ(port("b.test", 80), 3);
  EXPECT_EQ(port("b.test", 443), 0);
}

TEST(Tcp, ConnectsToLoopbackAndHandsTheSocketOn) {
  const test::ScriptedServer server([](const test::Accepted& client) { client.write("hello"); });
  asio::io_context io;
  auto opened = test::run(io, open_tcp({"127.0.0.1", server.port()}, patient));
  ASSERT_TRUE(opened.socket);
  EXPECT_FALSE(opened.seen.error);
  EXPECT_EQ(opened.seen.interface, "lo");
  std::array<char, 8> bytes{};
  EXPECT_EQ(opened.socket->read_some(asio::buffer(bytes)), 5U);
}

TEST(Tcp, ReportsWhatIsNoAddress) {
  asio::io_context io;
  for (const auto* bad : {"", "a.test", "10.0.0.256", "[::1]"}) {
    const auto tcp = test::run(io, open_tcp({bad, 443}, patient)).seen;
    EXPECT_EQ(tcp.error, TcpFailure::other) << bad;
    EXPECT_EQ(tcp.errno_name, "EAFNOSUPPORT") << bad;
    const auto udp = test::run(io, observe_udp({bad, 443}, patient));
    EXPECT_EQ(udp.error, UdpFailure::other) << bad;
    EXPECT_EQ(udp.errno_name, "EAFNOSUPPORT") << bad;
  }
}

TEST(Udp, SeesAnAnswer) {
  asio::io_context io;
  asio::ip::udp::socket server(io, {asio::ip::address_v4::loopback(), 0});
  asio::ip::udp::endpoint client;
  std::array<char, 16> bytes{};
  server.async_receive_from(asio::buffer(bytes), client, [&](boost::system::error_code, std::size_t) {
    server.send_to(asio::buffer("pong", 4), client);
  });
  const auto seen = test::run(io, observe_udp({"127.0.0.1", server.local_endpoint().port()}, patient));
  EXPECT_TRUE(seen.answered);
  EXPECT_FALSE(seen.error);
  EXPECT_LT(seen.duration, patient);
}

}  // namespace
}  // namespace vnetprobe::tcp_test
