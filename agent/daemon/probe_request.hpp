#pragma once

#include "agent/config/settings.hpp"
#include "agent/daemon/http_server.hpp"

namespace vnetprobe {

// What `/probe` may be asked about.
struct ProbeScope {
  const std::vector<UserTarget>& targets;     // of the configuration
  const std::vector<std::string>& check_ids;  // of the last report
  bool any_target{};
};

// The flags of `run` that carry out a scrape of `/probe?target=...&module=...`, or the answer that refuses it. `target`
// is the name or the URL of a configured target, or the id of a check; any other URL or HOST:PORT only where
// `any_target`. `module` is tcp, http or websocket, or blackbox_exporter's tcp_connect and http_2xx; absent: what the
// target's scheme says.
struct ProbeRequest {
  std::vector<std::string> arguments;
  int refusal{};
  std::string why;
};
ProbeRequest read_probe_request(const PageRequest& request, const ProbeScope& scope);

}  // namespace vnetprobe
