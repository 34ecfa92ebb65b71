#pragma once

#include "reports/diagnosis/diagnose.hpp"

#include <charconv>
#include <initializer_list>

// Short builders for observations, checks and reports: a test of a rule reads like the situation that it is about.
namespace vnetprobe::test {

using namespace std::chrono_literals;

inline std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto at = text.find(separator);
    auto part = text.substr(0, at);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + separator.size());
  }
}

// "10.0.0.4:443", "[fd00::1]:443"
inline Endpoint at(std::string_view text) {
  const auto colon = text.rfind(':');
  Endpoint endpoint{.address = std::string(text.substr(0, colon))};
  if (endpoint.address.starts_with('[')) endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
  const auto digits = text.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
  return endpoint;
}

inline Observation follow_up(Observation observation, std::string because = "asked further") {
  observation.follow_up = std::move(because);
  return observation;
}

// --- DNS --------------------------------------------------------------------------------------------------------

// "acct.blob.core.windows.net -> acct.privatelink.blob.core.windows.net -> 20.60.0.1, 20.60.0.2": CNAMEs, then
// addresses. The last part may be NXDOMAIN, SERVFAIL, REFUSED, nodata, timeout, unreachable, truncated, loop,
// garbage or no_resolver.
inline DnsObservation dns_chain(std::string_view chain) {
  const auto parts = split(chain, "->");
  DnsObservation seen{
      .name = parts.front(), .question = "A", .duration = 3ms, .rcode = "NOERROR", .recursion_available = true};
  std::string owner = parts.front();
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    seen.answers.push_back({.name = owner, .type = "CNAME", .data = parts[i], .ttl = 60});
    owner = parts[i];
  }
  const auto fail = [&](DnsFailure failure, std::optional<std::string> rcode) {
    seen.error = failure;
    seen.rcode = std::move(rcode);
  };
  const auto& last = parts.back();
  if (last == "NXDOMAIN")
    fail(DnsFailure::nxdomain, "NXDOMAIN");
  else if (last == "SERVFAIL")
    fail(DnsFailure::servfail, "SERVFAIL");
  else if (last == "REFUSED")
    fail(DnsFailure::refused, "REFUSED");
  else if (last == "timeout")
    fail(DnsFailure::timed_out, {}), seen.duration = 2s;
  else if (last == "unreachable")
    fail(DnsFailure::unreachable, {}), seen.errno_name = seen.detail = "ECONNREFUSED";
  else if (last == "loop")
    fail(DnsFailure::alias_loop, "NOERROR"), seen.detail = "CNAME loop: " + owner + " -> " + owner;
  else if (last == "garbage")
    fail(DnsFailure::malformed, {}), seen.detail = "the question section cannot be decoded";
  else if (last == "no_resolver")
    fail(DnsFailure::no_resolver, {});
  else if (last == "truncated")
    seen.truncated = true;
  else if (last != "nodata")
    for (const auto& address : split(last, ",")) {
      seen.answers.push_back(
          {.name = owner, .type = address.find(':') == std::string::npos ? "A" : "AAAA", .data = address, .ttl = 60});
      seen.addresses.push_back(address);
    }
  return seen;
}

// One question to one server. `server` without a port means 53.
inline Observation dns(std::string_view chain, std::string_view server = "10.0.0.10",
                       DnsTransport transport = DnsTransport::udp, std::string question = "A") {
  auto seen = dns_chain(chain);
  seen.via = DnsVia::server;
  seen.server = server.find(':') == std::string_view::npos ? Endpoint{std::string(server), 53} : at(server);
  seen.transport = transport;
  seen.question = std::move(question);
  return {.seen = std::move(seen), .follow_up = {}};
}

inline Observation dns_tcp(std::string_view chain, std::string_view server = "10.0.0.10") {
  return dns(chain, server, DnsTransport::tcp);
}

// What getaddrinfo said; `hosts` are addresses that /etc/hosts gives the name (lines 7, 8, ...).
inline Observation libc(std::string_view chain, std::initializer_list<const char*> hosts = {}) {
  auto seen = dns_chain(chain);
  seen.via = DnsVia::libc;
  seen.question = "A+AAAA";
  seen.answers.clear();
  seen.rcode = {};
  int line = 7;
  for (const auto* address : hosts)
    seen.hosts_lines.push_back({.file = "/etc/hosts", .line = line++, .address = address});
  return {.seen = std::move(seen), .follow_up = {}};
}

// --- TCP and UDP ------------------------------------------------------------------------------------------------

inline Observation tcp(std::string_view remote) {
  TcpObservation seen{.remote = at(remote),
                      .local = Endpoint{"10.0.0.5", 40000},
                      .interface = "eth0",
                      .duration = 2ms,
                      .rtt = 2ms,
                      .mss = 1448};
  return {.seen = std::move(seen), .follow_up = {}};
}

inline TcpObservation tcp_failed(std::string_view remote, TcpFailure failure, std::string errno_name,
                                 std::chrono::microseconds duration) {
  return {.remote = at(remote),
          .duration = duration,
          .error = failure,
          .errno_name = std::move(errno_name),
          .route = RouteLookup{.type = "unicast", .gateway = "10.0.0.1", .interface = "eth0"},
          .neighbour = NeighbourEntry{.gateway = "10.0.0.1", .interface = "eth0", .state = "REACHABLE"}};
}

inline Observation tcp_silent(std::string_view remote) {
  return {.seen = tcp_failed(remote, TcpFailure::timed_out, "ETIMEDOUT", 5s), .follow_up = {}};
}

inline Observation tcp_refused(std::string_view remote) {
  return {.seen = tcp_failed(remote, TcpFailure::refused, "ECONNREFUSED", 2ms), .follow_up = {}};
}

// An ICMP error: `offender` "self" is the node itself.
inline Observation tcp_icmp(std::string_view remote, int type, int code, std::string offender,
                            TcpFailure failure = TcpFailure::refused, std::chrono::microseconds duration = 2ms) {
  auto seen = tcp_failed(remote, failure, failure == TcpFailure::refused ? "ECONNREFUSED" : "EHOSTUNREACH", duration);
  const bool self = offender == "self";
  seen.icmp = IcmpError{
      .offender = self ? "10.0.0.5" : std::move(offender), .offender_is_self = self, .type = type, .code = code};
  return {.seen = std::move(seen), .follow_up = {}};
}

// Fails at once in the node's own routing table: "none", "blackhole", "unreachable", "prohibit".
inline Observation tcp_no_route(std::string_view remote, std::string type) {
  const auto failure = type == "none"        ? TcpFailure::network_unreachable
                       : type == "blackhole" ? TcpFailure::invalid_route
                       : type == "prohibit"  ? TcpFailure::not_permitted
                                             : TcpFailure::host_unreachable;
  const auto name = type == "none"        ? "ENETUNREACH"
                    : type == "blackhole" ? "EINVAL"
                    : type == "prohibit"  ? "EACCES"
                                          : "EHOSTUNREACH";
  auto seen = tcp_failed(remote, failure, name, 50us);
  seen.route = RouteLookup{.type = std::move(type)};
  seen.neighbour = {};
  return {.seen = std::move(seen), .follow_up = {}};
}

inline Observation udp(std::string_view remote, std::optional<UdpFailure> failure = {}) {
  return {.seen = UdpObservation{.remote = at(remote), .duration = 1s, .error = failure}, .follow_up = {}};
}

// --- TLS, HTTP, WebSocket, proxy --------------------------------------------------------------------------------

inline Certificate certificate(std::string common_name, std::string issuer_organization = "Microsoft Corporation") {
  const auto now = std::chrono::sys_days{std::chrono::year{2026} / 3 / 15};
  return {.subject = "CN=" + common_name,
          .issuer = "CN=Issuing CA,O=" + issuer_organization,
          .subject_organization = "Microsoft Corporation",
          .issuer_organization = issuer_organization,
          .dns_names = {common_name},
          .not_before = now - 24h * 60,
          .not_after = now + 24h * 120,
          .sha256 = std::string(64, 'a')};
}

inline TlsObservation tls_seen(std::string_view remote, std::string sni,
                               std::string issuer_organization = "Microsoft Corporation") {
  return {.remote = at(remote),
          .sni = sni,
          .duration = 8ms,
          .server_hello_received = true,
          .version = "TLSv1.3",
          .cipher = "TLS_AES_256_GCM_SHA384",
          .chain = {certificate(sni, issuer_organization), certificate("Issuing CA", issuer_organization)},
          .verified = true,
          .trust_anchor = TrustAnchor::system_store,
          .anchor_subject = "CN=DigiCert Global Root G2"};
}

inline Observation tls(std::string_view remote, std::string sni,
                       std::string issuer_organization = "Microsoft Corporation") {
  return {.seen = tls_seen(remote, std::move(sni), std::move(issuer_organization)), .follow_up = {}};
}

inline Observation tls_failed(std::string_view remote, std::string sni, TlsFailure failure) {
  return {.seen = TlsObservation{.remote = at(remote), .sni = std::move(sni), .duration = 5ms, .error = failure},
          .follow_up = {}};
}

using Headers = std::vector<HttpHeader>;

inline Observation http(std::string_view url, int status, Headers headers = {}, std::string body = {},
                        std::optional<std::string> service_error_code = {}) {
  HttpObservation seen{.method = "GET",
                       .url = std::string(url),
                       .remote = at("20.60.0.1:443"),
                       .duration = 20ms,
                       .status = status,
                       .version = "HTTP/1.1",
                       .headers = std::move(headers),
                       .service_error_code = std::move(service_error_code),
                       .body_excerpt = body,
                       .body_bytes = body.size(),
                       .clock_offset = 0ms};
  return {.seen = std::move(seen), .follow_up = {}};
}

inline Observation http_failed(std::string_view url, HttpFailure failure) {
  return {.seen = HttpObservation{.method = "GET",
                                  .url = std::string(url),
                                  .remote = at("20.60.0.1:443"),
                                  .duration = 10s,
                                  .error = failure},
          .follow_up = {}};
}

inline Observation websocket(std::string_view url, int status, Headers headers = {}) {
  WebsocketObservation seen{.url = std::string(url),
                            .remote = at("20.60.0.1:443"),
                            .duration = 20ms,
                            .status = status,
                            .headers = std::move(headers)};
  seen.upgraded = seen.accept_valid = status == 101;
  if (status == 101)
    seen.pong_after = 5ms;
  else
    seen.error = WebsocketFailure::not_upgraded;
  return {.seen = std::move(seen), .follow_up = {}};
}

inline Observation proxy_connect(std::string target, int status, Headers headers = {}) {
  ProxyObservation seen{.proxy = "http://10.0.9.9:3128",
                        .target = std::move(target),
                        .remote = at("10.0.9.9:3128"),
                        .duration = 4ms,
                        .status = status,
                        .headers = std::move(headers)};
  if (status / 100 != 2) seen.error = ProxyFailure::denied;
  return {.seen = std::move(seen), .follow_up = {}};
}

// --- the host ---------------------------------------------------------------------------------------------------

inline Observation host(HostObservation seen) { return {.seen = std::move(seen), .follow_up = {}}; }

// --- checks and reports -----------------------------------------------------------------------------------------

// "https://acct.blob.core.windows.net/", "tcp://db.contoso.local:1433", "wss://...", "udp://...:5831"; "" for the node
// itself.
inline Check check(std::string id, std::string_view url, std::vector<Observation> observations,
                   Service service = Service::none) {
  Check made{.id = std::move(id),
             .title = "a check",
             .why = "a test",
             .required = true,
             .observations = std::move(observations)};
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    made.target.protocol = std::string(url.substr(0, scheme));
    const auto authority = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
    const auto colon = authority.find(':');
    made.target.host = std::string(authority.substr(0, colon));
    made.target.port = made.target.protocol == "http" ? 80 : 443;
    if (colon != std::string_view::npos) made.target.port = at(authority).port;
    if (made.target.protocol == "https" || made.target.protocol == "http" || made.target.protocol == "wss")
      made.target.url = std::string(url);
  }
  made.target.service = service;
  return made;
}

// IMDS, to which no connection came about.
inline Check metadata_service(TcpObservation failed, bool required) {
  ImdsObservation seen{.url = "http://169.254.169.254/metadata/instance",
                       .remote = at("169.254.169.254:80"),
                       .error = ImdsFailure::unreachable};
  seen.tcp = std::move(failed);
  auto made = check("node.imds", "", {{.seen = std::move(seen), .follow_up = {}}});
  made.required = required;
  return made;
}

inline Check optional(Check made) {
  made.required = false;
  return made;
}

inline Check unfinished(Check made) {
  made.finished = false;
  return made;
}

// The plan expects a private address; `zone` as "privatelink.blob.core.windows.net".
inline Check expects_private(Check made, std::string zone = "privatelink.blob.core.windows.net",
                             std::optional<std::string> address = {}) {
  made.target.private_endpoint = true;
  made.target.private_zone = std::move(zone);
  made.target.expected_address = std::move(address);
  return made;
}

inline Check tagged(Check made, std::string tag) {
  made.target.service_tag = std::move(tag);
  return made;
}

inline Report report(std::vector<Check> checks) {
  Report made;
  made.complete = true;
  made.node.uid = 1000;
  made.node.addresses = {{.value = "10.0.0.5/24", .interface = "eth0", .source = "interface"}};
  made.node.resolvers = {{.value = "10.0.0.10", .stub = false, .source = "/etc/resolv.conf:1"}};
  made.checks = std::move(checks);
  return made;
}

inline Report diagnosed(Report made) {
  diagnose(made);
  return made;
}
inline Report diagnosed(std::vector<Check> checks) { return diagnosed(report(std::move(checks))); }

// Codes of severity above info, most important first.
inline std::vector<std::string> codes(const Report& made) {
  std::vector<std::string> found;
  for (const auto& diagnosis : made.diagnoses)
    if (diagnosis.severity != Severity::info) found.push_back(diagnosis.code);
  return found;
}

// The first code, or "".
inline std::string first_code(const Report& made) {
  const auto found = codes(made);
  return found.empty() ? "" : found.front();
}

inline const Check& check_of(const Report& made, std::string_view id) {
  for (const auto& one : made.checks)
    if (one.id == id) return one;
  static const Check none{};
  return none;
}

}  // namespace vnetprobe::test
