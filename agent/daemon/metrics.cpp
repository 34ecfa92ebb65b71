#include "agent/daemon/metrics.hpp"

#include "reports/render/exposition.hpp"
#include "reports/render/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace vnetprobe {
namespace {

using Seconds = std::chrono::duration<double>;

void about_the_process(Exposition& out, const DaemonFigures& figures) {
  out.gauge("process_start_time_seconds", "When the process began, in seconds since 1970.", figures.start_time);
  out.gauge("process_resident_memory_bytes", "Resident memory.", figures.resident_bytes);
  out.gauge("process_open_fds", "Open file descriptors.", figures.descriptors);
  out.counter("process_cpu_seconds_total", "User and system time of this process; runs are processes of their own.",
              figures.cpu_seconds);
}

// What a scrape of one target shows of its observations.
struct Shown {
  double dns{};
  int status{};
  std::map<std::string_view, double> layers;
  std::map<std::string, int> codes;
  std::optional<std::chrono::sys_seconds> expiry;

  void operator()(const DnsObservation& seen) { dns = std::max(dns, Seconds(seen.duration).count()); }
  void operator()(const HttpObservation& seen) { status = seen.status; }
  void operator()(const TlsObservation& seen) {
    for (const auto& certificate : seen.chain)
      expiry = expiry ? std::min(*expiry, certificate.not_after) : certificate.not_after;
  }
  template <class Other>
  void operator()(const Other&) {}
};

}  // namespace

std::string render_daemon_metrics(const DaemonFigures& figures, const std::string& version) {
  Exposition out;
  out.gauge("build_info", "The agent's version; always 1.");
  out.sample(fmt::format("version=\"{}\"", Exposition::label(version)), true);
  out.counter("daemon_runs_total", "Runs by how they ended: failed ones gave no report.");
  out.sample("result=\"completed\"", figures.runs_completed);
  out.sample("result=\"failed\"", figures.runs_failed);
  out.counter("daemon_runs_skipped_total", "Runs left out since the one before was still under way.",
              figures.runs_skipped);
  out.counter("daemon_runs_delayed_total", "Runs put off so that no destination gets too many connections.",
              figures.runs_delayed);
  out.gauge("daemon_interval_seconds", "Time between two runs as it is now, without jitter.", figures.interval);
  out.gauge("daemon_next_run_seconds", "Time until the next run.", figures.next_run_in);
  if (figures.report_age)
    out.gauge("report_age_seconds", "Time since the last report was finished.", *figures.report_age);
  out.counter("state_changes_total", "Runs whose verdict or diagnoses differed from the run before.", figures.changes);
  out.counter("flappings_total", "Times the node began to change again and again.", figures.flappings);
  out.gauge("flapping", "1 while the node's state changes again and again.", figures.flapping ? 1 : 0);
  out.gauge("spool_reports", "Reports on disk that a receiver still waits for.");
  out.sample("state=\"waiting\"", figures.waiting);
  out.sample("state=\"refused\"", figures.parked);
  out.counter("spool_dropped_total", "Reports given up for want of room.", figures.dropped);
  out.counter("deliveries_total", "Attempts to deliver a report, by outcome.");
  out.sample("outcome=\"delivered\"", figures.delivered);
  out.sample("outcome=\"failed\"", figures.not_delivered);
  out.sample("outcome=\"refused\"", figures.refused);
  out.gauge("config_last_reload_successful", "1 when the configuration on disk is the one in force.",
            figures.reload_successful ? 1 : 0);
  out.gauge("config_last_reload_success_timestamp_seconds", "When the configuration in force was read.",
            figures.reload_time);
  out.counter("http_requests_total", "Pages served.", figures.http_requests);
  out.counter("http_requests_refused_total", "Bad requests, missing tokens and clients that had to make room.",
              figures.http_refused);
  about_the_process(out, figures);
  return out.take();
}

std::string render_probe_metrics(const Report& report) {
  Shown shown;
  for (const auto& check : report.checks)
    for (const auto& observation : check.observations)
      if (!observation.follow_up) {
        std::visit(shown, observation.seen);
        auto& slowest = shown.layers[layer_of(observation.seen)];
        slowest = std::max(slowest, Seconds(duration_of(observation.seen)).count());
      }
  for (const auto& diagnosis : report.diagnoses)
    ++shown
          .codes[fmt::format(R"(code="{}",severity="{}",confidence="{}",owner="{}")", Exposition::label(diagnosis.code),
                             word(diagnosis.severity), word(diagnosis.confidence), word(diagnosis.owner))];
  const bool success = !report.checks.empty() && std::ranges::all_of(report.checks, [](const Check& check) {
    return check.verdict == Verdict::pass || check.verdict == Verdict::warn;
  });
  Exposition out;
  out.gauge("probe_success", "1 when the target answered as it should.", success ? 1 : 0);
  out.gauge("probe_duration_seconds", "How long the probe took, experiments after a failure included.",
            Seconds(report.duration).count());
  out.gauge("probe_dns_lookup_time_seconds", "The slowest look-up of the target's name.", shown.dns);
  if (shown.status != 0) out.gauge("probe_http_status_code", "Status of the answer.", shown.status);
  if (shown.expiry)
    out.gauge("probe_ssl_earliest_cert_expiry", "When the first certificate of the chain ends, in seconds since 1970.",
              static_cast<double>(shown.expiry->time_since_epoch().count()));
  out.gauge("probe_layer_duration_seconds", "Slowest observation of each layer.");
  for (const auto& [layer, seconds] : shown.layers) out.sample(fmt::format("layer=\"{}\"", layer), seconds);
  if (!report.diagnoses.empty()) out.gauge("probe_diagnoses", "Root causes found, by code.");
  for (const auto& [labels, count] : shown.codes) out.sample(labels, static_cast<double>(count));
  return out.take();
}

}  // namespace vnetprobe
