#include "reports/diagnosis/answers.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace vnetprobe {
namespace {

using Websocket = Cited<WebsocketObservation>;

Finding about(const Websocket& websocket, std::string code, Confidence confidence, std::string words) {
  Finding finding{.code = std::move(code), .subject = websocket.check->target.host, .confidence = confidence};
  finding.checks = {websocket.check->id};
  finding.evidence = {websocket.says(std::move(words))};
  finding.values = {{"status", std::to_string(websocket->status)}, {"url", websocket->url}};
  return finding;
}

// The same request without Upgrade was answered: the way is open, for everything but WebSockets.
std::optional<Evidence> plain_request_works(const Check& check) {
  for (const auto& http : cited<HttpObservation>(check, Part::experiments))
    if (!http->error && http->status != 0)
      return http.says(fmt::format("the same request without Upgrade was answered with {}", http->status));
  return std::nullopt;
}

std::optional<ServiceAnswer> answer_of(const Check& check) {
  for (auto& answer : answers_of(check))
    if (answer.is_websocket) return answer;
  return std::nullopt;
}

// Something between removed the Upgrade header, and the server answered what was left: an ordinary GET.
bool reads_as_plain_get(int status) { return status == 200 || status == 400 || status == 426; }

std::optional<Finding> not_upgraded(const Websocket& websocket) {
  const auto answer = answer_of(*websocket.check);
  const int status = websocket->status;
  const std::string sign = answer ? middlebox_sign(*answer) : "";
  if (!sign.empty() && (status == 403 || status >= 500))
    return about(websocket, "websocket.blocked_by_policy", Confidence::likely, fmt::format("{} with {}", status, sign));
  if (!reads_as_plain_get(status)) return std::nullopt;
  const auto control = plain_request_works(*websocket.check);
  auto finding = about(
      websocket, "websocket.upgrade_stripped", control ? Confidence::proven : Confidence::likely,
      fmt::format("the handshake was answered with {} instead of 101, as if nobody had asked for an upgrade", status));
  if (control) finding.evidence.push_back(*control);
  for (const auto& spelled : cited<WebsocketObservation>(*websocket.check, Part::experiments))
    if (spelled->connection_header && spelled->upgraded) {
      finding.confidence = Confidence::proven;
      finding.evidence.push_back(
          spelled.says(fmt::format("with \"Connection: {}\" it is upgraded", *spelled->connection_header)));
    }
  return finding;
}

// The fresh connection after one that silence has killed.
std::optional<Evidence> fresh_one_lives(const Check& check) {
  for (const auto& fresh : cited<WebsocketObservation>(check, Part::experiments))
    if (!fresh->error && fresh->pong_after)
      return fresh.says(fmt::format("a fresh connection answers a ping after {}", words(*fresh->pong_after)));
  return std::nullopt;
}

// Somebody said goodbye to the idle connection, or something on the way has forgotten it and says nothing.
std::optional<Finding> died_of_silence(const Websocket& websocket) {
  const auto fresh = fresh_one_lives(*websocket.check);
  if (!fresh) return std::nullopt;
  const std::string idle = words(*websocket->idle);
  const bool said_so = *websocket->error == WebsocketFailure::closed_early;
  auto finding = said_so ? about(websocket, "websocket.closed_early", Confidence::likely,
                                 fmt::format("it answered a ping and was closed after {} without traffic", idle))
                         : about(websocket, "tcp.idle_timeout", Confidence::likely,
                                 fmt::format("it answered a ping, and none any more after {} without traffic", idle));
  finding.evidence.push_back(*fresh);
  finding.values.emplace_back("idle", " after " + idle + " without traffic");
  return finding;
}

std::optional<Finding> judge(const Websocket& websocket) {
  if (websocket->idle)
    if (auto finding = died_of_silence(websocket)) return finding;
  switch (*websocket->error) {
    case WebsocketFailure::not_upgraded:
      return not_upgraded(websocket);
    case WebsocketFailure::accept_invalid:
      return about(websocket, "websocket.accept_invalid", Confidence::proven,
                   "101 with a Sec-WebSocket-Accept that does not belong to the request");
    case WebsocketFailure::closed_early: {
      const std::string code = websocket->close_code ? fmt::format(", close code {}", *websocket->close_code) : "";
      return about(websocket, "websocket.closed_early", Confidence::likely,
                   fmt::format("the WebSocket opened and was cut {} later, before the pong{}",
                               words(websocket->duration), code));
    }
    case WebsocketFailure::no_pong:
      return about(websocket, "websocket.closed_early", Confidence::possible,
                   "the WebSocket opened, and the ping was never answered");
    case WebsocketFailure::timed_out:
    case WebsocketFailure::reset:
    case WebsocketFailure::closed: {
      const auto control = plain_request_works(*websocket.check);
      if (!control)
        return about(
            websocket,
            *websocket->error == WebsocketFailure::timed_out ? "http.timeout_after_request" : "tcp.reset_midstream",
            Confidence::possible, "the handshake got no answer");
      auto finding = about(websocket, "websocket.blocked_by_policy", Confidence::likely, "the handshake got no answer");
      finding.evidence.push_back(*control);
      return finding;
    }
    case WebsocketFailure::malformed:
      return about(websocket, "http.not_genuine", Confidence::likely,
                   "the handshake was answered with something that is not HTTP");
  }
  return std::nullopt;
}

std::vector<Finding> websocket(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& one : cited<WebsocketObservation>(evidence.open)) {
    if (!one->error || !one.check->finished) continue;
    if (auto finding = judge(one)) findings.push_back(std::move(*finding));
  }
  // Both of an instance's domains go the same way: what is wrong with both is one thing.
  std::map<std::string, std::vector<std::string>> hosts;
  for (const auto& finding : findings) add_once(hosts[finding.code], finding.subject);
  for (auto& finding : findings) finding.subject = words(hosts[finding.code]);
  return findings;
}

}  // namespace

std::span<const NamedRule> websocket_rules() {
  static constexpr std::array rules{NamedRule{"websocket", websocket}};
  return rules;
}

}  // namespace vnetprobe
