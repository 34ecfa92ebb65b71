#pragma once

#include "reports/model/report.hpp"

namespace vnetprobe {

struct SummarizedDiagnosis {
  std::string code, title;
  Severity severity{};
  Owner owner{};
};

struct SummarizedCheck {
  std::string id;
  Verdict verdict{};
};

// Something that nodes can have in common: "subnet" "10.1.4.0/24".
struct Trait {
  std::string kind, value;
  auto operator<=>(const Trait&) const = default;
};
BOOST_DESCRIBE_STRUCT(Trait, (), (kind, value))

// What a fleet's picture needs of one report; some kilobytes, where the report has hundreds.
struct NodeSummary {
  std::string file;               // as it was found
  std::string hostname, machine;  // machine: IMDS' vmId, where it answered
  std::string started_at;         // RFC 3339 as in the report; sorts as text
  OverallVerdict verdict{};
  bool complete{};
  std::vector<SummarizedDiagnosis> diagnoses;  // above info
  std::vector<SummarizedCheck> checks;
  std::vector<Trait> traits;  // sorted, each once
};

// Reads a report in JSON without building it: a text is looked at once, from its beginning. Strings are cut at 300
// bytes, checks at 20 000. An error names the byte or the key.
struct ReadSummary {
  std::optional<NodeSummary> node;
  std::string error;
};
ReadSummary read_summary(std::string_view json, std::string file);

}  // namespace vnetprobe
