#include "reports/render/observation_text.hpp"

#include "reports/render/words.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace vnetprobe {
namespace {

// "...: timed out (ETIMEDOUT)" or "... in 3 ms".
template <class Layer>
std::string ending(const Layer& layer, const std::optional<std::string>& detail = {}) {
  if (!layer.error) return " in " + describe(layer.duration);
  return fmt::format(": {}{} after {}", phrase(*layer.error), detail ? " (" + *detail + ")" : "",
                     describe(layer.duration));
}

struct Describer {
  std::string operator()(const DnsObservation& dns) const {
    const std::string asked = dns.via == DnsVia::libc ? "the C library"
                              : dns.server
                                  ? to_string(*dns.server) + (dns.transport == DnsTransport::tcp ? " (TCP)" : "")
                                  : "no server";
    std::string answer;
    if (!dns.error) {
      for (const auto& record : dns.answers)
        if (record.type == "CNAME") answer += " -> " + record.data;
      answer += dns.addresses.empty() ? " no address" : fmt::format(" {}", fmt::join(dns.addresses, ", "));
    }
    return fmt::format("{} {} from {}{}{}", dns.name, dns.question, asked, ending(dns, dns.detail),
                       answer.empty() ? "" : ":" + answer);
  }
  std::string operator()(const TcpObservation& tcp) const {
    std::string text = to_string(tcp.remote) + (tcp.error ? "" : " connected") + ending(tcp, tcp.errno_name);
    if (tcp.icmp) text += fmt::format(", ICMP {}/{} from {}", tcp.icmp->type, tcp.icmp->code, tcp.icmp->offender);
    if (tcp.instead_of) text += " (instead of " + *tcp.instead_of + ")";
    return text;
  }
  std::string operator()(const UdpObservation& udp) const {
    return to_string(udp.remote) + (udp.answered ? " answered" : "") + ending(udp, udp.errno_name);
  }
  std::string operator()(const TlsObservation& tls) const {
    std::string text = fmt::format("{} {}", tls.sni, tls.version.value_or("no TLS"));
    if (!tls.chain.empty())
      text += fmt::format(", issued by {}, until {:%Y-%m-%d}", tls.chain.front().issuer, tls.chain.front().not_after);
    return text + ending(tls, tls.verify_error     ? tls.verify_error
                              : tls.alert_received ? tls.alert_received
                                                   : tls.detail);
  }
  std::string operator()(const HttpObservation& http) const {
    const std::string code = http.service_error_code ? " " + *http.service_error_code : "";
    return fmt::format("{} {}{}{}", http.method, http.url, http.status ? fmt::format(" {}{}", http.status, code) : "",
                       ending(http, http.detail));
  }
  std::string operator()(const WebsocketObservation& ws) const {
    std::string text =
        fmt::format("{}{}{}", ws.url, ws.status ? fmt::format(" {}", ws.status) : "", ending(ws, ws.detail));
    if (ws.pong_after) text += ", pong after " + describe(*ws.pong_after);
    return text;
  }
  std::string operator()(const ProxyObservation& proxy) const {
    return fmt::format("CONNECT {} through {}{}{}", proxy.target, proxy.proxy,
                       proxy.status ? fmt::format(" {}", proxy.status) : "", ending(proxy));
  }
  std::string operator()(const ImdsObservation& imds) const { return imds.url + ending(imds, imds.detail); }
  std::string operator()(const WireserverObservation& wire) const {
    if (wire.tcp.error) return fmt::format("{} as uid {}{}", wire.url, wire.uid, ending(wire.tcp, wire.tcp.errno_name));
    return fmt::format("{} as uid {} {}{}", wire.url, wire.uid, wire.status, ending(wire, wire.detail));
  }
  std::string operator()(const PathObservation& path) const {
    std::string text = fmt::format("{} to {}", phrase(path.packet), to_string(path.remote));
    for (const auto& hop : path.hops)
      text += fmt::format(", {} {}", hop.ttl, hop.address ? *hop.address : phrase(hop.reply));
    return text + (path.reached_at ? fmt::format("; reached at {}", *path.reached_at) : "; not reached");
  }
  std::string operator()(const HostObservation& host) const {
    return fmt::format("{}{}", phrase(host.topic), host.error ? ending(host, host.detail) : " read");
  }
};

}  // namespace

std::string describe(std::chrono::microseconds duration) {
  const auto micro = duration.count();
  if (micro < 10'000) return fmt::format("{:.1f} ms", static_cast<double>(micro) / 1e3);
  if (micro < 1'000'000) return fmt::format("{} ms", micro / 1000);
  return fmt::format("{:.1f} s", static_cast<double>(micro) / 1e6);
}

std::string describe(const Observation& observation) {
  std::string text = fmt::format("{:9} {}", layer_of(observation.seen), std::visit(Describer{}, observation.seen));
  if (observation.follow_up) text += fmt::format(" [asked because: {}]", *observation.follow_up);
  return text;
}

}  // namespace vnetprobe
