#include "agent/run/climb.hpp"
#include "agent/run/concurrently.hpp"
#include "probes/dns.hpp"
#include "reports/diagnosis/diagnose.hpp"

namespace vnetprobe {
namespace {

// The second round may ask about what the first one showed; a third would be curiosity.
constexpr int rounds_at_most = 2;
const Endpoint azure_dns{.address = "168.63.129.16", .port = 53};

asio::awaitable<void> ask_dns(std::string because, Endpoint server, DnsTransport transport, const Equipment& equipment,
                              Check& check) {
  const auto to = destination(equipment, server.address, server.address, server.port).endpoint;
  auto seen = co_await observe_dns(check.target.host, DnsType::a, to, transport, equipment.limits.dns);
  check.observations.push_back({.seen = std::move(seen), .follow_up = std::move(because)});
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

asio::awaitable<void> climb_variant(PlannedCheck variant, const Equipment& equipment, Names& names, Way way,
                                    std::vector<Observation>& answers) {
  Check scratch = variant.check;
  co_await climb(variant, equipment, names, std::move(way), scratch);
  answers = std::move(scratch.observations);
}

asio::awaitable<void> carry_out(FollowUp question, const PlannedCheck& planned, const Equipment& equipment,
                                Names& names, Check& check) {
  std::vector<Observation> answers;
  const Way same_way{.because = question.because, .direct = false};
  const Way direct{.because = question.because, .direct = true};
  switch (question.kind) {
    case FollowUpKind::dns_tcp_same_server:
      if (question.server) co_await ask_dns(question.because, *question.server, DnsTransport::tcp, equipment, check);
      break;
    case FollowUpKind::dns_azure:
      co_await ask_dns(question.because, azure_dns, DnsTransport::udp, equipment, check);
      break;
    case FollowUpKind::http_without_upgrade:
      co_await climb_variant(without_upgrade(planned), equipment, names, same_way, answers);
      break;
    case FollowUpKind::tls_direct:
      co_await climb_variant(up_to_tls(planned), equipment, names, direct, answers);
      break;
  }
  for (auto& answer : answers) check.observations.push_back(std::move(answer));
}

}  // namespace

asio::awaitable<void> follow_up(const PlannedCheck& planned, const Equipment& equipment, Names& names, Check& check) {
  for (int round = 0; round < rounds_at_most; ++round) {
    auto questions = next_questions(check);
    if (questions.empty()) co_return;
    std::vector<asio::awaitable<void>> work;
    for (auto& question : questions) work.push_back(carry_out(std::move(question), planned, equipment, names, check));
    co_await concurrently(std::move(work));
  }
}

}  // namespace vnetprobe
