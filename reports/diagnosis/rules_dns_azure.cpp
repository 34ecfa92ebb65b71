#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/azure_dns_load.hpp"

#include <algorithm>
#include <array>
#include <ranges>

// Azure's own DNS: how much it bears, and what the virtual network's DHCP says about who answers.
namespace vnetprobe {
namespace {

using Dns = Cited<DnsObservation>;

std::vector<Finding> azure_dns_limits_the_rate(const Evidenced& evidence) {
  const auto answers = answers_once_it_is_quiet(evidence.report);
  if (answers.empty()) return {};
  const auto load = load_on_azure_dns(evidence.report.checks);
  constexpr std::size_t answers_at_most = 3;
  Finding finding{.code = "dns.throttled", .subject = std::string(azure_dns), .confidence = Confidence::possible};
  for (const auto& again : answers | std::views::take(answers_at_most))
    finding.evidence.push_back(
        again.says(fmt::format("asked again alone, it answers for {} in {}", again->name, words(again->duration))));
  std::optional<Dns> silence, gave_up;
  std::vector<std::string> ended, without, late;
  for (const auto* check : evidence.open) {
    for (const auto& dns : cited<DnsObservation>(*check)) {
      const bool by_library = dns->via == DnsVia::libc && dns->error == DnsFailure::libc_error;
      if (!by_library && !was_silence_of_azure_dns(dns)) continue;
      auto& first = by_library ? gave_up : silence;
      if (!first) first = dns;
      add_once(ends_at_dns(*check) ? ended : by_library ? without : late, check->id);
    }
  }
  if (!silence) return {};
  finding.evidence.insert(finding.evidence.begin(),
                          silence->says(fmt::format("{} of {} questions to {} in this run stayed without an answer",
                                                    load.silent, load.asked, azure_dns)));
  if (gave_up)
    finding.evidence.push_back(
        gave_up->says(fmt::format("the library that programs ask gave up on {} meanwhile", (*gave_up)->name)));
  // Names that this agent got from the server and programs did not; then what programs only get late.
  finding.checks = !ended.empty() ? ended : !without.empty() ? without : late;
  finding.warns = ended.empty() && !without.empty();
  finding.only_informs = ended.empty() && without.empty();
  return {std::move(finding)};
}

bool ends_in(std::string_view name, std::string_view domain) {
  return name == domain || (name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

// With every lease Azure hands out a search domain that tells which DNS servers the virtual network had at that time
// (azure-facts 2.5): reddog.microsoft.com beside servers of its own, internal.cloudapp.net beside Azure's.
std::vector<Finding> lease_contradicts_the_servers(const Evidenced& evidence) {
  const bool names_fail =
      std::ranges::any_of(evidence.report.checks, [](const Check& check) { return ends_at_dns(check); });
  const auto host = host_fact(evidence.report, HostTopic::resolvers);
  if (!names_fail || !host || !(*host)->resolvers) return {};
  const ResolverConfig& config = *(*host)->resolvers;
  bool azure = false, other = false;
  for (const auto& server : config.servers) {
    if (server.stub || is_loopback(server.endpoint.address)) continue;
    (server.endpoint.address == azure_dns ? azure : other) = true;
  }
  for (const auto& domain : config.search) {
    const bool says_own_servers = ends_in(domain, "reddog.microsoft.com");
    const bool says_azure = ends_in(domain, "internal.cloudapp.net");
    const bool contradicts = (says_own_servers && azure && !other) || (says_azure && other && !azure);
    if (!contradicts) continue;
    Finding finding{.code = "dns.config.dhcp_pending", .subject = domain, .confidence = Confidence::possible};
    finding.only_informs = true;
    finding.checks = {host->check->id};
    finding.evidence = {host->says(fmt::format(
        "the search domain {} comes with {}, and this node asks {}", domain,
        says_azure ? "Azure's own DNS" : "DNS servers of the virtual network's own", azure ? azure_dns : "others"))};
    return {std::move(finding)};
  }
  return {};
}

}  // namespace

bool goes_to_azure_dns(const Dns& dns) {
  return dns->server && dns->server->address == azure_dns && dns->transport == DnsTransport::udp;
}

bool was_silence_of_azure_dns(const Dns& dns) { return goes_to_azure_dns(dns) && dns->error == DnsFailure::timed_out; }

AzureDnsLoad load_on_azure_dns(const std::vector<Check>& checks) {
  AzureDnsLoad load;
  for (const auto& check : checks) {
    if (!check.finished) continue;
    for (const auto& dns : cited<DnsObservation>(check)) {
      if (!goes_to_azure_dns(dns)) continue;
      const int sent = dns->sent.value_or(1);
      load.asked += sent;
      load.silent += was_silence_of_azure_dns(dns) ? sent : sent - 1;
    }
  }
  return load;
}

bool is_suspicious(const AzureDnsLoad& load) {
  constexpr int enough = 20, percent = 15;
  return load.asked >= enough && load.silent < load.asked && load.silent * 100 >= load.asked * percent;
}

std::vector<Dns> answers_once_it_is_quiet(const Report& report) {
  if (!is_suspicious(load_on_azure_dns(report.checks)) || path_is_lossy(report.checks)) return {};
  std::size_t asked = 0;
  std::vector<Dns> answers;
  for (const auto& again : cited<DnsObservation>(all_checks(report), Part::experiments)) {
    const auto own = cited<DnsObservation>(*again.check);
    if (!goes_to_azure_dns(again) || std::ranges::none_of(own, was_silence_of_azure_dns)) continue;
    ++asked;
    if (again->error != DnsFailure::timed_out) answers.push_back(again);
  }
  if (answers.size() < 2 || answers.size() * 3 < asked * 2) answers.clear();
  return answers;
}

std::span<const NamedRule> dns_azure_rules() {
  static constexpr std::array rules{NamedRule{"Azure's DNS limits the rate", azure_dns_limits_the_rate},
                                    NamedRule{"the lease contradicts the servers", lease_contradicts_the_servers}};
  return rules;
}

}  // namespace vnetprobe
