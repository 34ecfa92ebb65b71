#include "reports/diagnosis/addresses.hpp"
#include "reports/render/html/page.hpp"
#include "reports/render/html/sections.hpp"
#include "reports/render/words.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <map>
#include <set>

namespace vnetprobe::html {
namespace {

std::string words_of(const ServiceTagFile& tags) {
  const auto age = tags.age_days ? fmt::format(", {} days old", *tags.age_days) : std::string();
  return fmt::format("{} {} of {}{} ({})", tags.cloud, tags.change_number,
                     tags.date.empty() ? "an unknown date" : tags.date, age, tags.source);
}

constexpr std::size_t columns_at_most = 12, rows_at_most = 2000;

// What one resolver said about one name, over all the questions that were put to it.
struct Answer {
  std::set<std::string> private_addresses, other_addresses, errors;
  std::string alias;    // the last CNAME
  bool asked_for_v4{};  // an answer to AAAA alone is compared with nothing
};

// Private against public, or an answer against none. Public addresses of one name change from question to question.
bool differ(const Answer& a, const Answer& b) {
  if (!a.asked_for_v4 || !b.asked_for_v4) return false;
  const auto answered = [](const Answer& one) {
    return !one.private_addresses.empty() || !one.other_addresses.empty();
  };
  if (answered(a) != answered(b)) return true;
  return answered(a) ? a.private_addresses != b.private_addresses : a.errors != b.errors;
}

std::string asked_of(const DnsObservation& dns) {
  if (dns.via == DnsVia::libc) return "the C library";
  if (!dns.server) return "no server";
  return to_string(*dns.server) + (dns.transport == DnsTransport::tcp ? " TCP" : "");
}

void take(Answer& answer, const DnsObservation& dns) {
  answer.asked_for_v4 = answer.asked_for_v4 || dns.question != "AAAA";
  if (dns.error) answer.errors.insert(phrase(*dns.error));
  for (const auto& record : dns.answers)
    if (record.type == "CNAME") answer.alias = record.data;
  for (const auto& address : dns.addresses)
    (is_private(address) ? answer.private_addresses : answer.other_addresses).insert(address);
}

std::string cell(const Answer& answer) {
  std::string out = "<ul>";
  if (!answer.alias.empty()) add(out, "<li class=\"faint\">{}</li>", text(answer.alias, 260));
  for (const auto* addresses : {&answer.private_addresses, &answer.other_addresses})
    for (const auto& address : *addresses) add(out, "<li><code>{}</code></li>", text(address, 100));
  for (const auto& error : answer.errors) add(out, "<li><strong>{}</strong></li>", text(error, 200));
  if (answer.private_addresses.empty() && answer.other_addresses.empty() && answer.errors.empty())
    out += "<li>no address</li>";
  return out + "</ul>";
}

struct Chain {
  const TlsObservation* tls{};
  std::set<std::string> names;
  std::vector<std::string> checks;
};

void chain_row(std::string& out, const Chain& chain) {
  const TlsObservation& tls = *chain.tls;
  const Certificate& leaf = tls.chain.front();
  add(out, "<tr><th scope=\"row\">{}</th><td>", text(fmt::format("{}", fmt::join(chain.names, ", ")), 500));
  for (std::size_t i = 0; i < tls.chain.size(); ++i)
    add(out, "{}{}", i == 0 ? "" : "<br>issued by ",
        text(i == 0 ? tls.chain[i].subject : tls.chain[i - 1].issuer, 300));
  if (tls.chain.size() == 1) add(out, "<br>issued by {}", text(leaf.issuer, 300));
  add(out, "</td><td>{:%Y-%m-%d} to {:%Y-%m-%d}</td><td>", leaf.not_before, leaf.not_after);
  if (tls.verified)
    add(out, "{} {}", badge("pass"),
        tls.trust_anchor == TrustAnchor::user_file ? "by a file that the user gave" : "by the system's store");
  else
    add(out, "{} {}", badge("fail"), text(tls.verify_error.value_or("not verified"), 300));
  add(out, "</td><td>{}</td></tr>\n", text(fmt::format("{}", fmt::join(chain.checks, ", ")), 500));
}

template <class T>
void fact(std::string& out, std::string_view what, const std::optional<Sourced<T>>& known) {
  if (!known) return;
  std::string value;
  if constexpr (std::is_same_v<T, bool>)
    value = known->value ? "yes" : "no";
  else
    value = text(known->value, 500);
  add(out, "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n", what, value, text(known->source, 500));
}

}  // namespace

void resolvers(std::string& out, const Report& report) {
  std::vector<std::string> servers, names;
  std::map<std::string, std::map<std::string, Answer>> said;
  std::size_t left_out = 0;
  for (const auto& check : report.checks)
    for (const auto& observation : check.observations) {
      const auto* dns = std::get_if<DnsObservation>(&observation.seen);
      if (!dns) continue;
      const auto server = asked_of(*dns);
      if (std::ranges::find(servers, server) == servers.end()) {
        if (servers.size() == columns_at_most) {
          ++left_out;
          continue;
        }
        servers.push_back(server);
      }
      if (!said.contains(dns->name)) names.push_back(dns->name);
      take(said[dns->name][server], *dns);
    }
  if (names.empty()) return;
  out += "<section aria-labelledby=\"resolvers\">\n<h2 id=\"resolvers\">Resolver by resolver</h2>\n";
  begin_table(out, "What each resolver said, name by name");
  out += "<thead><tr><th scope=\"col\">Name</th>";
  for (const auto& server : servers) add(out, "<th scope=\"col\">{}</th>", text(server, 100));
  out += "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < std::min(names.size(), rows_at_most); ++i) {
    const auto& answers = said[names[i]];
    const bool differs =
        std::ranges::any_of(answers, [&](const auto& one) { return differ(one.second, answers.begin()->second); });
    add(out, "<tr><th scope=\"row\">{}{}</th>", text(names[i], 260), differs ? " " + badge("differs") : "");
    for (const auto& server : servers) {
      const auto answer = answers.find(server);
      out += answer == answers.end() ? "<td class=\"faint\">not asked</td>" : "<td>" + cell(answer->second) + "</td>";
    }
    out += "</tr>\n";
  }
  end_table(out);
  if (left_out > 0) add(out, "<p>{} of further servers are in the raw report.</p>\n", count_of(left_out, "answer"));
  out += "</section>\n";
}

void certificates(std::string& out, const Report& report) {
  std::vector<Chain> chains;
  for (const auto& check : report.checks)
    for (const auto& observation : check.observations) {
      const auto* tls = std::get_if<TlsObservation>(&observation.seen);
      if (!tls || tls->chain.empty()) continue;
      const auto same = std::ranges::find_if(chains, [&](const Chain& chain) {
        return chain.tls->chain.front().sha256 == tls->chain.front().sha256 &&
               chain.tls->verify_error == tls->verify_error;
      });
      Chain& chain = same == chains.end() ? chains.emplace_back(Chain{.tls = tls}) : *same;
      chain.names.insert(tls->sni.empty() ? to_string(tls->remote) : tls->sni);
      if (chain.checks.empty() || chain.checks.back() != check.id) chain.checks.push_back(check.id);
    }
  if (chains.empty()) return;
  out += "<section aria-labelledby=\"certificates\">\n<h2 id=\"certificates\">Certificates</h2>\n";
  begin_table(out, "Certificates");
  out +=
      "<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Chain as sent</th><th scope=\"col\">Valid</th><th "
      "scope=\"col\">Verified</th><th scope=\"col\">Checks</th></tr></thead><tbody>\n";
  for (const auto& chain : chains) chain_row(out, chain);
  end_table(out);
  out += "</section>\n";
}

void node(std::string& out, const Report& report) {
  const Node& node = report.node;
  out += "<section aria-labelledby=\"node\">\n<h2 id=\"node\">The node</h2>\n";
  begin_table(out, "The node");
  out +=
      "<thead><tr><th scope=\"col\">What</th><th scope=\"col\">Value</th><th scope=\"col\">Known "
      "from</th></tr></thead><tbody>\n";
  fact(out, "Host name", node.hostname);
  fact(out, "Operating system", node.os);
  fact(out, "Kernel", node.kernel);
  fact(out, "Profile", node.profile);
  fact(out, "Cloud", node.cloud);
  fact(out, "Requirements of", node.era);
  fact(out, "Region", node.region);
  fact(out, "Subscription", node.subscription);
  fact(out, "Resource group", node.resource_group);
  fact(out, "Workspace", node.workspace);
  fact(out, "Workspace id", node.workspace_id);
  fact(out, "Workspace region", node.workspace_region);
  fact(out, "Instance", node.instance);
  fact(out, "Outbound", node.outbound);
  fact(out, "Public address", node.public_ip);
  fact(out, "In a container", node.container);
  fact(out, "TLS interception allowed", node.interception_allowed);
  fact(out, "Instance metadata", node.imds);
  const auto row = [&](std::string_view what, const std::string& value, const std::string& source) {
    add(out, "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n", what, text(value, 500), text(source, 500));
  };
  for (const auto& address : node.addresses) row("Address", address.value + " on " + address.interface, address.source);
  for (const auto& resolver : node.resolvers)
    row("DNS server", resolver.value + (resolver.stub ? " (local stub)" : ""), resolver.source);
  for (const auto& proxy : node.proxy) row("Proxy", proxy.variable + " = " + proxy.value, proxy.source);
  add(out, "<tr><th scope=\"row\">Catalogue</th><td>{}</td><td>the agent</td></tr>\n", text(report.agent.catalog, 500));
  if (report.agent.service_tags)
    add(out, "<tr><th scope=\"row\">Service tags</th><td>{}</td><td>the agent</td></tr>\n",
        text(words_of(*report.agent.service_tags), 500));
  end_table(out);
  out += "</section>\n";
}

}  // namespace vnetprobe::html
