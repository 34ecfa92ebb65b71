#include "tests/support/evidence.hpp"

#include <gtest/gtest.h>

// TLS, HTTP, services, WebSocket, clock and the platform's own services: each code where it must appear, and the
// look-alike in which it must not.
namespace vnetprobe::upper_rules_test {
namespace {

using namespace test;

struct Case {
  const char* situation;
  Report seen;
  std::vector<std::string> expected;  // codes above info, most important first
};

void expect_each(const std::vector<Case>& cases) {
  for (const auto& one : cases) EXPECT_EQ(codes(diagnosed(one.seen)), one.expected) << one.situation;
}

const std::string arm = "management.azure.com";
const std::string studio = "ml.azure.com";
const Headers of_arm{{"x-ms-request-id", "1"},
                     {"WWW-Authenticate", "Bearer authorization_uri=\"https://login.windows.net/t\""}};

Observation answered_by_arm() { return http("https://" + arm + "/", 401, of_arm); }

// A check that climbed as far as its handshake.
Check climbed(std::vector<Observation> further, Service service = Service::resource_manager,
              const std::string& host = arm) {
  std::vector<Observation> all{dns(host + " -> 20.62.129.10"), tcp("20.62.129.10:443")};
  for (auto& one : further) all.push_back(std::move(one));
  return check("tag." + host, "https://" + host + "/", std::move(all), service);
}

Check healthy_studio() {
  return check("tag.studio", "https://" + studio + "/",
               {dns(studio + " -> 13.107.246.48"), tcp("13.107.246.48:443"), tls("13.107.246.48:443", studio),
                http("https://" + studio + "/", 200)},
               Service::front_door);
}

Report with_studio(Check one) { return report({std::move(one), healthy_studio()}); }

Observation unverified(int code, std::vector<Certificate> chain) {
  auto seen = tls_seen("20.62.129.10:443", arm);
  seen.verified = false;
  seen.error = TlsFailure::unverified;
  seen.verify_code = code;
  seen.chain = std::move(chain);
  return {.seen = std::move(seen), .follow_up = {}};
}

Observation ended_with(std::string alert, bool wants_certificate = false) {
  auto failed = tls_failed("20.62.129.10:443", arm, TlsFailure::alert);
  auto& seen = std::get<TlsObservation>(failed.seen);
  seen.alert_received = std::move(alert);
  seen.client_certificate_requested = wants_certificate;
  return failed;
}

Certificate of_company() { return certificate(arm, "Contoso Ltd"); }

TEST(TlsRules, ACertificateThatDoesNotVerifyHasOneReason) {
  auto unknown = certificate(arm);
  unknown.issuer = "CN=Microsoft Azure RSA TLS Issuing CA 08,O=Microsoft Corporation";
  expect_each({
      {"expired", with_studio(climbed({unverified(10, {certificate(arm)})})), {"tls.cert_expired"}},
      {"not yet valid", with_studio(climbed({unverified(9, {certificate(arm)})})), {"tls.cert_not_yet_valid"}},
      {"another host's", with_studio(climbed({unverified(62, {certificate("other.example")})})), {"tls.name_mismatch"}},
      {"the server keeps its intermediate",
       with_studio(climbed({unverified(20, {unknown})})),
       {"tls.incomplete_chain"}},
      {"of a company that this node does not trust",
       with_studio(climbed({unverified(19, {of_company(), certificate("Contoso Root", "Contoso Ltd")})})),
       {"tls.intercepted_untrusted"}},
      {"the user's own server with its own certificate",
       with_studio(climbed({unverified(18, {of_company()})}, Service::user, "api.contoso.local")),
       {"tls.untrusted_issuer"}},
      {"all is well", with_studio(climbed({tls("20.62.129.10:443", arm), answered_by_arm()})), {}},
  });
}

TEST(TlsRules, AnInspectorIsToldFromAnAuthorityThatIssuesForMicrosoft) {
  auto allowed = with_studio(climbed({tls("20.62.129.10:443", arm, "Contoso Ltd"), answered_by_arm()}));
  allowed.node.interception_allowed = Sourced<bool>{.value = true, .source = "config.yaml:3"};
  expect_each({
      {"installed on the node",
       with_studio(climbed({tls("20.62.129.10:443", arm, "Contoso Ltd"), answered_by_arm()})),
       {"tls.intercepted"}},
      {"allowed by the configuration", allowed, {}},
      {"DigiCert", with_studio(climbed({tls("20.62.129.10:443", arm, "DigiCert Inc"), answered_by_arm()})), {}},
      {"a host that is not Microsoft's",
       with_studio(
           climbed({tls("20.62.129.10:443", "api.contoso.com", "Let's Encrypt"), http("https://api.contoso.com/", 200)},
                   Service::user, "api.contoso.com")),
       {}},
  });
}

TEST(TlsRules, AnAlertSaysWhatThePeerWants) {
  expect_each({
      {"another version", with_studio(climbed({ended_with("protocol_version")})), {"tls.version_rejected"}},
      {"another protocol above", with_studio(climbed({ended_with("no_application_protocol")})), {"tls.alpn_mismatch"}},
      {"a client certificate",
       with_studio(climbed({ended_with("handshake_failure", true)})),
       {"tls.client_cert_required"}},
      {"other ciphers", with_studio(climbed({ended_with("handshake_failure")})), {"tls.cipher_rejected"}},
      {"an unknown name", with_studio(climbed({ended_with("unrecognized_name")})), {"tls.reset_after_client_hello"}},
  });
}

TEST(TlsRules, AnInspectorsNameTellsOfATargetOfTheUsersToo) {
  const auto untrusted = [](const std::string& issuer) {
    auto handshake = tls("20.62.129.10:443", "api.contoso.com", issuer);
    auto& seen = std::get<TlsObservation>(handshake.seen);
    seen.error = TlsFailure::unverified;
    seen.verified = false;
    seen.verify_code = 19;
    return with_studio(climbed({handshake}, Service::user, "api.contoso.com"));
  };
  expect_each({
      {"an inspector", untrusted("Contoso TLS Inspection"), {"tls.intercepted_untrusted"}},
      {"an authority of the company's", untrusted("Contoso Ltd"), {"tls.untrusted_issuer"}},
  });
}

TEST(TlsRules, AClientCertificateIsMissedOnlyAfterTheHandshakeOfTls13) {
  const auto refused = [](HttpFailure how, bool asked_for, bool again = false) {
    auto handshake = tls("20.62.129.10:443", arm);
    std::get<TlsObservation>(handshake.seen).client_certificate_requested = asked_for;
    std::vector<Observation> seen{handshake, http_failed("https://" + arm + "/", how)};
    if (again) seen.push_back(follow_up(http("https://" + arm + "/", 401, {{"x-ms-request-id", "1"}})));
    return with_studio(climbed(std::move(seen)));
  };
  expect_each({
      {"the alert", refused(HttpFailure::certificate_required, true), {"tls.client_cert_required"}},
      {"asked for, and then an end", refused(HttpFailure::closed, true), {"tls.client_cert_required"}},
      {"not asked for", refused(HttpFailure::closed, false), {"tcp.reset_midstream"}},
      {"asked for, and silence", refused(HttpFailure::timed_out, true), {"http.timeout_after_request"}},
      {"asked for, and answered without one when asked again", refused(HttpFailure::closed, true, true), {}},
  });
}

TEST(TlsRules, AHandshakeThatIsCutHasTheParentCodeWithoutAnExperiment) {
  const auto cut = [](TlsFailure how) { return with_studio(climbed({tls_failed("20.62.129.10:443", arm, how)})); };
  expect_each({
      {"reset", cut(TlsFailure::reset), {"tls.reset_after_client_hello"}},
      {"closed", cut(TlsFailure::closed), {"tls.reset_after_client_hello"}},
      {"no TLS at all", cut(TlsFailure::protocol), {"tls.reset_after_client_hello"}},
      {"no TLS at all, of a target of the user's",
       with_studio(climbed({tls_failed("20.62.129.10:443", "api.contoso.com", TlsFailure::protocol)}, Service::user,
                           "api.contoso.com")),
       {"tls.not_tls"}},
      {"a reset, of a target of the user's",
       with_studio(climbed({tls_failed("20.62.129.10:443", "api.contoso.com", TlsFailure::reset)}, Service::user,
                           "api.contoso.com")),
       {"tls.reset_after_client_hello"}},
      {"silence", cut(TlsFailure::timed_out), {"tls.timeout_after_client_hello"}},
      {"not finished in time",
       report({unfinished(climbed({tls_failed("20.62.129.10:443", arm, TlsFailure::timed_out)})), healthy_studio()}),
       {}},
  });
}

TEST(TlsRules, ManyNamesThatAreCutOnOneWayOutAreOneDiagnosis) {
  auto other = check("tag.studio", "https://" + studio + "/",
                     {dns(studio + " -> 13.107.246.48"), tcp("13.107.246.48:443"),
                      tls_failed("13.107.246.48:443", studio, TlsFailure::reset)},
                     Service::front_door);
  const auto made = diagnosed({climbed({tls_failed("20.62.129.10:443", arm, TlsFailure::reset)}), other});
  ASSERT_EQ(codes(made), std::vector<std::string>{"tls.reset_after_client_hello"});
  EXPECT_EQ(made.diagnoses.front().checks.size(), 2U);
}

Check asked(int status, Headers headers = {}, std::string body = {}, Service service = Service::resource_manager,
            std::optional<std::string> code = {}) {
  return climbed({tls("20.62.129.10:443", arm),
                  http("https://" + arm + "/", status, std::move(headers), std::move(body), std::move(code))},
                 service);
}

TEST(HttpRules, TheServiceIsToldFromWhatAnswersInItsPlace) {
  const Headers html{{"Content-Type", "text/html"}};
  const Headers squid{{"Via", "1.1 proxy (squid)"}, {"X-Squid-Error", "ERR_ACCESS_DENIED 0"}};
  expect_each({
      {"Azure Firewall's status",
       with_studio(asked(470, {}, "Action: Deny. Reason: No rule matched.")),
       {"http.firewall_denied"}},
      {"Azure Firewall's text in another status",
       with_studio(asked(403, {}, "HTTP request from 10.0.0.4 ... Action: Deny.")),
       {"http.firewall_denied"}},
      {"a proxy's refusal", with_studio(asked(403, squid)), {"http.proxy_denied"}},
      {"a proxy's bad gateway", with_studio(asked(502, squid)), {"http.proxy_denied"}},
      {"a proxy that wants credentials", with_studio(asked(407)), {"proxy.auth_required"}},
      {"a page", with_studio(asked(200, html, "<html>Blocked</html>")), {"http.captive_or_block_page"}},
      {"something else", with_studio(asked(404, {}, "no")), {"http.not_genuine"}},
      {"the service wants credentials", with_studio(asked(401, of_arm)), {}},
      {"the service refuses", with_studio(asked(403, of_arm)), {}},
      {"the service asks for patience", with_studio(asked(503, {{"Retry-After", "5"}, {"x-ms-request-id", "1"}})), {}},
      {"the service limits the rate", with_studio(asked(429, of_arm)), {}},
      {"a service without documented headers",
       with_studio(asked(200, html, "<html>studio</html>", Service::front_door)),
       {}},
      {"the user's own page", with_studio(asked(200, html, "<html>mine</html>", Service::user)), {}},
  });
}

TEST(HttpRules, AnAnswerThatNeverComesIsNoRefusal) {
  const auto failed = [](HttpFailure how) {
    return with_studio(climbed({tls("20.62.129.10:443", arm), http_failed("https://" + arm + "/", how)}));
  };
  expect_each({
      {"silence", failed(HttpFailure::timed_out), {"http.timeout_after_request"}},
      {"a reset", failed(HttpFailure::reset), {"tcp.reset_midstream"}},
      {"an end", failed(HttpFailure::closed), {"tcp.reset_midstream"}},
      {"another protocol", failed(HttpFailure::malformed), {"http.not_genuine"}},
      {"a header without end", failed(HttpFailure::headers_too_big), {"http.not_genuine"}},
  });
}

TEST(HttpRules, PlainHttpToAServiceMaySendOnAndMayNotBeAPage) {
  const auto plain = [](int status, Headers headers, std::string body) {
    return with_studio(check("tag.entra/80", "http://login.microsoftonline.com/",
                             {dns("login.microsoftonline.com -> 20.190.151.9"), tcp("20.190.151.9:80"),
                              http("http://login.microsoftonline.com/", status, std::move(headers), std::move(body))},
                             Service::entra));
  };
  expect_each({
      {"on to HTTPS", plain(301, {{"Location", "https://login.microsoftonline.com/"}}, ""), {}},
      {"a portal", plain(200, {{"Content-Type", "text/html"}}, "<html>Welcome</html>"), {"http.captive_or_block_page"}},
      {"a firewall", plain(470, {}, "Action: Deny."), {"http.firewall_denied"}},
  });
}

TEST(HttpRules, AzureFirewallsWordsTellForATargetThatDocumentsNoMark) {
  const auto said = [](std::string body) {
    return with_studio(check("target.app", "http://app.contoso.com/",
                             {dns("app.contoso.com -> 20.1.1.1"), tcp("20.1.1.1:80"),
                              http("http://app.contoso.com/", 403, {}, std::move(body))},
                             Service::user));
  };
  expect_each({
      {"its text",
       said("HTTP request from 10.0.2.4:5000 to app.contoso.com:80. Action: Deny. No rule matched."),
       {"http.firewall_denied"}},
      {"two words of it", said("Action: Deny"), {}},
  });
}

TEST(ServiceRules, ARefusalIsReadInTheServicesOwnWords) {
  const Headers storage{{"x-ms-request-id", "1"}};
  const Headers vault{{"x-ms-keyvault-region", "eastus2"}};
  const Headers registry{{"X-Ms-Correlation-Request-Id", "1"}};
  expect_each({
      {"storage firewall",
       with_studio(asked(403, storage, "", Service::storage_blob, "AuthorizationFailure")),
       {"storage.denied_by_firewall"}},
      {"storage wants a signature",
       with_studio(asked(403, storage, "", Service::storage_blob, "AuthenticationFailed")),
       {}},
      {"storage wants a signature, in Azurite's words",
       with_studio(asked(403, storage, "Server failed to authenticate the request.", Service::storage_table,
                         "AuthorizationFailure")),
       {}},
      {"storage wants a role",
       with_studio(asked(403, storage, "", Service::storage_queue, "AuthorizationPermissionMismatch")),
       {}},
      {"storage wants to know who asks",
       with_studio(asked(401, storage, "", Service::storage_blob, "NoAuthenticationInformation")),
       {}},
      {"storage allows nobody without a name",
       with_studio(asked(409, storage, "", Service::storage_blob, "PublicAccessNotPermitted")),
       {}},
      {"storage is disabled",
       with_studio(asked(403, storage, "", Service::storage_file, "AccountIsDisabled")),
       {"storage.account_disabled"}},
      {"vault firewall",
       with_studio(asked(403, vault, "Client address: 20.1.2.3", Service::key_vault, "ForbiddenByFirewall")),
       {"keyvault.denied_by_firewall"}},
      {"vault wants a token", with_studio(asked(401, vault, "", Service::key_vault)), {}},
      {"registry firewall",
       with_studio(asked(403, registry, "client with IP '20.1.2.3' is not allowed access", Service::container_registry,
                         "DENIED")),
       {"acr.denied_by_firewall"}},
      {"registry firewall, in a message without the registry's headers",
       with_studio(
           asked(403, {}, "client with IP '20.1.2.3' is not allowed access", Service::container_registry, "DENIED")),
       {"acr.denied_by_firewall"}},
      {"registry denies an unknown user",
       with_studio(asked(403, registry, "denied", Service::container_registry, "DENIED")),
       {}},
      {"workspace",
       with_studio(asked(403, {}, "Access to workspace was denied based on workspace private link configuration.",
                         Service::machine_learning, "UserError")),
       {"aml.denied_private_link"}},
  });
}

TEST(ServiceRules, OneAccountsFirewallIsOneDiagnosis) {
  const auto refused = [](std::string kind, Service service) {
    const std::string host = "acct." + kind + ".core.windows.net", url = "https://" + host + "/";
    return check("storage." + kind + "/acct", url,
                 {dns(host + " -> 20.60.0.1"), tcp("20.60.0.1:443"), tls("20.60.0.1:443", host),
                  http(url, 403, {{"x-ms-request-id", "1"}}, "", "AuthorizationFailure")},
                 service);
  };
  const auto made = diagnosed({refused("blob", Service::storage_blob), refused("queue", Service::storage_queue)});
  ASSERT_EQ(codes(made), std::vector<std::string>{"storage.denied_by_firewall"});
  EXPECT_EQ(made.diagnoses.front().checks.size(), 2U);
}

constexpr auto socket_url = "wss://ci.eastus2.instances.azureml.ms/api/kernels/x/channels";

Report with_socket(Observation socket, std::vector<Observation> experiments = {}) {
  const std::string host = "ci.eastus2.instances.azureml.ms";
  std::vector<Observation> all{dns(host + " -> 10.0.1.4"), tcp("10.0.1.4:443"), tls("10.0.1.4:443", host),
                               std::move(socket)};
  for (auto& one : experiments) all.push_back(follow_up(std::move(one)));
  return with_studio(check("instance.websocket/ms", socket_url, std::move(all), Service::instance));
}

Observation broken_socket(WebsocketFailure how, int status) {
  auto made = websocket(socket_url, status);
  auto& seen = std::get<WebsocketObservation>(made.seen);
  seen.error = how;
  return made;
}

TEST(WebsocketRules, AnUpgradeThatIsLostIsToldFromASignIn) {
  const auto plain = http("https://ci.eastus2.instances.azureml.ms/api/kernels/x/channels", 200);
  const Headers squid{{"Via", "1.1 proxy (squid)"}};
  expect_each({
      {"opened", with_socket(websocket(socket_url, 101)), {}},
      {"sent to the sign-in", with_socket(websocket(socket_url, 302)), {}},
      {"needs credentials", with_socket(websocket(socket_url, 401)), {}},
      {"forbidden by the server itself", with_socket(websocket(socket_url, 403)), {}},
      {"read as a plain request", with_socket(websocket(socket_url, 200), {plain}), {"websocket.upgrade_stripped"}},
      {"read as a bad request", with_socket(websocket(socket_url, 400), {plain}), {"websocket.upgrade_stripped"}},
      {"upgrade required", with_socket(websocket(socket_url, 426)), {"websocket.upgrade_stripped"}},
      {"forbidden by a proxy", with_socket(websocket(socket_url, 403, squid)), {"websocket.blocked_by_policy"}},
      {"a wrong Sec-WebSocket-Accept",
       with_socket(broken_socket(WebsocketFailure::accept_invalid, 101)),
       {"websocket.accept_invalid"}},
      {"cut after the upgrade",
       with_socket(broken_socket(WebsocketFailure::closed_early, 101)),
       {"websocket.closed_early"}},
      {"never answers the ping",
       with_socket(broken_socket(WebsocketFailure::no_pong, 101)),
       {"websocket.closed_early"}},
      {"swallowed, and plain requests pass",
       with_socket(broken_socket(WebsocketFailure::timed_out, 0), {plain}),
       {"websocket.not_upgraded"}},
      {"101, and then no WebSocket",
       with_socket(broken_socket(WebsocketFailure::malformed, 101)),
       {"websocket.not_upgraded"}},
      {"swallowed", with_socket(broken_socket(WebsocketFailure::timed_out, 0)), {"http.timeout_after_request"}},
  });
}

Check telling_time(const std::string& host, std::chrono::milliseconds offset) {
  auto answer = http("https://" + host + "/", 200);
  std::get<HttpObservation>(answer.seen).clock_offset = offset;
  return check("target." + host, "https://" + host + "/",
               {dns(host + " -> 20.50.0.1"), tcp("20.50.0.1:443"), tls("20.50.0.1:443", host), std::move(answer)},
               Service::user);
}

Check clock_check() {
  HostObservation clock{.topic = HostTopic::clock};
  clock.clock = ClockFacts{.synchronised = true};
  return check("node.clock", "", {host(std::move(clock))});
}

TEST(ClockRules, TwoHostsThatAgreeAreNeeded) {
  const auto not_yet = climbed({unverified(9, {certificate(arm)})});
  expect_each({
      {"two hosts say ten minutes",
       report({clock_check(), telling_time("a.example", 10min), telling_time("b.example", 10min)}),
       {"clock.skew"}},
      {"behind as well",
       report({clock_check(), telling_time("a.example", -10min), telling_time("b.example", -10min)}),
       {"clock.skew"}},
      {"one host alone", report({clock_check(), telling_time("a.example", 10min)}), {}},
      {"two hosts that disagree",
       report({clock_check(), telling_time("a.example", 10min), telling_time("b.example", 0ms)}),
       {}},
      {"half a minute", report({clock_check(), telling_time("a.example", 30s), telling_time("b.example", 30s)}), {}},
      {"and certificates fail of it",
       report({clock_check(), telling_time("a.example", -1h), telling_time("b.example", -1h), not_yet}),
       {"clock.skew"}},
      {"one host and a certificate",
       report({clock_check(), telling_time("a.example", -1h), not_yet}),
       {"tls.clock_suspect"}},
      {"a certificate and a clock that is right",
       report({clock_check(), telling_time("a.example", 0ms), not_yet}),
       {"tls.cert_not_yet_valid"}},
  });
}

Check imds_check(std::optional<ImdsFailure> error, bool required = true) {
  ImdsObservation seen{.url = "http://169.254.169.254/metadata/instance",
                       .remote = at("169.254.169.254:80"),
                       .duration = 2s,
                       .error = error};
  auto made = check("node.imds", "", {{.seen = std::move(seen), .follow_up = {}}});
  made.required = required;
  return made;
}

Check wireserver_check(unsigned uid, bool answers, std::uint16_t port = 80) {
  WireserverObservation seen{
      .url = "http://168.63.129.16/", .remote = Endpoint{"168.63.129.16", port}, .uid = uid, .duration = 5s};
  if (!answers) seen.tcp = tcp_failed("168.63.129.16:80", TcpFailure::timed_out, "ETIMEDOUT", 5s);
  return optional(check("node.wireserver", "", {{.seen = std::move(seen), .follow_up = {}}}));
}

TEST(AzureLocalRules, ThePlatformIsBlamedOnlyWhereItIsOwed) {
  const auto azure_dns_lives =
      check("node.resolver/168.63.129.16", "", {dns("ml.azure.com -> 13.107.246.48", "168.63.129.16")});
  expect_each({
      {"IMDS is silent on a machine of Azure's",
       report({imds_check(ImdsFailure::timed_out), healthy_studio()}),
       {"imds.unreachable"}},
      {"IMDS is silent elsewhere", report({imds_check(ImdsFailure::timed_out, false), healthy_studio()}), {}},
      {"IMDS through a proxy", report({imds_check(ImdsFailure::via_proxy), healthy_studio()}), {"imds.via_proxy"}},
      {"a page instead of metadata",
       report({imds_check(ImdsFailure::not_json), healthy_studio()}),
       {"imds.not_genuine"}},
      {"IMDS answers", report({imds_check({}), healthy_studio()}), {}},
      {"WireServer is silent for anybody but root", report({imds_check({}), wireserver_check(1000, false)}), {}},
      {"WireServer is silent for root",
       report({imds_check({}), wireserver_check(0, false)}),
       {"wireserver.unreachable"}},
      {"WireServer is silent for root, its DNS is not",
       report({imds_check({}), wireserver_check(0, false), azure_dns_lives}),
       {"wireserver.dns_only"}},
      {"WireServer's second door is shut", report({imds_check({}), wireserver_check(0, false, 32526)}), {}},
      {"root, and no machine of Azure's",
       report({imds_check(ImdsFailure::timed_out, false), wireserver_check(0, false)}),
       {}},
  });
}

TEST(Outcome, AnAnswerOfTheServiceIsAPassWithItsReason) {
  const auto made = diagnosed(with_studio(asked(401, of_arm)));
  EXPECT_EQ(check_of(made, "tag." + arm).verdict, Verdict::pass);
  EXPECT_EQ(check_of(made, "tag." + arm).reason, "reached: needs credentials (401; http.reached_needs_auth)");
}

TEST(Outcome, WireserverForAnybodyButRootIsUndecided) {
  const auto made = diagnosed(report({imds_check({}), wireserver_check(1000, false)}));
  EXPECT_EQ(check_of(made, "node.wireserver").verdict, Verdict::inconclusive);
  EXPECT_THAT(check_of(made, "node.wireserver").reason, testing::HasSubstr("not decidable without root"));
}

}  // namespace
}  // namespace vnetprobe::upper_rules_test
