#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/experiments.hpp"

#include <algorithm>
#include <array>

// Something that reads requests lets some kinds pass and others not: what the same request in another shape shows.
namespace vnetprobe {
namespace {

using Http = Cited<HttpObservation>;

// Refused in whatever words, or put off: no better than the first time.
bool is_turned_away(int status) {
  return status == 403 || status == 406 || status == 407 || status == 429 || status >= 500;
}

// Nothing but the User-Agent differs between a refusal that something in between wrote and an answer.
std::vector<Finding> minds_who_asks(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& answer : answers_of(evidence.open)) {
    if (answer.is_websocket || (answer.status != 403 && answer.status != 406) || middlebox_sign(answer).empty())
      continue;
    for (const auto& browser : cited<HttpObservation>(*answer.check, Part::experiments)) {
      if (!browser->user_agent || browser->status == 0 || is_turned_away(browser->status)) continue;
      Finding finding{.code = "http.user_agent_filtered",
                      .subject = answer.check->target.host,
                      .confidence = Confidence::likely,
                      .checks = {answer.check->id}};
      finding.evidence = {answer.says(fmt::format("{} for vnetprobe, with {}", answer.status, middlebox_sign(answer)))};
      finding.values = {{"url", std::string(answer.url)}};
      finding.evidence.push_back(browser.says(fmt::format("{} for a browser", browser->status)));
      findings.push_back(std::move(finding));
      break;
    }
  }
  return findings;
}

struct Bodies {
  std::optional<Http> small, big;
};
Bodies with_a_body(const Check& check) {
  constexpr int small_at_most = 1024;
  Bodies found;
  for (const auto& http : cited<HttpObservation>(check, Part::experiments))
    if (http->request_bytes) (*http->request_bytes > small_at_most ? found.big : found.small) = http;
  return found;
}

// The service may well refuse a POST to an address that wants a GET; only a refusal that something in between signed
// counts. Who hands on the service's own 405 writes Via into it, and into the answer to the GET as well; and no service
// forbids (403) what it only cannot do.
bool refused_on_the_way(const Http& http, const Http& get) {
  const bool refusal = http->status == 403 || http->status == 405 || http->status == 413 || http->status == 501;
  const auto answer = read_answer(http);
  if (http->error || !refusal || middlebox_sign(answer).empty()) return false;
  return http->status == 403 || sign_names_the_author(answer) || !value_of(get->headers, "Via");
}

Finding about(const Http& http, std::string code, Confidence confidence, std::string words) {
  Finding finding{.code = std::move(code), .subject = http.check->target.host, .confidence = confidence};
  finding.checks = {http.check->id};
  finding.warns = true;
  finding.evidence = {http.says(std::move(words))};
  return finding;
}

// A GET was answered as it should be, and a POST or its content is not let through: sign-in and uploads fail, which no
// check of a healthy look shows.
std::vector<Finding> minds_the_method_or_the_content(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    const auto answers = cited<HttpObservation>(*check);
    const auto [small, big] = with_a_body(*check);
    if (answers.empty() || answers.back()->error || !small) continue;
    const auto get = answers.back().says(fmt::format("GET is answered with {}", answers.back()->status));
    if (refused_on_the_way(*small, answers.back()) && (*small)->status != answers.back()->status) {
      findings.push_back(about(
          *small, "http.method_blocked", Confidence::proven,
          fmt::format("POST is answered with {}, with {}", (*small)->status, middlebox_sign(read_answer(*small)))));
    } else if (big && !(*small)->error &&
               ((*big)->error == HttpFailure::timed_out || refused_on_the_way(*big, answers.back()))) {
      const auto how = (*big)->error ? "gets no answer" : fmt::format("is answered with {}", (*big)->status);
      findings.push_back(about(*big, "http.body_blocked", Confidence::possible,
                               fmt::format("a POST of {} bytes {}", (*big)->request_bytes.value_or(0), how)));
      findings.back().evidence.push_back(small->says("one of a few bytes is answered"));
    } else {
      continue;
    }
    findings.back().evidence.push_back(get);
  }
  return findings;
}

}  // namespace

std::span<const NamedRule> http_filter_rules() {
  static constexpr std::array rules{NamedRule{"http.user_agent_filtered", minds_who_asks},
                                    NamedRule{"http.method_blocked", minds_the_method_or_the_content}};
  return rules;
}

}  // namespace vnetprobe
