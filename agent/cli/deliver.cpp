#include "agent/cli/deliver.hpp"

#include "agent/cli/commands.hpp"
#include "agent/cli/prepare.hpp"
#include "agent/cli/read_file.hpp"
#include "agent/delivery/sender.hpp"
#include "agent/tell.hpp"
#include "reports/json/report_json.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

namespace vnetprobe {
namespace {

using namespace delivery;

std::filesystem::path directory_of(const std::string& given) {
  return given.empty() ? default_spool() : std::filesystem::path(given);
}

std::string utc(std::chrono::sys_seconds when) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::chrono::system_clock::to_time_t(when)));
}

std::string in_words(const Owed& owed) {
  if (owed.state == SinkState::parked) return "refused: " + owed.says;
  if (owed.attempts == 0) return "waiting";
  return fmt::format("waiting after {} attempt{}, next {}: {}", owed.attempts, owed.attempts == 1 ? "" : "s",
                     utc(owed.not_before), owed.says);
}

std::string status_text(Spool& spool) {
  const auto state = spool.state();
  std::string text =
      fmt::format("{}: {} waiting, {} refused, {} dropped, {} set aside as damaged\n", spool.directory().string(),
                  state.waiting, state.parked, state.dropped, state.set_aside);
  for (const auto& entry : spool.entries()) {
    text += fmt::format("{}  {}  {} bytes\n", entry.id, entry.verdict.empty() ? "unknown" : entry.verdict, entry.bytes);
    for (const auto& [sink, owed] : entry.owed) text += fmt::format("  {}: {}\n", sink, in_words(owed));
  }
  if (state.parked > 0)
    text +=
        "What was refused is kept. Mend the sink (a new SAS, the right address), then: vnetprobe deliver "
        "--retry-refused\n";
  return text;
}

std::string status_json(Spool& spool) {
  namespace json = boost::json;
  const auto state = spool.state();
  json::array entries;
  for (const auto& entry : spool.entries()) {
    json::array owed;
    for (const auto& [sink, one] : entry.owed)
      owed.push_back({{"sink", sink},
                      {"state", one.state == SinkState::parked ? "refused" : "waiting"},
                      {"attempts", one.attempts},
                      {"next", one.attempts > 0 ? utc(one.not_before) : std::string()},
                      {"says", one.says}});
    entries.push_back(
        {{"id", entry.id}, {"verdict", entry.verdict}, {"bytes", entry.bytes}, {"owed", std::move(owed)}});
  }
  return json::serialize(json::object{{"spool", spool.directory().string()},
                                      {"waiting", state.waiting},
                                      {"refused", state.parked},
                                      {"dropped", state.dropped},
                                      {"set_aside", state.set_aside},
                                      {"reports", std::move(entries)}}) +
         "\n";
}

asio::awaitable<void> one_round(Spool& spool, std::vector<Delivery> sinks, const Uplink& uplink, RoundWish wish,
                                Round& into) {
  into = co_await send_due(spool, std::move(sinks), uplink, wish);
}

// Notes the given reports; the error names the file.
std::string note_reports(const DeliverCommand& command, const std::vector<Delivery>& sinks, Spool& spool) {
  for (const auto& path : command.reports) {
    const auto file = read_file(path, report_at_most);
    if (!file.error.empty()) return file.error;
    const auto read = read_report(file.bytes);
    if (!read.report) return fmt::format("{}: {}", path == "-" ? "stdin" : path, read.error);
    auto message = message_of(*read.report);
    message.json = file.bytes.ends_with('\n') ? file.bytes : file.bytes + "\n";
    std::vector<std::string> keys;
    for (const auto& sink : sinks) keys.push_back(key_of(sink));
    spool.add(message, keys);
  }
  return {};
}

}  // namespace

std::optional<SpoolNote> spool_note(const std::string& directory, const Settings& settings) {
  if (settings.delivery.empty()) return std::nullopt;
  std::error_code problem;
  const auto path = directory_of(directory);
  if (!std::filesystem::is_directory(path, problem)) return std::nullopt;
  const auto state = Spool(path).state();
  if (state.waiting + state.parked + state.dropped == 0) return std::nullopt;
  return SpoolNote{.waiting = state.waiting,
                   .parked = state.parked,
                   .dropped = state.dropped,
                   .dropped_healthy = state.dropped_healthy};
}

void deliver_now(const Report& report, const std::string& directory, const Settings& settings, const Uplink& uplink) {
  if (settings.delivery.empty()) return;
  constexpr std::chrono::seconds patience{20};
  try {
    Spool spool(directory_of(directory));
    const auto round = deliver(report, settings.delivery, spool, uplink, {.limit = patience});
    for (const auto& problem : round.problems)
      spdlog::warn("not delivered: {}; the report waits in {}", problem, spool.directory().string());
  } catch (const std::exception& error) {
    spdlog::warn("not delivered: {}", error.what());
  }
}

namespace {

int carry_out(const DeliverCommand& command) {
  RunCommand as_run{.settings = command.settings, .config_path = command.config_path};
  auto preparation = prepare(as_run);
  if (!preparation.prepared) return complain(preparation.errors);
  const Prepared& prepared = *preparation.prepared;
  const Settings settings = merge(command.settings, prepared.config);
  Spool spool(directory_of(command.spool));
  if (command.status) {
    fmt::print("{}", command.format == "json" ? status_json(spool) : status_text(spool));
    const auto state = spool.state();
    return state.waiting + state.parked > 0 ? 1 : 0;
  }
  if (settings.delivery.empty())
    return complain(
        {"the configuration names no sink: add a section `delivery`, for example\n"
         "  delivery: [{webhook: \"https://hooks.contoso.com/vnet\", secret_file: /etc/vnetprobe/hook.key}]"});
  TlsContext::Options options;
  for (const auto& file : settings.ca_files) options.ca_files.push_back(file.value);
  auto tls = TlsContext::make(options);
  if (const auto* problem = std::get_if<std::string>(&tls)) return complain({*problem});
  if (const auto problem = note_reports(command, settings.delivery, spool); !problem.empty())
    return complain({problem});

  const Uplink uplink{.tls = std::get<TlsContext>(tls),
                      .proxy = settings.proxy,
                      .environment = prepared.surroundings.environment,
                      .connect_to = command.connect_to};
  Round round;
  asio::io_context loop(1);
  std::exception_ptr problem;
  const RoundWish wish{.at_once = true, .refused_too = command.retry_refused, .limit = command.limit};
  asio::co_spawn(loop, one_round(spool, settings.delivery, uplink, wish, round),
                 [&](std::exception_ptr thrown) { problem = thrown; });
  loop.run();
  if (problem) std::rethrow_exception(problem);
  for (const auto& line : round.problems) tell("vnetprobe: {}\n", line);
  const auto state = spool.state();
  fmt::print("{} delivered, {} waiting, {} refused\n", round.delivered, state.waiting, state.parked);
  return state.waiting + state.parked > 0 ? 1 : 0;
}

}  // namespace

int deliver_reports(const DeliverCommand& command) {
  try {
    return carry_out(command);
  } catch (const std::filesystem::filesystem_error& error) {
    tell("vnetprobe: the spool: {}: {}; --spool names another directory\n", error.path1().string(),
         error.code().message());
    return status_internal;
  }
}

}  // namespace vnetprobe
