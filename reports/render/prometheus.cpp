#include "reports/render/prometheus.hpp"

#include "reports/render/exposition.hpp"
#include "reports/render/words.hpp"

#include <fmt/format.h>
#include <boost/mp11.hpp>

#include <algorithm>
#include <map>

namespace vnetprobe {
namespace {

std::string label(std::string_view text) { return Exposition::label(text); }

std::string label(const std::optional<Sourced<std::string>>& value) { return value ? label(value->value) : ""; }

double seconds(std::chrono::microseconds duration) { return std::chrono::duration<double>(duration).count(); }

// Eight series each: a server of metrics is not to be filled by one configuration. The counts by verdict are of all.
constexpr std::size_t checks_at_most = 1000;

// A user may give two targets one name; the format allows no series twice.
std::vector<const Check*> once_each(const Report& report) {
  std::map<std::string, const Check*> seen;
  std::vector<const Check*> checks;
  for (const auto& check : report.checks)
    if (seen.size() < checks_at_most && seen.emplace(label(check.id), &check).second) checks.push_back(&check);
  return checks;
}

void about_the_run(Exposition& out, const Report& report) {
  const Node& node = report.node;
  out.gauge("report_info", "What ran where; always 1.");
  out.sample(fmt::format(R"(version="{}",catalog="{}",hostname="{}",profile="{}",cloud="{}",region="{}",era="{}")",
                         label(report.agent.version), label(report.agent.catalog), label(node.hostname),
                         label(node.profile), label(node.cloud), label(node.region), label(node.era)),
             true);
  out.gauge("report_verdict", "Verdict over all checks: 1 for the one that holds.");
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<OverallVerdict>>(
      [&](auto verdict) { out.sample(fmt::format("verdict=\"{}\"", verdict.name), report.verdict == verdict.value); });
  out.gauge("report_complete", "1 when neither the deadline nor a signal cut the run short.");
  out.sample("", report.complete);
  out.gauge("report_start_timestamp_seconds", "When the run began, in seconds since 1970.");
  out.sample("", static_cast<double>(report.started_at.time_since_epoch().count()) / 1e3);
  out.gauge("report_duration_seconds", "How long the run took.");
  out.sample("", seconds(report.duration));
  out.gauge("checks", "Checks by verdict.");
  const Summary& sum = report.summary;
  for (const auto& [verdict, count] : {std::pair{"pass", sum.pass},
                                       {"warn", sum.warn},
                                       {"fail", sum.fail},
                                       {"skip", sum.skip},
                                       {"inconclusive", sum.inconclusive}})
    out.sample(fmt::format("verdict=\"{}\"", verdict), static_cast<double>(count));
}

void about_the_diagnoses(Exposition& out, const Report& report) {
  std::map<std::string, int> counted;
  for (const auto& diagnosis : report.diagnoses)
    ++counted[fmt::format(R"(code="{}",severity="{}",confidence="{}",owner="{}")", label(diagnosis.code),
                          word(diagnosis.severity), word(diagnosis.confidence), word(diagnosis.owner))];
  if (counted.empty()) return;
  out.gauge("diagnoses", "Root causes found, by code; none, no sample.");
  for (const auto& [labels, count] : counted) out.sample(labels, static_cast<double>(count));
}

void about_the_layers(Exposition& out, const std::vector<const Check*>& checks) {
  out.gauge("check_layer_duration_seconds", "Slowest observation of a layer of the check's own stack.");
  for (const auto* check : checks) {
    std::map<std::string_view, std::chrono::microseconds> slowest;
    for (const auto& observation : check->observations)
      if (!observation.follow_up) {
        auto& longest = slowest[layer_of(observation.seen)];
        longest = std::max(longest, duration_of(observation.seen));
      }
    for (const auto& [layer, duration] : slowest)
      out.sample(fmt::format(R"(check="{}",layer="{}")", label(check->id), layer), seconds(duration));
  }
}

void about_the_certificates(Exposition& out, const std::vector<const Check*>& checks) {
  bool begun = false;
  for (const auto* check : checks) {
    std::optional<std::chrono::sys_seconds> earliest;
    for (const auto& observation : check->observations)
      if (const auto* tls = std::get_if<TlsObservation>(&observation.seen); tls && !observation.follow_up)
        for (const auto& certificate : tls->chain)
          earliest = earliest ? std::min(*earliest, certificate.not_after) : certificate.not_after;
    if (!earliest) continue;
    if (!begun)
      out.gauge("check_certificate_expiry_timestamp_seconds",
                "When the first certificate of the chain ends, in seconds since 1970.");
    begun = true;
    out.sample(fmt::format("check=\"{}\"", label(check->id)),
               static_cast<double>(earliest->time_since_epoch().count()));
  }
}

}  // namespace

std::string render_prometheus(const Report& report) {
  Exposition out;
  const auto checks = once_each(report);
  about_the_run(out, report);
  about_the_diagnoses(out, report);
  out.gauge("check_success", "1 when the check passed, with a warning or without; skipped ones are neither.");
  for (const auto* check : checks)
    if (check->verdict != Verdict::skip)
      out.sample(fmt::format(R"(check="{}",required="{}")", label(check->id), check->required),
                 check->verdict == Verdict::pass || check->verdict == Verdict::warn);
  out.gauge("check_verdict", "Verdict of each check: 1 for the one that holds.");
  for (const auto* check : checks)
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Verdict>>([&](auto verdict) {
      out.sample(
          fmt::format(R"(check="{}",required="{}",verdict="{}")", label(check->id), check->required, verdict.name),
          check->verdict == verdict.value);
    });
  out.gauge("check_duration_seconds", "How long each check took.");
  for (const auto* check : checks) out.sample(fmt::format("check=\"{}\"", label(check->id)), seconds(check->duration));
  about_the_layers(out, checks);
  about_the_certificates(out, checks);
  return out.take();
}

}  // namespace vnetprobe
