#include "agent/bundle/bundle.hpp"

#include "agent/bundle/archive.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/prepare.hpp"
#include "agent/cli/probe_node.hpp"
#include "agent/cli/read_file.hpp"
#include "agent/delivery/sinks.hpp"
#include "agent/delivery/spool.hpp"
#include "agent/tell.hpp"
#include "reports/bundle/redact.hpp"
#include "reports/diagnosis/diagnose.hpp"
#include "reports/json/report_json.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>

namespace vnetprobe {
namespace {

std::string default_name() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("vnetprobe-{:%Y%m%dT%H%M%SZ}.tar.gz", fmt::gmtime(now));
}

std::string wrong_pattern(const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns)
    if (const auto error = bundle::Redactor::pattern_error(pattern); !error.empty())
      return fmt::format("--redact '{}': {}; write a regular expression, its first group is the secret", pattern,
                         error);
  return {};
}

std::string unknown_glob(const bundle::Wish& wish) {
  const auto chosen = [&](const auto& collector) { return bundle::is_chosen(collector.id, wish); };
  if (std::ranges::any_of(bundle::collectors(), chosen)) return {};
  return "--only and --skip leave no item; `vnetprobe bundle --estimate` names them";
}

asio::awaitable<void> send_up(Delivery sink, std::string path, const delivery::Uplink& uplink,
                              delivery::Attempt& into) {
  into = co_await delivery::put_file(sink, path, uplink);
}

// 0, or the status that a failed upload ends with; the bundle stays on the disk either way.
int upload(const std::string& path, NodeRun& run, const BundleCommand& command) {
  const auto sink = std::ranges::find(run.settings.delivery, DeliveryKind::blob, &Delivery::kind);
  if (sink == run.settings.delivery.end())
    return complain(
        {"--upload: the configuration names no blob; add: delivery: [{blob: \"https://ACCOUNT.blob.core.windows.net/"
         "CONTAINER\", secret_file: /etc/vnetprobe/sas}]"});
  delivery::Uplink uplink{.tls = run.tls,
                          .proxy = run.settings.proxy,
                          .environment = run.surroundings.environment,
                          .connect_to = command.run.connect_to};
  uplink.limit = std::chrono::minutes(5);
  delivery::Attempt attempt;
  asio::io_context loop(1);
  std::exception_ptr problem;
  asio::co_spawn(loop, send_up(*sink, path, uplink, attempt), [&](std::exception_ptr thrown) { problem = thrown; });
  loop.run();
  if (problem) std::rethrow_exception(problem);
  if (attempt.outcome != delivery::Outcome::delivered) {
    tell("vnetprobe: not uploaded: {}\n", attempt.says);
    return 1;
  }
  fmt::print("uploaded to {}\n", attempt.says);
  return 0;
}

// A saved report with what an upload needs.
std::variant<NodeRun, std::vector<std::string>> saved_run(const BundleCommand& command) {
  using Errors = std::vector<std::string>;
  const auto file = read_file(command.report, report_at_most);
  if (!file.error.empty()) return Errors{file.error};
  auto read = read_report(file.bytes);
  if (!read.report) return Errors{fmt::format("{}: {}", command.report, read.error)};
  auto preparation = prepare(command.run);
  if (!preparation.prepared) return preparation.errors;
  Settings settings = merge(command.run.settings, preparation.prepared->config);
  TlsContext::Options options;
  for (const auto& ca_file : settings.ca_files) options.ca_files.push_back(ca_file.value);
  auto tls = TlsContext::make(options);
  if (const auto* problem = std::get_if<std::string>(&tls)) return Errors{*problem};
  return NodeRun{.report = std::move(*read.report),
                 .settings = std::move(settings),
                 .surroundings = preparation.prepared->surroundings,
                 .tls = std::get<TlsContext>(std::move(tls))};
}

int inspect(const BundleCommand& command) {
  std::string problem;
  const auto text = bundle::inspect(command.path, problem);
  fmt::print("{}", text);
  return problem.empty() ? 0 : complain({problem});
}

}  // namespace

int make_bundle(const BundleCommand& command) {
  if (command.verb == "inspect") return inspect(command);
  bundle::Wish wish{.path = command.path.empty() ? default_name() : command.path,
                    .only = command.only,
                    .skip = command.skip,
                    .own_patterns = command.patterns,
                    .since = command.since,
                    .anonymize = command.anonymize};
  if (const auto problem = wrong_pattern(wish.own_patterns); !problem.empty()) return complain({problem});
  if (const auto problem = unknown_glob(wish); !problem.empty()) return complain({problem});
  if (command.estimate) {
    fmt::print("{}", bundle::estimate(wish));
    return 0;
  }
  auto probed = command.report.empty() ? probe_node(command.run) : saved_run(command);
  if (const auto* errors = std::get_if<std::vector<std::string>>(&probed)) return complain(*errors);
  auto& run = std::get<NodeRun>(probed);
  if (run.interrupted == Interruption::signal) {
    tell("vnetprobe: interrupted; no bundle was made\n");
    return 1;
  }
  bundle::end_with_children_on_signal();
  wish.spool =
      (command.run.spool.empty() ? delivery::default_spool() : std::filesystem::path(command.run.spool)).string();
  const bool shows_progress = ::isatty(STDERR_FILENO) != 0;
  bundle::Made made;
  try {
    made = bundle::make_bundle(run.report, wish, [&](std::string_view id) {
      if (shows_progress) tell("\r\x1b[Kcollecting {}", id);
    });
  } catch (const std::runtime_error& error) {
    return complain({error.what()});
  }
  if (shows_progress) tell("\r\x1b[K");
  fmt::print("{}: {} items, {} not to be had, {} cut off at their bound, {} secrets redacted\n", wish.path, made.items,
             made.failed, made.truncated, made.redactions);
  if (!made.map_path.empty()) fmt::print("{}: what became what; keep it to yourself\n", made.map_path);
  return command.upload ? upload(wish.path, run, command) : 0;
}

}  // namespace vnetprobe
