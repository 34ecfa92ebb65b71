#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// What only all checks together make worth asking, and what the answers mean.
namespace vnetprobe::across_questions_test {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<FollowUpKind> asked(const std::vector<Check>& checks) {
  std::vector<FollowUpKind> kinds;
  for (const auto& [place, question] : cross_questions(checks)) {
    EXPECT_LT(place, checks.size());
    EXPECT_FALSE(question.because.empty());
    kinds.push_back(question.kind);
  }
  return kinds;
}

std::vector<std::string> notes(const Report& made) {
  std::vector<std::string> found;
  for (const auto& diagnosis : made.diagnoses)
    if (diagnosis.severity == Severity::info) found.push_back(diagnosis.code);
  return found;
}

Check with(Check made, std::vector<Observation> experiments) {
  for (auto& one : experiments) made.observations.push_back(follow_up(std::move(one), one.follow_up.value_or("more")));
  return made;
}

// --- A proxy that reads the requests ---------------------------------------------------------------------------------

const std::string login = "login.microsoftonline.com", token = "https://" + login + "/common/";
const Headers genuine{{"x-ms-request-id", "1"}, {"x-ms-ests-server", "2.1"}};
const Headers squid{{"Via", "1.1 gateway (squid/6.1)"}, {"X-Squid-Error", "ERR_ACCESS_DENIED 0"}};

Check sign_in(const std::string& issuer) {
  return check("entra.login", token,
               {dns(login + " -> 20.190.151.9"), tcp("20.190.151.9:443"), tls("20.190.151.9:443", login, issuer),
                http(token, 200, genuine, "{\"token_endpoint\": \"https://x\"}")},
               Service::entra);
}

Observation post(int bytes, int status, Headers headers = genuine) {
  auto made = http(token, status, std::move(headers));
  std::get<HttpObservation>(made.seen).request_bytes = bytes;
  return made;
}

Observation stalled_post() {
  auto made = http_failed(token, HttpFailure::timed_out);
  std::get<HttpObservation>(made.seen).request_bytes = 65536;
  return made;
}

TEST(AcrossQuestions, WhoeverReadsTheRequestsIsAskedWhetherAPostPasses) {
  EXPECT_THAT(asked({sign_in("Microsoft Corporation")}), Not(Contains(FollowUpKind::as_post)));
  const auto read = sign_in("Contoso Inspection");
  EXPECT_THAT(asked({read}), Contains(FollowUpKind::as_post));
  EXPECT_THAT(asked({with(read, {post(16, 400)})}), Contains(FollowUpKind::as_big_post));
  const auto both = asked({with(read, {post(16, 400), post(65536, 400)})});
  EXPECT_THAT(both, Not(Contains(FollowUpKind::as_post)));
  EXPECT_THAT(both, Not(Contains(FollowUpKind::as_big_post)));
  EXPECT_THAT(both, Contains(FollowUpKind::big_request)) << "a question of its own";
}

// Interception by itself is another matter, and allowed here.
std::vector<std::string> codes_with(std::vector<Observation> experiments) {
  auto made = report({with(sign_in("Contoso Inspection"), std::move(experiments))});
  made.node.interception_allowed = Sourced<bool>{.value = true, .source = "test"};
  return codes(diagnosed(std::move(made)));
}

TEST(Filters, ARefusedPostIsTheMiddleboxsOnlyWhenItSaysSo) {
  EXPECT_THAT(codes_with({post(16, 403, squid)}), ElementsAre("http.method_blocked"));
  EXPECT_THAT(codes_with({post(16, 405, genuine)}), IsEmpty()) << "the service wants a GET there";
  EXPECT_THAT(codes_with({post(16, 400, genuine), post(65536, 400, genuine)}), IsEmpty());
  EXPECT_THAT(codes_with({post(16, 400, genuine), stalled_post()}), ElementsAre("http.body_blocked"));
  EXPECT_THAT(codes_with({post(16, 400, genuine), post(65536, 413, squid)}), ElementsAre("http.body_blocked"));
  EXPECT_THAT(codes_with({stalled_post()}), IsEmpty()) << "without a small one beside it, it means nothing";
}

// --- A firewall that reads names -------------------------------------------------------------------------------------

Check control(bool completed) {
  return optional(
      check("egress.path", "",
            {follow_up(completed ? tcp("192.0.2.1:443") : tcp_silent("192.0.2.1:443"), "nobody is there")}));
}

Check vault(std::vector<Observation> experiments = {}) {
  const std::string name = "v.vault.azure.net", url = "https://" + name + "/";
  return with(check("keyvault/v", url,
                    {dns(name + " -> 20.60.0.9"), tcp("20.60.0.9:443"), tls("20.60.0.9:443", name),
                     http(url, 401, {{"x-ms-keyvault-service-version", "1"}, {"WWW-Authenticate", "Bearer"}})},
                    Service::key_vault),
              std::move(experiments));
}

TEST(AcrossQuestions, AHandshakeWithoutANameIsTriedWhereSomethingCompletesConnections) {
  EXPECT_THAT(asked({control(true), vault()}), Contains(FollowUpKind::tls_without_name));
  EXPECT_THAT(asked({control(false), vault()}), Not(Contains(FollowUpKind::tls_without_name)));
  const auto cut = tls_failed("20.60.0.9:443", "", TlsFailure::reset);
  EXPECT_THAT(asked({control(true), vault({cut})}), Not(Contains(FollowUpKind::tls_without_name)));
}

TEST(Filters, AnUnnamedHandshakeThatIsCutIsANoteAndNoMore) {
  const auto refused = diagnosed({control(true), vault({tls_failed("20.60.0.9:443", "", TlsFailure::reset)})});
  EXPECT_THAT(notes(refused), Contains("tls.no_sni_rejected"));
  EXPECT_EQ(check_of(refused, "keyvault/v").verdict, Verdict::pass);
  EXPECT_THAT(notes(diagnosed({control(true), vault({tls("20.60.0.9:443", "")})})),
              Not(Contains("tls.no_sni_rejected")));
}

// --- The way out -----------------------------------------------------------------------------------------------------

Check with_proxy_set() {
  HostObservation set{.topic = HostTopic::proxies};
  set.proxies = {{.variable = "https_proxy", .value = "http://10.0.9.9:3128", .source = "/etc/environment:1"}};
  return check("node.proxy", "", {host(set)});
}

TEST(AcrossQuestions, TheProxyThatNobodyToldOfIsTriedWhateverStopsTheDirectWay) {
  const auto stopped = [](Observation how) {
    return check("target.a", "https://a.contoso.com/", {dns("a.contoso.com -> 20.1.1.1"), std::move(how)},
                 Service::user);
  };
  const auto prohibited = tcp_icmp("20.1.1.1:443", 3, 13, "10.0.0.4", TcpFailure::host_unreachable);
  for (const auto& how : {tcp_silent("20.1.1.1:443"), tcp_refused("20.1.1.1:443"), prohibited})
    EXPECT_THAT(asked({with_proxy_set(), stopped(how)}), Contains(FollowUpKind::through_proxy));
  EXPECT_THAT(asked({with_proxy_set(), stopped(tcp_icmp("20.1.1.1:443", 3, 3, "self"))}), IsEmpty());
  EXPECT_THAT(asked({stopped(prohibited)}), IsEmpty()) << "no proxy is set anywhere";
}

TEST(AcrossQuestions, ADatagramThatTheKernelRefusesIsComparedWithOneToATargetThatAnswers) {
  auto refused = udp("20.1.1.1:443", UdpFailure::not_permitted);
  std::get<UdpObservation>(refused.seen).errno_name = "EPERM";
  const auto silent = check("target.a", "tcp://a.contoso.com:443",
                            {dns("a.contoso.com -> 20.1.1.1"), tcp_silent("20.1.1.1:443")}, Service::user);
  const auto answers = check("target.b", "tcp://b.contoso.com:443",
                             {dns("b.contoso.com -> 20.1.1.2"), tcp("20.1.1.2:443")}, Service::user);
  EXPECT_THAT(asked({with(silent, {refused}), answers}), ElementsAre(FollowUpKind::udp_same_target));
  EXPECT_THAT(asked({silent, answers}), IsEmpty());
  EXPECT_THAT(asked({with(silent, {refused}), with(answers, {udp("20.1.1.2:443")})}), IsEmpty()) << "once";
}

TEST(AcrossQuestions, ABigRequestThatIsLostIsMadeAgainBeforeItsSizeIsBlamed) {
  EXPECT_THAT(asked({vault()}), ElementsAre(FollowUpKind::big_request));
  const auto stalled = http_failed("https://v.vault.azure.net/", HttpFailure::timed_out);
  EXPECT_THAT(asked({vault({stalled})}),
              ElementsAre(FollowUpKind::big_request, FollowUpKind::big_request_in_small_segments));
  EXPECT_THAT(asked({vault({stalled, stalled, stalled})}), IsEmpty());
}

// --- Azure's DNS under load
// -------------------------------------------------------------------------------------------

constexpr const char* azure = "168.63.129.16";

std::string name(int number) { return fmt::format("a{}.contoso.com", number); }

// Thirty names, of which the first `silent` ones got no answer; a connection each, `lossy` ones with retransmissions.
std::vector<Check> many(int silent, int lossy = 0) {
  std::vector<Check> checks;
  for (int i = 0; i < 30; ++i) {
    const bool lost = i < silent;
    auto connection = tcp("20.9.0.9:443");
    std::get<TcpObservation>(connection.seen).retransmissions = i < lossy ? 1 : 0;
    std::vector<Observation> seen{libc(name(i) + (lost ? " -> timeout" : " -> 20.9.0.9")),
                                  dns(name(i) + (lost ? " -> timeout" : " -> 20.9.0.9"), azure)};
    if (!lost) seen.push_back(std::move(connection));
    checks.push_back(check(fmt::format("target.a{}", i), "tcp://" + name(i) + ":443", std::move(seen), Service::user));
  }
  return checks;
}

std::vector<Check> asked_again(std::vector<Check> checks, bool answered) {
  for (int i = 0; i < 4; ++i) {
    auto& into = checks[static_cast<std::size_t>(i)].observations;
    into.push_back(follow_up(dns(name(i) + (answered ? " -> 20.9.0.9" : " -> timeout"), azure)));
  }
  return checks;
}

TEST(AcrossQuestions, AzuresDnsIsAskedAgainWhenItWasSilentAboutMany) {
  const auto questions = asked(many(8));
  EXPECT_EQ(std::ranges::count(questions, FollowUpKind::dns_again), 6) << "bounded";
  EXPECT_THAT(asked(many(1)), Not(Contains(FollowUpKind::dns_again))) << "one datagram may get lost";
  EXPECT_THAT(asked(asked_again(many(8), true)), Not(Contains(FollowUpKind::dns_again))) << "once";
  EXPECT_THAT(asked(many(30)), Not(Contains(FollowUpKind::dns_again))) << "it is dead";
}

TEST(AzureDns, SilenceUnderLoadIsItsLimitOnlyIfItAnswersLaterAndThePathLosesNothing) {
  const auto limited = diagnosed(asked_again(many(8), true));
  EXPECT_THAT(codes(limited), ElementsAre("dns.throttled"));
  EXPECT_EQ(check_of(limited, "target.a0").verdict, Verdict::fail);
  EXPECT_THAT(codes(diagnosed(asked_again(many(8), false))), Not(Contains("dns.throttled")));
  EXPECT_THAT(codes(diagnosed(asked_again(many(8, 12), true))), Not(Contains("dns.throttled"))) << "a lossy path";
  EXPECT_THAT(codes(diagnosed(many(8))), Not(Contains("dns.throttled"))) << "nobody asked again";

  auto at_last = many(0);
  for (int i = 0; i < 8; ++i)
    std::get<DnsObservation>(at_last[static_cast<std::size_t>(i)].observations[1].seen).sent = 3;
  EXPECT_THAT(asked(at_last), Contains(FollowUpKind::dns_again).Times(0)) << "all of them got their answer";
}

// What getaddrinfo says where no server answered it in time.
Observation gave_up(int number) {
  auto failed = libc(name(number) + " -> timeout");
  std::get<DnsObservation>(failed.seen).error = DnsFailure::libc_error;
  return failed;
}

TEST(AzureDns, ProgramsThatGetNoAddressInThatBurstAreWarnedOfItsLimitAndNotOfItsSilenceAboutAName) {
  auto checks = many(0);
  for (int i = 0; i < 8; ++i) checks[static_cast<std::size_t>(i)].observations[1] = dns(name(i) + " -> timeout", azure);
  const auto only_late = diagnosed(asked_again(checks, true));
  EXPECT_THAT(notes(only_late), Contains("dns.throttled"));
  EXPECT_EQ(only_late.verdict, OverallVerdict::healthy) << "the library got all of them";

  for (int i = 8; i < 18; ++i) checks[static_cast<std::size_t>(i)].observations[0] = gave_up(i);
  EXPECT_THAT(codes(diagnosed(checks)), ElementsAre("dns.resolver.no_answer_for_name")) << "nobody asked again";
  const auto limited = diagnosed(asked_again(checks, true));
  EXPECT_THAT(codes(limited), ElementsAre("dns.throttled"));
  EXPECT_EQ(limited.verdict, OverallVerdict::degraded);
  EXPECT_EQ(check_of(limited, "target.a9").verdict, Verdict::warn);
  EXPECT_EQ(check_of(limited, "target.a3").verdict, Verdict::pass);
}

// --- What the lease says
// ----------------------------------------------------------------------------------------------

Report with_lease(std::string domain, std::string server, bool fails) {
  ResolverConfig config;
  config.servers = {{.endpoint = {server, 53}, .source = "/etc/resolv.conf:1"}};
  config.search = {std::move(domain)};
  return diagnosed(
      {check("node.resolver/" + server, "",
             {host({.topic = HostTopic::resolvers, .resolvers = config}), dns("x.com -> 20.1.1.1", server)}),
       check("target.a", "tcp://a.corp.local:443",
             {libc("a.corp.local -> " + std::string(fails ? "NXDOMAIN" : "10.1.1.1"))}, Service::user)});
}

TEST(AzureDns, ALeaseThatContradictsTheServersIsANoteBesideNamesThatFail) {
  const std::string own = "reddog.microsoft.com", theirs = "abc.bx.internal.cloudapp.net";
  EXPECT_THAT(notes(with_lease(own, azure, true)), Contains("dns.config.dhcp_pending"));
  EXPECT_THAT(notes(with_lease(theirs, "10.0.0.10", true)), Contains("dns.config.dhcp_pending"));
  EXPECT_THAT(notes(with_lease(own, "10.0.0.10", true)), Not(Contains("dns.config.dhcp_pending")));
  EXPECT_THAT(notes(with_lease(theirs, azure, true)), Not(Contains("dns.config.dhcp_pending")));
  EXPECT_THAT(notes(with_lease(own, azure, false)), Not(Contains("dns.config.dhcp_pending")));
  EXPECT_THAT(notes(with_lease("notreddog.microsoft.com", azure, true)), Not(Contains("dns.config.dhcp_pending")));
}

}  // namespace
}  // namespace vnetprobe::across_questions_test
