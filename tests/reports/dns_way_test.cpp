#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Who stops questions on their way to a DNS server, and when nobody is blamed for it.
namespace vnetprobe::dns_way_test {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string name = "labstorage.blob.core.windows.net";

IcmpError icmp(std::string offender, int code, int type = 3) {
  return {.offender = std::move(offender), .offender_is_self = false, .type = type, .code = code};
}
IcmpError from_self(int code) { return {.offender = "10.0.0.5", .offender_is_self = true, .type = 3, .code = code}; }

Observation stopped(std::string errno_name, std::optional<IcmpError> by = {}, std::string server = "10.0.0.10",
                    DnsTransport transport = DnsTransport::udp) {
  auto question = dns(name + " -> unreachable", server, transport);
  auto& seen = std::get<DnsObservation>(question.seen);
  seen.errno_name = std::move(errno_name);
  seen.icmp = std::move(by);
  return question;
}

Check resolver(std::vector<Observation> seen, const std::string& address = "10.0.0.10") {
  return check("node.resolver/" + address, "", std::move(seen));
}
Check storage(std::vector<Observation> seen) {
  return check("storage.blob/labstorage", "https://" + name, std::move(seen));
}

struct Case {
  const char* name;
  std::vector<Check> checks;
  std::string expected;
};

class DnsWay : public testing::TestWithParam<Case> {};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

TEST_P(DnsWay, BlamesWhoeverSaysSo) {
  const auto seen = diagnosed(GetParam().checks);
  EXPECT_THAT(codes(seen), ElementsAre(GetParam().expected)) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Questions, DnsWay,
    testing::Values(
        Case{
            "the kernel refuses to send", {storage({stopped("EPERM"), stopped("EPERM")})}, "host.firewall.output_drop"},
        Case{"it refuses over UDP only",
             {storage({stopped("EPERM"), follow_up(dns_tcp(name + " -> 10.0.1.5"))})},
             "host.firewall.output_drop"},
        Case{"a rule of the node's own rejects, and the kernel says EPERM besides",
             {storage({stopped("EPERM"), stopped("EPERM", from_self(3))})},
             "tcp.refused_locally"},
        Case{"nobody listens on this node",
             {storage({stopped("ECONNREFUSED", from_self(3), "127.0.0.1:5353")})},
             "dns.resolver.unreachable"},
        Case{"a device prohibits it",
             {storage({stopped("EHOSTUNREACH", icmp("10.0.0.1", 13)), dns(name + " -> timeout")})},
             "tcp.refused_by_middlebox"},
        Case{"a device refuses UDP, and TCP gets through",
             {storage({stopped("EHOSTUNREACH", icmp("10.0.0.1", 13)), follow_up(dns_tcp(name + " -> 10.0.1.5"))})},
             "dns.resolver.udp_blocked"},
        Case{"the server's own port is closed",
             {storage({stopped("ECONNREFUSED", icmp("10.0.0.10", 3))})},
             "dns.resolver.unreachable"},
        Case{"a router has no route",
             {storage({stopped("ENETUNREACH", icmp("10.0.0.1", 0)), dns(name + " -> timeout")})},
             "route.unreachable_reported"},
        Case{"the questions go round in circles",
             {storage({stopped("EHOSTUNREACH", icmp("10.0.0.1", 0, 11))})},
             "route.unreachable_reported"},
        Case{"the last router misses the host, as it does of one that is down",
             {storage({stopped("EHOSTUNREACH", icmp("10.0.0.1", 1))})},
             "dns.resolver.unreachable"},
        Case{"this node rejects over TCP only, and over UDP nobody answers",
             {storage({dns(name + " -> timeout"), dns(name + " -> timeout"),
                       follow_up(stopped("ECONNREFUSED", from_self(3), "10.0.0.10", DnsTransport::tcp))})},
             "dns.resolver.unreachable"},
        Case{"a device rejects over TCP only, and over UDP nobody answers",
             {storage({dns(name + " -> timeout"), dns(name + " -> timeout"),
                       follow_up(stopped("EHOSTUNREACH", icmp("10.0.0.1", 13), "10.0.0.10", DnsTransport::tcp))})},
             "dns.resolver.unreachable"},
        Case{"the kernel refuses some questions, and the others find silence",
             {storage({stopped("EPERM"), dns(name + " -> timeout")})},
             "dns.resolver.unreachable"},
        Case{"an address of this node's own, where nobody listens",
             {storage({stopped("ECONNREFUSED",
                               IcmpError{.offender = "10.0.0.53", .offender_is_self = true, .type = 3, .code = 3},
                               "10.0.0.53")})},
             "dns.resolver.unreachable"},
        Case{"an ICMP error without a sender, as only a forged report has",
             {storage({stopped("EHOSTUNREACH", icmp("", 13))})},
             "dns.resolver.unreachable"},
        Case{"an IPv6 server beside it, on a node without IPv6",
             {storage({stopped("EPERM"), stopped("ENETUNREACH", {}, "[2001:4860:4860::8888]:53")})},
             "host.firewall.output_drop"},
        Case{"an address on the link without its scope, and nobody read the table",
             {storage({stopped("EINVAL", {}, "[fe80::1]:53")})},
             "dns.resolver.unreachable"},
        Case{"a prohibit route, and nobody read the table", {storage({stopped("EACCES")})}, "route.blackholed_locally"},
        Case{"a blackhole, and nobody read the table", {storage({stopped("EINVAL")})}, "route.blackholed_locally"}));

TEST(DnsWayDiagnosis, OneErrorOfAServerThatAnswersIsNoRule) {
  for (const auto& once : {stopped("EPERM"), stopped("EHOSTUNREACH", icmp("10.0.0.1", 13))})
    EXPECT_THAT(codes(diagnosed({storage({once, dns(name + " -> 10.0.1.5"), tcp("10.0.1.5:443")})})),
                testing::IsEmpty());
}

TEST(DnsWayDiagnosis, BesideAServerThatAnswersItIsOneWarning) {
  const auto seen =
      diagnosed({resolver({stopped("EPERM")}), resolver({dns("ml.azure.com -> 20.1.1.1", "10.0.0.11")}, "10.0.0.11"),
                 check("target.files", "tcp://" + name + ":445",
                       {libc(name + " -> 10.0.1.5"), stopped("EPERM"), dns(name + " -> 10.0.1.5", "10.0.0.11"),
                        tcp("10.0.1.5:445")})});
  ASSERT_THAT(codes(seen), ElementsAre("host.firewall.output_drop"));
  EXPECT_EQ(check_of(seen, "node.resolver/10.0.0.10").verdict, Verdict::warn);
  EXPECT_EQ(check_of(seen, "target.files").verdict, Verdict::pass);
}

TEST(DnsWayDiagnosis, TheServersOwnWordExcludesTheWay) {
  const auto closed = stopped("ECONNREFUSED", icmp("10.0.0.10", 3));
  const auto one = diagnosed({storage({closed})});
  ASSERT_THAT(codes(one), ElementsAre("dns.resolver.unreachable"));
  EXPECT_EQ(one.diagnoses.front().confidence, Confidence::proven);
  EXPECT_THAT(one.diagnoses.front().explanation, HasSubstr("nobody listens on that port"));
  const auto two =
      diagnosed({storage({closed, dns(name + " -> timeout", "10.0.0.11"), dns(name + " -> timeout", "10.0.0.11")})});
  ASSERT_THAT(codes(two), ElementsAre("dns.resolver.unreachable"));
  EXPECT_THAT(two.diagnoses.front().explanation, testing::Not(HasSubstr("nobody listens"))) << "one of two";
}

TEST(DnsWayDiagnosis, SomeQuestionsThatTheKernelRefusesAreARuleToo) {
  const auto seen = diagnosed({storage({stopped("EPERM"), stopped("EPERM")}), fine()});
  ASSERT_THAT(codes(seen), ElementsAre("host.firewall.output_drop"));
  EXPECT_THAT(seen.diagnoses.front().explanation, HasSubstr("mind their rate"));
}

TEST(DnsWayDiagnosis, TheMetadataServiceIsExplainedWhereTheSameStopsIt) {
  auto imds = std::get<TcpObservation>(tcp_silent("169.254.169.254:80").seen);
  for (const bool refused : {true, false}) {
    imds.send_refused = refused;
    const auto seen =
        diagnosed({metadata_service(imds, true), resolver({stopped("EPERM")}), storage({stopped("EPERM")})});
    EXPECT_EQ(codes(seen).front(), "host.firewall.output_drop");
    EXPECT_EQ(codes(seen).size(), refused ? 1U : 2U) << "its own silence has another cause";
  }
}

// The kernel's own "host unreachable" for a server behind a gateway; on the link it is the server that is not there.
TEST(DnsWayDiagnosis, AGatewayThatDoesNotAnswerIsNoDeadServer) {
  const auto table = [](std::string gateway) {
    return check("node.route", "",
                 {host({.topic = HostTopic::routes,
                        .routes = {{.destination = "0.0.0.0/0",
                                    .type = "unicast",
                                    .gateway = std::move(gateway),
                                    .interface = "eth0"}}})});
  };
  const auto asked = [] {
    return std::vector{resolver({stopped("EHOSTUNREACH", from_self(1))}),
                       storage({stopped("EHOSTUNREACH", from_self(1)), dns(name + " -> timeout")})};
  };
  auto behind = asked();
  behind.insert(behind.begin(), table("10.0.0.250"));
  const auto seen = diagnosed(behind);
  ASSERT_THAT(codes(seen), ElementsAre("route.gateway_unresolved"));
  EXPECT_EQ(seen.diagnoses.front().confidence, Confidence::likely);
  EXPECT_EQ(check_of(seen, "storage.blob/labstorage").verdict, Verdict::skip);

  auto on_the_link = asked();
  on_the_link.insert(on_the_link.begin(), table(""));
  EXPECT_THAT(codes(diagnosed(on_the_link)), ElementsAre("dns.resolver.unreachable"));
  auto others_pass = behind;
  others_pass.push_back(check("target.web", "tcp://20.1.1.1:443", {tcp("20.1.1.1:443")}));
  EXPECT_THAT(codes(diagnosed(others_pass)), ElementsAre("dns.resolver.unreachable")) << "the gateway is alive";
  auto one_answers = behind;
  one_answers.push_back(resolver({dns("ml.azure.com -> 20.1.1.1")}));
  EXPECT_THAT(codes(diagnosed(one_answers)), testing::Not(testing::Contains("route.gateway_unresolved")));
}

TEST(DnsWayDiagnosis, AFailureAndAWarningOfOneDeviceAreTold) {
  const auto rejected = tcp_icmp("20.50.0.5:1433", 3, 13, "10.0.0.1", TcpFailure::host_unreachable);
  const auto seen = diagnosed(
      {resolver({stopped("EHOSTUNREACH", icmp("10.0.0.1", 13))}),
       resolver({dns("ml.azure.com -> 20.1.1.1", "10.0.0.11")}, "10.0.0.11"),
       check("target.db", "tcp://db.contoso.com:1433",
             {libc("db.contoso.com -> 20.50.0.5"), dns("db.contoso.com -> 20.50.0.5", "10.0.0.11"), rejected})});
  ASSERT_THAT(codes(seen), ElementsAre("tcp.refused_by_middlebox", "tcp.refused_by_middlebox"));
  EXPECT_THAT(seen.diagnoses[0].checks, ElementsAre("target.db"));
  EXPECT_THAT(seen.diagnoses[0].title, testing::Not(HasSubstr("DNS")));
  EXPECT_THAT(seen.diagnoses[1].checks, ElementsAre("node.resolver/10.0.0.10"));
}

TEST(DnsWayDiagnosis, RejectedQuestionsAndTargetsAreOneRuleSetOfTheNode) {
  const auto seen = diagnosed({resolver({stopped("EPERM", from_self(3))}), storage({stopped("EPERM", from_self(3))}),
                               check("target.web", "tcp://20.1.1.1:443", {tcp_icmp("20.1.1.1:443", 3, 3, "self")})});
  ASSERT_THAT(codes(seen), ElementsAre("tcp.refused_locally"));
  EXPECT_THAT(seen.diagnoses.front().title, HasSubstr("10.0.0.10:53, 20.1.1.1:443"));
}

TEST(DnsWayDiagnosis, AReportWhoseQuestionHasNoServerIsReadToo) {
  auto question = stopped("EPERM");
  std::get<DnsObservation>(question.seen).server.reset();
  EXPECT_THAT(codes(diagnosed({storage({question}), fine()})), testing::SizeIs(testing::Le(1)));
}

TEST(DnsWayDiagnosis, AStubThatRepeatsItIsExplainedToo) {
  const auto seen =
      diagnosed({resolver({dns("ml.azure.com -> REFUSED", "127.0.0.53")}, "127.0.0.53"), resolver({stopped("EPERM")}),
                 storage({dns(name + " -> REFUSED", "127.0.0.53"), stopped("EPERM")})});
  ASSERT_THAT(codes(seen), ElementsAre("host.firewall.output_drop"));
  EXPECT_EQ(check_of(seen, "node.resolver/127.0.0.53").verdict, Verdict::fail);
}

TEST(DnsWayDiagnosis, TheNodesOwnRuleIsOneDiagnosisForNamesAndTargets) {
  auto silent = tcp_failed("20.1.1.1:443", TcpFailure::not_permitted, "EPERM", 1ms);
  const auto seen = diagnosed({resolver({stopped("EPERM")}), storage({stopped("EPERM")}),
                               check("target.web", "tcp://20.1.1.1:443", {{.seen = silent, .follow_up = {}}})});
  ASSERT_THAT(codes(seen), ElementsAre("host.firewall.output_drop"));
  EXPECT_THAT(seen.diagnoses.front().title, HasSubstr("10.0.0.10:53"));
  EXPECT_THAT(seen.diagnoses.front().title, HasSubstr("20.1.1.1:443"));
  EXPECT_EQ(check_of(seen, "storage.blob/labstorage").verdict, Verdict::skip);
}

TEST(DnsWayDiagnosis, ADevicesOwnerIsAskedForThePortOfDns) {
  const auto seen = diagnosed({storage({stopped("EHOSTUNREACH", icmp("10.0.0.1", 13))})});
  ASSERT_THAT(codes(seen), ElementsAre("tcp.refused_by_middlebox"));
  EXPECT_THAT(seen.diagnoses.front().fix.front().text, HasSubstr("UDP and TCP 53"));
  EXPECT_THAT(seen.diagnoses.front().fix.front().command, HasSubstr("-p 53 10.0.0.10"));
}

TEST(DnsWayDiagnosis, ARouterThatMissesTheHostIsNamedAsAPossibility) {
  const auto seen = diagnosed({storage({stopped("EHOSTUNREACH", icmp("10.0.0.1", 1))})});
  ASSERT_THAT(codes(seen), ElementsAre("dns.resolver.unreachable"));
  EXPECT_THAT(seen.diagnoses.front().alternatives, testing::Contains(HasSubstr("the router 10.0.0.1")));
}

}  // namespace
}  // namespace vnetprobe::dns_way_test
