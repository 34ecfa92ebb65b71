#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>

namespace vnetprobe::experiment_rules_test {
namespace {

using namespace test;

const std::string address = "20.60.0.1:443", host = "acct.blob.core.windows.net", url = "https://" + host + "/";

Observation because(Observation observation, std::string why) {
  return follow_up(std::move(observation), std::move(why));
}

Observation path(std::string_view remote, PathPacket packet, std::vector<PathHop> hops) {
  PathObservation seen{.remote = at(remote), .packet = packet};
  const auto last = hops.empty() ? PathReply::silent : hops.back().reply;
  if (last == PathReply::answered || last == PathReply::refused || last == PathReply::cut)
    seen.reached_at = hops.back().ttl;
  else
    seen.error = PathFailure::unreached;
  seen.hops = std::move(hops);
  return follow_up({.seen = std::move(seen), .follow_up = {}},
                   fmt::format("path {} {}", static_cast<int>(packet), remote));
}

PathHop died(int ttl, std::string where) { return {ttl, PathReply::time_exceeded, std::move(where)}; }
PathHop ended(int ttl, PathReply how) { return {ttl, how, {}}; }

Observation small(Observation observation) {
  std::get<TcpObservation>(observation.seen).mss_limit = 1200;
  return observation;
}

Observation hello(TlsFailure failure) { return tls_failed(address, host, failure); }

Observation for_name(std::string name) { return because(tls(address, std::move(name)), "another name"); }

Observation cut_once_more() { return because(tls_failed(address, host, TlsFailure::reset), "once more"); }

Observation unnamed_answered() { return because(tls(address, ""), "no name"); }

Observation only_12(bool works) {
  auto seen = works ? tls_seen(address, host) : std::get<TlsObservation>(hello(TlsFailure::reset).seen);
  seen.offered_at_most = "TLSv1.2";
  return because({.seen = std::move(seen), .follow_up = {}}, "TLS 1.2 only");
}

Check cut(TlsFailure how, std::vector<Observation> experiments) {
  std::vector<Observation> all{dns(host + " -> 20.60.0.1"), tcp(address), hello(how)};
  for (auto& one : experiments) all.push_back(std::move(one));
  return check("storage.blob/acct", url, std::move(all), Service::storage_blob);
}

Check answered(std::vector<Observation> experiments) {
  std::vector<Observation> all{dns(host + " -> 20.60.0.1"), tcp(address), tls(address, host),
                               http(url, 401, {{"x-ms-request-id", "1"}, {"Server", "Windows-Azure-Blob/1.0"}})};
  for (auto& one : experiments) all.push_back(std::move(one));
  return check("storage.blob/acct", url, std::move(all), Service::storage_blob);
}

Check refused(std::vector<Observation> experiments) {
  std::vector<Observation> all{dns("sql.contoso.com -> 20.9.0.9"), tcp_refused("20.9.0.9:1433")};
  for (auto& one : experiments) all.push_back(std::move(one));
  return check("target.sql", "tcp://sql.contoso.com:1433", std::move(all), Service::user);
}

Check silent(bool send_refused, std::vector<Observation> experiments = {}, int retransmissions = 2) {
  auto attempt = tcp_silent("20.9.0.9:443");
  auto& seen = std::get<TcpObservation>(attempt.seen);
  seen.retransmissions = retransmissions;
  seen.send_refused = send_refused;
  std::vector<Observation> all{dns("a.contoso.com -> 20.9.0.9"), std::move(attempt)};
  for (auto& one : experiments) all.push_back(std::move(one));
  return check("target.a", "tcp://a.contoso.com:443", std::move(all), Service::user);
}

Check fine() {
  return check("target.fine", "tcp://ok.contoso.com:443", {dns("ok.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:443")},
               Service::user);
}

Check controls(std::vector<Observation> seen) { return optional(check("egress.path", "", std::move(seen))); }

Observation udp_eperm() {
  auto seen = std::get<UdpObservation>(udp("20.9.0.9:443", UdpFailure::not_permitted).seen);
  seen.errno_name = "EPERM";
  return because({.seen = std::move(seen), .follow_up = {}}, "a datagram");
}

Check with_datagram(bool refused) {
  auto made = fine();
  auto seen = std::get<UdpObservation>(udp("20.1.1.1:443").seen);
  if (refused) {
    seen.error = UdpFailure::not_permitted;
    seen.errno_name = "EPERM";
  }
  made.observations.push_back(because({.seen = std::move(seen), .follow_up = {}}, "a control"));
  return made;
}

struct Case {
  const char* name;
  std::vector<Check> checks;
  std::string expected;  // first code above info; "" for none

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

class ExperimentRule : public testing::TestWithParam<Case> {};

TEST_P(ExperimentRule, NamesTheCauseThatTheExperimentsSeparate) {
  const auto seen = diagnosed(GetParam().checks);
  EXPECT_EQ(first_code(seen), GetParam().expected);
  EXPECT_LE(codes(seen).size(), 1u);
}

const auto stalls = [](std::string why) {
  return std::vector{because(tcp(address), why), because(hello(TlsFailure::timed_out), why)};
};
const auto passes_small = [] {
  return std::vector{because(small(tcp(address)), "small"), because(tls(address, host), "small")};
};
const auto stalls_small = [] {
  return std::vector{because(small(tcp(address)), "small"), because(hello(TlsFailure::timed_out), "small")};
};
const auto big = [](bool works, bool in_small) {
  const std::string why = in_small ? "big in small" : "big";
  return std::vector{because(in_small ? small(tcp(address)) : tcp(address), why), because(tls(address, host), why),
                     because(works ? http(url, 400) : http_failed(url, HttpFailure::timed_out), why)};
};
std::vector<Observation> as_repeated(std::vector<Observation> observations) {
  for (auto& one : observations) one.follow_up = "big again";
  return observations;
}
const auto stalls_once_more = [] { return as_repeated(big(false, false)); };
const auto answered_once_more = [] { return as_repeated(big(true, false)); };
std::vector<Observation> both(std::vector<Observation> a, std::vector<Observation> b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

INSTANTIATE_TEST_SUITE_P(
    Handshakes, ExperimentRule,
    testing::Values(
        Case{"another name is answered at the same address",
             {cut(TlsFailure::reset, {cut_once_more(), for_name("login.microsoftonline.com"), only_12(false)})},
             "tls.sni_filtered"},
        Case{"the second try for the same name is answered: a busy server",
             {cut(TlsFailure::timed_out,
                  {because(tls(address, host), "once more"), for_name("login.microsoftonline.com")})},
             ""},
        Case{"the second try is answered, and so is TLS 1.2 alone: one lost packet",
             {cut(TlsFailure::timed_out, {only_12(true), because(tls(address, host), "once more")})},
             ""},
        Case{"a reset that does not come again", {cut(TlsFailure::reset, {because(tls(address, host), "again")})}, ""},
        Case{"only a handshake without a name is answered",
             {cut(TlsFailure::closed, {cut_once_more(), unnamed_answered()})},
             "tls.sni_filtered"},
        Case{"no other name is answered either",
             {cut(TlsFailure::reset,
                  {because(hello(TlsFailure::reset), "again"),
                   because(tls_failed(address, "login.microsoftonline.com", TlsFailure::reset), "other")})},
             "tls.reset_after_client_hello"},
        Case{"another name is answered elsewhere",
             {cut(TlsFailure::reset, {because(tls("20.1.1.1:443", "login.microsoftonline.com"), "other")})},
             "tls.reset_after_client_hello"},
        Case{"TLS 1.2 alone is answered",
             {cut(TlsFailure::reset, {only_12(true), cut_once_more()})},
             "tls.version_rejected"},
        Case{"TLS 1.2 alone is answered, and nobody tried the first thing again",
             {cut(TlsFailure::reset, {only_12(true)})},
             "tls.reset_after_client_hello"},
        Case{"TLS 1.2 fails as well", {cut(TlsFailure::reset, {only_12(false)})}, "tls.reset_after_client_hello"},
        Case{"it is cut before it can have come to the server",
             {cut(TlsFailure::reset,
                  {path(address, PathPacket::syn,
                        {died(1, "10.0.0.1"), died(2, "10.9.0.1"), ended(4, PathReply::answered)}),
                   path(address, PathPacket::client_hello, {died(1, "10.0.0.1"), ended(2, PathReply::cut)})})},
             "tls.filtered_at_hop"},
        Case{"it is cut where the server is",
             {cut(TlsFailure::reset,
                  {path(address, PathPacket::syn, {died(1, "10.0.0.1"), ended(2, PathReply::answered)}),
                   path(address, PathPacket::client_hello, {died(1, "10.0.0.1"), ended(2, PathReply::cut)})})},
             "tls.reset_after_client_hello"}));

INSTANTIATE_TEST_SUITE_P(
    PacketSizes, ExperimentRule,
    testing::Values(Case{"stalls twice and passes in small segments",
                         {cut(TlsFailure::timed_out, both(stalls("again"), passes_small()))},
                         "mtu.blackhole_in"},
                    Case{"stalls in small segments too",
                         {cut(TlsFailure::timed_out, both(stalls("again"), stalls_small()))},
                         "tls.timeout_after_client_hello"},
                    Case{"passed the second time: nothing is known about sizes",
                         {cut(TlsFailure::timed_out,
                              both({because(tcp(address), "again"), because(tls(address, host), "again")},
                                   passes_small()))},
                         ""},
                    Case{"a big request stalls twice and passes in small segments",
                         {answered(both(big(false, false), both(stalls_once_more(), big(true, true))))},
                         "mtu.blackhole_out"},
                    Case{"a big request stalls once and passes in small segments: a lost packet",
                         {answered(both(big(false, false), big(true, true)))},
                         ""},
                    Case{"a big request stalls once and is answered in any size then",
                         {answered(both(big(false, false), both(answered_once_more(), big(true, true))))},
                         ""},
                    Case{"a big request stalls in any size: the server does not like it",
                         {answered(both(big(false, false), big(false, true)))},
                         ""},
                    Case{"a big request is answered", {answered(big(true, false))}, ""}));

INSTANTIATE_TEST_SUITE_P(
    Transport, ExperimentRule,
    testing::Values(
        Case{"refused nearer than the host is",
             {refused({path("20.9.0.9:1433", PathPacket::syn, {died(1, "10.0.0.1"), ended(2, PathReply::refused)}),
                       path("20.9.0.9:33434", PathPacket::syn,
                            {died(1, "10.0.0.1"), died(2, "10.9.0.1"), ended(3, PathReply::refused)})})},
             "tcp.refused_by_middlebox"},
        Case{"every port is refused at one distance",
             {refused({path("20.9.0.9:1433", PathPacket::syn, {died(1, "10.0.0.1"), ended(2, PathReply::refused)}),
                       path("20.9.0.9:33434", PathPacket::syn, {died(1, "10.0.0.1"), ended(2, PathReply::refused)})})},
             "tcp.refused_by_host"},
        Case{"repeated SYNs never left the node", {silent(true), fine()}, "host.firewall.output_drop"},
        Case{"a datagram is refused by the kernel, and no SYN is known to have left",
             {silent(false, {udp_eperm()}, 0), fine()},
             "host.firewall.output_drop"},
        Case{"a datagram is refused by the kernel, one to a target that answers is not",
             {silent(false, {udp_eperm()}, 0), with_datagram(false)},
             "host.firewall.output_drop"},
        Case{"datagrams are refused by the kernel whatever their target is",
             {silent(false, {udp_eperm()}, 0), with_datagram(true)},
             "tcp.timeout"},
        Case{"a datagram is refused by the kernel, and repeated SYNs left it",
             {silent(false, {udp_eperm()}), fine()},
             "tcp.dropped_remote"},
        Case{"repeated SYNs left the node and others are answered", {silent(false), fine()}, "tcp.dropped_remote"}));

INSTANTIATE_TEST_SUITE_P(
    Controls, ExperimentRule,
    testing::Values(Case{"names fail and nowhere answers DNS",
                         {check("workspace.api", "https://w.api.azureml.ms/", {dns("w.api.azureml.ms -> NXDOMAIN")}),
                          controls({because(dns("w.api.azureml.ms -> NXDOMAIN", "192.0.2.53"), "control")})},
                         "dns.resolver.intercepted"},
                    Case{"nowhere answers DNS and all is well",
                         {answered({}), controls({because(dns(host + " -> 20.60.0.1", "192.0.2.53"), "control")})},
                         ""},
                    Case{"names fail and nowhere is silent",
                         {check("workspace.api", "https://w.api.azureml.ms/", {dns("w.api.azureml.ms -> NXDOMAIN")}),
                          controls({because(dns("w.api.azureml.ms -> timeout", "192.0.2.53"), "control")})},
                         "dns.record.nxdomain"},
                    Case{"nowhere accepts connections and all is well",
                         {answered({}), controls({because(tcp("192.0.2.1:443"), "control")})},
                         ""}));

TEST(ExperimentRules, ADeviceThatAnswersForOthersIsANote) {
  const auto seen = diagnosed({answered({}), controls({because(tcp("192.0.2.1:443"), "control")})});
  ASSERT_EQ(seen.diagnoses.size(), 1u);
  EXPECT_EQ(seen.diagnoses[0].code, "tcp.middlebox_terminates");
  EXPECT_EQ(seen.diagnoses[0].severity, Severity::info);
}

TEST(NextQuestions, ASilentTargetIsAskedForItsPathAndALocalFilterOnce) {
  auto asked = silent(false);
  std::vector<FollowUpKind> kinds;
  for (const auto& question : next_questions(asked)) kinds.push_back(question.kind);
  EXPECT_THAT(kinds,
              testing::ElementsAre(FollowUpKind::udp_same_target, FollowUpKind::path_syn, FollowUpKind::tcp_again));
  asked.observations.push_back(because(udp("20.9.0.9:443"), "a datagram"));
  asked.observations.push_back(path("20.9.0.9:443", PathPacket::syn, {died(1, "10.0.0.1")}));
  asked.observations.push_back(because(tcp_silent("20.9.0.9:443"), "again"));
  EXPECT_TRUE(next_questions(asked).empty());
}

TEST(NextQuestions, AHandshakeThatIsCutIsAskedForItsDistanceAfterThePath) {
  const auto with_path = [](int distance) {
    return cut(TlsFailure::reset,
               {only_12(false), path(address, PathPacket::syn, {ended(distance, PathReply::answered)})});
  };
  ASSERT_EQ(next_questions(with_path(4)).size(), 1u);
  EXPECT_EQ(next_questions(with_path(4))[0].kind, FollowUpKind::path_client_hello);
  EXPECT_EQ(next_questions(with_path(4))[0].hops, 4);
  EXPECT_TRUE(next_questions(with_path(1)).empty());  // nothing stands nearer than the next hop
}

TEST(NextQuestions, NothingIsAskedOfWhatWorksOrWentThroughAProxy) {
  EXPECT_TRUE(next_questions(answered({})).empty());
  auto proxied = cut(TlsFailure::reset, {});
  proxied.proxy = "http://10.0.9.9:3128";
  EXPECT_TRUE(next_questions(proxied).empty());
}

TEST(CrossQuestions, ACutHandshakeIsAskedForANameThatIsAnsweredElsewhere) {
  auto elsewhere = answered({});
  elsewhere.observations[2] = tls("20.1.1.1:443", "login.microsoftonline.com");
  const auto asked = cross_questions({cut(TlsFailure::reset, {}), elsewhere});
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].check, 0u);
  EXPECT_EQ(asked[0].question.kind, FollowUpKind::tls_other_name);
  EXPECT_EQ(asked[0].question.name, "login.microsoftonline.com");
  EXPECT_EQ(asked[1].question.kind, FollowUpKind::big_request);
}

Report with_tags(std::vector<Check> checks, std::string outbound, bool inside, int age) {
  auto made = report(std::move(checks));
  if (!outbound.empty())
    made.node.outbound = Sourced<std::string>{.value = std::move(outbound), .source = "config.yaml:1:1"};
  made.agent.service_tags = ServiceTagFile{
      .source = "tags.json", .cloud = "Public", .change_number = 376, .date = "2026-03-01", .age_days = age};
  made.checks.front().target.service_tag = "Storage";
  made.checks.front().tagged_addresses = {{.address = "20.9.0.9", .inside = inside}};
  return diagnosed(std::move(made));
}

TEST(ServiceTagRules, AnAddressOutsideOfItsTagIsTheCauseOnlyWhereTagsAloneAreLetOut) {
  EXPECT_EQ(first_code(with_tags({silent(false), fine()}, "limited", false, 3)), "service_tag.resolved_outside_tag");
  EXPECT_EQ(first_code(with_tags({silent(false), fine()}, "limited", true, 3)), "tcp.dropped_remote");
  EXPECT_EQ(first_code(with_tags({silent(false), fine()}, "", false, 3)), "tcp.dropped_remote");
}

TEST(ServiceTagRules, NothingIsSaidOfWhatAnswersByAnOldFile) {
  EXPECT_TRUE(with_tags({answered({})}, "limited", false, 400).diagnoses.empty());
  EXPECT_TRUE(with_tags({answered({})}, "", false, 3).diagnoses.empty());
  EXPECT_EQ(with_tags({answered({})}, "limited", false, 3).diagnoses.at(0).severity, Severity::info);
  const auto old = with_tags({silent(false), fine()}, "limited", false, 400);
  EXPECT_TRUE(std::any_of(old.diagnoses.begin(), old.diagnoses.end(),
                          [](const Diagnosis& one) { return one.code == "service_tag.data_stale"; }));
}

}  // namespace
}  // namespace vnetprobe::experiment_rules_test
