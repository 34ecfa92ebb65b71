#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/experiments.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace vnetprobe {
namespace {

bool equal_ignoring_case(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

bool has(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(), equal_ignoring_case) != text.end();
}

// Service -> headers of which any one proves that it answered. A trailing * matches any ending. azure-facts 4.1 - 4.4.
struct Marker {
  Service service;
  std::string_view header;
};
constexpr std::array markers{
    Marker{Service::storage_blob, "x-ms-*"},
    Marker{Service::storage_file, "x-ms-*"},
    Marker{Service::storage_queue, "x-ms-*"},
    Marker{Service::storage_table, "x-ms-*"},
    Marker{Service::storage_dfs, "x-ms-*"},
    Marker{Service::key_vault, "x-ms-keyvault-*"},
    Marker{Service::container_registry, "docker-distribution-api-version"},
    Marker{Service::container_registry, "x-ms-correlation-request-id"},
    Marker{Service::container_registry_data, "docker-distribution-api-version"},
    Marker{Service::container_registry_data, "x-ms-*"},
    Marker{Service::microsoft_registry, "docker-distribution-api-version"},
    Marker{Service::microsoft_registry, "x-ms-correlation-request-id"},
    Marker{Service::resource_manager, "x-ms-*"},
    Marker{Service::entra, "x-ms-*"},
};

bool header_matches(const std::string& name, std::string_view pattern) {
  if (pattern.ends_with('*'))
    return has(std::string_view(name).substr(0, pattern.size() - 1), pattern.substr(0, pattern.size() - 1));
  return name.size() == pattern.size() && has(name, pattern);
}

bool documents_a_marker(Service service) {
  return std::ranges::any_of(markers, [&](const Marker& marker) { return marker.service == service; });
}

bool carries_marker(const ServiceAnswer& answer) {
  const auto service = answer.check->target.service;
  return std::ranges::any_of(markers, [&](const Marker& marker) {
    return marker.service == service && std::ranges::any_of(*answer.headers, [&](const HttpHeader& header) {
             return header_matches(header.name, marker.header);
           });
  });
}

// Entra's OpenID document, ARM's sign-in challenge and a registry's refusal of an address say who wrote them without a
// header of their own.
bool content_is_telling(const ServiceAnswer& answer) {
  if (answer.check->target.service == Service::entra) return answer.status == 200 && answer.body_has("token_endpoint");
  if (answer.check->target.service == Service::container_registry)
    return answer.service_error_code && *answer.service_error_code == "DENIED" && answer.body_has("client with IP");
  if (answer.check->target.service != Service::resource_manager) return false;
  const auto* challenge = answer.header("WWW-Authenticate");
  return challenge && has(*challenge, "login.");
}

// Server names and headers of proxies and inspecting firewalls.
constexpr std::array<std::string_view, 14> proxy_servers{
    "squid",    "zscaler",    "bluecoat",  "proxysg", "mcafee",    "fortigate",  "fortiweb",
    "netskope", "forcepoint", "mitmproxy", "sophos",  "barracuda", "checkpoint", "palo alto"};
constexpr std::array<std::string_view, 5> proxy_headers{"X-Squid-Error", "Proxy-Authenticate", "Proxy-Status",
                                                        "X-BlueCoat-Via", "Proxy-Connection"};

// Content networks stand on the service's side, and write Via into what they hand on and into what they refuse.
constexpr std::array<std::string_view, 7> content_networks{"cloudfront", "varnish", "google", "akamai",
                                                           "cloudflare", "fastly",  "vegur"};
constexpr std::array<std::string_view, 4> content_network_headers{"X-Azure-Ref", "X-Amz-Cf-Id", "CF-RAY",
                                                                  "X-Served-By"};

bool comes_from_a_content_network(const ServiceAnswer& answer, std::string_view via) {
  return std::ranges::any_of(content_networks, [&](std::string_view name) { return has(via, name); }) ||
         std::ranges::any_of(content_network_headers, [&](std::string_view name) { return answer.header(name); });
}

// A device that says what it is.
std::string sign_of_the_author(const ServiceAnswer& answer) {
  if (answer.status == 470) return "status 470, which only Azure Firewall uses";
  if (answer.status == 407) return "status 407, which only proxies use";
  for (const auto name : proxy_headers)
    if (const auto* value = answer.header(name)) return std::string(name) + ": " + *value;
  if (const auto* server = answer.header("Server"))
    for (const auto name : proxy_servers)
      if (has(*server, name)) return "Server: " + *server;
  return {};
}

template <class Layer>
ServiceAnswer to_answer(const Cited<Layer>& seen) {
  ServiceAnswer answer{.check = seen.check,
                       .observation = seen.index,
                       .status = seen->status,
                       .reason = seen->reason,
                       .headers = &seen->headers};
  answer.body = seen->body_excerpt;
  answer.url = seen->url;
  answer.clock_offset = seen->clock_offset;
  answer.via_proxy = seen->via_proxy;
  return answer;
}

}  // namespace

const std::string* value_of(const std::vector<HttpHeader>& headers, std::string_view name) {
  const auto found =
      std::ranges::find_if(headers, [&](const HttpHeader& one) { return header_matches(one.name, name); });
  return found == headers.end() ? nullptr : &found->value;
}

const std::string* ServiceAnswer::header(std::string_view name) const { return value_of(*headers, name); }

bool ServiceAnswer::body_has(std::string_view text) const { return has(body, text); }

ServiceAnswer read_answer(const Cited<HttpObservation>& http) {
  auto answer = to_answer(http);
  answer.service_error_code = http->service_error_code;
  return answer;
}

std::vector<ServiceAnswer> answers_of(const Check& check) {
  std::vector<ServiceAnswer> answers;
  for (const auto& http : cited<HttpObservation>(check))
    if (http->status != 0) answers.push_back(read_answer(http));
  for (const auto& websocket : cited<WebsocketObservation>(check)) {
    if (websocket->status == 0) continue;
    answers.push_back(to_answer(websocket));
    answers.back().is_websocket = true;
  }
  return answers;
}

std::vector<ServiceAnswer> answers_of(const std::vector<const Check*>& checks) {
  std::vector<ServiceAnswer> answers;
  for (const auto* check : checks)
    for (auto& answer : answers_of(*check)) answers.push_back(std::move(answer));
  return answers;
}

bool is_genuine(const ServiceAnswer& answer) {
  if (carries_marker(answer) || content_is_telling(answer) || is_end_to_end(answer)) return true;
  // Over plain HTTP the services' fronts only send on to HTTPS, and document no header for it: a page is somebody
  // else's.
  if (answer.url.starts_with("http://") && is_microsoft(answer.check->target.service)) {
    const auto* type = answer.header("Content-Type");
    const bool page = (type && has(*type, "html")) || answer.body_has("<html");
    return (answer.status / 100 != 2 || !page) && middlebox_sign(answer).empty();
  }
  return !documents_a_marker(answer.check->target.service) && middlebox_sign(answer).empty();
}

bool is_end_to_end(const ServiceAnswer& answer) {
  if (answer.url.starts_with("http://") || answer.url.starts_with("ws://")) return false;
  const auto handshakes = cited<TlsObservation>(*answer.check);
  return !handshakes.empty() && handshakes.back()->verified && handshakes.back()->publicly_trusted.value_or(false);
}

bool sign_names_the_author(const ServiceAnswer& answer) {
  return !is_end_to_end(answer) && !sign_of_the_author(answer).empty();
}

std::string middlebox_sign(const ServiceAnswer& answer) {
  if (is_end_to_end(answer)) return {};
  if (auto sign = sign_of_the_author(answer); !sign.empty()) return sign;
  // Behind an error it may be the proxy's own.
  const auto* via = answer.header("Via");
  if (via && answer.status >= 400 && !comes_from_a_content_network(answer, *via)) return "Via: " + *via;
  return {};
}

std::optional<ServiceAnswer> good_second_answer(const Check& check) {
  const auto again = answer_once_more(check);
  if (!again || ((*again)->status >= 400 && (*again)->status != 401)) return std::nullopt;
  auto answer = read_answer(*again);
  return is_genuine(answer) ? std::optional(std::move(answer)) : std::nullopt;
}

bool is_microsoft(Service service) { return service != Service::none && service != Service::user; }

}  // namespace vnetprobe
