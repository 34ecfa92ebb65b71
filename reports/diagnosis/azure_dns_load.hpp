#pragma once

#include "reports/diagnosis/cited.hpp"

#include <vector>

// How Azure's own DNS bore the burst of questions that a run begins with: it answers a virtual machine only so many
// questions at a time, and stays silent about the rest (diagnosis-codes 1.1, dns.throttled).
namespace vnetprobe {

struct AzureDnsLoad {
  int asked{}, silent{};  // datagrams, of the checks' own stacks
};
AzureDnsLoad load_on_azure_dns(const std::vector<Check>& checks);

// It answers, and is silent far more often than a lossy network explains.
bool is_suspicious(const AzureDnsLoad& load);

// One question over UDP to it, and one that it did not answer.
bool goes_to_azure_dns(const Cited<DnsObservation>& dns);
bool was_silence_of_azure_dns(const Cited<DnsObservation>& dns);

// Its answers to questions that it left open among many and that were asked again alone. None where that does not show
// a limit: nothing is suspicious, packets get lost anyway, or most stay open.
std::vector<Cited<DnsObservation>> answers_once_it_is_quiet(const Report& report);

}  // namespace vnetprobe
