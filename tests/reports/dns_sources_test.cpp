#include "tests/support/dns_situations.hpp"

// Two sources of one name that differ: the hosts file, the stub and its cache, the servers behind it.
namespace vnetprobe::dns_sources_test {
namespace {

using namespace test;

const std::string database = "db.contoso.local";

// Programs get `first` from one server, and another one gives `second`; a connection to that as an experiment.
std::vector<Check> two_answers(const std::string& first, const std::string& second, std::optional<Observation> tried,
                               Service service = Service::user) {
  std::vector<Observation> seen{libc(database + " -> " + first), dns(database + " -> " + first, "10.0.0.10"),
                                dns(database + " -> " + second, "10.0.0.11"), tcp_silent(first + ":1433")};
  if (tried) seen.push_back(follow_up(std::move(*tried)));
  return {check("target.db", "tcp://" + database + ":1433", std::move(seen), service), fine()};
}

TEST(TwoServers, AnAddressThatFailsIsBlamedOnItsServerOnlyIfTheOthersConnects) {
  const auto first = [](std::vector<Check> checks) { return first_code(diagnosed(std::move(checks))); };
  EXPECT_EQ(first(two_answers("10.0.77.7", "10.0.1.54", tcp("10.0.1.54:1433"))), "dns.resolver.inconsistent");
  EXPECT_NE(first(two_answers("10.0.77.7", "10.0.1.54", tcp_silent("10.0.1.54:1433"))), "dns.resolver.inconsistent");
  EXPECT_NE(first(two_answers("10.0.77.7", "10.0.1.54", {})), "dns.resolver.inconsistent");
  EXPECT_NE(first(two_answers("20.1.1.1", "20.1.1.2", tcp("20.1.1.2:1433"), Service::storage_blob)),
            "dns.resolver.inconsistent")
      << "the services rotate their addresses";
  const auto rotating = diagnosed(two_answers("20.1.1.1", "20.1.1.2", tcp("20.1.1.2:1433")));
  ASSERT_EQ(first_code(rotating), "dns.resolver.inconsistent");
  EXPECT_EQ(rotating.diagnoses.front().confidence, Confidence::likely);
}

TEST(TwoServers, TheOthersAnswerIsTriedOnceAndOnlyWhereTheFirstFails) {
  const auto asks = [](const Check& one) {
    return std::ranges::count(next_questions(one), FollowUpKind::tcp_other_answer, &FollowUp::kind);
  };
  EXPECT_EQ(asks(two_answers("10.0.77.7", "10.0.1.54", {}).front()), 1);
  EXPECT_EQ(asks(two_answers("10.0.77.7", "10.0.1.54", tcp_silent("10.0.1.54:1433")).front()), 0) << "once";
  EXPECT_EQ(asks(two_answers("10.0.77.7", "10.0.77.7", {}).front()), 0) << "they agree";
  auto works = two_answers("10.0.77.7", "10.0.1.54", {}).front();
  works.observations.back() = tcp("10.0.77.7:1433");
  EXPECT_EQ(asks(works), 0);
  auto led = two_answers("10.0.77.7", "10.0.1.54", {}).front();
  std::get<TcpObservation>(led.observations.back().seen).instead_of = "10.0.77.7:1433";
  EXPECT_EQ(asks(led), 0) << "--connect-to keeps it here";
}

class BlameBetweenSources : public testing::TestWithParam<Situation> {};

TEST_P(BlameBetweenSources, GoesToTheCauseAlone) { expect_blame(GetParam()); }

Steps by_line(const std::string& address, const std::string& by_dns) {
  return {libc(blob + " -> " + address, {address.c_str()}), dns(by_dns)};
}
Steps by_line_behind_stub(const std::string& address, const std::string& by_dns) {
  return {libc(blob + " -> " + address, {address.c_str()}), dns(blob + " -> " + address, stub), dns(by_dns, azure)};
}
Report direct(Check one) { return report(beside({std::move(one)}, 2)); }

INSTANTIATE_TEST_SUITE_P(
    HostsLines, BlameBetweenSources,
    testing::Values(
        Situation{"a right line, and a stub that reads the hosts file",
                  with_stub(storage(by_line_behind_stub("10.0.1.5", from_outside) + works(blob, "10.0.1.5", 401))), ""},
        Situation{"a stale line, and a stub that reads the hosts file",
                  with_stub(storage(by_line_behind_stub("10.0.1.99", privatelink + " -> 10.0.1.5") +
                                    Steps{tcp_silent("10.0.1.99:443")})),
                  "dns.record.stale_hosts_file"},
        Situation{"the line of the work-around, and the endpoint is silent",
                  direct(storage(by_line("10.0.1.5", from_outside) + Steps{tcp_silent("10.0.1.5:443")})),
                  "private_endpoint.unreachable"},
        Situation{"the same with an endpoint that only DNS tells of",
                  direct(undeclared(by_line("10.0.1.5", from_outside) + Steps{tcp_silent("10.0.1.5:443")})),
                  "private_endpoint.unreachable"},
        Situation{"the line has the planned address, DNS another",
                  direct(storage(by_line("10.0.1.5", privatelink + " -> 10.0.1.9") + Steps{tcp_silent("10.0.1.5:443")},
                                 "10.0.1.5")),
                  "private_endpoint.unreachable"},
        Situation{"the line has another address than the planned one",
                  direct(storage(by_line("10.0.1.9", from_outside) + Steps{tcp_silent("10.0.1.9:443")}, "10.0.1.5")),
                  "dns.record.stale_hosts_file"},
        Situation{"a private line for a name without an endpoint",
                  direct(undeclared(by_line("10.0.1.5", blob + " -> blob.bn9.store.core.windows.net -> 20.60.0.1") +
                                    Steps{tcp_silent("10.0.1.5:443")})),
                  "dns.record.stale_hosts_file"},
        Situation{"the line leads to somebody else",
                  direct(undeclared(by_line("10.0.1.77", privatelink + " -> 10.0.1.5") +
                                    Steps{tcp("10.0.1.77:443"), wrong_name("10.0.1.77", blob)})),
                  "dns.record.stale_hosts_file"},
        Situation{"the handshake is cut behind a line that differs",
                  direct(undeclared(by_line("20.60.0.7", blob + " -> 20.60.0.1") +
                                    Steps{tcp("20.60.0.7:443"), tls_failed("20.60.0.7:443", blob, TlsFailure::reset)})),
                  "tls.reset_after_client_hello"},
        Situation{"the vault's own 403 behind a public line",
                  direct(check("keyvault/kv", "https://kv.vault.azure.net/",
                               {libc("kv.vault.azure.net -> 20.5.5.5", {"20.5.5.5"}),
                                dns("kv.vault.azure.net -> kv.privatelink.vaultcore.azure.net -> 10.0.1.7"),
                                tcp("20.5.5.5:443"), tls("20.5.5.5:443", "kv.vault.azure.net"),
                                http("https://kv.vault.azure.net/", 403, {{"x-ms-keyvault-region", "e"}})},
                               Service::key_vault)),
                  ""},
        Situation{"the account's firewall refuses what a public line leads past the endpoint",
                  direct(undeclared(by_line("20.60.0.7", privatelink + " -> 10.0.1.5") +
                                    Steps{tcp("20.60.0.7:443"), tls("20.60.0.7:443", blob),
                                          http("https://" + blob + "/", 403, {{"x-ms-request-id", "1"}}, "",
                                               "AuthorizationFailure")})),
                  "dns.record.stale_hosts_file"}));

Steps by_stub(const std::string& host, const std::string& old, const std::string& now) {
  return {libc(host + " -> " + old), dns(host + " -> " + old, stub), dns(host + " -> " + now, azure)};
}
Check entra(Steps seen) {
  return check("tag.AzureActiveDirectory", "https://login.microsoftonline.com/", std::move(seen), Service::entra);
}

INSTANTIATE_TEST_SUITE_P(
    Caches, BlameBetweenSources,
    testing::Values(
        Situation{
            "a stub with a zone of its own, on purpose",
            with_servers({{.value = "127.0.0.1", .stub = true}, {.value = azure}},
                         {storage(Steps{libc(blob + " -> 10.0.1.5"), dns(privatelink + " -> 10.0.1.5", "127.0.0.1"),
                                        dns(from_outside, azure)} +
                                  works(blob, "10.0.1.5", 401)),
                          fine()}),
            ""},
        Situation{
            "the same, and the endpoint is silent",
            with_servers({{.value = "127.0.0.1", .stub = true}, {.value = azure}},
                         {storage(Steps{libc(blob + " -> 10.0.1.5"), dns(privatelink + " -> 10.0.1.5", "127.0.0.1"),
                                        dns(from_outside, azure), tcp_silent("10.0.1.5:443")}),
                          fine()}),
            "private_endpoint.unreachable"},
        Situation{"a name that rotates its addresses is dropped",
                  with_stub(entra(by_stub("login.microsoftonline.com", "20.190.151.7", "20.190.151.131") +
                                  Steps{tcp_silent("20.190.151.7:443")})),
                  "entra.unreachable"},
        Situation{"a name that rotates its addresses is filtered",
                  with_stub(user("a.contoso.com",
                                 by_stub("a.contoso.com", "20.62.129.10", "20.62.129.77") +
                                     Steps{tcp("20.62.129.10:443"),
                                           tls_failed("20.62.129.10:443", "a.contoso.com", TlsFailure::reset)})),
                  "tls.reset_after_client_hello"},
        Situation{"an old public address, and the new one answers",
                  with_stub(user("a.contoso.com", by_stub("a.contoso.com", "20.62.129.10", "20.9.9.10") +
                                                      Steps{tcp_silent("20.62.129.10:443")})),
                  "dns.cache.stale"},
        Situation{"an old private address",
                  with_stub(storage(by_stub(blob, "10.0.1.9", "10.0.1.5") + Steps{tcp_silent("10.0.1.9:443")})),
                  "dns.cache.stale"},
        Situation{
            "the stub has the planned address and is right",
            with_stub(storage(by_stub(blob, "10.0.1.9", "10.0.1.5") + Steps{tcp_silent("10.0.1.9:443")}, "10.0.1.9")),
            "private_endpoint.unreachable"},
        Situation{"the public side of a name that is planned private",
                  with_stub(storage(by_stub(blob, "20.60.0.1", "10.0.1.5") + works(blob, "20.60.0.1", 401))),
                  "dns.cache.stale"}));

}  // namespace
}  // namespace vnetprobe::dns_sources_test
