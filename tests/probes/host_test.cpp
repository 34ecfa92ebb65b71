#include "probes/host/host.hpp"

#include "probes/inbound.hpp"
#include "tests/support/child.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

// Reads of the node: files below a root of the test's own, the kernel's tables in a network namespace of its own.
namespace vnetprobe::host_test {
namespace {

using test::Child;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string error_of(const HostObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "";
}

TEST(Os, IsReadFromItsFilesAndTheKernel) {
  const TemporaryDirectory root;
  root.write("/usr/lib/os-release", "ID=ubuntu\nVERSION_ID=\"22.04\"\nPRETTY_NAME=\"Ubuntu 22.04.4 LTS\"\n");
  root.write("/sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77\n");
  const auto seen = observe_os(root.path());
  EXPECT_EQ(error_of(seen), "");
  ASSERT_TRUE(seen.os);
  EXPECT_EQ(seen.os->id, "ubuntu");
  EXPECT_EQ(seen.os->version, "22.04");
  EXPECT_EQ(seen.os->chassis_asset_tag, "7783-7084-3265-9085-8269-3286-77");
  EXPECT_EQ(seen.os->uid, ::geteuid());
  EXPECT_NE(seen.os->kernel, "");
  EXPECT_EQ(error_of(observe_os(root.path() / "nowhere")), "not_found");
}

TEST(Os, TellsAContainerByItsSign) {
  struct Case {
    std::string file, text, container, sign;
  };
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  for (const auto& c : std::vector<Case>{
           {"/etc/os-release", "ID=x\n", "", ""},
           {"/proc/1/cgroup", "0::/init.scope\n", "", ""},
           {"/.dockerenv", "", "docker", "/.dockerenv"},
           {"/run/.containerenv", "", "podman", "/run/.containerenv"},
           {"/proc/1/environ", std::string("A=b\0container=lxc\0", 18), "lxc", "/proc/1/environ"},
           {"/run/systemd/container", "systemd-nspawn\n", "systemd-nspawn", "/run/systemd/container"},
           {"/proc/1/cgroup", "12:cpu:/docker/0123\n", "docker", "/proc/1/cgroup"},
           {"/proc/1/cgroup", "0::/kubepods.slice/x\n", "kubernetes", "/proc/1/cgroup"},
       }) {
    const TemporaryDirectory root;
    root.write(c.file, c.text);
    const auto seen = observe_os(root.path());
    ASSERT_TRUE(seen.os);
    EXPECT_EQ(seen.os->container, c.container) << c.file << c.text;
    EXPECT_THAT(seen.os->container_sign, HasSubstr(c.sign)) << c.file;
  }
}

TEST(HostClock, SaysWhetherItIsSynchronised) {
  const auto seen = observe_clock();
  EXPECT_EQ(error_of(seen), "");
  ASSERT_TRUE(seen.clock);
  EXPECT_GT(seen.clock->now.time_since_epoch().count(), 1'700'000'000);
  EXPECT_TRUE(seen.clock->maximum_error);
}

TEST(CaStore, CountsCertificatesAndExpiredOnes) {
  ::unsetenv("SSL_CERT_FILE");
  const TemporaryDirectory root;
  const auto certificate = [&](const std::string& name, const std::string& days) {
    const auto file = (root.path() / name).string();
    EXPECT_EQ(Child({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", file + ".key", "-out", file, "-subj", "/CN=" + name, "-days", days})
                  .wait(),
              0);
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto valid = certificate("valid", "2");
  // OpenSSL 3.0's req makes no certificate that has already expired; x509 does, from a key and negative days.
  EXPECT_EQ(Child({"openssl", "x509", "-in", (root.path() / "valid").string(), "-signkey",
                   (root.path() / "valid.key").string(), "-days", "-1", "-out", (root.path() / "expired").string()})
                .wait(),
            0);
  std::ifstream in(root.path() / "expired");
  const std::string expired(std::istreambuf_iterator<char>(in), {});
  const std::string damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

  EXPECT_EQ(error_of(observe_ca_store({}, root.path())), "not_found");
  root.write("/etc/ssl/certs/ca-certificates.crt", "# bundle\n" + valid + damaged + expired + valid);
  const auto seen = observe_ca_store({(root.path() / "valid").string()}, root.path());
  EXPECT_EQ(error_of(seen), "");
  ASSERT_TRUE(seen.ca_store);
  EXPECT_EQ(seen.ca_store->path, "/etc/ssl/certs/ca-certificates.crt");
  EXPECT_EQ(seen.ca_store->certificates, 3);
  EXPECT_EQ(seen.ca_store->expired, 1);
  EXPECT_EQ(seen.ca_store->user_certificates, 1);

  const auto no_user_file = observe_ca_store({(root.path() / "none").string()}, root.path());
  EXPECT_EQ(error_of(no_user_file), "not_found");
  EXPECT_THAT(no_user_file.detail.value_or(""), HasSubstr("none"));
  root.write("/etc/ssl/certs/ca-certificates.crt", std::string(100'000, '\xff'));
  EXPECT_EQ(error_of(observe_ca_store({}, root.path())), "malformed");
}

TEST(Kernel, CountersAreReadWithTheirLimits) {
  const TemporaryDirectory root;
  EXPECT_FALSE(observe_kernel(root.path()).kernel->connections_tracked) << "nothing is there";
  root.write("/proc/sys/net/netfilter/nf_conntrack_count", "262000\n");
  root.write("/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
  root.write("/proc/sys/fs/file-nr", "1824\t0\t9223372036854775807\n");
  root.write("/proc/vmstat", "pgfault 12\noom_kill 3\nnuma_hit 1\n");
  root.write("/proc/pressure/cpu",
             "some avg10=0.00 avg60=91.27 avg300=3.00 total=1\nfull avg10=0.00 avg60=7.00 total=1\n");
  const auto kernel = *observe_kernel(root.path()).kernel;
  EXPECT_EQ(kernel.connections_tracked, 262000U);
  EXPECT_EQ(kernel.connections_tracked_at_most, 262144U);
  EXPECT_EQ(kernel.files_open, 1824U);
  EXPECT_EQ(kernel.files_open_at_most, 9223372036854775807U);
  EXPECT_EQ(kernel.oom_kills, 3U);
  EXPECT_EQ(kernel.cpu_pressure, 91U);
  root.write("/proc/sys/fs/file-nr", "nonsense");
  EXPECT_FALSE(observe_kernel(root.path()).kernel->files_open);
}

TEST(Agents, AreThoseThatSystemdIsToStartAndRunWhenAProcessOfTheirsIsThere) {
  const TemporaryDirectory root;
  const auto wants = root.path() / "etc/systemd/system/multi-user.target.wants";
  root.write("/proc/1/cmdline", "/sbin/init");
  EXPECT_FALSE(observe_agents(root.path()).agents) << "nothing is enabled";
  std::filesystem::create_directories(wants);
  std::filesystem::create_symlink("/lib/systemd/system/walinuxagent.service", wants / "walinuxagent.service");
  auto seen = observe_agents(root.path());
  ASSERT_TRUE(seen.agents);
  ASSERT_EQ(seen.agents->units.size(), 1U);
  EXPECT_EQ(seen.agents->units[0].unit, "walinuxagent.service");
  EXPECT_EQ(seen.agents->units[0].enabled_by, "/etc/systemd/system/multi-user.target.wants/walinuxagent.service");
  EXPECT_EQ(seen.agents->units[0].running, false);
  root.write("/proc/77/cmdline", std::string("python3\0-u\0/usr/sbin/waagent\0-daemon", 37));
  EXPECT_EQ(observe_agents(root.path()).agents->units[0].running, true);
  std::filesystem::remove_all(root.path() / "proc/1");
  EXPECT_EQ(observe_agents(root.path()).agents->units[0].running, std::nullopt) << "hidepid: nobody can tell";
  std::filesystem::create_symlink("/dev/null", root.path() / "etc/systemd/system/walinuxagent.service");
  EXPECT_FALSE(observe_agents(root.path()).agents) << "masked is off on purpose";
}

TEST(Disks, AreMeasuredAndAMissingOneIsTold) {
  const auto seen = observe_disks({"/nowhere/at/all", "/"});
  EXPECT_EQ(error_of(seen), "not_found");
  ASSERT_EQ(seen.disks.size(), 1U);
  EXPECT_EQ(seen.disks[0].path, "/");
  EXPECT_GE(seen.disks[0].bytes_total, seen.disks[0].bytes_available);
}

TEST(Resolvers, ShowTheUpstreamsBehindTheStub) {
  const TemporaryDirectory root;
  root.write("/etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch x.internal.cloudapp.net\n");
  root.write("/run/systemd/resolve/resolv.conf", "# Generated\nnameserver 168.63.129.16\nnameserver 10.0.0.4\n");
  root.write(
      "/proc/net/udp",
      "   sl  local_address rem_address   st tx_queue\n  100: 3500007F:0035 00000000:0000 07 00000000:00000000\n");
  auto seen = observe_resolvers(root.path());
  EXPECT_EQ(error_of(seen), "");
  ASSERT_TRUE(seen.resolvers);
  ASSERT_EQ(seen.resolvers->servers.size(), 3U);
  EXPECT_TRUE(seen.resolvers->servers[0].stub);
  EXPECT_EQ(seen.resolvers->servers[1].endpoint.address, "168.63.129.16");
  EXPECT_EQ(seen.resolvers->servers[1].source, "/run/systemd/resolve/resolv.conf:2");
  EXPECT_FALSE(seen.resolvers->servers[1].stub);
  EXPECT_TRUE(seen.resolvers->stub_running);

  root.write("/proc/net/udp", "   sl  local_address rem_address   st tx_queue\n  1: 3500007F:0036 00000000:0000 07\n");
  seen = observe_resolvers(root.path());
  EXPECT_FALSE(seen.resolvers->stub_running);
}

TEST(Resolvers, AreThoseThatTheLibcUses) {
  const TemporaryDirectory root;
  EXPECT_EQ(error_of(observe_resolvers(root.path())), "not_found");
  root.write("/etc/resolv.conf", "# nothing\n");
  auto seen = observe_resolvers(root.path());
  EXPECT_EQ(error_of(seen), "");
  EXPECT_THAT(seen.resolvers->servers, IsEmpty());
  root.write("/etc/resolv.conf",
             "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n");
  seen = observe_resolvers(root.path());
  EXPECT_EQ(seen.resolvers->servers.size(), 3U);
  EXPECT_THAT(seen.detail.value_or(""), HasSubstr("first 3"));
  root.write("/etc/resolv.conf", std::string("\0\xff nameserver", 13) + std::string(2'000'000, 'n'));
  EXPECT_THAT(observe_resolvers(root.path()).resolvers->servers, IsEmpty());
}

TEST(Proxies, AreFoundWhereverTheyAreSet) {
  const TemporaryDirectory root;
  ::setenv("HTTPS_PROXY", "http://u:secret@process:1", 1);
  root.write("/etc/environment", "A=b\nhttp_proxy=http://environment:1\n");
  root.write("/etc/profile.d/p.sh", "export http_proxy=http://profile:1\n");
  root.write("/etc/profile.d/p.txt", "export http_proxy=http://wrong:1\n");
  root.write("/home/azureuser/.bashrc", "# a\nexport HTTPS_PROXY=http://bashrc:1\n");
  root.write("/etc/systemd/system.conf.d/x.conf", "[Manager]\nDefaultEnvironment=http_proxy=http://systemd:1\n");
  root.write("/etc/systemd/system/docker.service.d/http-proxy.conf",
             "[Service]\nEnvironment=\"HTTP_PROXY=http://docker:1\"\n");
  root.write("/etc/apt/apt.conf.d/90proxy", "Acquire::http::Proxy \"http://apt:1\";\n");
  const auto seen = observe_proxies(root.path());
  ::unsetenv("HTTPS_PROXY");
  std::vector<std::string> found;
  for (const auto& setting : seen.proxies)
    if (setting.source != "process" || setting.value == "http://process:1")
      found.push_back(setting.variable + " " + setting.value + " " + setting.source);
  EXPECT_THAT(found,
              ElementsAre("https_proxy http://process:1 process", "http_proxy http://environment:1 /etc/environment:2",
                          "http_proxy http://profile:1 /etc/profile.d/p.sh:1",
                          "https_proxy http://bashrc:1 /home/azureuser/.bashrc:2",
                          "http_proxy http://systemd:1 /etc/systemd/system.conf.d/x.conf:2",
                          "http_proxy http://docker:1 /etc/systemd/system/docker.service.d/http-proxy.conf:2",
                          "http_proxy http://apt:1 /etc/apt/apt.conf.d/90proxy:1"));
}

TEST(Listeners, AreCountedWithTheirConnections) {
  const TemporaryDirectory root;
  root.write("/proc/net/tcp",
             "  sl  local_address rem_address   st\n"
             "   0: 00000000:7563 00000000:0000 0A 0\n"  // 0.0.0.0:30051 listens
             "   1: 0100007F:7563 00000000:0000 0A 0\n"  // 127.0.0.1:30051 too
             "   2: 0400000A:7563 0900000A:C001 01 0\n"  // 10.0.0.4 <- 10.0.0.9
             "   3: 0400000A:7563 0900000A:C002 01 0\n"
             "   4: 0400000A:7563 0A00000A:C003 03 0\n"  // half open
             "   5: 0100007F:7563 0100007F:C004 01 0\n"
             "   6: 00000000:0016 00000000:0000 0A 0\n"  // ssh is nobody's question
             "   7: garbage\n"
             "   8: 0400000A:7563\n");
  root.write("/proc/net/tcp6",
             "  sl  local_address                         remote_address                        st\n"
             "   0: 00000000000000000000000000000000:7564 00000000000000000000000000000000:0000 0A\n"
             "   1: 0000000000000000FFFF00000400000A:7564 0000000000000000FFFF00000900000A:C005 01\n");
  const auto seen = observe_listeners({30051, 30052}, root.path());
  EXPECT_EQ(error_of(seen), "");
  ASSERT_EQ(seen.listeners.size(), 3U);
  EXPECT_EQ(seen.listeners[0].endpoint, (Endpoint{"0.0.0.0", 30051}));
  EXPECT_EQ(seen.listeners[0].established, 2);
  EXPECT_EQ(seen.listeners[0].syn_received, 1);
  EXPECT_THAT(seen.listeners[0].peers, ElementsAre("10.0.0.9"));
  EXPECT_EQ(seen.listeners[1].established, 1);
  EXPECT_EQ(seen.listeners[2].endpoint, (Endpoint{"::", 30052}));
  EXPECT_THAT(seen.listeners[2].peers, ElementsAre("10.0.0.9"));
  EXPECT_EQ(error_of(observe_listeners({1}, root.path() / "nowhere")), "not_readable");
}

TEST(Sockets, AreCountedByTheirOtherEnd) {
  const TemporaryDirectory root;
  EXPECT_EQ(sockets_to({"10.0.0.9", 443}, root.path()), std::nullopt);
  root.write("/proc/net/tcp",
             "  sl  local_address rem_address   st\n"
             "   0: 0400000A:8001 0900000A:01BB 01 0\n"
             "   1: 0400000A:8002 0900000A:01BB 06 0\n"
             "   2: 0400000A:8003 0900000A:0050 01 0\n"
             "   3: garbage\n");
  EXPECT_EQ(sockets_to({"10.0.0.9", 443}, root.path()), 2);
  EXPECT_EQ(sockets_to({"10.0.0.9", 22}, root.path()), 0);
}

TEST(Interfaces, HoldTheLoopback) {
  const auto seen = observe_interfaces();
  EXPECT_EQ(error_of(seen), "") << seen.detail.value_or("");
  EXPECT_THAT(seen.interfaces,
              Contains(AllOf(Field(&InterfaceFacts::name, "lo"), Field(&InterfaceFacts::kind, "loopback"))));
}

TEST(Network, IsReadFromTheKernelsTables) {
  if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
  const auto name = fmt::format("vnetprobe-host-{}", ::getpid());
  Child inside({"sh", "-ec",
                fmt::format(R"(trap 'ip netns del {0}' EXIT
ip netns add {0}
ip -n {0} -batch - <<'END'
link set lo up
link add down0 type veth peer name down1
link add br-test type bridge
link add veth-a type veth peer name veth-b
link set veth-a mtu 1400 up
link set br-test up
addr add 172.17.0.1/16 dev br-test
addr add 10.0.0.4/24 dev veth-a
addr add fd00::4/64 dev veth-a nodad
link set veth-b up
route add default via 10.0.0.1 metric 100
route add blackhole 10.99.0.0/16
route add prohibit 10.98.0.0/16
route add 10.97.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.3
route add 10.96.0.0/16 via 10.0.0.5 table 500
route add default via fd00::1
END
ip netns exec {0} env VNETPROBE_TEST_INSIDE=1 {1} --gtest_also_run_disabled_tests --gtest_filter=Network.DISABLED_InsideNamespace
)",
                            name, std::filesystem::read_symlink("/proc/self/exe").string())});
  const int status = inside.wait();
  EXPECT_EQ(status, 0) << inside.said();
  EXPECT_THAT(inside.said(), HasSubstr("[  PASSED  ] 1 test"));
}

TEST(Network, DISABLED_InsideNamespace) {
  if (!std::getenv("VNETPROBE_TEST_INSIDE")) GTEST_SKIP() << "runs inside a namespace only";
  const auto interfaces = observe_interfaces();
  EXPECT_EQ(error_of(interfaces), "");
  std::vector<std::string> links;
  for (const auto& i : interfaces.interfaces)
    if (!i.addresses.empty()) links.push_back(fmt::format("{} {} {} {}", i.name, i.kind, i.mtu, i.addresses[0]));
  EXPECT_THAT(links, testing::IsSupersetOf({"lo loopback 65536 127.0.0.1/8", "br-test bridge 1500 172.17.0.1/16",
                                            "veth-a veth 1400 10.0.0.4/24"}));
  const auto is_up = [&](const std::string& name) {
    for (const auto& i : interfaces.interfaces)
      if (i.name == name) return i.up;
    return false;
  };
  EXPECT_TRUE(is_up("veth-a"));
  EXPECT_FALSE(is_up("down0"));

  const auto seen = observe_routes();
  EXPECT_EQ(error_of(seen), "");
  std::vector<std::string> routes;
  for (const auto& r : seen.routes)
    routes.push_back(fmt::format("{} {} via '{}' dev '{}' metric {} table {}", r.destination, r.type, r.gateway,
                                 r.interface, r.metric, r.table));
  for (const char* expected : {"0.0.0.0/0 unicast via '10.0.0.1' dev 'veth-a' metric 100 table 254",
                               "10.0.0.0/24 unicast via '' dev 'veth-a' metric 0 table 254",
                               "10.99.0.0/16 blackhole via '' dev '' metric 0 table 254",
                               "10.98.0.0/16 prohibit via '' dev '' metric 0 table 254",
                               "10.97.0.0/16 unicast via '10.0.0.2' dev 'veth-a' metric 0 table 254",
                               "10.97.0.0/16 unicast via '10.0.0.3' dev 'veth-a' metric 0 table 254",
                               "10.96.0.0/16 unicast via '10.0.0.5' dev 'veth-a' metric 0 table 500",
                               "::/0 unicast via 'fd00::1' dev 'veth-a' metric 1024 table 254"})
    EXPECT_THAT(routes, Contains(expected));
  EXPECT_THAT(routes, Not(Contains(HasSubstr("table 255"))));
}

}  // namespace
}  // namespace vnetprobe::host_test
