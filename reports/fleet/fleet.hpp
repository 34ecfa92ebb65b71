#pragma once

#include "reports/fleet/node_summary.hpp"

namespace vnetprobe {

// A file that is no report, or a damaged one.
struct SkippedFile {
  std::string file, error;
};
BOOST_DESCRIBE_STRUCT(SkippedFile, (), (file, error))

struct FleetNode {
  std::string name;  // host name, with the machine's id where two share it; the file's where there is none
  std::string file, started_at;
  OverallVerdict verdict{};
  bool complete{};
  int older_reports{};             // of the same node, not looked at
  std::vector<std::string> codes;  // of diagnoses above info
  std::string verdicts;  // a letter for each of Fleet::checks: p w f s i, or - where the node has no such check
};
BOOST_DESCRIBE_STRUCT(FleetNode, (), (name, file, started_at, verdict, complete, older_reports, codes, verdicts))

// A fact about the nodes with a diagnosis beside those without it. Never a cause.
struct Commonality {
  Trait trait;
  int with{}, others_with{}, others{};  // of the nodes that have the diagnosis; of the `others` that do not
};
BOOST_DESCRIBE_STRUCT(Commonality, (), (trait, with, others_with, others))

// A diagnosis wherever it was made.
struct FleetDiagnosis {
  std::string code, title;  // title: of the first node; with "(and others)" where they differ
  Severity severity{};      // the worst
  Owner owner{};
  std::vector<std::string> nodes;  // names
  std::vector<Commonality> common;
};
BOOST_DESCRIBE_STRUCT(FleetDiagnosis, (), (code, title, severity, owner, nodes, common))

struct FleetCheck {
  std::string id;
  int pass{}, warn{}, fail{}, skip{}, inconclusive{};
};
BOOST_DESCRIBE_STRUCT(FleetCheck, (), (id, pass, warn, fail, skip, inconclusive))

struct Fleet {
  std::string schema = "vnetprobe.fleet/1";
  int healthy{}, degraded{}, unhealthy{}, inconclusive{};  // nodes
  std::vector<FleetDiagnosis> diagnoses;                   // the most nodes first
  std::vector<FleetCheck> checks;                          // by id
  int checks_left_out{};                                   // more than 2500 different ids
  std::vector<FleetNode> nodes;                            // by name
  std::vector<SkippedFile> skipped;
};
BOOST_DESCRIBE_STRUCT(Fleet, (),
                      (schema, healthy, degraded, unhealthy, inconclusive, diagnoses, checks, checks_left_out, nodes,
                       skipped))

// The worst of the nodes'.
OverallVerdict verdict_of(const Fleet& fleet);

// Nodes whose checks ended alike, over the checks that did not pass everywhere: the rows of a matrix that a person can
// look through. The most nodes first.
struct FleetPattern {
  std::string verdicts;            // a letter for each of FleetMatrix::checks, as in FleetNode
  std::vector<std::string> nodes;  // names
};
struct FleetMatrix {
  std::vector<std::string> checks;  // ids, the ones that fail on most nodes first
  int checks_left_out{};
  std::vector<FleetPattern> rows;
};
FleetMatrix matrix_of(const Fleet& fleet, std::size_t columns_at_most);

// "All 18: subnet 10.1.4.0/24; of the other 182, none."
std::string in_words(const Commonality& common, std::size_t nodes);

// One picture of many nodes; the newest report of each counts. Pure.
Fleet merge_fleet(std::vector<NodeSummary> reports, std::vector<SkippedFile> skipped);

}  // namespace vnetprobe
