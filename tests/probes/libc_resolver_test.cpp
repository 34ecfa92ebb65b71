#include "probes/dns.hpp"

#include "tests/support/child.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <cstdlib>

// The libc reads /etc/hosts and /etc/resolv.conf and nothing else, so its tests run in a network namespace whose files
// of that name `ip netns exec` lays over the machine's: the outer tests run this program again, inside, with one
// DISABLED_ test.
namespace vnetprobe::libc_resolver_test {
namespace {

using namespace std::chrono_literals;
using test::Child;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string error_of(const DnsObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "";
}

std::vector<DnsObservation> look_up(const std::vector<std::string>& names, std::chrono::milliseconds limit) {
  asio::io_context io;
  std::vector<DnsObservation> seen(names.size());
  for (std::size_t n = 0; n < names.size(); ++n)
    asio::co_spawn(io, observe_libc(names[n], limit),
                   [&seen, n](const std::exception_ptr& thrown, DnsObservation result) {
                     if (thrown) std::rethrow_exception(thrown);
                     seen[n] = std::move(result);
                   });
  io.run();
  return seen;
}

DnsObservation look_up(const std::string& name, std::chrono::milliseconds limit = 20s) {
  return look_up(std::vector{name}, limit)[0];
}

class Namespace {
 public:
  Namespace(const std::string& resolv_conf, const std::string& hosts) {
    files_ = std::filesystem::path("/etc/netns") / name_;
    std::filesystem::create_directories(files_);
    std::ofstream(files_ / "resolv.conf") << resolv_conf;
    std::ofstream(files_ / "hosts") << hosts;
    std::ofstream(files_ / "nsswitch.conf") << "hosts: files dns\n";
    EXPECT_EQ(Child({"ip", "netns", "add", name_}).wait(), 0);
    EXPECT_EQ(Child({"ip", "-n", name_, "link", "set", "lo", "up"}).wait(), 0);
  }
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;
  ~Namespace() {
    Child({"ip", "netns", "del", name_}).wait();
    std::error_code ignored;
    std::filesystem::remove_all(files_, ignored);
  }

  // Runs one of the tests below inside; what it printed, or "" if it passed.
  std::string failure_of(const std::string& test) const {
    Child inside({"ip", "netns", "exec", name_, "env", "VNETPROBE_TEST_INSIDE=" + name_,
                  std::filesystem::read_symlink("/proc/self/exe").string(), "--gtest_also_run_disabled_tests",
                  "--gtest_filter=InsideNamespace.DISABLED_" + test});
    const int status = inside.wait();
    const bool ran = inside.said().find("[  PASSED  ] 1 test") != std::string::npos;
    return status == 0 && ran ? "" : fmt::format("status {}\n{}", status, inside.said());
  }

 private:
  std::string name_ = fmt::format("vnetprobe-libc-{}", ::getpid());
  std::filesystem::path files_;
};

class LibcResolver : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
  }
};

class InsideNamespace : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::getenv("VNETPROBE_TEST_INSIDE")) GTEST_SKIP() << "runs inside a namespace only";
  }
};

TEST_F(LibcResolver, SeesHostsFileAndResolverButNoSearchList) {
  const Namespace node("search suffix.test\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
                       "# a stale line\n127.0.0.1 localhost\n10.9.9.9 Hosted.Example.test alias\n");
  EXPECT_EQ(node.failure_of("AnswersAsProgramsSeeThem"), "");
}

TEST_F(InsideNamespace, DISABLED_AnswersAsProgramsSeeThem) {
  Child dnsmasq({"dnsmasq", "-k", "-u", "root", "-C", "/dev/null", "--no-resolv", "--no-hosts",
                 "--pid-file=", "--log-facility=-", "--listen-address=127.0.0.1", "--bind-interfaces",
                 "--address=/suffix.test/10.66.66.66", "--local=/example.test/",
                 "--host-record=both.example.test,10.1.1.1,fd00::1", "--cname=alias.example.test,both.example.test",
                 "--txt-record=text.example.test,x"});
  ASSERT_TRUE(dnsmasq.says("started, version")) << dnsmasq.said();

  const auto hosted = look_up("hosted.example.test");
  EXPECT_EQ(error_of(hosted), "");
  EXPECT_THAT(hosted.addresses, ElementsAre("10.9.9.9"));
  ASSERT_EQ(hosted.hosts_lines.size(), 1U);
  EXPECT_EQ(hosted.hosts_lines[0].line, 3);
  EXPECT_EQ(hosted.question, "A+AAAA");
  EXPECT_EQ(hosted.via, DnsVia::libc);

  const auto missing = look_up("missing.example.test");
  EXPECT_EQ(error_of(missing), "nxdomain") << "the search list must not answer for it";
  EXPECT_THAT(missing.addresses, IsEmpty());
  EXPECT_EQ(error_of(look_up("missing.example.test.")), "nxdomain");

  const auto both = look_up("both.example.test");
  EXPECT_THAT(both.addresses, testing::UnorderedElementsAre("10.1.1.1", "fd00::1"));
  EXPECT_FALSE(both.canonical_name);
  EXPECT_EQ(look_up("alias.example.test").canonical_name, "both.example.test");

  const auto no_address = look_up("text.example.test");
  EXPECT_EQ(error_of(no_address), "");
  EXPECT_THAT(no_address.addresses, IsEmpty());

  const auto refused = look_up("elsewhere.test");
  EXPECT_EQ(error_of(refused), "libc_error");
  EXPECT_THAT(refused.detail.value_or(""), HasSubstr("EAI_AGAIN"));
}

TEST_F(LibcResolver, IsNotHeldUpByADeadResolver) {
  const Namespace node("nameserver 127.0.0.2\noptions timeout:30 attempts:5\n", "127.0.0.1 localhost\n");
  EXPECT_EQ(node.failure_of("LeavesADeadResolverBehind"), "");
}

// Ends with 64 threads still in getaddrinfo: the process must end all the same, and cleanly.
TEST_F(InsideNamespace, DISABLED_LeavesADeadResolverBehind) {
  asio::io_context io;
  const asio::ip::udp::socket silent(io, {asio::ip::make_address("127.0.0.2"), 53});
  std::vector<std::string> names;
  for (int n = 0; n < 100; ++n) names.push_back(fmt::format("n{}.example.test", n));
  const auto started = Clock::now();
  const auto seen = look_up(names, 500ms);
  EXPECT_LT(Clock::now() - started, 20s);
  int never_asked = 0;
  for (const auto& one : seen) {
    EXPECT_EQ(error_of(one), "timed_out");
    if (one.detail.value_or("").find("never asked") != std::string::npos) ++never_asked;
  }
  EXPECT_EQ(never_asked, 36);
}

TEST(LibcResolverLoop, MayEndBeforeTheLookup) {
  asio::io_context io;
  asio::co_spawn(io, observe_libc("localhost", 20s), asio::detached);
  io.poll_one();
}

TEST(LibcResolverLoop, AnswersManyAtOnce) {
  const auto seen = look_up(std::vector<std::string>(200, "127.0.0.1"), 20s);
  for (const auto& one : seen) EXPECT_THAT(one.addresses, ElementsAre("127.0.0.1")) << error_of(one);
}

}  // namespace
}  // namespace vnetprobe::libc_resolver_test
