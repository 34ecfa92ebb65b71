#include "reports/diagnosis/addresses.hpp"
#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::network_rules_test {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

Check target(std::string host, std::vector<Observation> after_dns, std::string address = "20.1.1.1",
             Service service = Service::user) {
  after_dns.insert(after_dns.begin(), dns(host + " -> " + address));
  return check("target." + host, "tcp://" + host + ":443", std::move(after_dns), service);
}
Check owing(TargetOwes what, Check made) {
  made.target.owes = what;
  return made;
}
Check instance_port(Observation connection) {
  return owing(
      TargetOwes::host,
      expects_private(check(
          "instance.port/18881", "tcp://ci.eastus2.instances.azureml.ms:18881",
          {dns("ci.eastus2.instances.azureml.ms -> ws.privatelink.api.azureml.ms -> 10.0.1.4"), std::move(connection)},
          Service::instance)));
}
Check feature_host(std::vector<Observation> seen) {
  return owing(TargetOwes::nothing, check("outbound.host/aka.ms", "tls://aka.ms:443", std::move(seen), Service::none));
}
Check guessed(Check made) {
  made.target.guessed = true;
  return made;
}
Check fine() { return target("ok.contoso.com", {tcp("20.9.9.9:443")}, "20.9.9.9"); }

Observation routes(std::vector<RouteFacts> all) { return host({.topic = HostTopic::routes, .routes = std::move(all)}); }
const RouteFacts on_link{.destination = "10.0.0.0/24", .type = "unicast", .interface = "eth0"};
const RouteFacts by_default{.destination = "0.0.0.0/0", .type = "unicast", .gateway = "10.0.0.1", .interface = "eth0"};

Observation bridges(std::vector<InterfaceFacts> interfaces, std::vector<RouteFacts> all) {
  return host({.topic = HostTopic::docker_bridge, .interfaces = std::move(interfaces), .routes = std::move(all)});
}
const InterfaceFacts eth0{.name = "eth0", .up = true, .kind = "ethernet", .mtu = 1500, .addresses = {"10.0.0.5/24"}};
const InterfaceFacts docker0{
    .name = "docker0", .up = true, .kind = "bridge", .mtu = 1500, .addresses = {"172.17.0.1/16"}};
const RouteFacts docker_route{.destination = "172.17.0.0/16", .type = "unicast", .interface = "docker0"};

Observation dead_gateway(std::string remote, TcpFailure failure) {
  auto seen = tcp_failed(remote, failure, failure == TcpFailure::timed_out ? "ETIMEDOUT" : "EHOSTUNREACH", 3070ms);
  seen.neighbour->state = "FAILED";
  if (failure == TcpFailure::host_unreachable)
    seen.icmp = IcmpError{.offender = "10.0.0.5", .offender_is_self = true, .type = 3, .code = 1};
  return {.seen = seen, .follow_up = {}};
}

Observation on_link_silence(std::string remote) {
  auto seen = std::get<TcpObservation>(tcp_icmp(remote, 3, 1, "self", TcpFailure::host_unreachable, 3070ms).seen);
  seen.route = RouteLookup{.type = "unicast", .interface = "eth0"};
  seen.neighbour = NeighbourEntry{.gateway = seen.remote.address, .interface = "eth0", .state = "FAILED"};
  return {.seen = seen, .follow_up = {}};
}

Observation errno_only(std::string remote, TcpFailure failure, std::string errno_name) {
  return {.seen = tcp_failed(remote, failure, std::move(errno_name), 1ms), .follow_up = {}};
}

struct Case {
  const char* name;
  std::vector<Check> checks;
  std::string expected;

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

class NetworkRule : public testing::TestWithParam<Case> {};

TEST_P(NetworkRule, NamesTheCauseThatTheEvidenceSupports) {
  const auto seen = diagnosed(GetParam().checks);
  EXPECT_EQ(first_code(seen), GetParam().expected) << GetParam().name;
  EXPECT_LE(codes(seen).size(), 1u) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Routes, NetworkRule,
    testing::Values(
        Case{"no default route",
             {check("node.route", "", {routes({on_link})}), target("a.com", {tcp_no_route("20.1.1.1:443", "none")}),
              target("b.com", {tcp_no_route("20.1.1.2:443", "none")})},
             "route.no_default"},
        Case{"no default route, nothing needs one",
             {check("node.route", "", {routes({on_link})}), target("a.local", {tcp("10.0.0.9:443")}, "10.0.0.9")},
             ""},
        Case{"blackhole",
             {target("a.com", {tcp_no_route("20.1.1.1:443", "blackhole")}), fine()},
             "route.blackholed_locally"},
        Case{"prohibit",
             {target("a.com", {tcp_no_route("20.1.1.1:443", "prohibit")}), fine()},
             "route.blackholed_locally"},
        Case{"unreachable route",
             {target("a.com", {tcp_no_route("20.1.1.1:443", "unreachable")}), fine()},
             "route.blackholed_locally"},
        Case{"dead gateway",
             {check("node.route", "", {routes({on_link, by_default})}),
              target("a.com", {dead_gateway("20.1.1.1:443", TcpFailure::host_unreachable)}),
              target("b.com", {dead_gateway("20.1.1.2:443", TcpFailure::timed_out)})},
             "route.gateway_unresolved"},
        Case{"router without a route",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 0, "10.0.0.1", TcpFailure::network_unreachable)}), fine()},
             "route.unreachable_reported"},
        Case{"host unreachable by a router",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 1, "10.255.0.1", TcpFailure::host_unreachable)}), fine()},
             "route.unreachable_reported"},
        Case{"packets go round in circles",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 11, 0, "10.0.0.4", TcpFailure::host_unreachable)}), fine()},
             "route.unreachable_reported"},
        Case{"no way out",
             {target("a.com", {tcp_silent("20.1.1.1:443")}), target("b.com", {tcp_silent("20.1.1.2:443")}),
              target("c.local", {tcp("10.0.1.5:443")}, "10.0.1.5")},
             "route.no_internet_outbound"},
        Case{"one silent host with two addresses is not the internet",
             {target("a.com", {tcp_silent("20.1.1.1:443"), tcp_silent("20.1.1.2:443")})},
             "tcp.timeout"},
        Case{"interface down",
             {check("node.route", "",
                    {host({.topic = HostTopic::interfaces,
                           .interfaces = {{.name = "lo", .up = true, .kind = "loopback"},
                                          {.name = "eth0", .up = false, .kind = "ethernet"}}})}),
              target("a.com", {tcp_no_route("20.1.1.1:443", "none")})},
             "route.interface_down"},
        Case{"a spare interface is down",
             {check("node.route", "",
                    {host({.topic = HostTopic::interfaces,
                           .interfaces = {eth0,
                                          {.name = "eth1", .up = false, .kind = "ethernet"},
                                          {.name = "docker0", .up = false, .kind = "bridge"}}})}),
              fine()},
             ""},
        Case{"AAAA without IPv6",
             {target("a.com", {errno_only("[2603:1030::1]:443", TcpFailure::network_unreachable, "ENETUNREACH"),
                               tcp("20.1.1.1:443")})},
             ""},
        Case{"AAAA without IPv6 does not hide an IPv4 silence",
             {target("a.com", {errno_only("[2603:1030::1]:443", TcpFailure::network_unreachable, "ENETUNREACH"),
                               tcp_silent("20.1.1.1:443")}),
              fine()},
             "tcp.timeout"}));

INSTANTIATE_TEST_SUITE_P(
    Tcp, NetworkRule,
    testing::Values(
        Case{"silence", {target("a.com", {tcp_silent("20.1.1.1:443")}), fine()}, "tcp.timeout"},
        Case{"reset", {target("a.com", {tcp_refused("20.1.1.1:443")}), fine()}, "tcp.refused_by_host"},
        Case{"reject by a firewall",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 3, "10.0.0.4")}), fine()},
             "tcp.refused_by_middlebox"},
        Case{"administratively prohibited",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 13, "10.0.0.4", TcpFailure::host_unreachable)}), fine()},
             "tcp.refused_by_middlebox"},
        Case{"reject by the target itself",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 3, "20.1.1.1")}), fine()},
             "tcp.refused_by_host"},
        Case{"a host on this link that is off",
             {target("a.local", {on_link_silence("10.0.0.77:443")}, "10.0.0.77"), fine()},
             "tcp.timeout"},
        Case{"prohibited by the target itself",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 13, "20.1.1.1", TcpFailure::host_unreachable)}), fine()},
             "tcp.refused_by_host"},
        Case{"reject by this node as unreachable",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 1, "self", TcpFailure::host_unreachable)}), fine()},
             "tcp.refused_locally"},
        Case{"reject by this node as prohibited",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 13, "self", TcpFailure::host_unreachable)}), fine()},
             "tcp.refused_locally"},
        Case{"two services of Microsoft refuse HTTPS",
             {target("login.microsoftonline.com", {tcp_refused("20.1.1.1:443")}, "20.1.1.1", Service::entra),
              target("management.azure.com", {tcp_refused("20.1.1.2:443")}, "20.1.1.2", Service::resource_manager)},
             "tcp.refused_by_middlebox"},
        Case{"reject by this node",
             {target("a.com", {tcp_icmp("20.1.1.1:443", 3, 3, "self")}), fine()},
             "tcp.refused_locally"},
        Case{"no local ports",
             {target("a.com", {errno_only("20.1.1.1:443", TcpFailure::no_local_address, "EADDRNOTAVAIL")}), fine()},
             "tcp.local_ports_exhausted"},
        Case{"EPERM",
             {target("a.com", {errno_only("20.1.1.1:443", TcpFailure::not_permitted, "EPERM")}), fine()},
             "host.firewall.output_drop"},
        Case{"reset while connecting",
             {target("a.com", {errno_only("20.1.1.1:443", TcpFailure::reset, "ECONNRESET")}), fine()},
             "tcp.reset_midstream"},
        Case{"one of two addresses silent",
             {target("a.com", {tcp_silent("20.1.1.1:443"), tcp("20.1.1.2:443")}, "20.1.1.1, 20.1.1.2")},
             "tcp.timeout"},
        Case{"Batch is silent and others answer",
             {target("x.eastus2.service.batch.azure.com", {tcp_silent("20.1.1.1:443")}, "20.1.1.1", Service::batch),
              fine()},
             "batch.endpoint_unreachable"},
        Case{"sign-in is silent and others answer",
             {target("login.microsoftonline.com", {tcp_silent("20.1.1.1:443")}, "20.1.1.1", Service::entra), fine()},
             "entra.unreachable"},
        Case{"sign-in is refused by a device",
             {target("login.microsoftonline.com", {tcp_icmp("20.1.1.1:443", 3, 13, "10.0.0.4")}, "20.1.1.1",
                     Service::entra),
              fine()},
             "tcp.refused_by_middlebox"},
        Case{"registry data endpoint",
             {target("r.eastus2.data.azurecr.io", {tcp_silent("20.1.1.1:443")}, "20.1.1.1",
                     Service::container_registry_data),
              target("r.azurecr.io", {tcp("20.1.1.2:443")}, "20.1.1.2", Service::container_registry)},
             "acr.data_endpoint_unreachable"},
        Case{"UDP forbidden",
             {check("instance.tundra", "udp://eastus2.tundra.azureml.ms:5831",
                    {dns("eastus2.tundra.azureml.ms -> 20.1.1.1"), udp("20.1.1.1:5831", UdpFailure::not_permitted)})},
             "udp.blocked_local"},
        Case{"UDP rejected",
             {check("instance.tundra", "udp://eastus2.tundra.azureml.ms:5831",
                    {dns("eastus2.tundra.azureml.ms -> 20.1.1.1"), udp("20.1.1.1:5831", UdpFailure::refused)})},
             "udp.rejected"},
        Case{"UDP in a blackhole",
             {check("instance.tundra", "udp://eastus2.tundra.azureml.ms:5831",
                    {dns("eastus2.tundra.azureml.ms -> 20.1.1.1"), udp("20.1.1.1:5831", UdpFailure::invalid_route)})},
             "route.blackholed_locally"},
        Case{"UDP without a default route",
             {check("node.route", "", {routes({on_link})}),
              check("instance.tundra", "udp://eastus2.tundra.azureml.ms:5831",
                    {dns("eastus2.tundra.azureml.ms -> 20.1.1.1"),
                     udp("20.1.1.1:5831", UdpFailure::network_unreachable)})},
             "route.no_default"},
        Case{"UDP fails and nothing tells why",
             {check("instance.tundra", "udp://eastus2.tundra.azureml.ms:5831",
                    {dns("eastus2.tundra.azureml.ms -> 20.1.1.1"), udp("20.1.1.1:5831", UdpFailure::other)})},
             "verdict.unknown_network"},
        Case{"UDP silent",
             {check("instance.tundra", "udp://eastus2.tundra.azureml.ms:5831",
                    {dns("eastus2.tundra.azureml.ms -> 20.1.1.1"), udp("20.1.1.1:5831")})},
             ""},
        Case{"a device rejects a port where nobody need listen",
             {instance_port(tcp_icmp("10.0.1.4:18881", 3, 13, "10.0.0.1"))},
             "tcp.refused_by_middlebox"},
        Case{"silence where nobody need listen", {instance_port(tcp_silent("10.0.1.4:18881")), fine()}, ""},
        Case{"a reset where nobody need listen", {instance_port(tcp_refused("10.0.1.4:18881")), fine()}, ""},
        Case{"the same silence where somebody must",
             {expects_private(check("workspace.api", "https://ws.api.azureml.ms/",
                                    {dns("ws.api.azureml.ms -> ws.privatelink.api.azureml.ms -> 10.0.1.4"),
                                     tcp_silent("10.0.1.4:443")})),
              fine()},
             "private_endpoint.unreachable"},
        Case{"a failing experiment alone",
             {target("a.com", {tcp("20.1.1.1:443"), follow_up(tcp_silent("20.1.1.1:443"))})},
             ""}));

Check endpoint_check(std::string address) {
  return expects_private(
      check("storage.blob/acct", "https://acct.blob.core.windows.net",
            {dns("acct.blob.core.windows.net -> acct.privatelink.blob.core.windows.net -> " + address),
             tcp_silent(address + ":443")},
            Service::storage_blob));
}

INSTANTIATE_TEST_SUITE_P(
    Host, NetworkRule,
    testing::Values(
        Case{"endpoint inside docker's bridge",
             {check("node.docker-bridge", "", {bridges({eth0, docker0}, {by_default, on_link, docker_route})}),
              endpoint_check("172.17.0.9"), fine()},
             "private_endpoint.address_captured_locally"},
        Case{"docker's bridge elsewhere",
             {check("node.docker-bridge", "", {bridges({eth0, docker0}, {by_default, on_link, docker_route})}),
              endpoint_check("10.0.1.5"), fine()},
             "private_endpoint.unreachable"},
        Case{"a VPN takes a private target",
             {check("node.docker-bridge", "",
                    {bridges({eth0, {.name = "tun0", .up = true, .kind = "tun"}},
                             {by_default, {.destination = "10.0.2.0/24", .type = "unicast", .interface = "tun0"}})}),
              target("db.local", {tcp_silent("10.0.2.9:443")}, "10.0.2.9"), fine()},
             "host.vpn_interface"},
        Case{"a VPN that works",
             {check("node.docker-bridge", "",
                    {bridges({eth0, {.name = "tun0", .up = true, .kind = "tun"}},
                             {by_default, {.destination = "10.0.2.0/24", .type = "unicast", .interface = "tun0"}})}),
              target("db.local", {tcp("10.0.2.9:443")}, "10.0.2.9")},
             ""},
        Case{"a VPN that works, and a port behind it that is closed",
             {check("node.docker-bridge", "",
                    {bridges({eth0, {.name = "wg0", .up = true, .kind = "wireguard"}},
                             {by_default, {.destination = "10.20.0.0/16", .type = "unicast", .interface = "wg0"}})}),
              target("db.local", {tcp_refused("10.20.1.9:443")}, "10.20.1.9"), fine()},
             "tcp.refused_by_host"},
        Case{"a VPN behind which another target answers",
             {check("node.docker-bridge", "",
                    {bridges({eth0, {.name = "wg0", .up = true, .kind = "wireguard"}},
                             {by_default, {.destination = "10.20.0.0/16", .type = "unicast", .interface = "wg0"}})}),
              target("db.local", {tcp_silent("10.20.1.9:443")}, "10.20.1.9"),
              target("other.local", {tcp("10.20.1.8:443")}, "10.20.1.8")},
             "tcp.timeout"},
        Case{"a container's port that is closed",
             {check("node.docker-bridge", "", {bridges({eth0, docker0}, {by_default, on_link, docker_route})}),
              target("app.local", {tcp_refused("172.17.0.2:443")}, "172.17.0.2"), fine()},
             "tcp.refused_by_host"},
        Case{
            "the node's own network card is a bridge",
            {check("node.docker-bridge", "",
                   {bridges({{.name = "br0", .up = true, .kind = "bridge", .addresses = {"10.0.0.5/24"}}},
                            {{.destination = "0.0.0.0/0", .type = "unicast", .gateway = "10.0.0.1", .interface = "br0"},
                             {.destination = "10.0.0.0/24", .type = "unicast", .interface = "br0"}})}),
             endpoint_check("10.0.0.77"), fine()},
            "private_endpoint.unreachable"},
        Case{"disk full",
             {check("node.disk", "",
                    {host({.topic = HostTopic::disk,
                           .disks = {{.path = "/",
                                      .bytes_total = 1ull << 36,
                                      .bytes_available = 1ull << 20,
                                      .inodes_total = 100,
                                      .inodes_available = 50}}})})},
             "host.disk_full"},
        Case{"no inodes",
             {check("node.disk", "",
                    {host({.topic = HostTopic::disk,
                           .disks = {{.path = "/",
                                      .bytes_total = 1ull << 36,
                                      .bytes_available = 1ull << 35,
                                      .inodes_total = 100,
                                      .inodes_available = 0}}})})},
             "host.inodes_full"},
        Case{"a disk without inode counts",
             {check("node.disk", "",
                    {host({.topic = HostTopic::disk,
                           .disks = {{.path = "/", .bytes_total = 1ull << 36, .bytes_available = 1ull << 35}}})})},
             ""},
        Case{"no certificate store",
             {check("node.ca-store", "",
                    {host({.topic = HostTopic::ca_store, .ca_store = CaStoreFacts{.path = "/etc/ssl/certs"}})})},
             "host.ca_store_empty"},
        Case{"no certificate store but a file of the user's",
             {check("node.ca-store", "",
                    {host({.topic = HostTopic::ca_store,
                           .ca_store = CaStoreFacts{.path = "/etc/ssl/certs",
                                                    .user_files = {"ca.pem"},
                                                    .user_certificates = 1}})})},
             ""}));

TEST(HostDiagnosis, OnlyAnAttachedMachineMustRunUbuntu) {
  const auto os = [](std::string id) {
    return check("node.os", "", {host({.topic = HostTopic::os, .os = OsFacts{.id = std::move(id)}})});
  };
  auto made = report({os("debian")});
  EXPECT_EQ(first_code(diagnosed(made)), "");
  made.node.profile = Sourced<std::string>{"attached-vm", "--profile"};
  EXPECT_EQ(first_code(diagnosed(made)), "host.os_unsupported");
  made.checks = {os("ubuntu")};
  EXPECT_EQ(first_code(diagnosed(made)), "");
}

TEST(HostDiagnosis, AMissingListenerFailsARequiredPortAndIsANoteForAnOptionalOne) {
  auto port =
      check("inbound.29876", "", {host({.topic = HostTopic::listeners, .listeners = {{.endpoint = {"0.0.0.0", 22}}}})});
  port.target.port = 29876;
  EXPECT_EQ(first_code(diagnosed({port})), "inbound.no_listener");
  EXPECT_EQ(first_code(diagnosed({optional(port)})), "");
  port.observations = {host({.topic = HostTopic::listeners, .listeners = {{.endpoint = {"127.0.0.1", 29876}}}})};
  EXPECT_EQ(first_code(diagnosed({port})), "inbound.listener_loopback");
  port.observations = {host(
      {.topic = HostTopic::listeners, .listeners = {{.endpoint = {"127.0.0.1", 29876}}, {.endpoint = {"::", 29876}}}})};
  EXPECT_EQ(first_code(diagnosed({port})), "");
}

TEST(TcpDiagnosis, ASilentServiceTagIsOneDiagnosisUnlessOneOfItsHostsAnswers) {
  std::vector<Check> checks{tagged(target("a.com", {tcp_silent("20.1.1.1:443")}), "AzureMachineLearning"),
                            tagged(target("b.com", {tcp_silent("20.1.1.2:443")}, "20.1.1.2"), "AzureMachineLearning"),
                            fine()};
  auto seen = diagnosed(checks);
  ASSERT_THAT(codes(seen), ElementsAre("tcp.timeout"));
  EXPECT_EQ(seen.diagnoses[0].title, "AzureMachineLearning does not answer on TCP");
  EXPECT_EQ(seen.diagnoses[0].checks.size(), 2u);
  checks.push_back(tagged(target("c.com", {tcp("20.1.1.3:443")}, "20.1.1.3"), "AzureMachineLearning"));
  EXPECT_THAT(codes(diagnosed(checks)), ElementsAre("tcp.timeout", "tcp.timeout"));
}

// Who rejects a datagram on its way breaks what needs it; an address that answers for itself was reached.
TEST(UdpDiagnosis, OnlyARefusalOnTheWayFailsWhatIsRequired) {
  struct Situation {
    const char* name;
    UdpObservation seen;
    const char* code;
    OverallVerdict verdict;
    int status;
  };
  const auto seen = [](std::optional<UdpFailure> failure, std::optional<IcmpError> icmp = {}) {
    return UdpObservation{.remote = at("20.41.0.243:5831"), .duration = 1s, .error = failure, .icmp = std::move(icmp)};
  };
  const IcmpError by_a_router{.offender = "10.0.0.1", .type = 3, .code = 13};
  const IcmpError by_the_host{.offender = "20.41.0.243", .type = 3, .code = 3};
  for (const auto& c : std::vector<Situation>{
           {"silence", seen({}), "", OverallVerdict::healthy, 0},
           {"by a router", seen(UdpFailure::refused, by_a_router), "udp.rejected", OverallVerdict::unhealthy, 1},
           {"by this node", seen(UdpFailure::not_permitted), "udp.blocked_local", OverallVerdict::unhealthy, 1},
           {"by the host", seen(UdpFailure::refused, by_the_host), "udp.rejected", OverallVerdict::degraded, 0}}) {
    auto channel = check("instance.tundra", "udp://eastus2.tundra.azureml.ms:5831",
                         {dns("eastus2.tundra.azureml.ms -> 20.41.0.243"), {.seen = c.seen, .follow_up = {}}});
    channel.required = true;
    const auto told = diagnosed({channel, fine()});
    EXPECT_EQ(first_code(told), c.code) << c.name;
    EXPECT_EQ(told.verdict, c.verdict) << c.name;
    EXPECT_EQ(exit_status(told), c.status) << c.name;
  }
  auto unknown = guessed(
      check("instance.tundra", "udp://eastus2.tundra.azureml.ms:5831", {dns("eastus2.tundra.azureml.ms -> NXDOMAIN")}));
  unknown.required = true;
  EXPECT_EQ(exit_status(diagnosed({unknown, fine()})), 0);
}

TEST(TcpDiagnosis, OneDeadAddressWarnsAndTheCheckStillWorks) {
  const auto seen =
      diagnosed({target("a.com", {tcp_silent("20.1.1.1:443"), tcp("20.1.1.2:443")}, "20.1.1.1, 20.1.1.2")});
  ASSERT_EQ(seen.diagnoses.size(), 1u);
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::warning);
  EXPECT_EQ(seen.checks[0].verdict, Verdict::warn);
  EXPECT_EQ(seen.verdict, OverallVerdict::degraded);
  EXPECT_EQ(exit_status(seen), 0);
}

TEST(HealthyNetwork, GivesNoDiagnosisAboveInfoHoweverOddItIs) {
  auto slow = tcp("20.1.1.1:443");
  std::get<TcpObservation>(slow.seen).duration = 4800ms;
  auto lossy = tcp("20.1.1.1:443");
  std::get<TcpObservation>(lossy.seen).retransmissions = 3;
  auto replaced = tcp("127.0.0.1:8443");
  std::get<TcpObservation>(replaced.seen).instead_of = "a.com:443";
  const std::vector<std::pair<const char*, std::vector<Check>>> networks{
      {"slow", {target("a.com", {slow})}},
      {"lossy", {target("a.com", {lossy}), target("b.com", {lossy}), target("c.com", {lossy})}},
      {"lost datagram",
       {target("a.com", {dns("a.com -> timeout", "10.0.0.10", DnsTransport::udp, "AAAA"), tcp("20.1.1.1:443")})}},
      {"slow library", {target("a.com", {libc("a.com -> timeout"), tcp("20.1.1.1:443")})}},
      {"no IPv6", {target("a.com", {tcp_no_route("[2603:1030::1]:443", "none"), tcp("20.1.1.1:443")})}},
      {"private side only",
       {target("a.local", {tcp("10.0.1.5:443")}, "10.0.1.5"), target("b.local", {tcp("10.0.1.6:443")}, "10.0.1.6")}},
      {"replaced by --connect-to", {target("a.com", {replaced})}},
      {"proxied",
       {check("target.a", "https://a.com/",
              {tcp("10.0.9.9:3128"), proxy_connect("a.com:443", 200), tls("10.0.9.9:3128", "a.com")})}},
      {"docker",
       {check("node.docker-bridge", "", {bridges({eth0, docker0}, {by_default, on_link, docker_route})}), fine()}},
      {"nobody listens where nobody need",
       {instance_port(tcp_silent("10.0.1.4:18881")), instance_port(tcp_refused("10.0.1.4:18881")), fine()}},
      {"hosts that a list of tags does not let out",
       {feature_host({dns("aka.ms -> 20.1.1.1"), tcp_silent("20.1.1.1:443")}),
        feature_host({dns("aka.ms -> 20.1.1.1"), tcp_icmp("20.1.1.1:443", 3, 13, "10.0.0.1")}),
        feature_host(
            {dns("aka.ms -> 20.1.1.1"), tcp("20.1.1.1:443"), tls_failed("20.1.1.1:443", "aka.ms", TlsFailure::reset)}),
        feature_host({tcp("10.0.9.9:3128"), proxy_connect("aka.ms:443", 403)}),
        feature_host({dns("aka.ms -> SERVFAIL")}), fine()}},
      {"a host of a fixed name that is no more", {guessed(target("graph.windows.net", {}, "NXDOMAIN")), fine()}},
      {"unknown UDP",
       {check("instance.tundra", "udp://t.azureml.ms:5831", {dns("t.azureml.ms -> 20.1.1.1"), udp("20.1.1.1:5831")})}},
  };
  for (const auto& [name, checks] : networks) {
    const auto seen = diagnosed(checks);
    EXPECT_THAT(codes(seen), IsEmpty()) << name;
    for (const auto& one : seen.checks) EXPECT_NE(one.verdict, Verdict::fail) << name << ": " << one.id;
    EXPECT_EQ(exit_status(seen), 0) << name;
  }
}

TEST(Addresses, AreToldApart) {
  EXPECT_TRUE(is_private("10.1.2.3") && is_private("172.31.0.1") && is_private("192.168.1.1") && is_private("fd00::1"));
  EXPECT_FALSE(is_private("172.32.0.1") || is_private("11.0.0.1") || is_private("") || is_private("10.1.2"));
  EXPECT_TRUE(is_public("20.60.0.1") && is_public("2603:1030::1"));
  EXPECT_FALSE(is_public("168.63.129.16") || is_public("169.254.169.254") || is_public("127.0.0.1") ||
               is_public("name"));
  EXPECT_TRUE(is_bogon("0.0.0.0") && is_bogon("100.64.0.1") && is_bogon("239.1.1.1") && is_bogon("::1"));
  EXPECT_TRUE(in_prefix("10.0.1.5", "10.0.0.0/23") && in_prefix("10.0.0.1", "0.0.0.0/0") &&
              in_prefix("fd00::1", "fd00::/8"));
  EXPECT_FALSE(in_prefix("10.0.2.5", "10.0.0.0/23") || in_prefix("10.0.0.1", "::/0") ||
               in_prefix("10.0.0.1", "10.0.0.0/33") || in_prefix("10.0.0.1", "10.0.0.0/x"));
  EXPECT_EQ(host_of("10.0.0.4:443"), "10.0.0.4");
  EXPECT_EQ(host_of("[fd00::1]:443"), "fd00::1");
  EXPECT_EQ(host_of("fd00::1"), "fd00::1");
  EXPECT_EQ(host_of("host"), "host");
  EXPECT_EQ(for_dig("10.0.0.4"), "@10.0.0.4");
  EXPECT_EQ(for_dig("10.0.0.4:5353"), "@10.0.0.4 -p 5353");
  EXPECT_EQ(for_dig("fd00::1"), "@fd00::1");
  EXPECT_EQ(for_dig("[fd00::1]:5353"), "@fd00::1 -p 5353");
}

}  // namespace
}  // namespace vnetprobe::network_rules_test
