#pragma once

#include "agent/config/settings.hpp"
#include "probes/within.hpp"

#include <filesystem>
#include <functional>

namespace vnetprobe {

// The node's own facts, as observed without a packet.
struct HostFacts {
  HostObservation os, clock, ca_store, disks, interfaces, routes, resolvers, proxies, kernel, agents;
};

// Where discovery looks. Tests point `root` at a tree of their own and give an environment.
struct Surroundings {
  std::filesystem::path root = "/";
  std::map<std::string, std::string> environment;
};
Surroundings surroundings_of_this_process();

HostFacts read_host(const Surroundings& surroundings, const std::vector<std::string>& ca_files);

// AML's and Batch's own files and environment (azure-facts 3.7): .nbvm, MLFLOW_TRACKING_URI, AZUREML_*, AZ_BATCH_*,
// CI_NAME. Malformed values are left out and told in `notes`.
struct LocalSettings {
  Settings settings;
  std::vector<std::string> notes;
};
LocalSettings read_azureml(const Surroundings& surroundings);

// What IMDS says: cloud, region, subscription, resource group, and whether there is a public address. It names none for
// one of the Standard kind (azure-facts 3.3), so without one nothing is said.
Settings settings_from_imds(const ImdsObservation& imds);

// All sources merged, strongest first, and the Node that the report shows.
struct Discovery {
  Settings settings;  // merged, with defaults filled in (source "default")
  HostFacts host;
  std::optional<ImdsObservation> imds;  // absent: not asked (list)
  bool on_azure_vm{};  // IMDS ought to answer: told by --imds-endpoint, the profile, AML's files or the chassis tag;
                       // never in a container
  std::string on_azure_vm_because;
  bool is_the_compute{};  // its own files or environment say what it is; false: it may stand in for another node
  Node node;
  std::vector<std::string> notes;
};
Discovery combine(const Settings& command_line, const Settings& config, const LocalSettings& local, HostFacts host,
                  std::optional<ImdsObservation> imds);

}  // namespace vnetprobe
