#pragma once

#include "reports/model/report.hpp"

namespace vnetprobe {

// One of the two reports, for the head of the comparison.
struct ComparedReport {
  std::string name;  // the file, as the user called it
  std::string id;
  std::string hostname;
  std::chrono::sys_time<std::chrono::milliseconds> started_at{};
  OverallVerdict verdict{};
  bool complete{};
};
BOOST_DESCRIBE_STRUCT(ComparedReport, (), (name, id, hostname, started_at, verdict, complete))

// A check whose verdict is not the same; absent: that report does not have it.
struct VerdictDifference {
  std::string id;
  bool required{};
  std::optional<Verdict> a, b;
  std::string reason_a, reason_b;
};
BOOST_DESCRIBE_STRUCT(VerdictDifference, (), (id, required, a, b, reason_a, reason_b))

// A diagnosis (code and title) that only one of them has.
struct DiagnosisDifference {
  std::string only_in;  // "a" or "b"
  std::string code;
  std::string title;
  Severity severity{};
  Owner owner{};
};
BOOST_DESCRIBE_STRUCT(DiagnosisDifference, (), (only_in, code, title, severity, owner))

// What the nodes differ in. `topic` sorts them: "plan", "agent", "place", "address", "resolver", "answer", "proxy",
// "route", "clock", "trust", "certificate", "host".
struct NodeDifference {
  std::string topic;
  std::string what;  // "DNS servers", "answer for acct.blob.core.windows.net"
  std::string a, b;  // "-": not known or none
};
BOOST_DESCRIBE_STRUCT(NodeDifference, (), (topic, what, a, b))

struct Comparison {
  std::string schema = "vnetprobe.comparison/1";
  ComparedReport a, b;
  bool same_node{};                  // one node at two times, by its host name
  std::vector<std::string> implies;  // what follows, the most telling first
  std::vector<DiagnosisDifference> diagnoses;
  std::vector<std::string> common_diagnoses;  // codes
  std::vector<VerdictDifference> checks;
  int same_verdicts{};
  std::vector<NodeDifference> node;
};
BOOST_DESCRIBE_STRUCT(Comparison, (),
                      (schema, a, b, same_node, implies, diagnoses, common_diagnoses, checks, same_verdicts, node))

// What differs between two diagnosed reports and what that implies. Pure; `name_a` and `name_b` are what the user
// called them.
Comparison compare(const Report& a, const Report& b, std::string name_a, std::string name_b);

}  // namespace vnetprobe
