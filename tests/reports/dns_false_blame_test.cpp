#include "tests/support/dns_situations.hpp"

#include <gmock/gmock.h>

namespace vnetprobe::dns_false_blame_test {
namespace {

using namespace test;
using testing::Contains;
using testing::HasSubstr;

class BlameOfServers : public testing::TestWithParam<Situation> {};

TEST_P(BlameOfServers, GoesToTheCauseAlone) { expect_blame(GetParam()); }

// systemd-resolved with a second link, whose server knows that link's names only.
Report two_links(Observation by_the_other_link) {
  return with_servers({{.value = stub, .stub = true}, {.value = azure}, {.value = "10.8.0.1"}},
                      {check("node.resolver/10.8.0.1", "", {dns("ml.azure.com -> REFUSED", "10.8.0.1")}),
                       storage(Steps{libc(blob + " -> 10.0.1.5"), dns(privatelink + " -> 10.0.1.5", stub),
                                     dns(privatelink + " -> 10.0.1.5", azure), std::move(by_the_other_link)} +
                               works(blob, "10.0.1.5", 401)),
                       fine()});
}

// Two servers, of which the first fails for `failing` of twelve names.
Report first_fails(int failing) {
  std::vector<Check> checks;
  for (int n = 0; n < 12; ++n) {
    const auto host = "ok" + std::to_string(n) + ".contoso.com", address = "20.9.9." + std::to_string(10 + n);
    checks.push_back(
        user(host, Steps{libc(host + " -> " + address), dns(host + (n < failing ? " -> SERVFAIL" : " -> " + address)),
                         dns(host + " -> " + address, "10.0.0.11")} +
                       works(host, address)));
  }
  return report(std::move(checks));
}

// The name is silent, and the same server gives its address over TCP afterwards.
Check answered_over_tcp(Steps asked) {
  return user("z.contoso.com", std::move(asked) + Steps{follow_up(dns_tcp("z.contoso.com -> 20.1.1.9"))});
}
const Steps silent_name{libc("z.contoso.com -> timeout"), dns("z.contoso.com -> timeout"),
                        dns("z.contoso.com -> timeout", "10.0.0.10", DnsTransport::udp, "AAAA")};

// The library gives up for `failing` of eight names that the server answers.
Report library_fails(int failing) {
  std::vector<Check> checks;
  for (int n = 0; n < 8; ++n) {
    checks.push_back(fine(n));
    if (n < failing) checks.back().observations.front() = gave_up(checks.back().target.host);
  }
  return report(std::move(checks));
}

Report nameserver_v6(Observation seen) {
  const auto name = "node.resolver/2001:4860:4860::8888";
  auto made = report({check(name, "", {std::move(seen)}), fine()});
  made.node.resolvers.push_back({.value = "2001:4860:4860::8888"});
  return made;
}

Report upstream_over_tls_only() {
  return with_servers(
      {{.value = stub, .stub = true}, {.value = "10.0.0.10"}},
      {user("a.contoso.com", Steps{libc("a.contoso.com -> 20.1.1.1"), dns("a.contoso.com -> 20.1.1.1", stub),
                                   dns("a.contoso.com -> timeout"), dns("a.contoso.com -> timeout")} +
                                 works("a.contoso.com", "20.1.1.1"))});
}

INSTANTIATE_TEST_SUITE_P(
    Servers, BlameOfServers,
    testing::Values(
        Situation{"a second link's server answers with the public side", two_links(dns(from_outside, "10.8.0.1")), ""},
        Situation{"a second link's server refuses", two_links(dns(blob + " -> REFUSED", "10.8.0.1")), ""},
        Situation{"a second link's server does not know the name", two_links(dns(blob + " -> NXDOMAIN", "10.8.0.1")),
                  ""},
        Situation{"one failure among many names", first_fails(1), ""},
        Situation{"every fourth name fails", first_fails(3), "dns.resolver.servfail"},
        Situation{"the library gives up for one name", library_fails(1), ""},
        Situation{"the library gives up for every second name", library_fails(4), "dns.resolver.no_answer_for_name"},
        Situation{"a lost question in a lossy network",
                  report(beside({answered_over_tcp(silent_name)}, 5, over_lossy_way)), ""},
        Situation{"a server that was silent about one name and answers it over TCP",
                  report(beside({answered_over_tcp(silent_name)}, 5)), "dns.resolver.no_answer_for_name"},
        Situation{
            "one of a name's two questions was lost",
            report(beside({answered_over_tcp({libc("z.contoso.com -> timeout"), dns("z.contoso.com -> timeout"),
                                              dns("z.contoso.com -> nodata", "10.0.0.10", DnsTransport::udp, "AAAA")})},
                          5)),
            ""},
        Situation{"a nameserver of IPv6 on a node without it",
                  nameserver_v6(dns("ml.azure.com -> unreachable", "[2001:4860:4860::8888]:53")), ""},
        Situation{"a dead forwarder of the node's own beside a living server",
                  with_servers({{.value = "127.0.0.1", .stub = true}, {.value = azure}},
                               {check("node.resolver/127.0.0.1", "", {dns("ml.azure.com -> unreachable", "127.0.0.1")}),
                                user("a.contoso.com", Steps{libc("a.contoso.com -> 20.1.1.1"),
                                                            dns("a.contoso.com -> unreachable", "127.0.0.1"),
                                                            dns("a.contoso.com -> 20.1.1.1", azure)} +
                                                          works("a.contoso.com", "20.1.1.1"))}),
                  "host.dns_stub_down"},
        Situation{"an answer that was cut short and fetched over TCP",
                  report({user("z.contoso.com",
                               {dns("z.contoso.com -> truncated"), follow_up(dns_tcp("z.contoso.com -> 20.1.1.9"))}),
                          fine()}),
                  ""},
        Situation{"a private A beside the public AAAA that nobody overrode",
                  report({storage(Steps{dns(privatelink + " -> 10.0.1.5"),
                                        dns(privatelink + " -> b.store.core.windows.net -> 2603:1030::1", "10.0.0.10",
                                            DnsTransport::udp, aaaa)} +
                                  works(blob, "10.0.1.5", 401)),
                          fine()}),
                  ""},
        Situation{"an upstream that answers its stub on another way", upstream_over_tls_only(), ""},
        Situation{"AAAA fails and the library gives programs nothing",
                  report(beside({user("a.contoso.com",
                                      Steps{gave_up("a.contoso.com"), dns("a.contoso.com -> 20.1.1.1"),
                                            dns("a.contoso.com -> SERVFAIL", "10.0.0.10", DnsTransport::udp, aaaa)} +
                                          works("a.contoso.com", "20.1.1.1"))},
                                2)),
                  "dns.resolver.servfail"},
        Situation{"AAAA does not exist and A does",
                  report(beside({user("a.contoso.com",
                                      Steps{libc("a.contoso.com -> 20.1.1.1"), dns("a.contoso.com -> 20.1.1.1"),
                                            dns("a.contoso.com -> NXDOMAIN", "10.0.0.10", DnsTransport::udp, aaaa)} +
                                          works("a.contoso.com", "20.1.1.1"))},
                                2)),
                  ""},
        Situation{"the stub fails where its upstream answers, and programs get nothing",
                  with_servers({{.value = stub, .stub = true}, {.value = "10.0.0.10"}},
                               beside({user("a.contoso.com",
                                            {gave_up("a.contoso.com"), dns("a.contoso.com -> SERVFAIL", stub),
                                             dns("a.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:443")})},
                                      2)),
                  "dns.resolver.servfail"},
        Situation{"an alias in capitals",
                  report({storage(Steps{dns(blob + " -> ACCT.PrivateLink.blob.core.windows.net -> 20.60.0.1")} +
                                  works(blob, "20.60.0.1", 401))}),
                  "private_endpoint.zone_not_linked"}));

Observation intercepted(std::string chain = "ml.azure.com -> 13.107.246.48") {
  return follow_up(dns(chain, "192.0.2.53"));
}
Check missing(const std::string& host, Service service = Service::user) {
  return check("target.gone", "https://" + host + "/",
               {libc(host + " -> NXDOMAIN"), dns(host + " -> NXDOMAIN"), follow_up(dns(host + " -> NXDOMAIN", azure))},
               service);
}
Check guessed(Steps seen) {
  auto made =
      check("tag.BatchNodeManagement", "tls://eastus2.service.batch.azure.com:443", std::move(seen), Service::batch);
  made.target.guessed = true;
  return made;
}
const std::string wildcard = "eastus2.service.batch.azure.com";

INSTANTIATE_TEST_SUITE_P(
    Names, BlameOfServers,
    testing::Values(
        Situation{"a missing name beside a harmless interception",
                  report(beside({check("egress.path", "", {intercepted()}), missing("gone.contoso.com")}, 2)),
                  "dns.record.nxdomain"},
        Situation{"an interceptor that does not know what exists for certain",
                  report(beside({check("egress.path", "", {intercepted()}),
                                 missing("login.microsoftonline.com", Service::entra)},
                                2)),
                  "dns.resolver.intercepted"},
        Situation{"an interceptor that hides what Azure's DNS knows",
                  report(beside({check("egress.path", "", {intercepted()}),
                                 user("db.corp", {libc("db.corp -> NXDOMAIN"), dns("db.corp -> NXDOMAIN"),
                                                  follow_up(dns("db.corp -> 10.0.2.9", azure))})},
                                2)),
                  "dns.resolver.intercepted"},
        Situation{"a guessed name without an address",
                  report({guessed({libc(wildcard + " -> nodata"), dns(wildcard + " -> nodata")}), fine()}), ""},
        Situation{"a guessed name that one of two servers knows",
                  report({guessed({libc(wildcard + " -> NXDOMAIN"), dns(wildcard + " -> NXDOMAIN"),
                                   dns(wildcard + " -> 20.3.3.3", "10.0.0.11")}),
                          fine()}),
                  ""},
        Situation{"one server knows no address, the other no name",
                  report({undeclared({libc(blob + " -> NXDOMAIN"), dns(blob + " -> nodata"),
                                      dns(blob + " -> NXDOMAIN", "10.0.0.11")}),
                          fine()}),
                  "dns.record.nodata"},
        Situation{"the library gets no address and the second server has one",
                  report({undeclared(Steps{libc(blob + " -> nodata"), dns(blob + " -> nodata"),
                                           dns(blob + " -> 20.60.0.1", "10.0.0.11")} +
                                     works(blob, "20.60.0.1", 401)),
                          fine()}),
                  "dns.record.nodata"},
        Situation{"an address of a family that the node does not have",
                  report({undeclared({libc(blob + " -> nodata"), dns(blob + " -> nodata"),
                                      dns(blob + " -> 2603:1030::1", "10.0.0.10", DnsTransport::udp, aaaa)}),
                          fine()}),
                  ""},
        Situation{
            "a living server is unreachable for one name",
            report({user("a.contoso.com", {gave_up("a.contoso.com"), dns("a.contoso.com -> unreachable")}), fine()}),
            "dns.resolver.unreachable"},
        Situation{"one silent question", report({user("a.contoso.com", {dns("a.contoso.com -> timeout")}), fine()}),
                  "dns.resolver.no_answer_for_name"},
        Situation{"only the library was asked about this name",
                  report({user("a.contoso.com", {gave_up("a.contoso.com")}), fine()}),
                  "dns.resolver.no_answer_for_name"}));

TEST(DnsConfidence, NamesWhatTheNodeCannotTellApart) {
  const auto not_azure = [](const std::string& server) {
    return diagnosed({storage(Steps{libc(blob + " -> 20.60.0.1"), dns(from_outside, server),
                                    follow_up(dns(privatelink + " -> 10.0.1.5", azure))} +
                              works(blob, "20.60.0.1", 401)),
                      fine()});
  };
  const auto inside = not_azure("10.0.0.10");
  ASSERT_EQ(first_code(inside), "dns.resolver.not_azure");
  EXPECT_EQ(inside.diagnoses[0].confidence, Confidence::likely);
  EXPECT_THAT(inside.diagnoses[0].alternatives, Contains(HasSubstr("not linked")));
  EXPECT_EQ(not_azure("8.8.8.8").diagnoses[0].confidence, Confidence::proven) << "it sees no private zone";
}

TEST(DnsConfidence, AMissingNameIsCertainOnlyWhereEverybodySpokeForHimself) {
  const auto confidence = [](std::vector<Check> checks) {
    const auto seen = diagnosed(std::move(checks));
    EXPECT_EQ(first_code(seen), "dns.record.nxdomain");
    return seen.diagnoses[0].confidence;
  };
  EXPECT_EQ(confidence({missing("gone.contoso.com"), fine()}), Confidence::proven);
  EXPECT_EQ(confidence({missing("gone.contoso.com"), check("egress.path", "", {intercepted()}), fine()}),
            Confidence::likely);
  EXPECT_EQ(
      confidence({user("gone.contoso.com", {libc("gone.contoso.com -> NXDOMAIN"), dns("gone.contoso.com -> timeout"),
                                            dns("gone.contoso.com -> NXDOMAIN", "10.0.0.11")}),
                  fine()}),
      Confidence::likely);
}

TEST(StorageFirewall, ARefusalOfThePublicSideNamesTheEndpointThatWasNotUsed) {
  const auto denied = [](const std::string& chain) {
    return diagnosed(
        {undeclared({dns(chain), tcp("20.60.0.1:443"), tls("20.60.0.1:443", blob),
                     http("https://" + blob + "/", 403, {{"x-ms-request-id", "1"}}, "", "AuthorizationFailure")}),
         fine()});
  };
  const auto with = denied(from_outside), without = denied(blob + " -> 20.60.0.1");
  ASSERT_EQ(first_code(with), "storage.denied_by_firewall");
  EXPECT_THAT(with.diagnoses[0].alternatives, Contains(HasSubstr("private_endpoint.zone_not_linked")));
  ASSERT_EQ(first_code(without), "storage.denied_by_firewall");
  EXPECT_THAT(without.diagnoses[0].alternatives, testing::Not(Contains(HasSubstr("zone_not_linked"))));
}

TEST(DnsOutcome, ANameWithoutAnAddressNeverPasses) {
  for (const auto& by_library : {libc(blob + " -> NXDOMAIN"), gave_up(blob), libc(blob + " -> nodata")}) {
    const auto seen = diagnosed(
        {undeclared({by_library, dns(blob + " -> nodata"), dns(blob + " -> NXDOMAIN", "10.0.0.11")}), fine()});
    EXPECT_EQ(check_of(seen, "storage.blob/acct").verdict, Verdict::fail);
    EXPECT_EQ(exit_status(seen), 1);
  }
}

TEST(DnsOutcome, ADeadForwarderBesideALivingServerIsAWarning) {
  const auto seen = diagnosed(
      with_servers({{.value = "127.0.0.1", .stub = true}, {.value = azure}},
                   {check("node.resolver/127.0.0.1", "", {dns("ml.azure.com -> unreachable", "127.0.0.1")}), fine()}));
  ASSERT_EQ(first_code(seen), "host.dns_stub_down");
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::warning);
  EXPECT_EQ(exit_status(seen), 0);
}

TEST(DnsOutcome, AServerOfAFamilyThatTheNodeLacksIsNotApplicable) {
  const auto seen = diagnosed(nameserver_v6(dns("ml.azure.com -> unreachable", "[2001:4860:4860::8888]:53")));
  EXPECT_EQ(seen.checks[0].verdict, Verdict::skip);
  EXPECT_THAT(seen.checks[0].reason, HasSubstr("IPv6"));
}

}  // namespace
}  // namespace vnetprobe::dns_false_blame_test
