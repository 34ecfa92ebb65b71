#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/experiments.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

Finding about(const ServiceAnswer& answer, std::string code, std::string subject, Confidence confidence,
              std::string words) {
  Finding finding{.code = std::move(code), .subject = std::move(subject), .confidence = confidence};
  finding.checks = {answer.check->id};
  finding.evidence = {answer.says(std::move(words))};
  finding.values = {{"status", std::to_string(answer.status)},
                    {"body", std::string(answer.body.substr(0, 200))},
                    {"url", std::string(answer.url)}};
  return finding;
}

std::string quoted(std::string_view body) {
  return body.empty() ? "" : fmt::format(", saying \"{}\"", body.substr(0, 160));
}

// Azure Firewall's application rules: status 470, or their text in another wrapping (azure-facts 9.2).
std::vector<Finding> firewall_denied(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& answer : answers_of(evidence.open)) {
    const bool its_status = answer.status == 470 && !is_end_to_end(answer);
    // A target of the user's own documents no mark to miss; the text says it all the same.
    const bool whole_text =
        answer.body_has("request from") && !is_end_to_end(answer) && !is_microsoft(answer.check->target.service);
    const bool its_text = answer.body_has("Action: Deny") && (whole_text || !is_genuine(answer));
    if (!its_status && !its_text) continue;
    findings.push_back(
        about(answer, "http.firewall_denied", "Azure Firewall", Confidence::proven,
              fmt::format("{} answered {}{}", answer.check->target.host, answer.status, quoted(answer.body))));
  }
  return findings;
}

bool claims_to_be_the_service(const ServiceAnswer& answer) {
  return is_microsoft(answer.check->target.service) && is_genuine(answer);
}

bool asks_for_patience(const ServiceAnswer& answer) { return answer.status == 503 && answer.header("Retry-After"); }

bool is_refusal(int status) { return status == 403 || status == 502 || status == 503 || status == 504; }

Finding denied_on_the_way(const ServiceAnswer& answer, const std::string& sign) {
  const bool certain = sign_names_the_author(answer);
  auto finding =
      about(answer, "http.proxy_denied", answer.check->proxy.value_or(answer.check->target.host),
            certain ? Confidence::proven : Confidence::possible,
            fmt::format("{} instead of {}'s answer, with {}", answer.status, answer.check->target.host, sign));
  if (!certain)
    finding.alternatives = {"the service itself refuses, and a proxy or a gateway of its own only handed that on"};
  return finding;
}

// A refusal that a proxy signed.
std::vector<Finding> proxy_denied(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& answer : answers_of(evidence.open)) {
    if (claims_to_be_the_service(answer) || answer.is_websocket) continue;
    const auto sign = middlebox_sign(answer);
    if (sign.empty()) continue;
    if (answer.status == 407)
      findings.push_back(about(answer, "proxy.auth_required", answer.check->proxy.value_or("the proxy"),
                               Confidence::proven, "the proxy wants credentials (407)"));
    else if (is_refusal(answer.status) && (sign_names_the_author(answer) || !asks_for_patience(answer)))
      findings.push_back(denied_on_the_way(answer, sign));
  }
  return findings;
}

bool is_html(const ServiceAnswer& answer) {
  const auto* type = answer.header("Content-Type");
  return (type && type->find("html") != std::string::npos) || answer.body_has("<html");
}

// An answer without the service's marks: a page of somebody else's.
std::vector<Finding> not_genuine(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& answer : answers_of(evidence.open)) {
    if (answer.is_websocket || !is_microsoft(answer.check->target.service) || is_genuine(answer)) continue;
    const bool page = answer.status == 200 && is_html(answer);
    const auto* server = answer.header("Server");
    findings.push_back(about(
        answer, page ? "http.captive_or_block_page" : "http.not_genuine", answer.check->target.host, Confidence::likely,
        fmt::format("{} answered {} without any header of that service{}{}", answer.check->target.host, answer.status,
                    server ? ", Server: " + *server : "", quoted(answer.body))));
  }
  return findings;
}

// The request went out and no whole answer came back.
std::vector<Finding> no_answer(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& http : cited<HttpObservation>(evidence.open)) {
    if (!http->error || !http.check->finished) continue;
    Finding finding{.subject = http.check->target.host, .confidence = Confidence::possible};
    finding.checks = {http.check->id};
    finding.values = {{"url", http->url}};
    switch (*http->error) {
      case HttpFailure::timed_out:
        finding.code = "http.timeout_after_request";
        finding.evidence = {http.says(fmt::format("{} took the request and sent no header within {}",
                                                  to_string(http->remote), words(http->duration)))};
        break;
      case HttpFailure::reset:
      case HttpFailure::closed:
      case HttpFailure::send_failed:
      case HttpFailure::certificate_required:
        finding.code = "tcp.reset_midstream";
        finding.evidence = {http.says(fmt::format("the connection to {} ended {} after the request, before an answer",
                                                  to_string(http->remote), words(http->duration)))};
        break;
      case HttpFailure::malformed:
      case HttpFailure::headers_too_big:
        finding.code = "http.not_genuine";
        finding.confidence = Confidence::likely;
        finding.evidence = {http.says(*http->error == HttpFailure::malformed
                                          ? "what came back is not HTTP"
                                          : "the answer's header is larger than any service's")};
        break;
    }
    if (const auto second = good_second_answer(*http.check); second && finding.code != "http.not_genuine") {
      finding.only_informs = true;
      finding.evidence.push_back(second->says(fmt::format("asked again, it answers {}", second->status)));
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

// The service itself asks for patience: it was reached, and one such answer is no fault.
std::vector<Finding> throttled(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& answer : answers_of(evidence.open)) {
    if (answer.status != 429 && !asks_for_patience(answer)) continue;
    findings.push_back(about(answer, "http.rate_limited", answer.check->target.host, Confidence::proven,
                             fmt::format("{} answered {}", answer.check->target.host, answer.status)));
    findings.back().only_informs = true;
  }
  return findings;
}

// It was reached and has trouble of its own. Worth a word to whoever uses it; the way there is what the check is about.
std::vector<Finding> trouble_of_its_own(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& answer : answers_of(evidence.open)) {
    if (answer.is_websocket || answer.status / 100 != 5 || asks_for_patience(answer) || !is_genuine(answer)) continue;
    const std::string code = answer.service_error_code ? " " + *answer.service_error_code : "";
    findings.push_back(about(answer, "http.server_error", answer.check->target.host, Confidence::likely,
                             fmt::format("{} answered {}{}", answer.check->target.host, answer.status, code)));
    findings.back().only_informs = true;
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> http_rules() {
  static constexpr std::array rules{
      NamedRule{"http.firewall_denied", firewall_denied}, NamedRule{"http.proxy_denied", proxy_denied},
      NamedRule{"http.not_genuine", not_genuine},         NamedRule{"http.no_answer", no_answer},
      NamedRule{"http.rate_limited", throttled},          NamedRule{"http.server_error", trouble_of_its_own}};
  return rules;
}

}  // namespace vnetprobe
