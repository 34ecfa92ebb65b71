#include "agent/discovery/discover.hpp"
#include "probes/host/host.hpp"

#include <unistd.h>
#include <string_view>

namespace vnetprobe {
namespace {

// Where the system, temporary files, notebooks and jobs write (azure-facts 3.7), as far as this node has them.
std::vector<std::string> written_directories() {
  std::vector<std::string> present;
  std::error_code error;
  for (const char* path : {"/", "/tmp", "/var", "/mnt", "/mnt/batch/tasks"})
    if (std::filesystem::is_directory(path, error)) present.emplace_back(path);
  return present;
}

}  // namespace

Surroundings surroundings_of_this_process() {
  Surroundings surroundings;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    surroundings.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return surroundings;
}

HostFacts read_host(const Surroundings& surroundings, const std::vector<std::string>& ca_files) {
  const auto& root = surroundings.root;
  return {.os = observe_os(root),
          .clock = observe_clock(root),
          .ca_store = observe_ca_store(ca_files, root),
          .disks = observe_disks(written_directories()),
          .interfaces = observe_interfaces(),
          .routes = observe_routes(),
          .resolvers = observe_resolvers(root),
          .proxies = observe_proxies(root),
          .kernel = observe_kernel(root),
          .agents = observe_agents(root)};
}

}  // namespace vnetprobe
