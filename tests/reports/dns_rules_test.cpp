#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::dns_rules_test {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto blob = "https://acct.blob.core.windows.net/";
const std::string name = "acct.blob.core.windows.net";
const std::string privatelink = name + " -> acct.privatelink.blob.core.windows.net";
const std::string stamp = " -> blob.fra24prdstr02a.store.core.windows.net";

// The check's stack up to a healthy connection, after what `names` say.
std::vector<Observation> healthy(std::vector<Observation> names, std::string address) {
  names.push_back(tcp(address + ":443"));
  names.push_back(tls(address + ":443", name));
  return names;
}

Check storage(std::vector<Observation> seen) {
  return check("storage.blob/acct", blob, std::move(seen), Service::storage_blob);
}
Check fine() {
  return check("target.fine", "tcp://ok.contoso.com:443", {dns("ok.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:443")});
}

struct Case {
  const char* name;
  std::vector<Check> checks;
  std::string expected;  // first code above info; "" for none

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

class DnsRule : public testing::TestWithParam<Case> {};

TEST_P(DnsRule, NamesTheCauseThatTheEvidenceSupports) {
  const auto seen = diagnosed(GetParam().checks);
  EXPECT_EQ(first_code(seen), GetParam().expected) << GetParam().name;
  EXPECT_LE(codes(seen).size(), 1u) << GetParam().name;
}

const std::string aaaa = "AAAA";

INSTANTIATE_TEST_SUITE_P(
    Servers, DnsRule,
    testing::Values(
        Case{"every question silent",
             {storage({libc(name + " -> timeout"), dns(name + " -> timeout"),
                       dns(name + " -> timeout", "10.0.0.10", DnsTransport::udp, aaaa)})},
             "dns.resolver.unreachable"},
        Case{
            "the network refuses the question", {storage({dns(name + " -> unreachable")})}, "dns.resolver.unreachable"},
        Case{"one lost datagram, the server lives",
             {storage(healthy({dns(name + " -> 20.60.0.1"),
                               dns(name + " -> timeout", "10.0.0.10", DnsTransport::udp, aaaa)},
                              "20.60.0.1"))},
             ""},
        Case{"first of two servers dead",
             {storage(healthy({libc(name + " -> 20.60.0.1"), dns(name + " -> timeout"),
                               dns(name + " -> timeout", "10.0.0.10", DnsTransport::udp, aaaa),
                               dns(name + " -> 20.60.0.1", "10.0.0.11")},
                              "20.60.0.1"))},
             "dns.resolver.unreachable"},
        Case{"silent over UDP, answers over TCP",
             {storage({dns(name + " -> timeout"), dns(name + " -> timeout", "10.0.0.10", DnsTransport::udp, aaaa),
                       follow_up(dns_tcp(name + " -> 20.60.0.1"))})},
             "dns.resolver.udp_blocked"},
        Case{"cut short over UDP, silent over TCP",
             {storage({dns(name + " -> truncated"), follow_up(dns_tcp(name + " -> timeout"))})},
             "dns.resolver.tcp_blocked"},
        Case{"TCP silent and never needed",
             {storage(healthy({dns(name + " -> 20.60.0.1"), dns_tcp(name + " -> timeout")}, "20.60.0.1"))},
             ""},
        Case{"refused", {storage({dns(name + " -> REFUSED")})}, "dns.resolver.refused"},
        Case{"servfail",
             {storage({dns(name + " -> SERVFAIL"), dns(name + " -> SERVFAIL", "10.0.0.10", DnsTransport::udp, aaaa)}),
              fine()},
             "dns.resolver.servfail"},
        Case{"AAAA fails and A answers",
             {storage(healthy({dns(name + " -> 20.60.0.1"),
                               dns(name + " -> SERVFAIL", "10.0.0.10", DnsTransport::udp, aaaa)},
                              "20.60.0.1"))},
             ""},
        Case{"the stub repeats its dead upstream",
             {storage({libc(name + " -> timeout"), dns(name + " -> SERVFAIL", "127.0.0.53"), dns(name + " -> timeout"),
                       dns(name + " -> timeout", "10.0.0.10", DnsTransport::udp, aaaa)})},
             "dns.resolver.unreachable"},
        Case{"the stub repeats its upstream's SERVFAIL",
             {storage({libc(name + " -> timeout"), dns(name + " -> SERVFAIL", "127.0.0.53"),
                       dns(name + " -> SERVFAIL")})},
             "dns.resolver.servfail"},
        Case{"cut short, and the rest was not fetched",
             {storage({dns(name + " -> truncated")}), fine()},
             "dns.resolver.unusable_answer"},
        Case{"no resolver", {storage({libc(name + " -> no_resolver")})}, "dns.no_resolver"},
        Case{"only the library was asked and it is silent",
             {storage({libc(name + " -> timeout")})},
             "dns.resolver.unreachable"},
        Case{"the local stub is not running",
             {storage({libc(name + " -> timeout"), dns(name + " -> unreachable", "127.0.0.53")})},
             "host.dns_stub_down"},
        Case{"a dead resolver given by hand on loopback is no stub",
             {storage({dns(name + " -> unreachable", "127.0.0.1:5353")})},
             "dns.resolver.unreachable"},
        Case{"this name alone is silent",
             {storage({dns(name + " -> timeout"), dns(name + " -> timeout", "10.0.0.10", DnsTransport::udp, aaaa)}),
              fine()},
             "dns.resolver.no_answer_for_name"},
        Case{"an answer where no server can be, and nothing wrong with the others",
             {storage(healthy({dns(name + " -> 20.60.0.1"), follow_up(dns("x.contoso.com -> 1.2.3.4", "192.0.2.53"))},
                              "20.60.0.1"))},
             ""}));

INSTANTIATE_TEST_SUITE_P(
    Records, DnsRule,
    testing::Values(
        Case{"nxdomain",
             {storage({libc(name + " -> NXDOMAIN"), dns(name + " -> NXDOMAIN"),
                       dns(name + " -> NXDOMAIN", "10.0.0.10", DnsTransport::udp, aaaa)}),
              fine()},
             "dns.record.nxdomain"},
        Case{"nxdomain by the library alone", {storage({libc(name + " -> NXDOMAIN")})}, "dns.record.nxdomain"},
        Case{"every name of the account is missing",
             {storage({dns(name + " -> NXDOMAIN")}),
              check("storage.queue/acct", "https://acct.queue.core.windows.net",
                    {dns("acct.queue.core.windows.net -> NXDOMAIN")}, Service::storage_queue),
              fine()},
             "storage.account_missing"},
        Case{"another service of the account resolves",
             {storage({dns(name + " -> NXDOMAIN")}),
              check("storage.queue/acct", "https://acct.queue.core.windows.net",
                    {dns("acct.queue.core.windows.net -> 20.60.0.2"), tcp("20.60.0.2:443"),
                     tls("20.60.0.2:443", "acct.queue.core.windows.net")},
                    Service::storage_queue)},
             "dns.record.nxdomain"},
        Case{"the servers know it and the library does not",
             {storage({libc(name + " -> NXDOMAIN"), dns(name + " -> 20.60.0.1"), tcp("20.60.0.1:443")})},
             "dns.record.nxdomain_here"},
        Case{"the first server says NXDOMAIN, the second answers",
             {storage({libc(name + " -> NXDOMAIN"), dns(name + " -> NXDOMAIN"),
                       dns(name + " -> 20.60.0.1", "10.0.0.11"), tcp("20.60.0.1:443")})},
             "dns.record.nxdomain_here"},
        Case{"Azure's DNS knows the public name",
             {storage({libc(name + " -> NXDOMAIN"), dns(name + " -> NXDOMAIN"),
                       follow_up(dns(name + " -> 20.60.0.1", "168.63.129.16"))})},
             "dns.record.nxdomain_here"},
        Case{"no address",
             {storage({libc(name + " -> nodata"), dns(name + " -> nodata"),
                       dns(name + " -> nodata", "10.0.0.10", DnsTransport::udp, aaaa)})},
             "dns.record.nodata"},
        Case{"an IPv4 name has no AAAA",
             {storage(healthy({dns(name + " -> 20.60.0.1"),
                               dns(name + " -> nodata", "10.0.0.10", DnsTransport::udp, aaaa)},
                              "20.60.0.1"))},
             ""},
        Case{"servers disagree on private and public",
             {storage(healthy({dns(privatelink + " -> 10.0.1.5"),
                               dns(privatelink + stamp + " -> 20.60.0.1", "10.0.0.11")},
                              "10.0.1.5"))},
             "dns.resolver.inconsistent"},
        Case{"round robin",
             {storage(healthy({libc(name + " -> 20.60.0.3"), dns(name + " -> 20.60.0.1, 20.60.0.2"),
                               dns(name + " -> 20.60.0.2, 20.60.0.4", "10.0.0.11")},
                              "20.60.0.1"))},
             ""},
        Case{"the custom server does not forward to Azure",
             {expects_private(storage(healthy({libc(name + " -> 20.60.0.1"), dns(privatelink + stamp + " -> 20.60.0.1"),
                                               follow_up(dns(privatelink + " -> 10.0.1.5", "168.63.129.16"))},
                                              "20.60.0.1")))},
             "dns.resolver.not_azure"},
        Case{"stale hosts line",
             {storage({libc(name + " -> 10.9.9.9", {"10.9.9.9"}), dns(privatelink + " -> 10.0.1.5"),
                       tcp_silent("10.9.9.9:443")})},
             "dns.record.stale_hosts_file"},
        Case{
            "hosts line to a working endpoint",
            {expects_private(storage(healthy(
                {libc(name + " -> 10.0.1.5", {"10.0.1.5"}), dns(privatelink + stamp + " -> 20.60.0.1")}, "10.0.1.5")))},
            ""},
        Case{"hosts line that agrees with DNS does not cause a silence",
             {storage({libc(name + " -> 20.60.0.1", {"20.60.0.1"}), dns(name + " -> 20.60.0.1"),
                       tcp_silent("20.60.0.1:443")}),
              fine()},
             "tcp.timeout"},
        Case{"a sinkhole that leads to a server of this node's own",
             {check("target.a", "tcp://a.contoso.com:8080", {dns("a.contoso.com -> 0.0.0.0"), tcp("0.0.0.0:8080")},
                    Service::user)},
             "dns.record.bogon"},
        Case{"sinkhole", {storage({dns(name + " -> 0.0.0.0"), tcp_refused("0.0.0.0:443")})}, "dns.record.bogon"},
        Case{"a laboratory on loopback that answers",
             {storage(healthy({dns(name + " -> 127.0.0.1")}, "127.0.0.1"))},
             ""},
        Case{"CNAME loop", {storage({dns(name + " -> loop")})}, "dns.record.nodata"},
        Case{"garbage", {storage({dns(name + " -> garbage")})}, "dns.resolver.unusable_answer"}));

INSTANTIATE_TEST_SUITE_P(
    PrivateEndpoints, DnsRule,
    testing::Values(
        Case{"public answer behind privatelink",
             {expects_private(storage(healthy({dns(privatelink + stamp + " -> 20.60.0.1")}, "20.60.0.1")))},
             "private_endpoint.zone_not_linked"},
        Case{"the same where no endpoint is planned",
             {storage(healthy({dns(privatelink + stamp + " -> 20.60.0.1")}, "20.60.0.1"))},
             ""},
        Case{
            "private answer", {expects_private(storage(healthy({dns(privatelink + " -> 10.0.1.5")}, "10.0.1.5")))}, ""},
        Case{"public answer without privatelink",
             {expects_private(storage(healthy({dns(name + stamp + " -> 20.60.0.1")}, "20.60.0.1")))},
             "private_endpoint.expected_private_got_public"},
        Case{"NXDOMAIN behind privatelink",
             {storage({libc(name + " -> NXDOMAIN"), dns(privatelink + " -> NXDOMAIN")})},
             "private_endpoint.record_missing"},
        Case{"no address behind privatelink",
             {expects_private(storage({dns(privatelink + " -> nodata")}))},
             "private_endpoint.record_missing"},
        Case{"another private address than configured",
             {expects_private(storage(healthy({dns(privatelink + " -> 10.0.1.9")}, "10.0.1.9")),
                              "privatelink.blob.core.windows.net", "10.0.1.5")},
             "private_endpoint.wrong_address"},
        Case{"only some services private",
             {expects_private(storage(healthy({dns(privatelink + " -> 10.0.1.5")}, "10.0.1.5"))),
              expects_private(check("storage.file/acct", "https://acct.file.core.windows.net",
                                    {dns("acct.file.core.windows.net -> f.store.core.windows.net -> 20.60.0.7"),
                                     tcp("20.60.0.7:443")},
                                    Service::storage_file),
                              "privatelink.file.core.windows.net")},
             "private_endpoint.partial"},
        Case{"one service's endpoint exists and its zone is not seen",
             {expects_private(storage(healthy({dns(privatelink + " -> 10.0.1.5")}, "10.0.1.5"))),
              expects_private(check("storage.file/acct", "https://acct.file.core.windows.net",
                                    {dns("acct.file.core.windows.net -> acct.privatelink.file.core.windows.net -> "
                                         "f.store.core.windows.net -> 20.60.0.7"),
                                     tcp("20.60.0.7:443")},
                                    Service::storage_file),
                              "privatelink.file.core.windows.net")},
             "private_endpoint.zone_not_linked"},
        Case{"endpoint silent",
             {expects_private(storage({dns(privatelink + " -> 10.0.1.5"), tcp_silent("10.0.1.5:443")})), fine()},
             "private_endpoint.unreachable"},
        Case{"endpoint silent, known by its chain alone",
             {storage({dns(privatelink + " -> 10.0.1.5"), tcp_silent("10.0.1.5:443")}), fine()},
             "private_endpoint.unreachable"},
        Case{"a private host that is no endpoint",
             {check("target.sql", "tcp://db.contoso.local:1433",
                    {dns("db.contoso.local -> 10.0.2.9"), tcp_silent("10.0.2.9:1433")}, Service::user),
              fine()},
             "tcp.timeout"},
        Case{"instance points to itself",
             {check("instance.name", "dns://ci.eastus2.instances.azureml.ms:0",
                    {dns("ci.eastus2.instances.azureml.ms -> 10.0.0.5")}, Service::instance)},
             "private_endpoint.ci_points_to_self"}));

TEST(DnsDiagnosis, ADeadFirstResolverBesideALivingOneIsAWarningAndTheChecksPass) {
  const auto seen =
      diagnosed({check("node.resolver/10.0.0.10", "", {dns("a.com -> timeout"), dns_tcp("a.com -> timeout")}),
                 check("node.resolver/10.0.0.11", "", {dns("a.com -> 1.1.1.1", "10.0.0.11")}),
                 storage(healthy({libc(name + " -> 20.60.0.1"), dns(name + " -> timeout"),
                                  dns(name + " -> 20.60.0.1", "10.0.0.11")},
                                 "20.60.0.1"))});
  ASSERT_THAT(codes(seen), ElementsAre("dns.resolver.unreachable"));
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::warning);
  EXPECT_EQ(seen.diagnoses[0].title, "DNS server 10.0.0.10 does not answer");
  EXPECT_THAT(seen.diagnoses[0].checks, ElementsAre("node.resolver/10.0.0.10"));
  EXPECT_EQ(check_of(seen, "node.resolver/10.0.0.10").verdict, Verdict::warn);
  EXPECT_NE(check_of(seen, "storage.blob/acct").verdict, Verdict::fail);
  EXPECT_EQ(exit_status(seen), 0);
}

TEST(DnsDiagnosis, TwoDeadResolversAreOneDiagnosis) {
  const auto seen = diagnosed(
      {check("node.resolver/10.0.0.10", "", {dns("a.com -> timeout"), dns_tcp("a.com -> timeout")}),
       check("node.resolver/10.0.0.11", "",
             {dns("a.com -> timeout", "10.0.0.11"), dns_tcp("a.com -> timeout", "10.0.0.11")}),
       storage({libc(name + " -> timeout"), dns(name + " -> timeout"), dns(name + " -> timeout", "10.0.0.11")})});
  ASSERT_THAT(codes(seen), ElementsAre("dns.resolver.unreachable"));
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::critical);
  EXPECT_EQ(check_of(seen, "storage.blob/acct").verdict, Verdict::skip);
}

TEST(DnsDiagnosis, OneUnlinkedZoneIsOneDiagnosisForAllItsNames) {
  std::vector<Check> checks;
  for (const std::string account : {"a", "b", "c"}) {
    const auto host = account + ".blob.core.windows.net";
    checks.push_back(expects_private(check(
        "storage.blob/" + account, "https://" + host,
        {dns(host + " -> " + account + ".privatelink.blob.core.windows.net -> s.store.core.windows.net -> 20.60.0.1"),
         tcp("20.60.0.1:443")},
        Service::storage_blob)));
  }
  const auto seen = diagnosed(checks);
  ASSERT_THAT(codes(seen), ElementsAre("private_endpoint.zone_not_linked"));
  EXPECT_EQ(seen.diagnoses[0].checks.size(), 3u);
  EXPECT_NE(seen.diagnoses[0].fix[0].command.find("-z privatelink.blob.core.windows.net"), std::string::npos)
      << seen.diagnoses[0].fix[0].command;
}

TEST(DnsDiagnosis, TheNameOfAProxyIsNotTakenForTheTargets) {
  const auto seen =
      diagnosed({expects_private(storage({dns("proxy.contoso.com -> NXDOMAIN")})),
                 expects_private(storage({dns("proxy.contoso.com -> 10.0.9.9"), tcp_silent("10.0.9.9:3128")}))});
  for (const auto& diagnosis : seen.diagnoses) {
    EXPECT_FALSE(diagnosis.code.starts_with("dns.record.")) << diagnosis.code;
    EXPECT_FALSE(diagnosis.code.starts_with("private_endpoint.")) << diagnosis.code;
  }
}

TEST(DnsDiagnosis, AResolverThatRefusesEverythingFailsAndItsNamesAreSkipped) {
  const auto seen = diagnosed({check("node.resolver/10.0.0.10", "", {dns("a.com -> REFUSED")}),
                               storage({libc(name + " -> timeout"), dns(name + " -> REFUSED")})});
  ASSERT_THAT(codes(seen), ElementsAre("dns.resolver.refused"));
  EXPECT_EQ(check_of(seen, "node.resolver/10.0.0.10").verdict, Verdict::fail);
  EXPECT_EQ(check_of(seen, "storage.blob/acct").verdict, Verdict::skip);
}

TEST(DnsDiagnosis, ASlowResolverIsANoteOnly) {
  std::vector<Check> checks;
  for (int i = 0; i < 4; ++i) {
    auto slow = dns("ok.contoso.com -> 20.1.1.1");
    std::get<DnsObservation>(slow.seen).duration = 900ms;
    checks.push_back(check("target." + std::to_string(i), "tcp://ok.contoso.com:443",
                           {slow, dns("ok.contoso.com -> 20.1.1.1", "10.0.0.11"), tcp("20.1.1.1:443")}));
  }
  const auto seen = diagnosed(checks);
  EXPECT_THAT(codes(seen), IsEmpty());
  ASSERT_EQ(seen.diagnoses.size(), 1u);
  EXPECT_EQ(seen.diagnoses[0].code, "dns.resolver.slow");
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::info);
}

TEST(SearchList, WhatProgramsGetForAMissingNameIsToldBesideItAndNeverAboveInfo) {
  const auto missing = [](std::vector<std::string> led_to) {
    auto own = libc("db.contoso.local -> NXDOMAIN");
    auto searched = own;
    searched.follow_up = "what do programs get?";
    auto& seen = std::get<DnsObservation>(searched.seen);
    seen.with_search = true;
    if (!led_to.empty()) {
      seen.error.reset();
      seen.canonical_name = "db.contoso.local.corp.example";
      seen.addresses = std::move(led_to);
    }
    return diagnosed(
        {check("target.db", "tcp://db.contoso.local:1433", {own, dns("db.contoso.local -> NXDOMAIN"), searched})});
  };
  const auto told = [](const Report& report) {
    return std::any_of(report.diagnoses.begin(), report.diagnoses.end(), [](const Diagnosis& one) {
      return one.code == "dns.record.search_suffix" && one.severity == Severity::info;
    });
  };
  EXPECT_EQ(first_code(missing({"10.0.1.66"})), "dns.record.nxdomain");
  EXPECT_TRUE(told(missing({"10.0.1.66"})));
  EXPECT_FALSE(told(missing({})));
  EXPECT_THAT(codes(missing({"10.0.1.66"})), ElementsAre("dns.record.nxdomain"));
}

TEST(DnsDiagnosis, AResponseCodeWithoutANameIsShownAsItCame) {
  auto question = dns(name + " -> SERVFAIL");
  std::get<DnsObservation>(question.seen).rcode = "RCODE11";
  const auto seen = diagnosed({storage({question}), fine()});
  ASSERT_EQ(first_code(seen), "dns.resolver.servfail");
  EXPECT_THAT(seen.diagnoses.front().evidence.front().says, testing::HasSubstr("RCODE11"));
}

}  // namespace
}  // namespace vnetprobe::dns_rules_test
