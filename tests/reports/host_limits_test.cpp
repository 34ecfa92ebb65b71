#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// The node's own limits, policy routing, its clock and its certificate store: each code where it must appear, and the
// look-alike in which it must not.
namespace vnetprobe::host_limits_test {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

Check node(KernelFacts facts) { return check("node.os", "", {host({.topic = HostTopic::kernel, .kernel = facts})}); }

Check public_target(std::vector<Observation> tried) {
  return check("tag.AzureResourceManager", "https://management.azure.com/", std::move(tried));
}

Observation refused_to_send() {
  auto seen = tcp_failed("20.62.129.10:443", TcpFailure::timed_out, "ETIMEDOUT", 5s);
  seen.send_refused = true;
  seen.retransmissions = 2;
  return {.seen = std::move(seen), .follow_up = {}};
}

Observation without_socket(const char* errno_name) {
  auto seen = tcp_failed("20.62.129.10:443", TcpFailure::other, errno_name, 5us);
  seen.route = {};
  seen.neighbour = {};
  return {.seen = std::move(seen), .follow_up = {}};
}

std::vector<std::string> all_codes(const Report& made) {
  std::vector<std::string> found;
  for (const auto& diagnosis : made.diagnoses) found.push_back(diagnosis.code);
  return found;
}

TEST(HostLimits, AFullConnectionTableIsNoFirewallRule) {
  const KernelFacts full{.connections_tracked = 262000, .connections_tracked_at_most = 262144};
  const KernelFacts half{.connections_tracked = 131072, .connections_tracked_at_most = 262144};
  EXPECT_THAT(codes(diagnosed({node(full), public_target({refused_to_send()})})), ElementsAre("host.conntrack_full"));
  EXPECT_THAT(codes(diagnosed({node(half), public_target({refused_to_send()})})),
              ElementsAre("host.firewall.output_drop"));
  EXPECT_THAT(codes(diagnosed({node(full), public_target({tcp_silent("20.62.129.10:443")})})),
              Contains("host.conntrack_full"))
      << "a warning beside what is not its doing";
  EXPECT_THAT(codes(diagnosed({node({}), public_target({tcp("20.62.129.10:443")})})), IsEmpty());
}

TEST(HostLimits, NoLocalPortLeftIsOneCauseOfAllThatFailsByIt) {
  auto no_port = tcp_failed("20.62.129.10:443", TcpFailure::no_local_address, "EADDRNOTAVAIL", 50us);
  ImdsObservation imds{.url = "http://169.254.169.254/metadata/instance",
                       .remote = at("169.254.169.254:80"),
                       .error = ImdsFailure::unreachable};
  imds.tcp = tcp_failed("169.254.169.254:80", TcpFailure::no_local_address, "EADDRNOTAVAIL", 50us);
  const auto made = diagnosed(
      {public_target({{.seen = no_port, .follow_up = {}}}), check("node.imds", "", {{.seen = imds, .follow_up = {}}})});
  EXPECT_THAT(codes(made), ElementsAre("tcp.local_ports_exhausted"));
  EXPECT_THAT(made.diagnoses[0].checks, ElementsAre("tag.AzureResourceManager", "node.imds"));
  imds.tcp->error = TcpFailure::timed_out;
  imds.error = ImdsFailure::timed_out;
  EXPECT_THAT(codes(diagnosed({check("node.imds", "", {{.seen = imds, .follow_up = {}}})})),
              ElementsAre("imds.unreachable"));
}

Check with_agent(std::optional<bool> running) {
  AzureAgents agents;
  agents.units.push_back(
      {.unit = "walinuxagent.service", .enabled_by = "/etc/x.wants/walinuxagent.service", .running = running});
  return check("node.os", "", {host({.topic = HostTopic::agents, .agents = agents})});
}

TEST(HostAgents, AnAgentThatIsEnabledAndDoesNotRunIsToldUnlessItsProcessesAreHidden) {
  const auto stopped = diagnosed({with_agent(false)});
  EXPECT_THAT(codes(stopped), ElementsAre("host.agent_not_running"));
  EXPECT_EQ(stopped.diagnoses[0].severity, Severity::warning);
  EXPECT_THAT(codes(diagnosed({with_agent(true)})), IsEmpty());
  EXPECT_THAT(codes(diagnosed({with_agent(std::nullopt)})), IsEmpty());
}

Check imds_elsewhere(bool required) {
  ImdsObservation silent{.url = "http://169.254.169.254/metadata/instance",
                         .remote = at("169.254.169.254:80"),
                         .error = ImdsFailure::timed_out};
  auto made = check("node.imds", "", {{.seen = std::move(silent), .follow_up = {}}});
  made.required = required;
  return made;
}

TEST(HostAgents, OfAzureNeedNotRunElsewhere) {
  EXPECT_THAT(codes(diagnosed({with_agent(false), imds_elsewhere(false)})), IsEmpty());
  EXPECT_THAT(codes(diagnosed({with_agent(false), imds_elsewhere(true)})), Contains("host.agent_not_running"));
}

TEST(HostAgents, ANodeWhoseNetworkIsFineIsToldSo) {
  const auto fine =
      check("target.a", "tcp://a.contoso.com:443", {dns("a.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:443")});
  const auto dead =
      check("target.b", "tcp://b.contoso.com:443", {dns("b.contoso.com -> 20.1.1.2"), tcp_silent("20.1.1.2:443")});
  EXPECT_THAT(all_codes(diagnosed({with_agent(false), fine})), Contains("verdict.node_ok"));
  EXPECT_THAT(all_codes(diagnosed({with_agent(false), fine, dead})), Not(Contains("verdict.node_ok")));
  EXPECT_THAT(all_codes(diagnosed({with_agent(true), fine})), IsEmpty());
}

TEST(HostFirewall, WhatWasRefusedLocallyIsNotDenied) {
  const auto no_permission =
      check("target.a", "tcp://a.contoso.com:443",
            {dns("a.contoso.com -> 20.1.1.1"),
             {.seen = tcp_failed("20.1.1.1:443", TcpFailure::not_permitted, "EPERM", 1ms), .follow_up = {}}});
  const auto firewall = optional(check("node.firewall", "", {}));
  const auto refused = diagnosed({firewall, no_permission});
  EXPECT_THAT(codes(refused), ElementsAre("host.firewall.output_drop"));
  EXPECT_THAT(refused.checks[0].reason, testing::HasSubstr("refused to send to 20.1.1.1:443"));
  EXPECT_THAT(diagnosed({firewall}).checks[0].reason, testing::HasSubstr("nothing that was refused locally was seen"));
}

TEST(HostLimits, AFullConnectionTableRefusesQuestionsAsAFirewallDoes) {
  auto question = dns("a.contoso.com -> unreachable");
  std::get<DnsObservation>(question.seen).errno_name = "EPERM";
  const auto asked = check("target.a", "tcp://a.contoso.com:443", {question, question});
  const KernelFacts full{.connections_tracked = 1000, .connections_tracked_at_most = 1000};
  EXPECT_THAT(codes(diagnosed({node(full), asked})), ElementsAre("host.conntrack_full"));
  EXPECT_THAT(codes(diagnosed({node({.connections_tracked = 10, .connections_tracked_at_most = 1000}), asked})),
              ElementsAre("host.firewall.output_drop"));
}

TEST(HostLimits, FileHandlesOfTheNodeAndOfTheAgentAreToldApart) {
  EXPECT_EQ(first_code(diagnosed({public_target({without_socket("ENFILE")})})), "host.fd_exhausted");
  EXPECT_EQ(first_code(diagnosed({public_target({without_socket("EMFILE")})})), "probe.self_inflicted");
  EXPECT_EQ(first_code(diagnosed({node({.files_open = 990, .files_open_at_most = 1000})})), "host.fd_exhausted");
  EXPECT_EQ(first_code(diagnosed({node({.files_open = 900, .files_open_at_most = 1000})})), "");
}

TEST(HostLimits, LoadIsToldOnlyBesideWhatWaitsAndNeverAboveInfo) {
  const KernelFacts loaded{.cpu_pressure = 97};
  const auto beside_a_timeout = diagnosed({node(loaded), public_target({tcp_silent("20.62.129.10:443")})});
  EXPECT_THAT(all_codes(beside_a_timeout), Contains("host.cpu_starved"));
  EXPECT_THAT(codes(beside_a_timeout), Not(Contains("host.cpu_starved")));
  EXPECT_THAT(all_codes(diagnosed({node(loaded), public_target({tcp("20.62.129.10:443")})})), IsEmpty());
}

TEST(HostLimits, AKillForLackOfMemoryIsToldBesideAServiceThatIsGone) {
  auto port = check("inbound.29876", "", {host({.topic = HostTopic::listeners})});
  port.target.port = 29876;
  EXPECT_THAT(all_codes(diagnosed({node({.oom_kills = 2}), port})), Contains("host.oom_recent"));
  EXPECT_THAT(all_codes(diagnosed({node({.oom_kills = 0}), port})), Not(Contains("host.oom_recent")));
  port.observations = {host({.topic = HostTopic::listeners, .listeners = {{.endpoint = {"0.0.0.0", 29876}}}})};
  EXPECT_THAT(all_codes(diagnosed({node({.oom_kills = 2}), port})), IsEmpty());
}

Observation by_table(unsigned table, const char* neighbour) {
  auto seen = tcp_failed("20.62.129.10:443", TcpFailure::host_unreachable, "EHOSTUNREACH", 3s);
  seen.route->table = table;
  seen.route->gateway = "10.0.0.99";
  seen.neighbour = NeighbourEntry{.gateway = "10.0.0.99", .interface = "eth0", .state = neighbour};
  return {.seen = std::move(seen), .follow_up = {}};
}

TEST(PolicyRouting, IsBlamedOnlyWhereItsOwnGatewayDoesNotAnswer) {
  EXPECT_EQ(first_code(diagnosed({public_target({by_table(100, "FAILED")})})), "route.policy_rule");
  EXPECT_EQ(first_code(diagnosed({public_target({by_table(254, "FAILED")})})), "route.gateway_unresolved");
  EXPECT_NE(first_code(diagnosed({public_target({by_table(100, "REACHABLE")})})), "route.policy_rule")
      << "a VPN's table, and a target that is silent for another reason";
}

Check shaken(bool verified, std::optional<bool> publicly_trusted) {
  auto seen = tls_seen("20.62.129.10:443", "pypi.org", "Contoso Inspection");
  seen.verified = verified;
  seen.publicly_trusted = publicly_trusted;
  if (!verified) {
    seen.error = TlsFailure::unverified;
    seen.verify_code = 20;
    seen.verify_error = "unable to get local issuer certificate";
  }
  return check("extra.pypi", "https://pypi.org/",
               {dns("pypi.org -> 20.62.129.10"), tcp("20.62.129.10:443"), {.seen = std::move(seen), .follow_up = {}}},
               Service::user);
}

TEST(CertificateStore, ThatLacksAPublicRootIsWhatIsWrong) {
  EXPECT_THAT(codes(diagnosed({shaken(false, true)})), ElementsAre("tls.untrusted_root_local"));
  EXPECT_THAT(codes(diagnosed({shaken(false, false)})), Not(Contains("tls.untrusted_root_local")));
}

TEST(CertificateStore, WithAnAuthorityOfItsOwnIsToldAndNoFault) {
  const auto differs = diagnosed({shaken(true, false)});
  EXPECT_THAT(all_codes(differs), ElementsAre("tls.python_store_differs"));
  EXPECT_THAT(codes(differs), IsEmpty());
  EXPECT_THAT(all_codes(diagnosed({shaken(true, true)})), IsEmpty());
  EXPECT_THAT(all_codes(diagnosed({shaken(true, {})})), IsEmpty()) << "vouched for by the user's file";
}

Check telling(const std::string& host, std::chrono::milliseconds offset) {
  auto answer = http("https://" + host + "/", 200);
  std::get<HttpObservation>(answer.seen).clock_offset = offset;
  return check("extra." + host, "https://" + host + "/",
               {dns(host + " -> 20.62.129.10"), tcp("20.62.129.10:443"), tls("20.62.129.10:443", host), answer});
}

TEST(Clock, ThatDriftsWithoutATimeServiceIsToldBeforeItFails) {
  const auto clock = [](bool synchronised) {
    return check("node.clock", "",
                 {host({.topic = HostTopic::clock, .clock = ClockFacts{.synchronised = synchronised}})});
  };
  const auto drifting = diagnosed({clock(false), telling("a.test", 20s), telling("b.test", 21s)});
  EXPECT_THAT(all_codes(drifting), ElementsAre("clock.unsynchronised"));
  EXPECT_THAT(codes(drifting), IsEmpty());
  EXPECT_THAT(all_codes(diagnosed({clock(true), telling("a.test", 20s), telling("b.test", 21s)})), IsEmpty());
  EXPECT_THAT(all_codes(diagnosed({clock(false), telling("a.test", 1s), telling("b.test", 1s)})), IsEmpty());
  EXPECT_THAT(all_codes(diagnosed({clock(false), telling("a.test", 20s), telling("b.test", -20s)})), IsEmpty());
}

}  // namespace
}  // namespace vnetprobe::host_limits_test
