#pragma once

#include "probes/observation.hpp"

namespace vnetprobe {

// diagnosis-codes, "States of a check": not run is never a pass.
enum class Verdict { pass, warn, fail, skip, inconclusive };
BOOST_DESCRIBE_ENUM(Verdict, pass, warn, fail, skip, inconclusive)

// Who should have answered: decides which marker headers make an answer genuine and how its refusals are read
// (azure-facts 4).
enum class Service {
  none,  // not an HTTP service that we know: any answer will do
  storage_blob,
  storage_file,
  storage_queue,
  storage_table,
  storage_dfs,
  key_vault,
  container_registry,
  container_registry_data,
  microsoft_registry,
  resource_manager,
  entra,
  machine_learning,  // workspace API, cert API, the AML API of a region
  notebooks,
  instance,  // *.instances.azureml.ms / .net and its auth front
  batch,
  monitor,
  front_door,
  user,  // the user's own target
};
BOOST_DESCRIBE_ENUM(Service, none, storage_blob, storage_file, storage_queue, storage_table, storage_dfs, key_vault,
                    container_registry, container_registry_data, microsoft_registry, resource_manager, entra,
                    machine_learning, notebooks, instance, batch, monitor, front_door, user)

// What a target gives where the network is in order, if not an answer.
enum class TargetOwes {
  host,     // that its packets arrive: nobody need listen on the port, so that silence and a refusal say nothing
  nothing,  // it belongs to one feature, and many a healthy network lets nobody go there
};
BOOST_DESCRIBE_ENUM(TargetOwes, host, nothing)

// What a check is about and what a healthy answer is. Part of the report, so that a saved one can be diagnosed again.
struct Target {
  std::string host;      // absolute name or IP literal; empty for a check of the node itself
  std::uint16_t port{};  // 0: none
  std::string protocol;  // "https", "http", "wss", "tls", "tcp", "udp", "dns", "" (the node itself)
  std::string url;       // for https, http and wss
  std::optional<std::string> service_tag;
  Service service{};
  bool private_endpoint{};                      // the plan expects a private address
  std::optional<std::string> expected_address;  // the private endpoint's address, where configured
  std::optional<std::string> private_zone;      // "privatelink.blob.core.windows.net"
  bool guessed{};                  // it is not certain that this very name exists: when it does not, nothing is proved
  std::optional<TargetOwes> owes;  // absent: an answer
};
BOOST_DESCRIBE_STRUCT(Target, (),
                      (host, port, protocol, url, service_tag, service, private_endpoint, expected_address,
                       private_zone, guessed, owes))

// An address of the target, held against the target's service tag by the agent, which has the file.
struct TaggedAddress {
  std::string address;
  bool inside{};
};
BOOST_DESCRIBE_STRUCT(TaggedAddress, (), (address, inside))

struct Check {
  std::string id;  // product.md 4: "storage.blob/mystorage"
  std::string title;
  std::string why;  // with the source: "Jupyter kernels talk over it (azure-facts 1.6)"
  bool required{};
  Verdict verdict{Verdict::inconclusive};
  std::string
      reason;  // one line: why this verdict; for skip the code that made it pointless, or "not applicable because ..."
  Target target;
  std::chrono::microseconds duration{};
  std::optional<std::string>
      proxy;  // "http://proxy:3128": programs on this node go through it for this target, and so did the stack
  bool finished{true};  // false: the deadline or Ctrl-C came first; the observations are those made until then
  std::vector<Observation> observations;
  std::vector<TaggedAddress> tagged_addresses;  // public ones only; empty: no tag, or the file does not have it
  std::vector<std::string> diagnoses;           // codes of the diagnoses that name this check
};
BOOST_DESCRIBE_STRUCT(Check, (),
                      (id, title, why, required, verdict, reason, target, duration, proxy, finished, observations,
                       tagged_addresses, diagnoses))

}  // namespace vnetprobe
