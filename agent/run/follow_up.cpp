#include "agent/run/follow_up.hpp"

#include "agent/discovery/proxy_choice.hpp"
#include "agent/run/climb.hpp"
#include "probes/concurrently.hpp"
#include "probes/dns.hpp"
#include "probes/inbound.hpp"
#include "probes/path.hpp"
#include "probes/proxy.hpp"
#include "probes/tcp.hpp"
#include "probes/udp.hpp"
#include "reports/diagnosis/experiments.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

// The second round may ask about what the first one showed, the third where on the way it happens.
constexpr int rounds_at_most = 3;
const Endpoint azure_dns_server{.address = "168.63.129.16", .port = 53};
// An experiment is short: what it separates shows within a few round trips, or not at all.
constexpr std::chrono::milliseconds experiment_limit{3000}, path_limit{1500}, datagram_limit{600};
constexpr int small_segment = 1200;
constexpr std::size_t several_segments = 4000;
constexpr int small_body = 16, big_body = 64 * 1024;
constexpr std::size_t connections_at_once = 5;

asio::awaitable<void> ask_dns(FollowUp question, Endpoint server, DnsTransport transport, std::string name,
                              const Equipment& equipment, Check& check) {
  const auto to = destination(equipment, server.address, server.address, server.port).endpoint;
  auto seen = co_await observe_dns(std::move(name), DnsType::a, to, transport, equipment.limits.dns);
  check.observations.push_back({.seen = std::move(seen), .follow_up = std::move(question.because)});
}

// The same request with nothing to upgrade to.
PlannedCheck without_upgrade(PlannedCheck planned) {
  planned.stack = Stack::https;
  if (planned.check.target.url.starts_with("ws")) planned.check.target.url.replace(0, 2, "http");
  return planned;
}

PlannedCheck up_to_tls(PlannedCheck planned) {
  planned.stack = planned.stack == Stack::http ? Stack::tcp : Stack::tls;
  return planned;
}

PlannedCheck to_address(PlannedCheck planned, const Endpoint& server) {
  planned.check.target.host = server.address;
  return planned;
}

// As far as the check came: an experiment about a handshake has no use for the request after it.
PlannedCheck up_to_failure(PlannedCheck planned, const Check& check) {
  const bool asked = std::any_of(check.observations.begin(), check.observations.end(), [](const Observation& one) {
    return !one.follow_up && (std::holds_alternative<HttpObservation>(one.seen) ||
                              std::holds_alternative<WebsocketObservation>(one.seen));
  });
  return asked ? planned : up_to_tls(std::move(planned));
}

PlannedCheck with_big_request(PlannedCheck planned) {
  planned.headers.push_back({"X-Vnetprobe-Padding", std::string(several_segments, 'x')});
  return planned;
}

Limits short_limits(Limits limits) {
  for (auto* limit : {&limits.tcp, &limits.tls, &limits.http, &limits.websocket})
    *limit = std::min(*limit, experiment_limit);
  return limits;
}

asio::awaitable<void> climb_variant(PlannedCheck variant, const Equipment& equipment, Names& names, Way way,
                                    Check& check) {
  Check scratch = variant.check;
  scratch.observations.clear();
  co_await climb(variant, equipment, names, std::move(way), scratch);
  for (auto& answer : scratch.observations) check.observations.push_back(std::move(answer));
}

// The network did it again. Of several addresses one that connects is enough.
bool got_lost(const std::vector<Observation>& climbed) {
  if (climbed.empty()) return true;
  const auto& seen = climbed.back().seen;
  if (std::holds_alternative<TcpObservation>(seen))
    return std::ranges::none_of(climbed, [](const Observation& one) {
      return std::holds_alternative<TcpObservation>(one.seen) && is_ok(one.seen);
    });
  if (const auto* tls = std::get_if<TlsObservation>(&seen)) return was_cut(*tls);
  if (const auto* http = std::get_if<HttpObservation>(&seen)) return http->error.has_value();
  const auto* socket = std::get_if<WebsocketObservation>(&seen);
  return socket && socket->error == WebsocketFailure::timed_out;
}

// A climb that comes through is what the check is judged by; the one before stays as evidence of a loss. One that is
// lost as well is another experiment.
asio::awaitable<void> climb_afresh(PlannedCheck planned, const Equipment& equipment, Names& names, std::string because,
                                   Check& check) {
  Check scratch = planned.check;
  scratch.observations.clear();
  Way as_programs_go{.because = because};
  co_await climb(planned, equipment, names, std::move(as_programs_go), scratch);
  if (!got_lost(scratch.observations)) {
    for (auto& before : check.observations)
      if (!before.follow_up && !std::holds_alternative<DnsObservation>(before.seen))
        before.follow_up = std::string(first_attempt) + because;
    for (auto& now : scratch.observations) now.follow_up.reset();
  }
  for (auto& answer : scratch.observations) check.observations.push_back(std::move(answer));
}

asio::awaitable<void> shake_hands(FollowUp question, const Equipment& equipment, Check& check) {
  const Limits limits = short_limits(equipment.limits);
  auto opened = co_await open_tcp(*question.server, limits.tcp);
  if (!opened.socket) {
    check.observations.push_back({.seen = std::move(opened.seen), .follow_up = std::move(question.because)});
    co_return;
  }
  TlsRequest wanted{.server_name = question.name.empty() ? check.target.host : question.name};
  wanted.send_name = question.kind != FollowUpKind::tls_without_name;
  wanted.only_tls12 = question.kind == FollowUpKind::tls_only_12;
  auto shaken = co_await open_tls(std::move(*opened.socket), equipment.tls, std::move(wanted),
                                  long_enough(limits.tls, opened.seen));
  check.observations.push_back({.seen = std::move(shaken.seen), .follow_up = std::move(question.because)});
}

asio::awaitable<void> trace(FollowUp question, const Equipment& equipment, Check& check) {
  const PathBounds bounds{.hops = question.hops, .limit = path_limit};
  if (question.kind == FollowUpKind::path_syn) {
    auto seen = co_await trace_syn(*question.server, bounds);
    check.observations.push_back({.seen = std::move(seen), .follow_up = std::move(question.because)});
    co_return;
  }
  auto seen =
      co_await trace_client_hello(*question.server, equipment.tls, std::move(question.name), experiment_limit, bounds);
  check.observations.push_back({.seen = std::move(seen), .follow_up = std::move(question.because)});
}

asio::awaitable<void> send_datagram(FollowUp question, Check& check) {
  auto seen = co_await observe_udp(*question.server, datagram_limit);
  check.observations.push_back({.seen = std::move(seen), .follow_up = std::move(question.because)});
}

asio::awaitable<void> connect_once(Endpoint remote, int beside, std::string because, Check& check) {
  auto result = co_await open_tcp(std::move(remote), path_limit);
  if (beside >= 0) result.seen.sockets_beside = beside;
  check.observations.push_back({.seen = std::move(result.seen), .follow_up = std::move(because)});
}

// Each from a port of its own: what picks single connections out shows, and what stops all of them.
asio::awaitable<void> connect_again(FollowUp question, std::filesystem::path root, Check& check) {
  const int beside = sockets_to(*question.server, root).value_or(-1);
  std::vector<asio::awaitable<void>> work;
  for (std::size_t i = 0; i < connections_at_once; ++i)
    work.push_back(connect_once(*question.server, beside, question.because, check));
  co_await concurrently(std::move(work));
}

asio::awaitable<void> ask_with_search(FollowUp question, std::string name, const Equipment& equipment, Check& check) {
  auto seen = co_await observe_libc(std::move(name), equipment.limits.libc, true);
  check.observations.push_back({.seen = std::move(seen), .follow_up = std::move(question.because)});
}

// CONNECT through a proxy that this run does not use by itself.
asio::awaitable<void> try_proxy(FollowUp question, const Equipment& equipment, Names& names, Check& check) {
  const auto proxy = parse_proxy(question.name);
  if (!proxy) co_return;
  const auto addresses = co_await names.addresses(proxy->host);
  if (addresses.empty()) co_return;
  const Limits limits = short_limits(equipment.limits);
  const auto to = destination(equipment, proxy->host, addresses.front(), proxy->port);
  auto opened = co_await open_tcp(to.endpoint, limits.tcp);
  const bool connected = opened.socket.has_value();
  check.observations.push_back({.seen = std::move(opened.seen), .follow_up = question.because});
  if (!connected) co_return;
  auto tunnel =
      co_await open_tunnel(std::move(*opened.socket), *proxy, check.target.host, check.target.port, limits.http);
  check.observations.push_back({.seen = std::move(tunnel.seen), .follow_up = std::move(question.because)});
}

// The check's climb once more, with one circumstance changed.
struct Variant {
  PlannedCheck planned;
  Way way;
};

// Absent: the question is no climb.
std::optional<Variant> variant_for(const FollowUp& question, const PlannedCheck& planned, const Limits& limits,
                                   const Check& check) {
  Way way{.because = question.because, .limits = short_limits(limits)};
  switch (question.kind) {
    case FollowUpKind::as_browser:
      way.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
      return Variant{up_to_failure(without_upgrade(planned), check), std::move(way)};
    case FollowUpKind::as_post:
    case FollowUpKind::as_big_post:
      way.body_bytes = question.kind == FollowUpKind::as_big_post ? big_body : small_body;
      return Variant{planned, std::move(way)};
    case FollowUpKind::websocket_other_spelling:
      way.connection_header = "keep-alive, Upgrade";
      return Variant{planned, std::move(way)};
    case FollowUpKind::http_without_upgrade:
      return Variant{without_upgrade(planned), std::move(way)};
    case FollowUpKind::tls_direct:
      way.direct = true;
      return Variant{up_to_tls(planned), std::move(way)};
    case FollowUpKind::proxy_by_address:
      return Variant{to_address(up_to_tls(planned), *question.server), std::move(way)};
    case FollowUpKind::same_again:
      return Variant{up_to_failure(planned, check), std::move(way)};
    case FollowUpKind::small_segments:
      way.mss_limit = small_segment;
      return Variant{up_to_failure(planned, check), std::move(way)};
    case FollowUpKind::big_request:
      return Variant{with_big_request(planned), std::move(way)};
    case FollowUpKind::big_request_in_small_segments:
      way.mss_limit = small_segment;
      return Variant{with_big_request(planned), std::move(way)};
    default:
      return std::nullopt;
  }
}

}  // namespace

bool ExperimentBudget::spend(const FollowUp& question) {
  const auto one_of = [](int& left) { return left-- > 0; };
  switch (question.kind) {
    case FollowUpKind::path_syn:
    case FollowUpKind::path_client_hello:
      return traced_.insert(fmt::format("{} {}", static_cast<int>(question.kind), to_string(*question.server)))
                 .second &&
             one_of(paths_);
    case FollowUpKind::tls_without_name:
    case FollowUpKind::tls_only_12:
    case FollowUpKind::tls_other_name:
      return one_of(handshakes_);
    case FollowUpKind::udp_same_target:
      return one_of(datagrams_);
    case FollowUpKind::same_again:
    case FollowUpKind::small_segments:
    case FollowUpKind::big_request:
    case FollowUpKind::big_request_in_small_segments:
    case FollowUpKind::afresh:
      return one_of(climbs_);
    case FollowUpKind::dns_with_search:
    case FollowUpKind::dns_again:
      return one_of(lookups_);
    case FollowUpKind::tcp_other_answer:
      return one_of(handshakes_);
    case FollowUpKind::tcp_again:
      return one_of(bursts_);
    case FollowUpKind::as_browser:
    case FollowUpKind::as_post:
    case FollowUpKind::as_big_post:
    case FollowUpKind::websocket_other_spelling:
      return one_of(climbs_);
    case FollowUpKind::dns_tcp_same_server:
    case FollowUpKind::dns_azure:
    case FollowUpKind::http_without_upgrade:
    case FollowUpKind::tls_direct:
      break;
    case FollowUpKind::proxy_by_address:
    case FollowUpKind::through_proxy:
      return one_of(climbs_);
  }
  return true;
}

asio::awaitable<void> answer_question(FollowUp question, const PlannedCheck& planned, const Equipment& equipment,
                                      Names& names, const std::string& control_name, Check& check) {
  if (auto variant = variant_for(question, planned, equipment.limits, check)) {
    co_await climb_variant(std::move(variant->planned), equipment, names, std::move(variant->way), check);
    co_return;
  }
  const bool of_resolver = check.id.starts_with("node.resolver/");
  const std::string name = of_resolver ? control_name : check.target.host;
  switch (question.kind) {
    case FollowUpKind::dns_tcp_same_server:
      if (question.server) co_await ask_dns(question, *question.server, DnsTransport::tcp, name, equipment, check);
      break;
    case FollowUpKind::dns_azure:
      co_await ask_dns(question, azure_dns_server, DnsTransport::udp, name, equipment, check);
      break;
    case FollowUpKind::dns_again:
      co_await ask_dns(question, *question.server, DnsTransport::udp, name, equipment, check);
      break;
    case FollowUpKind::dns_with_search:
      co_await ask_with_search(question, name, equipment, check);
      break;
    case FollowUpKind::through_proxy:
      co_await try_proxy(std::move(question), equipment, names, check);
      break;
    case FollowUpKind::udp_same_target:
      co_await send_datagram(std::move(question), check);
      break;
    case FollowUpKind::path_syn:
    case FollowUpKind::path_client_hello:
      co_await trace(std::move(question), equipment, check);
      break;
    case FollowUpKind::tls_without_name:
    case FollowUpKind::tls_only_12:
    case FollowUpKind::tls_other_name:
      co_await shake_hands(std::move(question), equipment, check);
      break;
    case FollowUpKind::afresh:
      co_await climb_afresh(planned, equipment, names, std::move(question.because), check);
      break;
    case FollowUpKind::tcp_other_answer:
      co_await connect_once(*question.server, -1, std::move(question.because), check);
      break;
    case FollowUpKind::tcp_again:
      co_await connect_again(std::move(question), equipment.surroundings.root, check);
      break;
    default:
      break;  // climbed above
  }
}

asio::awaitable<void> follow_up(const PlannedCheck& planned, const Equipment& equipment, Names& names,
                                const std::string& control_name, ExperimentBudget& budget, Check& check) {
  for (int round = 0; round < rounds_at_most; ++round) {
    auto questions = next_questions(check);
    std::erase_if(questions, [&](const FollowUp& question) { return !budget.spend(question); });
    if (questions.empty()) co_return;
    std::vector<asio::awaitable<void>> work;
    for (auto& question : questions)
      work.push_back(answer_question(std::move(question), planned, equipment, names, control_name, check));
    co_await concurrently(std::move(work));
  }
}

}  // namespace vnetprobe
