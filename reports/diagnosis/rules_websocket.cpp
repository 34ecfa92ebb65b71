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

// The same request without Upgrade, as far as it was asked: any answer, and whether it is one of a way that works.
struct PlainRequest {
  std::optional<Evidence> answered;
  bool works{};
};

PlainRequest plain_request(const Check& check) {
  PlainRequest plain;
  for (const auto& http : cited<HttpObservation>(check, Part::experiments)) {
    if (http->error || http->status == 0) continue;
    plain.answered = http.says(fmt::format("the same request without Upgrade was answered with {}", http->status));
    const int kind = http->status / 100;
    plain.works = kind == 2 || kind == 3 || http->status == 401 || http->status == 403;
  }
  return plain;
}

std::optional<ServiceAnswer> answer_of(const Check& check) {
  for (auto& answer : answers_of(check))
    if (answer.is_websocket) return answer;
  return std::nullopt;
}

// A server that speaks WebSocket and tells what it misses: this agent did send it.
bool says_that_it_saw_no_upgrade(const ServiceAnswer& answer) {
  return answer.status == 426 || answer.body_has("only to \"WebSocket\"") ||
         answer.body_has("\"Connection\" must be \"Upgrade\"") || answer.body_has("No WebSocket UPGRADE");
}

// Upgraded once the Connection header is spelled as browsers do: something minds the spelling.
std::optional<Evidence> upgraded_in_another_spelling(const Check& check) {
  for (const auto& spelled : cited<WebsocketObservation>(check, Part::experiments))
    if (spelled->connection_header && spelled->upgraded)
      return spelled.says(fmt::format("with \"Connection: {}\" it is upgraded", *spelled->connection_header));
  return std::nullopt;
}

// Something between removed the Upgrade header, and the server answered what was left: an ordinary GET.
std::optional<Finding> upgrade_is_lost(const Websocket& websocket, const ServiceAnswer& answer) {
  const auto plain = plain_request(*websocket.check);
  const auto spelled = upgraded_in_another_spelling(*websocket.check);
  const bool read_as_plain =
      answer.status == 200 || says_that_it_saw_no_upgrade(answer) || (answer.status == 400 && plain.works) || spelled;
  if (!read_as_plain) return std::nullopt;
  auto finding =
      about(websocket, "websocket.upgrade_stripped", plain.works || spelled ? Confidence::proven : Confidence::likely,
            fmt::format("the handshake was answered with {} and not with 101, as if nobody had asked for an upgrade",
                        answer.status));
  for (const auto& further : {plain.answered, spelled})
    if (further) finding.evidence.push_back(*further);
  return finding;
}

// A path that does not exist, a server in trouble, a gateway without WebSocket: one answer does not tell them apart.
// What speaks for a gateway makes the check fail (azure-facts 7.5); the rest is no proof that WebSockets work either.
Finding answered_otherwise(const Websocket& websocket) {
  const auto plain = plain_request(*websocket.check);
  const int status = websocket->status;
  auto finding =
      about(websocket, "websocket.not_upgraded", plain.works ? Confidence::likely : Confidence::possible,
            fmt::format("the handshake was answered with {}, which is neither an upgrade nor a sign-in", status));
  if (plain.answered) finding.evidence.push_back(*plain.answered);
  const bool of_a_gateway = status == 400 || status == 502 || status == 503 || status == 504;
  const bool fails = plain.works || of_a_gateway;
  finding.only_informs = !fails && websocket.check->target.guessed;
  finding.warns = !fails && !finding.only_informs;
  return finding;
}

// It was reached, and what it said is no word about WebSockets: sign in, or come back later.
bool is_reached(const ServiceAnswer& answer) {
  return answer.status / 100 == 3 || answer.status == 401 || answer.status == 403 || answer.status == 429 ||
         (answer.status == 503 && answer.header("Retry-After"));
}

std::optional<Finding> not_upgraded(const Websocket& websocket) {
  const auto answer = answer_of(*websocket.check);
  if (!answer) return std::nullopt;
  const std::string sign = middlebox_sign(*answer);
  if (!sign.empty() && (answer->status == 403 || answer->status == 407 || answer->status >= 500))
    return about(websocket, "websocket.blocked_by_policy",
                 sign_names_the_author(*answer) ? Confidence::likely : Confidence::possible,
                 fmt::format("{} with {}", answer->status, sign));
  if (is_reached(*answer)) return std::nullopt;
  if (auto lost = upgrade_is_lost(websocket, *answer)) return lost;
  return answered_otherwise(websocket);
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
      const auto control = plain_request(*websocket.check).answered;
      if (!control)
        return about(
            websocket,
            *websocket->error == WebsocketFailure::timed_out ? "http.timeout_after_request" : "tcp.reset_midstream",
            Confidence::possible, "the handshake got no answer");
      auto finding = about(websocket, "websocket.not_upgraded", Confidence::likely, "the handshake got no answer");
      finding.evidence.push_back(*control);
      finding.values.insert(finding.values.begin(), {"status", "nothing at all"});
      return finding;
    }
    case WebsocketFailure::malformed:
      if (websocket->status == 101) {
        auto finding = about(websocket, "websocket.not_upgraded", Confidence::possible,
                             "it was answered with 101, and then not as RFC 6455 has it: " +
                                 websocket->detail.value_or("a breach of the protocol"));
        finding.values.insert(finding.values.begin(), {"status", "101 and a breach of the protocol"});
        return finding;
      }
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
