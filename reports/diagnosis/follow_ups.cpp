#include "reports/diagnosis/follow_ups.hpp"
#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/answers.hpp"
#include "reports/diagnosis/cited.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

using Dns = Cited<DnsObservation>;

bool asked(const std::vector<Dns>& all, const Endpoint& server, DnsTransport transport) {
  return std::any_of(all.begin(), all.end(),
                     [&](const Dns& dns) { return dns->server == server && dns->transport == transport; });
}

// Silence or truncation over UDP: the same server over TCP tells a filter from a dead server, and fetches the whole
// answer.
std::vector<FollowUp> over_tcp(const Check& check) {
  std::vector<FollowUp> questions;
  const auto everything = cited<DnsObservation>(check, Part::everything);
  for (const auto& dns : cited<DnsObservation>(check)) {
    if (!dns->server || dns->transport != DnsTransport::udp) continue;
    const bool silent = dns->error == DnsFailure::timed_out;
    if ((!silent && !dns->truncated) || asked(everything, *dns->server, DnsTransport::tcp)) continue;
    const bool already =
        std::any_of(questions.begin(), questions.end(), [&](const FollowUp& q) { return q.server == dns->server; });
    if (already) continue;
    questions.push_back(
        {.kind = FollowUpKind::dns_tcp_same_server,
         .server = dns->server,
         .because = to_string(*dns->server) + (silent ? " did not answer over UDP; does it over TCP?"
                                                      : " cut its UDP answer short; what comes over TCP?")});
  }
  return questions;
}

bool doubtful(const Check& check, const std::vector<Dns>& asked_so_far) {
  bool any_address = false, all_private = true;
  for (const auto& dns : asked_so_far) {
    for (const auto& address : dns->addresses) {
      any_address = true;
      all_private = all_private && !is_public(address);
    }
  }
  return !any_address || (check.target.private_endpoint && !all_private);
}

// Azure's own DNS sees the private zones linked to this VNet. Whoever pointed the run at resolvers of their own choice
// (then there is no libc observation) has said which ones to ask.
std::vector<FollowUp> azure_dns_directly(const Check& check) {
  const auto everything = cited<DnsObservation>(check, Part::everything);
  const bool libc =
      std::any_of(everything.begin(), everything.end(), [](const Dns& dns) { return dns->via == DnsVia::libc; });
  const bool asked_azure = std::any_of(everything.begin(), everything.end(),
                                       [](const Dns& dns) { return dns->server && dns->server->address == azure_dns; });
  if (!libc || asked_azure || !doubtful(check, cited<DnsObservation>(check))) return {};
  return {{.kind = FollowUpKind::dns_azure,
           .server = Endpoint{std::string(azure_dns), 53},
           .because = "what does Azure's own DNS at 168.63.129.16 say about " + everything.front()->name + "?"}};
}

// A name that does not exist may still lead somewhere: an entry of the search list completes it for programs.
std::vector<FollowUp> with_search_list(const Check& check) {
  for (const auto& dns : cited<DnsObservation>(check, Part::experiments))
    if (dns->with_search) return {};
  for (const auto& dns : cited<DnsObservation>(check))
    if (dns->via == DnsVia::libc && dns->error == DnsFailure::nxdomain)
      return {{.kind = FollowUpKind::dns_with_search,
               .because = dns->name + " does not exist; what do programs get that let the search list complete it?"}};
  return {};
}

// A refusal that the service itself did not write: does it mind who asks?
std::vector<FollowUp> as_a_browser(const Check& check) {
  const auto tried = [](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& one) { return one->user_agent.has_value(); });
  };
  if (tried(cited<ProxyObservation>(check, Part::experiments)) ||
      tried(cited<HttpObservation>(check, Part::experiments)))
    return {};
  const auto question = [](std::string_view who) {
    return std::vector{FollowUp{.kind = FollowUpKind::as_browser,
                                .because = fmt::format("{} refuses; does it refuse a browser too?", who)}};
  };
  const auto tunnels = cited<ProxyObservation>(check);
  if (!tunnels.empty() && tunnels.back()->status == 403) return question(tunnels.back()->proxy);
  for (const auto& answer : answers_of(check))
    if (!answer.is_websocket && (answer.status == 403 || answer.status == 406) && !middlebox_sign(answer).empty())
      return question("what is in between");
  return {};
}

bool is_sign_in(int status) { return status == 101 || status == 302 || status == 401 || status == 403; }

// The same request without the upgrade: an intermediary that only minds WebSockets lets it through.
std::vector<FollowUp> without_upgrade(const Check& check) {
  const auto sockets = cited<WebsocketObservation>(check);
  if (sockets.empty() || !cited<HttpObservation>(check, Part::everything).empty()) return {};
  const auto& socket = *sockets.back();
  if (!socket.error || socket.upgraded) return {};
  if (*socket.error == WebsocketFailure::not_upgraded && is_sign_in(socket.status)) return {};
  return {{.kind = FollowUpKind::http_without_upgrade,
           .because = "the WebSocket request was not upgraded; is the same request answered without the upgrade?"},
          {.kind = FollowUpKind::websocket_other_spelling,
           .because = "the WebSocket request was not upgraded; is it with the Connection header of a browser?"}};
}

// It was open, nobody used it, and it is dead: the server, or only this connection?
std::vector<FollowUp> afresh_after_idleness(const Check& check) {
  const auto sockets = cited<WebsocketObservation>(check);
  if (sockets.empty() || !cited<WebsocketObservation>(check, Part::experiments).empty()) return {};
  const auto& socket = *sockets.back();
  if (!socket.error || !socket.idle) return {};
  return {{.kind = FollowUpKind::same_again,
           .because =
               fmt::format("the WebSocket was dead after {} of silence; is a fresh one alive?", words(*socket.idle))}};
}

// A proxy that cannot reach a name which this node resolves and reaches: can it reach the address?
std::optional<FollowUp> unreached_by_name(const Check& check) {
  const auto tunnels = cited<ProxyObservation>(check);
  if (tunnels.empty() || tunnels.back()->status < 500) return std::nullopt;
  if (!cited<ProxyObservation>(check, Part::experiments).empty()) return std::nullopt;
  for (const auto& tcp : cited<TcpObservation>(check, Part::experiments))
    if (!tcp->instead_of && tcp->remote != tunnels.back()->remote)
      return FollowUp{.kind = FollowUpKind::proxy_by_address,
                      .server = tcp->remote,
                      .because = fmt::format("{} cannot reach {}; can it reach the address {}?", tunnels.back()->proxy,
                                             tunnels.back()->target, to_string(tcp->remote))};
  return std::nullopt;
}

// Whatever went wrong past a proxy: does it go wrong without it?
std::vector<FollowUp> past_the_proxy(const Check& check) {
  const auto proxied = cited<ProxyObservation>(check);
  if (const auto address = unreached_by_name(check)) return {*address};
  if (proxied.empty() || !cited<TlsObservation>(check, Part::experiments).empty() ||
      !cited<TcpObservation>(check, Part::experiments).empty())
    return {};
  const auto handshakes = cited<TlsObservation>(check);
  const bool broken = proxied.back()->error || (!handshakes.empty() && handshakes.back()->error);
  if (!broken) return {};
  return {{.kind = FollowUpKind::tls_direct,
           .because = "it fails through " + proxied.back()->proxy + "; does it without the proxy?"}};
}

// What one of the node's servers gives leads nowhere, or to somebody else: does what another one gives?
std::vector<FollowUp> by_another_servers_answer(const Check& check) {
  const auto tried = cited<TcpObservation>(check);
  if (tried.empty() || uses_proxy(check) || is_address(check.target.host)) return {};
  if (std::ranges::any_of(tried, [](const auto& tcp) { return tcp->instead_of.has_value(); })) return {};
  if (connected(check) && !another_server_is_there(check)) return {};
  const auto was_tried = [&](const std::string& address) {
    return std::ranges::any_of(cited<TcpObservation>(check, Part::everything),
                               [&](const auto& tcp) { return tcp->remote.address == address; });
  };
  for (const auto& dns : cited<DnsObservation>(check)) {
    if (dns->via != DnsVia::server || dns->addresses.empty() || is_v6(dns->addresses.front())) continue;
    if (std::ranges::any_of(dns->addresses, was_tried)) continue;
    return {{.kind = FollowUpKind::tcp_other_answer,
             .server = Endpoint{dns->addresses.front(), tried.front()->remote.port},
             .because = fmt::format("{} leads nowhere; does {}, which {} gives?", tried.front()->remote.address,
                                    dns->addresses.front(), dns->server->address)}};
  }
  return {};
}

}  // namespace

std::vector<FollowUp> next_questions(const Check& check) {
  std::vector<FollowUp> questions;
  for (const auto ask : {over_tcp, azure_dns_directly, with_search_list, as_a_browser, without_upgrade,
                         afresh_after_idleness, past_the_proxy, by_another_servers_answer, transport_questions})
    for (auto& question : ask(check)) questions.push_back(std::move(question));
  return questions;
}

}  // namespace vnetprobe
