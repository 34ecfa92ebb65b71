#include "agent/inbound/verdict.hpp"

#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace vnetprobe::inbound {
namespace {

struct Judgement {
  ReachVerdict verdict{};
  std::string says, next;
};

std::string rule_for(const PortReach& reach) {
  const std::string source = reach.tcp.local ? reach.tcp.local->address : "<this node's address>";
  return fmt::format(
      "az network nsg rule create -g <resource group> --nsg-name <NSG of the target's subnet or card> -n "
      "AllowVnetprobe{0} --priority 200 --direction Inbound --access Allow --protocol Tcp --source-address-prefixes "
      "{1} --destination-port-ranges {0}",
      reach.port, source);
}

// Somebody translates addresses on the way, or the listener sees what this node sees.
std::string seen_as(const PortReach& reach) {
  const auto& seen = *reach.dialogue->seen_as;
  if (!reach.tcp.local || seen == to_string(*reach.tcp.local)) return fmt::format("by its listener, as {}", seen);
  return fmt::format("by its listener, which sees {} and not {}: something on the way translates addresses", seen,
                     to_string(*reach.tcp.local));
}

Judgement of_dialogue(const PortReach& reach, bool with_token) {
  const Dialogue& dialogue = *reach.dialogue;
  if (dialogue.seen_as) return {.verdict = ReachVerdict::reached, .says = "proven " + seen_as(reach), .next = ""};
  if (dialogue.listener && !with_token)
    return {.verdict = ReachVerdict::not_proven,
            .says = "a vnetprobe listener answers; nothing proves which one",
            .next = "give the token that `vnetprobe listen` showed: --token-file FILE, or VNETPROBE_TOKEN"};
  if (dialogue.listener)
    return {.verdict = ReachVerdict::not_proven,
            .says =
                "a vnetprobe listener answers and does not take the token: it has another one, or something on the "
                "way leads the connection to another port",
            .next = "compare the token with the one that `vnetprobe listen` showed"};
  std::string what = "says nothing";
  if (!dialogue.first_bytes.empty())
    what = fmt::format("says \"{}\"", dialogue.first_bytes);
  else if (dialogue.ended == "closed" || dialogue.ended == "reset")
    what = dialogue.ended == "closed" ? "ends the connection" : "resets the connection";
  return {.verdict = ReachVerdict::answered_by_another,
          .says = "the connection is made, and who answers is no vnetprobe listener: it " + what,
          .next =
              "either the service itself listens there (then the way to it is open), or a firewall or load balancer "
              "completes connections in its name: run `vnetprobe listen` on the target in the service's place"};
}

Judgement of_refusal(const PortReach& reach) {
  const auto& icmp = reach.tcp.icmp;
  if (icmp && icmp->offender_is_self)
    return {.verdict = ReachVerdict::blocked_here,
            .says = "this node's own firewall rejects it",
            .next = "allow outbound TCP to that port here: sudo nft list ruleset"};
  if (icmp && icmp->offender != reach.address)
    return {
        .verdict = ReachVerdict::refused,
        .says = fmt::format("{} on the way rejects it (ICMP {}/{})", icmp->offender, icmp->type, icmp->code),
        .next = fmt::format("ask the owner of {} to allow TCP {} to {}", icmp->offender, reach.port, reach.address)};
  if (icmp)
    return {.verdict = ReachVerdict::refused,
            .says = fmt::format("the target's own firewall rejects it (ICMP {}/{})", icmp->type, icmp->code),
            .next = fmt::format("on the target: sudo ufw allow {}/tcp", reach.port)};
  return {.verdict = ReachVerdict::refused,
          .says = "refused by a TCP reset: nothing listens there, or a device on the way says so in its name",
          .next = fmt::format("is `vnetprobe listen --ports {}` running on the target?", reach.port)};
}

Judgement of_no_way(const PortReach& reach) {
  const auto& tcp = reach.tcp;
  if (tcp.neighbour && tcp.neighbour->state == "FAILED")
    return {.verdict = ReachVerdict::unreachable,
            .says = fmt::format("{} does not answer on {}", tcp.neighbour->gateway, tcp.neighbour->interface),
            .next = "check the target's or the gateway's network card and subnet"};
  if (tcp.icmp && !tcp.icmp->offender_is_self)
    return {.verdict = ReachVerdict::unreachable,
            .says = fmt::format("{} on the way reports that there is no way (ICMP {}/{})", tcp.icmp->offender,
                                tcp.icmp->type, tcp.icmp->code),
            .next = fmt::format("ask the owner of {} for the route to {}", tcp.icmp->offender, reach.address)};
  return {.verdict = ReachVerdict::unreachable,
          .says = fmt::format("this node has no way there ({})", tcp.errno_name.value_or("no route")),
          .next = "ip route get " + reach.address};
}

Judgement of_silence(const PortReach& reach) {
  if (reach.tcp.send_refused)
    return {.verdict = ReachVerdict::blocked_here,
            .says = "no packet leaves this node: its own firewall drops them",
            .next = "allow outbound TCP to that port here: sudo nft list ruleset"};
  return {.verdict = ReachVerdict::filtered,
          .says =
              "no answer: an NSG, a firewall or a route drops it, on the way there or on the way back; which one "
              "cannot be told from here",
          .next = rule_for(reach)};
}

Judgement judged(const PortReach& reach, bool with_token) {
  if (!reach.tcp.error) return of_dialogue(reach, with_token);
  switch (*reach.tcp.error) {
    case TcpFailure::refused:
    case TcpFailure::reset:
      return of_refusal(reach);
    case TcpFailure::timed_out:
      return of_silence(reach);
    case TcpFailure::host_unreachable:
    case TcpFailure::network_unreachable:
      // Administratively prohibited, said by a device.
      if (reach.tcp.icmp && !reach.tcp.icmp->offender_is_self && reach.tcp.icmp->code >= 9) return of_refusal(reach);
      return of_no_way(reach);
    case TcpFailure::not_permitted:
    case TcpFailure::invalid_route:
    case TcpFailure::no_local_address:
    case TcpFailure::other:
      break;
  }
  return {.verdict = ReachVerdict::blocked_here,
          .says = fmt::format("this node itself does not send it ({})", reach.tcp.errno_name.value_or("an error")),
          .next = "ip route get " + reach.address};
}

}  // namespace

void judge(PortReach& reach, bool with_token) {
  auto judgement = judged(reach, with_token);
  reach.verdict = judgement.verdict;
  reach.says = std::move(judgement.says);
  reach.next = std::move(judgement.next);
}

int exit_status(const ReachReport& report) {
  std::set<std::uint16_t> asked, reached;
  for (const auto& one : report.ports) {
    asked.insert(one.port);
    if (one.verdict == ReachVerdict::reached) reached.insert(one.port);
  }
  return asked == reached && !asked.empty() ? 0 : 1;
}

int exit_status(const ListenReport& report) {
  const auto done = [](const PortVisits& port) { return !port.problem.empty() || port.proven > 0; };
  return std::ranges::all_of(report.ports, done) ? 0 : 1;
}

}  // namespace vnetprobe::inbound
