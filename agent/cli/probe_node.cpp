#include "agent/cli/probe_node.hpp"

#include "agent/cli/prepare.hpp"
#include "agent/run/interrupts.hpp"
#include "agent/run/node_checks.hpp"
#include "agent/run/progress.hpp"
#include "agent/run/tagged_addresses.hpp"
#include "agent/run/ulid.hpp"
#include "agent/run/without_secrets.hpp"
#include "agent/tags/source.hpp"
#include "probes/imds.hpp"
#include "reports/diagnosis/diagnose.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <csignal>
#include <future>

namespace vnetprobe {
namespace {

using SystemClock = std::chrono::system_clock;

std::chrono::sys_time<std::chrono::milliseconds> now() {
  return std::chrono::floor<std::chrono::milliseconds>(SystemClock::now());
}

// What IMDS would add to the plan is its cloud and region. Where both are known, IMDS is asked beside the other checks
// and its absence costs nothing; where not, the plan waits for it, shortly.
// The user's own targets are planned without either.
bool plan_needs_imds(const Settings& known, const RunCommand& command) {
  const bool only_own_targets = !command.only.empty() && std::ranges::all_of(command.only, [](const auto& id) {
    return id.starts_with("target.");
  });
  return !only_own_targets && (!known.cloud || !known.region || !known.subscription);
}

constexpr std::chrono::milliseconds imds_wait{1500};

struct ImdsAsked {
  std::optional<ImdsObservation> seen;
  bool signalled{};
};

asio::awaitable<void> ask_imds(std::string endpoint, std::chrono::milliseconds limit, ImdsAsked& into) {
  using namespace asio::experimental::awaitable_operators;
  asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
  auto first = co_await (observe_imds(std::move(endpoint), limit) || signals.async_wait(asio::use_awaitable));
  if (first.index() == 0)
    into.seen = std::get<0>(std::move(first));
  else
    into.signalled = true;
}

ImdsAsked ask_imds(const Settings& known, const RunCommand& command, std::chrono::milliseconds left) {
  ImdsAsked asked{.signalled = Interrupts::came()};
  if (asked.signalled || !plan_needs_imds(known, command)) return asked;
  asio::io_context loop(1);
  std::exception_ptr problem;
  const std::string endpoint = known.imds_endpoint ? known.imds_endpoint->value : imds_default_endpoint;
  asio::co_spawn(loop, ask_imds(endpoint, std::min(imds_wait, left), asked),
                 [&](std::exception_ptr thrown) { problem = thrown; });
  loop.run();
  if (problem) std::rethrow_exception(problem);
  return asked;
}

std::vector<Endpoint> resolvers_to_ask(const Discovery& discovery) {
  std::vector<Endpoint> resolvers;
  const auto once = [&](const Endpoint& server) {
    if (std::ranges::find(resolvers, server) == resolvers.end()) resolvers.push_back(server);
  };
  for (const auto& given : discovery.settings.resolvers) once(given.value);
  if (!resolvers.empty() || !discovery.host.resolvers.resolvers) return resolvers;
  for (const auto& server : discovery.host.resolvers.resolvers->servers) once(server.endpoint);
  return resolvers;
}

std::variant<TlsContext, std::string> tls_context(const Settings& settings) {
  TlsContext::Options options;
  for (const auto& file : settings.ca_files) options.ca_files.push_back(file.value);
  return TlsContext::make(options);
}

std::string nothing_selected(const RunCommand& command) {
  const auto& globs = command.only.empty() ? command.skip : command.only;
  return fmt::format("{} leaves no check to run: {}; `vnetprobe list checks` names them",
                     command.only.empty() ? "--skip" : "--only", fmt::join(globs, ", "));
}

Watcher watcher_of(Progress& progress) {
  return {.started = [&](const std::string& id) { progress.started(id); },
          .finished = [&](const Check& check) { progress.finished(check.id); },
          .tick = [&] { progress.tick(); }};
}

AgentInfo agent_info(const Catalogue& catalogue, const Settings& settings) {
  return {.version = VNETPROBE_VERSION,
          .catalog = fmt::format("{} {}", catalogue.name, catalogue.version),
          .era = settings.era ? std::string(name_of(settings.era->value)) : "",
          .service_tags = {}};
}

// --service-tags alone decides; a file of the configuration or an installed one counts where it is newer than the
// snapshot. One that is broken is told, and the snapshot used.
tags::TagFileRead service_tags(const Settings& settings) {
  tags::SourceWish wish{.lenient = true};
  if (settings.cloud) wish.cloud = name_of(settings.cloud->value);
  if (settings.service_tags && settings.service_tags->source.starts_with("--"))
    wish.named = settings.service_tags->value;
  else if (settings.service_tags)
    wish.configured = settings.service_tags->value;
  auto read = tags::open_tags(wish);
  if (read.file || !wish.named.empty()) return read;
  for (const auto& error : read.errors) spdlog::warn("{}", error);
  return {.file = tags::snapshot(wish.cloud), .errors = {}};
}

const char* word_for(Interruption interrupted) {
  switch (interrupted) {
    case Interruption::none:
      return "";
    case Interruption::deadline:
      return "deadline";
    case Interruption::signal:
      return "signal";
  }
  return "";
}

// The node's picture gets what a later IMDS answer said of its reachability; the plan was made without it.
void note_imds(Report& report) {
  for (const auto& check : report.checks)
    for (const auto& observation : check.observations)
      if (const auto* imds = std::get_if<ImdsObservation>(&observation.seen))
        report.node.imds = {
            .value = imds->error ? std::string(boost::describe::enum_to_string(*imds->error, "failed")) : "answered",
            .source = imds->url};
}

// Interrupted before the first check: what discovery has read is known all the same.
RunOutcome without_running(const Plan& plan, const Discovery& discovery) {
  RunOutcome outcome{.interrupted = Interruption::signal};
  for (const auto& planned : plan.checks) {
    auto& check = outcome.checks.emplace_back(planned.check);
    check.finished = !planned.run || observe_what_is_read(discovery, check);
  }
  return outcome;
}

// What is carried from one step to the next.
struct Steps {
  const RunCommand& command;
  Clock::time_point started = Clock::now();
  Report report{.id = make_ulid(), .started_at = now()};
  Prepared prepared;
  tags::TagFile tags;

  Steps(const RunCommand& of) : command(of) {}
};

RunBounds bounds_for(const Settings& settings, Clock::time_point started) {
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started);
  RunBounds bounds;
  if (settings.deadline) bounds.deadline = settings.deadline->value;
  // Who asks for silence and names no deadline has asked for the time that it takes.
  if (settings.deadline && settings.deadline->source == "default")
    bounds.deadline += settings.timeouts.websocket_idle.value_or(std::chrono::milliseconds(0));
  bounds.deadline = std::max(bounds.deadline - spent, std::chrono::milliseconds(0));
  if (settings.concurrency) bounds.concurrency = settings.concurrency->value;
  return bounds;
}

void warn(const Prepared& prepared, const Discovery& discovery) {
  const auto& [deadline, idle] = std::pair(discovery.settings.deadline, discovery.settings.timeouts.websocket_idle);
  if (deadline && deadline->source == "--deadline" && idle && *idle >= deadline->value)
    spdlog::warn("--deadline comes before the WebSockets have been idle for as long as was asked for; make it longer");
  for (const auto& note : prepared.notes) spdlog::warn("{}", note);
  for (const auto& note : discovery.notes) spdlog::warn("{}", note);
  for (const auto& problem : proxy_problems(discovery.settings.proxy, prepared.surroundings.environment))
    spdlog::warn("{}", problem);
}

// The report, from what was discovered and what the checks saw.
Report concluded(Steps& steps, const Discovery& discovery, const Plan& plan, RunOutcome outcome) {
  Report report = std::move(steps.report);
  report.finished_at = now();
  report.duration = since(steps.started);
  report.complete = outcome.interrupted == Interruption::none;
  report.interrupted_by = word_for(outcome.interrupted);
  report.agent = agent_info(steps.prepared.catalogue, discovery.settings);
  report.agent.service_tags = describe_tags(steps.tags, std::chrono::floor<std::chrono::days>(report.started_at));
  report.node = discovery.node;
  report.node.interception_allowed = discovery.settings.allow_interception;
  report.agent.service_tags->routes = forced_tunnel_routes(steps.tags, report.node);
  note_tagged_addresses(outcome.checks, steps.tags);
  take_secrets_out(outcome.checks);
  report.checks = std::move(outcome.checks);
  report.not_checked = plan.not_checked;
  note_imds(report);
  diagnose(report);
  return report;
}

}  // namespace

std::variant<NodeRun, std::vector<std::string>> probe_node(const RunCommand& command) {
  using Errors = std::vector<std::string>;
  Steps steps(command);
  Interrupts interrupts;
  // Reading a hundred and fifty roots takes as long as a request: all else is prepared meanwhile.
  std::future<std::variant<TlsContext, std::string>> reading_roots;
  auto preparation = prepare(command, [&](const Settings& said) {
    reading_roots = std::async(std::launch::async, [said] { return tls_context(said); });
  });
  if (!preparation.prepared) return preparation.errors;
  steps.prepared = std::move(*preparation.prepared);
  const Prepared& prepared = steps.prepared;

  const Settings known = merge(command.settings, merge(prepared.config, prepared.local.settings));
  const ImdsAsked imds = ask_imds(known, command, bounds_for(known, steps.started).deadline);
  interrupts.renew();
  const Discovery discovery = combine(command.settings, prepared.config, prepared.local, prepared.host, imds.seen);
  warn(prepared, discovery);

  auto tags = service_tags(discovery.settings);
  if (!tags.file) return tags.errors;
  steps.tags = std::move(*tags.file);

  const Plan plan = selected_plan(prepared, discovery, command);
  if (plan.checks.empty() && !(command.only.empty() && command.skip.empty())) return Errors{nothing_selected(command)};

  auto tls = reading_roots.get();
  if (const auto* problem = std::get_if<std::string>(&tls)) return Errors{*problem};
  const Settings& settings = discovery.settings;
  const Equipment equipment{.discovery = discovery,
                            .surroundings = prepared.surroundings,
                            .tls = std::get<TlsContext>(tls),
                            .connect_to = command.connect_to,
                            .resolvers = resolvers_to_ask(discovery),
                            .ask_libc = settings.resolvers.empty(),
                            .limits = limits_of(settings.timeouts)};
  const RunBounds bounds = bounds_for(settings, steps.started);
  RunOutcome outcome;
  if (imds.signalled || Interrupts::came()) {
    outcome = without_running(plan, discovery);
  } else {
    Progress progress(plan.checks.size(), bounds.deadline, !command.presentation.quiet);
    outcome = run_plan(plan, equipment, bounds, watcher_of(progress));
    interrupts.renew();
  }
  const auto interrupted = outcome.interrupted;
  return NodeRun{.report = concluded(steps, discovery, plan, std::move(outcome)),
                 .interrupted = interrupted,
                 .settings = settings,
                 .surroundings = prepared.surroundings,
                 .tls = std::get<TlsContext>(std::move(tls))};
}

}  // namespace vnetprobe
