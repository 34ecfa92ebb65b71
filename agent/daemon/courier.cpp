#include "agent/daemon/courier.hpp"

#include "agent/discovery/discover.hpp"
#include "agent/discovery/proxy_choice.hpp"

#include <spdlog/spdlog.h>

namespace vnetprobe {
namespace {

// What failed is looked at this often; its own back-off decides whether it is tried.
constexpr std::chrono::seconds look_every{15};
constexpr std::chrono::seconds round_at_most{60};

}  // namespace

// What a round sends by. A round under way keeps its own while a reload replaces it.
struct Courier::Means {
  std::vector<Delivery> sinks;
  TlsContext tls;
  Setting<std::string> proxy;
  std::map<std::string, std::string> environment;
  std::vector<ConnectTo> connect_to;
};

Courier::Courier(asio::io_context& loop, std::filesystem::path spool) : directory_(std::move(spool)), poke_(loop) {}

void Courier::configure(const Settings& settings, const std::vector<ConnectTo>& connect_to) {
  means_.reset();
  if (settings.delivery.empty()) return;
  TlsContext::Options options;
  for (const auto& file : settings.ca_files) options.ca_files.push_back(file.value);
  auto tls = TlsContext::make(options);
  if (const auto* problem = std::get_if<std::string>(&tls)) throw std::runtime_error(*problem);
  const Settings known = merge(settings, default_settings());
  means_ = std::make_shared<Means>(Means{.sinks = settings.delivery,
                                         .tls = std::get<TlsContext>(std::move(tls)),
                                         .proxy = known.proxy,
                                         .environment = surroundings_of_this_process().environment,
                                         .connect_to = connect_to});
  try {
    if (!spool_) spool_.emplace(directory_);
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("the spool: ") + error.what() + "; --spool names another directory");
  }
  poke_.cancel();
}

void Courier::annotate(Report& report) {
  report.spool.reset();
  if (!means_ || !spool_) return;
  const auto state = spool_->state();
  if (state.waiting + state.parked + state.dropped == 0) return;
  report.spool = {.waiting = state.waiting,
                  .parked = state.parked,
                  .dropped = state.dropped,
                  .dropped_healthy = state.dropped_healthy};
}

void Courier::take(const Report& report) {
  if (!means_ || !spool_) return;
  const auto message = delivery::message_of(report);
  std::vector<std::string> keys;
  for (const auto& sink : means_->sinks)
    if (sink.when == DeliverWhen::change ? report.change.has_value()
                                         : delivery::is_wanted(sink.when, message, std::nullopt))
      keys.push_back(delivery::key_of(sink));
  try {
    if (!keys.empty()) spool_->add(message, keys);
    spool_->remember(message);
    if (report.spool) {
      counted_.dropped += report.spool->dropped;
      spool_->forget_dropped(report.spool->dropped, report.spool->dropped_healthy);
    }
  } catch (const std::exception& error) {
    spdlog::error("the report cannot be kept for delivery: {}", error.what());
  }
  poke_.cancel();
}

void Courier::tell(DaemonFigures& figures) const {
  figures.delivered = counted_.delivered;
  figures.not_delivered = counted_.not_delivered;
  figures.refused = counted_.refused;
  figures.dropped = counted_.dropped;
  figures.waiting = counted_.waiting;
  figures.parked = counted_.parked;
}

asio::awaitable<void> Courier::send_round() {
  const auto means = means_;
  const delivery::Uplink uplink{
      .tls = means->tls, .proxy = means->proxy, .environment = means->environment, .connect_to = means->connect_to};
  const auto round = co_await delivery::send_due(*spool_, means->sinks, uplink, {.limit = round_at_most});
  counted_.delivered += round.delivered;
  counted_.not_delivered += round.failed;
  counted_.refused += round.refused;
  for (const auto& problem : round.problems)
    if (problem != last_problem_) spdlog::warn("not delivered: {}", last_problem_ = problem);
}

asio::awaitable<void> Courier::keep_sending() {
  for (;;) {
    try {
      if (means_ && spool_) {
        const auto state = spool_->state();
        if (state.waiting > 0) co_await send_round();
        const auto left = spool_->state();
        counted_.waiting = left.waiting;
        counted_.parked = left.parked;
      }
    } catch (const std::exception& error) {
      if (error.what() != last_problem_) spdlog::error("delivery: {}", last_problem_ = error.what());
    }
    poke_.expires_after(look_every);
    boost::system::error_code poked;
    co_await poke_.async_wait(asio::redirect_error(asio::use_awaitable, poked));
  }
}

}  // namespace vnetprobe
