#pragma once

#include "reports/model/check.hpp"
#include "reports/model/diagnosis.hpp"

namespace vnetprobe {

// A discovered value and where it came from: "--profile", "config.yaml:12", "/mnt/azmnt/.nbvm:1", "imds:
// compute.location".
template <class T>
struct Sourced {
  T value{};
  std::string source;
};

struct NodeAddress {
  std::string value;  // CIDR
  std::string interface;
  std::string source;
};
BOOST_DESCRIBE_STRUCT(NodeAddress, (), (value, interface, source))

struct NodeResolver {
  std::string value;  // "10.0.0.10" or "10.0.0.10:5353"
  bool stub{};
  std::string source;
};
BOOST_DESCRIBE_STRUCT(NodeResolver, (), (value, stub, source))

// The node as discovered: what the plan was made from, each value with its source. Absent: not known.
struct Node {
  std::optional<Sourced<std::string>> hostname, os, kernel, profile, cloud, era, region, subscription, resource_group,
      workspace, workspace_id, workspace_region, instance, outbound;
  std::optional<Sourced<bool>> public_ip, container, interception_allowed;
  std::vector<NodeAddress> addresses;
  std::vector<NodeResolver> resolvers;
  std::vector<ProxySetting> proxy;
  std::optional<Sourced<std::string>> imds;  // "answered", "timed_out", "not asked", ...; source: the endpoint
  unsigned uid{};
};
BOOST_DESCRIBE_STRUCT(Node, (),
                      (hostname, os, kernel, profile, cloud, era, region, subscription, resource_group, workspace,
                       workspace_id, workspace_region, instance, outbound, public_ip, container, interception_allowed,
                       addresses, resolvers, proxy, imds, uid))

// A route to the internet that forced tunnelling needs.
struct NeededRoute {
  std::string prefix;
  std::string tag;  // whose addresses these are; several joined by '+'
};
BOOST_DESCRIBE_STRUCT(NeededRoute, (), (prefix, tag))

// Which service tags the run held addresses against.
struct ServiceTagFile {
  std::string source;  // a path, or the snapshot in the binary
  std::string cloud;
  std::int64_t change_number{};
  std::string date;                 // "2025-11-10"; empty: unknown
  std::optional<int> age_days;      // when the run began
  std::vector<NeededRoute> routes;  // IPv4, the fewest; only with `outbound: forced-tunnel` in a known region
};
BOOST_DESCRIBE_STRUCT(ServiceTagFile, (), (source, cloud, change_number, date, age_days, routes))

struct AgentInfo {
  std::string version;
  std::string catalog;  // "built-in 2026-03", or the file's path
  std::string era;
  std::optional<ServiceTagFile> service_tags;
};
BOOST_DESCRIBE_STRUCT(AgentInfo, (), (version, catalog, era, service_tags))

enum class OverallVerdict { healthy, degraded, unhealthy, inconclusive };
BOOST_DESCRIBE_ENUM(OverallVerdict, healthy, degraded, unhealthy, inconclusive)

struct Summary {
  int pass{}, warn{}, fail{}, skip{}, inconclusive{};
};
BOOST_DESCRIBE_STRUCT(Summary, (), (pass, warn, fail, skip, inconclusive))

// What the spool of reports that could not be sent looked like when this report was made.
struct SpoolNote {
  int waiting{}, parked{};           // reports on disk; parked: refused for good by their receiver
  int dropped{}, dropped_healthy{};  // given up for want of room since the last report that told of it
};
BOOST_DESCRIBE_STRUCT(SpoolNote, (), (waiting, parked, dropped, dropped_healthy))

// What a report means beside the ones before it; only a daemon knows.
enum class ChangeKind {
  first,     // nothing to compare with
  changed,   // another verdict or other diagnoses than in the run before
  flapping,  // it changes again and again: told once, until it settles
  settled,   // steady again after flapping
};
BOOST_DESCRIBE_ENUM(ChangeKind, first, changed, flapping, settled)
struct StateChange {
  ChangeKind kind{};
  std::string previous_verdict;             // empty: none
  std::vector<std::string> appeared, gone;  // codes of diagnoses above info
  int changes{}, runs{};                    // so many of the last so many runs differed from the one before
};
BOOST_DESCRIBE_STRUCT(StateChange, (), (kind, previous_verdict, appeared, gone, changes, runs))

// product.md 8.
struct Report {
  std::string schema = "vnetprobe.report/1";
  std::string id;  // ULID
  std::chrono::sys_time<std::chrono::milliseconds> started_at{}, finished_at{};
  std::chrono::microseconds duration{};
  bool complete{};
  std::string interrupted_by;  // "", "deadline" or "signal"
  AgentInfo agent;
  Node node;
  OverallVerdict verdict{OverallVerdict::inconclusive};
  Summary summary;
  std::vector<Diagnosis> diagnoses;
  std::vector<Check> checks;
  std::optional<SpoolNote> spool;        // absent: nothing waits and nothing was dropped
  std::optional<StateChange> change;     // absent: no change, or nobody compared
  std::vector<std::string> not_checked;  // what the plan left out for want of a value, and which value would add it
};
BOOST_DESCRIBE_STRUCT(Report, (),
                      (schema, id, started_at, finished_at, duration, complete, interrupted_by, agent, node, verdict,
                       summary, diagnoses, checks, spool, change, not_checked))

}  // namespace vnetprobe
