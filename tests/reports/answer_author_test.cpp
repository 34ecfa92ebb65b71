#include "tests/support/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Who wrote an answer, who made a certificate, whose clock is wrong: blame only where the evidence names somebody.
namespace vnetprobe::answer_author_test {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

struct Case {
  const char* situation;
  Report seen;
  std::vector<std::string> expected;  // codes above info, most important first
};

void expect_each(const std::vector<Case>& cases) {
  for (const auto& one : cases) EXPECT_EQ(codes(diagnosed(one.seen)), one.expected) << one.situation;
}

const std::string arm = "management.azure.com";

Check fine(const std::string& host = "ml.azure.com", const std::string& address = "13.107.246.48") {
  return check("tag." + host, "https://" + host + "/",
               {dns(host + " -> " + address), tcp(address + ":443"), tls(address + ":443", host),
                http("https://" + host + "/", 200)},
               Service::front_door);
}

// `trusted`: whether the world's public authorities vouch for the certificate; absent: nobody asked.
Check answered(std::string host, Service service, int status, Headers headers, std::optional<bool> trusted = {},
               std::string body = {}) {
  auto shaken = tls_seen("20.1.1.1:443", host);
  shaken.publicly_trusted = trusted;
  const auto url = "https://" + host + "/";
  return check("target.x", url,
               {dns(host + " -> 20.1.1.1"),
                tcp("20.1.1.1:443"),
                {.seen = std::move(shaken), .follow_up = {}},
                http(url, status, std::move(headers), std::move(body))},
               service);
}

TEST(WhoWroteTheAnswer, ViaAloneIsNoProxysRefusal) {
  const Headers cloudfront{
      {"Server", "AmazonS3"}, {"Via", "1.1 a1b2.cloudfront.net (CloudFront)"}, {"X-Cache", "Error from cloudfront"}};
  const Headers varnish{{"Via", "1.1 varnish"}}, unknown{{"Via", "1.1 gw7"}};
  const Headers squid{{"Via", "1.1 proxy (squid)"}, {"X-Squid-Error", "ERR_ACCESS_DENIED 0"}};
  const Headers front{{"X-Azure-Ref", "r"}, {"Via", "1.1 gw7"}};
  const std::string mine = "api.contoso.com", studio = "ml.azure.com";
  expect_each({
      {"S3 behind its content network", report({answered(mine, Service::user, 403, cloudfront, true), fine()}), {}},
      {"the same, nobody asked about the authority",
       report({answered(mine, Service::user, 403, cloudfront), fine()}),
       {}},
      {"a content network without its origin", report({answered(mine, Service::user, 503, varnish), fine()}), {}},
      {"the studio behind Front Door", report({answered(studio, Service::front_door, 403, front), fine()}), {}},
      {"end to end, whatever the headers say", report({answered(mine, Service::user, 403, squid, true), fine()}), {}},
      {"end to end, a service without its marks",
       report({answered(arm, Service::resource_manager, 404, {}, true), fine()}),
       {}},
      {"a proxy's own header", report({answered(mine, Service::user, 403, squid), fine()}), {"http.proxy_denied"}},
      {"a proxy's own header, inspected TLS",
       report({answered(mine, Service::user, 403, squid, false), fine()}),
       {"http.proxy_denied"}},
      {"Via of nobody in particular",
       report({answered(mine, Service::user, 502, unknown), fine()}),
       {"http.proxy_denied"}},
      {"a gateway that asks for patience",
       report({answered(mine, Service::user, 503, {{"Via", "1.1 gw7"}, {"Retry-After", "5"}}), fine()}),
       {}},
      {"a service that always marks its answers, and Via",
       report({answered(arm, Service::resource_manager, 403, unknown), fine()}),
       {"http.proxy_denied"}},
      {"status 407 end to end", report({answered(mine, Service::user, 407, {}, true), fine()}), {}},
      {"status 470 end to end", report({answered(mine, Service::user, 470, {}, true), fine()}), {}},
  });
  const auto made = diagnosed({answered(mine, Service::user, 502, unknown), fine()});
  EXPECT_EQ(made.diagnoses.front().confidence, Confidence::possible);
  EXPECT_EQ(diagnosed({answered(mine, Service::user, 403, squid), fine()}).diagnoses.front().confidence,
            Confidence::proven);
}

TEST(WhoWroteTheAnswer, TheServicesOwnTroubleIsANote) {
  const Headers marked{{"x-ms-request-id", "1"}};
  const auto noted = [](const Report& made) {
    std::vector<std::string> all;
    for (const auto& one : made.diagnoses) all.push_back(one.code);
    return all;
  };
  const auto of = [](int status, Headers headers) {
    return diagnosed({answered(arm, Service::resource_manager, status, std::move(headers)), fine()});
  };
  EXPECT_THAT(noted(of(500, marked)), ElementsAre("http.server_error"));
  EXPECT_THAT(codes(of(500, marked)), ElementsAre());
  EXPECT_EQ(check_of(of(500, marked), "target.x").verdict, Verdict::pass);
  EXPECT_THAT(noted(of(503, {{"x-ms-request-id", "1"}, {"Retry-After", "5"}})), ElementsAre("http.rate_limited"));
  EXPECT_THAT(noted(of(429, marked)), ElementsAre("http.rate_limited"));
  EXPECT_THAT(noted(of(401, marked)), ElementsAre());
  EXPECT_THAT(codes(of(500, {})), ElementsAre("http.not_genuine")) << "without its marks it is somebody else's";
}

TEST(WhoWroteTheAnswer, APostThatTheServiceItselfCannotDoIsNotBlocked) {
  const auto posted = [](int status, Headers headers, bool get_has_via = true) {
    Headers of_get{{"x-ms-request-id", "1"}};
    if (get_has_via) of_get.push_back({"Via", "1.1 gw7"});
    auto seen = answered(arm, Service::resource_manager, 401, std::move(of_get));
    auto post = http("https://" + arm + "/", status, std::move(headers));
    std::get<HttpObservation>(post.seen).request_bytes = 12;
    seen.observations.push_back(follow_up(std::move(post)));
    return report({seen, fine()});
  };
  const Headers squid{{"Via", "1.1 proxy (squid)"}, {"X-Squid-Error", "ERR_ACCESS_DENIED 0"}};
  expect_each({
      {"the service's 405 through a proxy", posted(405, {{"Via", "1.1 gw7"}}), {}},
      {"a 405 from a proxy that hands on other answers without a word",
       posted(405, {{"Via", "1.1 gw7"}}, false),
       {"http.method_blocked"}},
      {"a proxy's own 405", posted(405, squid), {"http.method_blocked"}},
      {"forbidden on the way", posted(403, {{"Via", "1.1 gw7"}}), {"http.method_blocked"}},
  });
}

TEST(WhoWroteTheAnswer, ARequestThatIsAnsweredWhenItIsMadeAgainIsNoFault) {
  const auto again = [](HttpFailure how, int status, Headers headers, bool small = false) {
    const auto url = "https://" + arm + "/";
    auto further = tcp("20.1.1.1:443");
    if (small) std::get<TcpObservation>(further.seen).mss_limit = 1200;
    auto seen = check("target.x", url,
                      {dns(arm + " -> 20.1.1.1"), tcp("20.1.1.1:443"), tls("20.1.1.1:443", arm), http_failed(url, how),
                       follow_up(std::move(further)), follow_up(tls("20.1.1.1:443", arm)),
                       follow_up(http(url, status, std::move(headers)))},
                      Service::resource_manager);
    return report({std::move(seen), fine()});
  };
  const Headers marked{{"x-ms-request-id", "1"}};
  expect_each({
      {"silence, then the service", again(HttpFailure::timed_out, 401, marked), {}},
      {"a reset, then the service", again(HttpFailure::reset, 401, marked), {}},
      {"in small packets only", again(HttpFailure::timed_out, 401, marked, true), {"http.timeout_after_request"}},
      {"then somebody else", again(HttpFailure::timed_out, 200, {}), {"http.timeout_after_request"}},
      {"then a refusal", again(HttpFailure::reset, 403, marked), {"tcp.reset_midstream"}},
      {"no HTTP at all", again(HttpFailure::malformed, 401, marked), {"http.not_genuine"}},
  });
  EXPECT_EQ(diagnosed(again(HttpFailure::timed_out, 401, marked)).verdict, OverallVerdict::healthy);
}

TEST(StorageRules, AnAccountThatWantsHttpsSaysSo) {
  const auto plain = [](int status, std::string code) {
    const std::string host = "acct.blob.core.windows.net";
    return report({check("storage.blob/acct", "http://" + host + "/",
                         {dns(host + " -> 20.60.0.1"), tcp("20.60.0.1:80"),
                          http("http://" + host + "/", status, {{"x-ms-request-id", "1"}}, "", std::move(code))},
                         Service::storage_blob),
                   fine()});
  };
  expect_each({
      {"wants HTTPS", plain(400, "AccountRequiresHttps"), {"storage.tls_required"}},
      {"minds the query", plain(400, "InvalidQueryParameterValue"), {}},
  });
}

Report with_certificate(std::optional<bool> trusted, std::string issuer) {
  auto shaken = tls_seen("20.1.1.1:443", "dc.services.visualstudio.com", std::move(issuer));
  shaken.publicly_trusted = trusted;
  return report({check("tag.AzureMonitor", "https://dc.services.visualstudio.com/",
                       {dns("dc.services.visualstudio.com -> 20.1.1.1"),
                        tcp("20.1.1.1:443"),
                        {.seen = std::move(shaken), .follow_up = {}},
                        http("https://dc.services.visualstudio.com/", 200, {{"x-ms-request-id", "1"}})},
                       Service::monitor),
                 fine()});
}

TEST(WhoMadeTheCertificate, AnAuthorityThatTheWorldTrustsIsNoInspector) {
  expect_each({
      {"another public authority", with_certificate(true, "GlobalSign nv-sa"), {}},
      {"one whose name sounds like an inspector's", with_certificate(true, "Sophos Trust Services"), {}},
      {"an authority of this node alone", with_certificate(false, "Contoso Ltd"), {"tls.intercepted"}},
      {"nobody asked", with_certificate({}, "Contoso Ltd"), {"tls.intercepted"}},
  });
}

TEST(WhoMadeTheCertificate, OnlyWhatIsAboutTheIssuerBlamesTheIssuer) {
  const auto with = [](int code, std::string issuer = "Microsoft Corporation") {
    auto bad = tls_seen("20.1.1.1:443", arm, std::move(issuer));
    bad.verified = false;
    bad.error = TlsFailure::unverified;
    bad.verify_code = code;
    bad.verify_error = "code of a test";
    return report({check("tag.x", "https://" + arm + "/",
                         {dns(arm + " -> 20.1.1.1"), tcp("20.1.1.1:443"), {.seen = std::move(bad), .follow_up = {}}},
                         Service::resource_manager),
                   fine("a.contoso.com", "20.2.2.2")});
  };
  expect_each({
      {"revoked", with(23), {"tls.cert_rejected"}},
      {"a weak key", with(66), {"tls.cert_rejected"}},
      {"a weak digest", with(68), {"tls.cert_rejected"}},
      {"another purpose", with(26), {"tls.cert_rejected"}},
      {"not told", with(1), {"tls.cert_rejected"}},
      {"the authority's issuer is not among what the server sent", with(2), {"tls.incomplete_chain"}},
      {"the root is not known", with(19), {"tls.untrusted_issuer"}},
      {"the root is a company's", with(19, "Contoso Ltd"), {"tls.intercepted_untrusted"}},
      {"expired", with(10), {"tls.cert_expired"}},
      {"another host's", with(62), {"tls.name_mismatch"}},
  });
  EXPECT_THAT(diagnosed(with(66)).diagnoses.front().title, HasSubstr("code of a test"));
}

TEST(WhoseClock, WhatAPortalSaysInManyNamesIsNoTime) {
  const auto page = [](const std::string& number, Headers headers, std::string body, int status) {
    const auto url = "http://login" + number + ".microsoftonline.com/";
    auto seen = http(url, status, std::move(headers), std::move(body));
    std::get<HttpObservation>(seen.seen).clock_offset = 1h;
    return check("tag." + number, url,
                 {dns("login" + number + ".microsoftonline.com -> 20.1.1." + number), tcp("20.1.1." + number + ":80"),
                  std::move(seen)},
                 Service::entra);
  };
  HostObservation facts{.topic = HostTopic::clock};
  facts.clock = ClockFacts{.synchronised = true};
  const auto clock = check("node.clock", "", {host(std::move(facts))});
  const Headers html{{"Content-Type", "text/html"}};
  const auto portal = [&](const std::string& number) { return page(number, html, "<html>Log in</html>", 200); };
  const auto moved = [&](const std::string& number) { return page(number, {}, "", 301); };
  EXPECT_EQ(first_code(diagnosed({clock, portal("1"), portal("2"), portal("3")})), "http.captive_or_block_page");
  const auto behind = [](const std::string& host, int verify_code) {
    auto seen = fine(host, "20.3.3.3");
    auto& shaken = std::get<TlsObservation>(seen.observations[2].seen);
    shaken = tls_seen("20.3.3.3:443", host, verify_code == 18 ? "Contoso Ltd" : "Microsoft Corporation");
    shaken.verified = false;
    shaken.error = TlsFailure::unverified;
    shaken.verify_code = verify_code;
    std::get<HttpObservation>(seen.observations[3].seen).clock_offset = 1h;
    return seen;
  };
  expect_each({
      {"the services themselves", report({clock, moved("1"), moved("2")}), {"clock.skew"}},
      {"behind certificates whose dates do not fit",
       report({clock, behind("a.contoso.com", 10), behind("b.contoso.com", 10)}),
       {"clock.skew"}},
      {"behind certificates of its own",
       report({clock, behind("a.contoso.com", 18), behind("b.contoso.com", 18)}),
       {"tls.intercepted_untrusted"}},
  });
}

constexpr auto socket_url = "wss://ci.eastus2.instances.azureml.ms/api/kernels/x/channels";

struct Socket {
  int status;
  std::optional<int> plain;  // the status of the same request without the upgrade; 0: it failed
  std::string body;
  bool guessed{};
};

Report of(const Socket& seen) {
  const std::string host = "ci.eastus2.instances.azureml.ms", url = "https://" + host + "/api/kernels/x/channels";
  auto shake = websocket(socket_url, seen.status);
  std::get<WebsocketObservation>(shake.seen).body_excerpt = seen.body;
  std::vector<Observation> all{dns(host + " -> 10.0.1.4"), tcp("10.0.1.4:443"), tls("10.0.1.4:443", host),
                               std::move(shake)};
  if (seen.plain)
    all.push_back(follow_up(*seen.plain == 0 ? http_failed(url, HttpFailure::reset) : http(url, *seen.plain)));
  auto made = check("instance.websocket/ms", socket_url, std::move(all), Service::instance);
  made.target.guessed = seen.guessed;
  return report({std::move(made), fine()});
}

TEST(WhatBecameOfTheUpgrade, IsSaidOnlyWhereItIsSeen) {
  const std::string tornado = "Can \"Upgrade\" only to \"WebSocket\".";
  const std::vector<std::string> stripped{"websocket.upgrade_stripped"}, open{"websocket.not_upgraded"};
  expect_each({
      {"200", of({200, {}, ""}), stripped},
      {"426", of({426, {}, ""}), stripped},
      {"400 in the server's words, as for every request", of({400, 400, tornado}), stripped},
      {"400 beside a plain request that works", of({400, 302, ""}), stripped},
      {"400 and nobody asked further", of({400, {}, ""}), open},
      {"400 like the plain request", of({400, 400, ""}), open},
      {"400, and the plain request fails", of({400, 0, ""}), open},
      {"502 of a gateway", of({502, 502, ""}), open},
      {"404 like the plain request", of({404, 404, ""}), open},
      {"500", of({500, {}, ""}), open},
      {"404 of a name that only a wildcard names", of({404, 404, "", true}), {}},
      {"a sign-in", of({302, {}, ""}), {}},
      {"needs credentials", of({403, {}, ""}), {}},
  });
  const auto proven = [](const Socket& seen) {
    return diagnosed(of(seen)).diagnoses.front().confidence == Confidence::proven;
  };
  EXPECT_TRUE(proven({400, 302, ""}));
  EXPECT_TRUE(proven({200, 200, ""}));
  EXPECT_FALSE(proven({400, 400, tornado}));
  EXPECT_FALSE(proven({200, {}, ""}));
}

TEST(WhatBecameOfTheUpgrade, WhatIsNotShownToWorkIsNotHealthy) {
  EXPECT_EQ(diagnosed(of({404, 404, ""})).verdict, OverallVerdict::degraded);
  EXPECT_EQ(diagnosed(of({500, {}, ""})).verdict, OverallVerdict::degraded);
  EXPECT_EQ(diagnosed(of({502, 502, ""})).verdict, OverallVerdict::unhealthy);
  EXPECT_EQ(diagnosed(of({401, {}, ""})).verdict, OverallVerdict::healthy);
}

TEST(SignInService, AResetInItsNameIsNotItsOwn) {
  const auto login = [](Observation seen) {
    return check("tag.AzureActiveDirectory", "https://login.microsoftonline.com/",
                 {dns("login.microsoftonline.com -> 20.190.151.9"), std::move(seen)}, Service::entra);
  };
  const auto other = [](Observation seen) {
    return check("target.x", "tcp://x.contoso.com:443", {dns("x.contoso.com -> 20.1.1.1"), std::move(seen)},
                 Service::user);
  };
  const auto reset = tcp_refused("20.190.151.9:443");
  expect_each({
      {"others answer", report({login(reset), fine()}), {"entra.unreachable"}},
      {"another target refuses", report({other(tcp_refused("20.1.1.1:443")), fine()}), {"tcp.refused_by_host"}},
      {"a device says that it refuses",
       report({login(tcp_icmp("20.190.151.9:443", 3, 13, "10.0.0.1")), fine()}),
       {"tcp.refused_by_middlebox"}},
  });
  EXPECT_THAT(codes(diagnosed({login(reset), other(tcp_silent("20.1.1.1:443"))})),
              testing::Not(testing::Contains("entra.unreachable")))
      << "nothing public answers";
}

TEST(MetadataService, SilenceMayBeForOthersThanRoot) {
  const auto silent = [](unsigned uid) {
    ImdsObservation seen{.url = "http://169.254.169.254/metadata/instance",
                         .remote = at("169.254.169.254:80"),
                         .duration = 2s,
                         .error = ImdsFailure::timed_out};
    auto made = report({check("node.imds", "", {{.seen = std::move(seen), .follow_up = {}}}), fine()});
    made.node.uid = uid;
    diagnose(made);
    return made.diagnoses.front();
  };
  EXPECT_EQ(silent(1000).code, "imds.unreachable");
  EXPECT_EQ(silent(1000).confidence, Confidence::likely);
  EXPECT_THAT(silent(1000).alternatives, testing::Contains(HasSubstr("uid 1000")));
  EXPECT_THAT(silent(1000).next_test, HasSubstr("as root"));
  EXPECT_THAT(silent(0).alternatives, testing::Not(testing::Contains(HasSubstr("uid"))));
}

TEST(Reasons, NameTheStateThatTheTableExplains) {
  const auto reason = [](Check seen) {
    const auto id = seen.id;
    return check_of(diagnosed({std::move(seen), fine()}), id).reason;
  };
  const Headers marked{{"x-ms-request-id", "1"}};
  const std::string blob = "acct.blob.core.windows.net";
  auto datagram = check("instance.tundra", "udp://t.contoso.com:5831",
                        {dns("t.contoso.com -> 20.1.1.1"), udp("20.1.1.1:5831")}, Service::user);
  EXPECT_THAT(reason(answered(arm, Service::resource_manager, 401, marked)), HasSubstr("http.reached_needs_auth"));
  EXPECT_THAT(reason(answered(arm, Service::resource_manager, 200, marked)), HasSubstr("http.ok"));
  EXPECT_THAT(reason(answered(blob, Service::storage_blob, 401, marked)), HasSubstr("storage.auth_required"));
  EXPECT_THAT(reason(datagram), EndsWith("(udp.unverifiable)"));
  EXPECT_THAT(reason(check("node.firewall", "", {})), EndsWith("(probe.not_permitted)"));
  EXPECT_THAT(check_of(diagnosed(of({401, {}, ""})), "instance.websocket/ms").reason,
              HasSubstr("websocket.auth_expected"));
}

}  // namespace
}  // namespace vnetprobe::answer_author_test
