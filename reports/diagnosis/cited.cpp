#include "reports/diagnosis/cited.hpp"

#include "reports/diagnosis/addresses.hpp"

#include <algorithm>
#include <map>

namespace vnetprobe {

std::vector<const Check*> all_checks(const Report& report) {
  std::vector<const Check*> checks;
  for (const auto& check : report.checks) checks.push_back(&check);
  return checks;
}

std::optional<Cited<HostObservation>> host_fact(const Report& report, HostTopic topic) {
  for (const auto& check : report.checks)
    for (const auto& host : cited<HostObservation>(check))
      if (host->topic == topic && !host->error) return host;
  return {};
}

RouteTable::RouteTable(const Report& report) : from_(host_fact(report, HostTopic::routes)) {
  if (!from_) from_ = host_fact(report, HostTopic::docker_bridge);
}

const RouteFacts* RouteTable::route_for(std::string_view address) const {
  const RouteFacts* best = nullptr;
  if (!from_) return best;
  for (const auto& route : (*from_)->routes)
    if (in_prefix(address, route.destination) &&
        (!best || prefix_length(route.destination) > prefix_length(best->destination)))
      best = &route;
  return best;
}

bool is_own_address(const Report& report, std::string_view address) {
  return std::any_of(report.node.addresses.begin(), report.node.addresses.end(),
                     [&](const NodeAddress& own) { return own.value.substr(0, own.value.find('/')) == address; });
}

bool is_at_home(const Report& report, std::string_view address) {
  return is_loopback(address) || is_own_address(report, address);
}

bool could_not_send(const TcpObservation& tcp) { return tcp.send_refused || tcp.errno_name == "EPERM"; }

std::pair<std::string, std::string> consequence_for_proxy(const Endpoint& proxy) {
  return {"consequence", fmt::format(" {} is this node's proxy: what goes through it fails.", to_string(proxy))};
}

bool path_is_lossy(const std::vector<Check>& checks) {
  int connections = 0, repeated = 0;
  for (const auto& check : checks) {
    for (const auto& tcp : cited<TcpObservation>(check)) {
      if (tcp->error) continue;
      ++connections;
      if (tcp->retransmissions > 0) ++repeated;
    }
  }
  return repeated * 10 >= std::max(connections, 1);
}

bool asks_the_platform(const Check& check) {
  return std::any_of(check.observations.begin(), check.observations.end(), [](const Observation& observation) {
    return std::holds_alternative<ImdsObservation>(observation.seen) ||
           std::holds_alternative<WireserverObservation>(observation.seen);
  });
}

bool platform_is_owed(const Report& report) {
  const auto* imds = check_named(report, "node.imds");
  if (!imds || imds->required) return true;
  const auto asked = cited<ImdsObservation>(*imds);
  return std::any_of(asked.begin(), asked.end(), [](const auto& one) { return !one->error; });
}

bool has_global_v6(const Report& report) {
  return std::any_of(report.node.addresses.begin(), report.node.addresses.end(), [](const NodeAddress& own) {
    const auto address = own.value.substr(0, own.value.find('/'));
    return is_v6(address) && !is_loopback(address) && !is_link_local(address);
  });
}

std::vector<Cited<TcpObservation>> attempts(const Check& check, const Report& report) {
  auto all = cited<TcpObservation>(check);
  const bool v6_works = has_global_v6(report);
  std::vector<Cited<TcpObservation>> counted;
  for (const auto& attempt : all) {
    const bool without_means = is_v6(attempt->remote.address) && attempt->error && !attempt->icmp &&
                               (!v6_works || attempt->error == TcpFailure::network_unreachable);
    if (!without_means) counted.push_back(attempt);
  }
  return counted.empty() ? all : counted;
}

std::string meant_address(const Cited<TcpObservation>& attempt) {
  if (!attempt->instead_of) return attempt->remote.address;
  if (const auto meant = host_of(*attempt->instead_of); is_address(meant)) return meant;
  for (const auto& dns : cited<DnsObservation>(*attempt.check))
    if (!dns->addresses.empty()) return dns->addresses.front();
  return attempt->remote.address;
}

bool resolved(const Check& check) {
  if (is_address(check.target.host)) return true;
  const auto asked = cited<DnsObservation>(check);
  return std::any_of(asked.begin(), asked.end(), [](const auto& dns) { return !dns->addresses.empty(); });
}

bool connected(const Check& check) {
  const auto tried = cited<TcpObservation>(check);
  return std::any_of(tried.begin(), tried.end(), [](const auto& attempt) { return !attempt->error; });
}

bool another_server_is_there(const Check& check) {
  return std::ranges::any_of(cited<TlsObservation>(check), [](const auto& tls) {
    return tls->error == TlsFailure::unverified && (tls->verify_code == 62 || tls->verify_code == 64);
  });
}

bool ends_at_dns(const Check& check) {
  if (resolved(check) || cited<DnsObservation>(check).empty()) return false;
  return std::all_of(check.observations.begin(), check.observations.end(), [](const Observation& observation) {
    return observation.follow_up || std::holds_alternative<DnsObservation>(observation.seen);
  });
}

bool ends_at_tcp(const Check& check, const Report& report) {
  const auto tried = attempts(check, report);
  return !tried.empty() &&
         std::all_of(tried.begin(), tried.end(), [](const auto& attempt) { return attempt->error.has_value(); });
}

bool owes_no_answer(const Check& check) {
  if (check.target.owes == TargetOwes::nothing) return true;
  const auto tried = cited<TcpObservation>(check);
  return check.target.owes == TargetOwes::host && !tried.empty() &&
         std::all_of(tried.begin(), tried.end(), [](const auto& tcp) {
           const bool silent = tcp->error == TcpFailure::timed_out && !tcp->send_refused;
           return !tcp->icmp && !tcp->instead_of && (silent || tcp->error == TcpFailure::refused);
         });
}

bool may_not_exist(const Check& check) {
  if (!check.target.guessed) return false;
  const auto tunnels = cited<ProxyObservation>(check);
  if (!tunnels.empty()) {
    // Only a further question shows whether DNS knows the name that the proxy did not find.
    const auto asked = cited<DnsObservation>(check, Part::everything);
    const bool known = std::any_of(asked.begin(), asked.end(), [](const auto& dns) {
      return dns->name == dns.check->target.host && !dns->addresses.empty();
    });
    return !known && tunnels.back()->error == ProxyFailure::denied && tunnels.back()->status >= 500;
  }
  return !resolved(check) &&
         std::all_of(check.observations.begin(), check.observations.end(), [](const Observation& one) {
           return one.follow_up || std::holds_alternative<DnsObservation>(one.seen);
         });
}

bool refused_by_its_host(const UdpObservation& udp) {
  return udp.error == UdpFailure::refused && udp.icmp && !udp.icmp->offender_is_self &&
         udp.icmp->offender == udp.remote.address;
}

bool is_storage(Service service) {
  return service == Service::storage_blob || service == Service::storage_file || service == Service::storage_queue ||
         service == Service::storage_table || service == Service::storage_dfs;
}

std::string endpoint_of(const Check& check) {
  const auto& target = check.target;
  return target.port == 0 ? target.host : to_string(Endpoint{target.host, target.port});
}

const Check* check_named(const Report& report, std::string_view id) {
  for (const auto& check : report.checks)
    if (check.id == id) return &check;
  return nullptr;
}

std::string words(std::chrono::microseconds duration) {
  const auto count = static_cast<double>(duration.count());
  if (duration >= std::chrono::minutes(2) && duration % std::chrono::minutes(1) < std::chrono::seconds(1))
    return fmt::format("{} minutes", duration / std::chrono::minutes(1));
  if (count >= 1e6) return fmt::format("{:.1f} s", count / 1e6);
  if (count >= 1e4) return fmt::format("{:.0f} ms", count / 1e3);
  return fmt::format("{:.1f} ms", count / 1e3);
}

std::string date(std::chrono::sys_seconds when) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(when));
  return fmt::format("{}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

std::string words(const std::vector<std::string>& items, std::size_t at_most) {
  std::string text;
  for (std::size_t i = 0; i < items.size() && i < at_most; ++i) text += (i == 0 ? "" : ", ") + items[i];
  if (items.size() > at_most) text += fmt::format(" and {} more", items.size() - at_most);
  return text;
}

std::vector<Finding> as_one(std::vector<Finding> findings) {
  std::map<std::string, std::vector<std::string>> subjects;
  for (const auto& finding : findings) add_once(subjects[finding.code], finding.subject);
  for (auto& finding : findings) finding.subject = words(subjects[finding.code]);
  return findings;
}

void let_one_stand_for_all(const Report& report, Finding& finding) {
  const auto required = std::find_if(finding.checks.begin(), finding.checks.end(), [&](const std::string& id) {
    const auto* check = check_named(report, id);
    return check && check->required;
  });
  if (finding.checks.size() < 2 || required == finding.checks.end()) return;
  auto first = std::move(*required);
  finding.checks.erase(required);
  finding.dependants.insert(finding.dependants.begin(), std::make_move_iterator(finding.checks.begin()),
                            std::make_move_iterator(finding.checks.end()));
  finding.checks = {std::move(first)};
}

bool contains(const std::vector<std::string>& items, std::string_view item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

void add_once(std::vector<std::string>& items, const std::string& item) {
  if (!contains(items, item)) items.push_back(item);
}

bool tls_or_tcp_fails(const Check& check, const Report& report) {
  if (ends_at_tcp(check, report)) return true;
  const auto handshakes = cited<TlsObservation>(check);
  return !handshakes.empty() &&
         std::all_of(handshakes.begin(), handshakes.end(), [](const auto& tls) { return tls->error.has_value(); });
}

}  // namespace vnetprobe
