#pragma once

#include "reports/model/report.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Everything that a person, a file or the node can say about what to check and how (product.md 3). One type for every
// source: the command line, the configuration file, AML's files and IMDS each give a Settings, and merge() puts the
// strongest first.
namespace vnetprobe {

template <class T>
using Setting = std::optional<Sourced<T>>;

enum class Profile { compute_instance, compute_cluster, attached_vm, hdinsight, databricks };
BOOST_DESCRIBE_ENUM(Profile, compute_instance, compute_cluster, attached_vm, hdinsight, databricks)
enum class Cloud { public_, usgov, china };
BOOST_DESCRIBE_ENUM(Cloud, public_, usgov, china)
enum class Era { y2020_07, y2026_03 };
BOOST_DESCRIBE_ENUM(Era, y2020_07, y2026_03)
enum class Outbound { open, limited, forced_tunnel };
BOOST_DESCRIBE_ENUM(Outbound, open, limited, forced_tunnel)
enum class DeliveryKind { webhook, blob, file, console, journal };
BOOST_DESCRIBE_ENUM(DeliveryKind, webhook, blob, file, console, journal)
enum class DeliverWhen { always, change, unhealthy };
BOOST_DESCRIBE_ENUM(DeliverWhen, always, change, unhealthy)
// Names as in the configuration: "compute-instance", "public", "2020-07", "forced-tunnel". Parsed without regard to
// case.
std::string_view name_of(Profile profile);
std::string_view name_of(Cloud cloud);
std::string_view name_of(Era era);
std::string_view name_of(Outbound outbound);
std::optional<Profile> parse_profile(std::string_view name);
std::optional<Cloud> parse_cloud(std::string_view name);  // also IMDS's azEnvironment, case-insensitive
std::optional<Era> parse_era(std::string_view name);
std::optional<Outbound> parse_outbound(std::string_view name);
std::optional<DeliverWhen> parse_deliver_when(std::string_view name);
// Every name in its order, for "one of ..." and "did you mean ...".
std::span<const std::string_view> profile_names();
std::span<const std::string_view> cloud_names();
std::span<const std::string_view> era_names();
std::span<const std::string_view> outbound_names();
std::span<const std::string_view> deliver_when_names();

// "public": every region that does not begin as the sovereign clouds' do (azure-facts 5.6).
Cloud cloud_of_region(std::string_view region);

// Whether a resource has a private endpoint, and the address where the user says which it must have.
struct PrivateEndpoint {
  bool present{};
  std::optional<std::string> address;
};

struct StorageAccount {
  std::string name;
  std::vector<std::string> services;  // of blob, queue, table, file, dfs; empty: blob, file, queue, table
  std::optional<PrivateEndpoint> private_endpoint;
  std::string source;
};

struct NamedResource {
  std::string name;
  std::optional<PrivateEndpoint> private_endpoint;
};

// The user's own target. Exactly one of url, tcp, websocket.
struct UserTarget {
  std::string name;
  std::string url, tcp, websocket;
  bool required = true;
  std::string source;
};

struct Timeouts {
  std::optional<std::chrono::milliseconds> dns, tcp, tls, http, websocket;
  // How long an open WebSocket is left idle before it is tried again; absent: not at all.
  std::optional<std::chrono::milliseconds> websocket_idle;
};

// Where a finished report is sent. `destination` may hold a SAS signature: never printed.
struct Delivery {
  DeliveryKind kind{};
  std::string destination;  // URL or path; empty for the journal
  std::string secret_file;  // key of a webhook's signature, or a blob's SAS
  DeliverWhen when{DeliverWhen::always};
  std::string source;
};

struct DaemonSettings {
  std::optional<std::chrono::milliseconds> every;
  std::optional<int> jitter_percent;
  std::optional<int> keep;                             // reports of the history
  std::optional<int> keep_mib;                         // their size together
  std::optional<Endpoint> metrics;                     // where it listens
  std::string certificate_file, key_file, token_file;  // PEM, PEM, one line; empty: none
  std::optional<bool> probe_any;                       // /probe takes targets that are not in the configuration
};

struct Settings {
  Setting<Profile> profile;
  Setting<Cloud> cloud;
  Setting<Era> era;
  Setting<bool> public_ip;
  Setting<std::string> region, subscription, resource_group;
  Setting<std::string> workspace_name, workspace_id, workspace_region;
  Setting<PrivateEndpoint> workspace_private_endpoint;
  Setting<std::string> instance;
  Setting<std::string> instance_domain;     // `domainsuffix` of .nbvm, e.g. "instances.azureml.ms"
  Setting<std::string> batch_account_host;  // of AZ_BATCH_ACCOUNT_URL
  std::vector<StorageAccount> storage_accounts;
  Setting<NamedResource> container_registry, key_vault;
  Setting<Outbound> outbound;
  Setting<bool> default_images, hbi_workspace;
  std::vector<UserTarget> targets;
  std::vector<Sourced<std::string>> ca_files;
  Setting<bool> allow_interception;
  Setting<std::string> proxy;  // "environment", "none" or a URL (credentials allowed, never printed)
  Timeouts timeouts;
  Setting<std::chrono::milliseconds> deadline;
  Setting<int> concurrency;
  Setting<std::string> service_tags, catalog, imds_endpoint;
  std::vector<Sourced<Endpoint>> resolvers;  // --resolver: asked instead of the node's own
  std::vector<Delivery> delivery;
  DaemonSettings daemon;
};

// What holds where no source says anything; every value has the source "default".
Settings default_settings();

// What `stronger` leaves open is taken from `weaker`. Lists are taken whole from the strongest source that has any.
Settings merge(Settings stronger, const Settings& weaker);

}  // namespace vnetprobe
