#include "reports/compare/node_differences.hpp"

#include "reports/diagnosis/addresses.hpp"
#include "reports/render/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

using Texts = std::set<std::string>;

std::string joined(const Texts& texts) { return texts.empty() ? "-" : fmt::format("{}", fmt::join(texts, ", ")); }

struct ResolverAnswer {
  Texts private_addresses, other_addresses, errors;
};

// What of one report is compared: by topic and name.
struct Picture {
  std::map<std::pair<std::string, std::string>, std::string> facts;
  std::map<std::string, ResolverAnswer> answers;
  std::map<std::string, Texts> issuers;  // by server name
};

template <class T>
void note(Picture& picture, const char* topic, const char* what, const std::optional<Sourced<T>>& value) {
  std::string text = "-";
  if constexpr (std::is_same_v<T, bool>) {
    if (value) text = value->value ? "yes" : "no";
  } else if (value && !value->value.empty()) {
    text = value->value;
  }
  picture.facts[{topic, what}] = text;
}

void discovered(Picture& picture, const Report& report) {
  const Node& node = report.node;
  note(picture, "plan", "profile", node.profile);
  note(picture, "plan", "cloud", node.cloud);
  note(picture, "plan", "requirements", node.era);
  note(picture, "plan", "outbound", node.outbound);
  note(picture, "plan", "public address", node.public_ip);
  note(picture, "plan", "workspace", node.workspace);
  note(picture, "plan", "instance", node.instance);
  note(picture, "place", "region", node.region);
  note(picture, "place", "workspace region", node.workspace_region);
  note(picture, "place", "subscription", node.subscription);
  note(picture, "place", "resource group", node.resource_group);
  note(picture, "host", "operating system", node.os);
  note(picture, "host", "kernel", node.kernel);
  note(picture, "host", "in a container", node.container);
  note(picture, "host", "instance metadata", node.imds);
  note(picture, "trust", "TLS interception allowed", node.interception_allowed);
  picture.facts[{"host", "user id"}] = fmt::to_string(node.uid);
  picture.facts[{"agent", "version"}] = report.agent.version;
  picture.facts[{"agent", "catalogue"}] = report.agent.catalog;
  Texts addresses, resolvers, proxies;
  for (const auto& address : node.addresses)
    if (!is_link_local(address.value.substr(0, address.value.find('/')))) addresses.insert(address.value);
  for (const auto& resolver : node.resolvers) resolvers.insert(resolver.value);
  for (const auto& proxy : node.proxy) proxies.insert(proxy.variable + "=" + proxy.value);
  picture.facts[{"address", "addresses"}] = joined(addresses);
  picture.facts[{"resolver", "DNS servers"}] = joined(resolvers);
  picture.facts[{"proxy", "proxy settings"}] = joined(proxies);
}

void routes(Picture& picture, const HostObservation& host) {
  Texts ways;
  for (const auto& route : host.routes) {
    // Only what decides about other networks: the kernel's own local and link entries follow from the addresses.
    if (route.type == "local" || route.type == "broadcast" || route.type == "anycast" || route.type == "multicast")
      continue;
    if (route.gateway.empty() && route.type == "unicast") continue;
    ways.insert(route.type == "unicast" ? fmt::format("{} via {}", route.destination, route.gateway)
                                        : fmt::format("{} {}", route.type, route.destination));
  }
  picture.facts[{"route", "routes"}] = joined(ways);
}

void seen(Picture& picture, const HostObservation& host) {
  if (host.topic == HostTopic::routes) routes(picture, host);
  if (host.topic == HostTopic::interfaces) {
    Texts sizes;
    for (const auto& interface : host.interfaces)
      if (interface.up && interface.kind != "loopback")
        sizes.insert(fmt::format("{} {}", interface.name, interface.mtu));
    picture.facts[{"route", "interfaces and their MTU"}] = joined(sizes);
  }
  if (host.clock) picture.facts[{"clock", "clock synchronised"}] = host.clock->synchronised ? "yes" : "no";
  if (host.ca_store) {
    picture.facts[{"trust", "system certificates"}] =
        fmt::format("{} in {}", host.ca_store->certificates, host.ca_store->path);
    picture.facts[{"trust", "certificates given by the user"}] = fmt::to_string(host.ca_store->user_certificates);
  }
}

void seen(Picture& picture, const DnsObservation& dns) {
  ResolverAnswer& answer = picture.answers[dns.name];
  if (dns.error) answer.errors.insert(std::string(word(*dns.error)));
  for (const auto& address : dns.addresses)
    (is_private(address) ? answer.private_addresses : answer.other_addresses).insert(address);
  for (const auto& line : dns.hosts_lines)
    picture.facts[{"answer", "hosts file, " + dns.name}] =
        fmt::format("{} ({}:{})", line.address, line.file, line.line);
}

Picture picture_of(const Report& report) {
  Picture picture;
  discovered(picture, report);
  for (const auto& check : report.checks)
    for (const auto& observation : check.observations) {
      if (const auto* host = std::get_if<HostObservation>(&observation.seen)) seen(picture, *host);
      if (observation.follow_up) continue;
      if (const auto* dns = std::get_if<DnsObservation>(&observation.seen)) seen(picture, *dns);
      const auto* tls = std::get_if<TlsObservation>(&observation.seen);
      if (tls && !tls->chain.empty()) picture.issuers[tls->sni].insert(tls->chain.front().issuer);
    }
  return picture;
}

std::string told(const ResolverAnswer& answer) {
  Texts all = answer.private_addresses;
  all.insert(answer.other_addresses.begin(), answer.other_addresses.end());
  if (all.empty()) all = answer.errors;
  return all.empty() ? "no address" : joined(all);
}

bool differs(const ResolverAnswer& a, const ResolverAnswer& b) {
  if (a.private_addresses != b.private_addresses) return true;
  const bool a_answers = !a.private_addresses.empty() || !a.other_addresses.empty();
  const bool b_answers = !b.private_addresses.empty() || !b.other_addresses.empty();
  return a_answers != b_answers || (!a_answers && a.errors != b.errors);
}

}  // namespace

std::vector<NodeDifference> node_differences(const Report& a, const Report& b) {
  const Picture left = picture_of(a), right = picture_of(b);
  std::vector<NodeDifference> found;
  std::set<std::pair<std::string, std::string>> keys;
  for (const auto* side : {&left, &right})
    for (const auto& [key, value] : side->facts) keys.insert(key);
  const auto value_of = [](const Picture& picture, const auto& key) {
    const auto fact = picture.facts.find(key);
    return fact == picture.facts.end() ? std::string("-") : fact->second;
  };
  for (const auto& key : keys) {
    auto in_a = value_of(left, key), in_b = value_of(right, key);
    if (in_a != in_b)
      found.push_back({.topic = key.first, .what = key.second, .a = std::move(in_a), .b = std::move(in_b)});
  }
  for (const auto& [name, answer] : left.answers)
    if (const auto other = right.answers.find(name); other != right.answers.end() && differs(answer, other->second))
      found.push_back({.topic = "answer", .what = "answer for " + name, .a = told(answer), .b = told(other->second)});
  for (const auto& [name, issuers] : left.issuers)
    if (const auto other = right.issuers.find(name); other != right.issuers.end() && other->second != issuers)
      found.push_back({.topic = "certificate",
                       .what = "issuer of the certificate of " + (name.empty() ? "(no name)" : name),
                       .a = joined(issuers),
                       .b = joined(other->second)});
  return found;
}

}  // namespace vnetprobe
