#include "agent/config/settings.hpp"

#include "probes/text.hpp"

#include <array>

namespace vnetprobe {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 5> profiles{"compute-instance", "compute-cluster", "attached-vm", "hdinsight",
                                                   "databricks"};
constexpr std::array<std::string_view, 3> clouds{"public", "usgov", "china"};
constexpr std::array<std::string_view, 2> eras{"2020-07", "2026-03"};
constexpr std::array<std::string_view, 3> outbounds{"open", "limited", "forced-tunnel"};
constexpr std::array<std::string_view, 3> delivery_times{"always", "change", "unhealthy"};

// azEnvironment of IMDS (azure-facts 3.3), in lower case. The German cloud is closed.
constexpr std::array<std::string_view, 3> environments{"azurepubliccloud", "azureusgovernmentcloud", "azurechinacloud"};

template <class E, std::size_t N>
std::optional<E> parse(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto wanted = lower_case(text.substr(0, 64));
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == wanted && text.size() == names[i].size()) return static_cast<E>(i);
  return std::nullopt;
}

template <class T>
void fill_from(std::optional<T>& stronger, const std::optional<T>& weaker) {
  if (!stronger) stronger = weaker;
}

template <class T>
void fill_from(std::vector<T>& stronger, const std::vector<T>& weaker) {
  if (stronger.empty()) stronger = weaker;
}

void fill_from(std::string& stronger, const std::string& weaker) {
  if (stronger.empty()) stronger = weaker;
}

}  // namespace

std::string_view name_of(Profile profile) { return profiles.at(static_cast<std::size_t>(profile)); }
std::string_view name_of(Cloud cloud) { return clouds.at(static_cast<std::size_t>(cloud)); }
std::string_view name_of(Era era) { return eras.at(static_cast<std::size_t>(era)); }
std::string_view name_of(Outbound outbound) { return outbounds.at(static_cast<std::size_t>(outbound)); }

std::optional<Profile> parse_profile(std::string_view name) { return parse<Profile>(profiles, name); }
std::optional<Era> parse_era(std::string_view name) { return parse<Era>(eras, name); }
std::optional<Outbound> parse_outbound(std::string_view name) { return parse<Outbound>(outbounds, name); }
std::optional<DeliverWhen> parse_deliver_when(std::string_view name) {
  return parse<DeliverWhen>(delivery_times, name);
}
std::optional<Cloud> parse_cloud(std::string_view name) {
  if (const auto cloud = parse<Cloud>(clouds, name)) return cloud;
  return parse<Cloud>(environments, name);
}

std::span<const std::string_view> profile_names() { return profiles; }
std::span<const std::string_view> cloud_names() { return clouds; }
std::span<const std::string_view> era_names() { return eras; }
std::span<const std::string_view> outbound_names() { return outbounds; }
std::span<const std::string_view> deliver_when_names() { return delivery_times; }

Cloud cloud_of_region(std::string_view region) {
  if (region.starts_with("usgov") || region.starts_with("usdod")) return Cloud::usgov;
  if (region.starts_with("chinaeast") || region.starts_with("chinanorth")) return Cloud::china;
  return Cloud::public_;
}

Settings default_settings() {
  using namespace std::chrono_literals;
  const auto by_default = [](auto value) {
    return Sourced<decltype(value)>{.value = std::move(value), .source = "default"};
  };
  Settings settings;
  settings.profile = by_default(Profile::compute_instance);
  settings.cloud = by_default(Cloud::public_);
  settings.era = by_default(Era::y2026_03);
  settings.public_ip = by_default(false);
  settings.outbound = by_default(Outbound::open);
  settings.default_images = by_default(true);
  settings.hbi_workspace = by_default(false);
  settings.allow_interception = by_default(false);
  settings.proxy = by_default(std::string("environment"));
  settings.deadline = by_default(std::chrono::milliseconds(60s));
  settings.timeouts = {.dns = 2s, .tcp = 5s, .tls = 5s, .http = 10s, .websocket = 10s};
  return settings;
}

Settings merge(Settings stronger, const Settings& weaker) {
  const auto take = [&](auto... members) { (fill_from(stronger.*members, weaker.*members), ...); };
  take(&Settings::profile, &Settings::cloud, &Settings::era, &Settings::public_ip, &Settings::region,
       &Settings::subscription, &Settings::resource_group, &Settings::workspace_name, &Settings::workspace_id,
       &Settings::workspace_region, &Settings::workspace_private_endpoint, &Settings::instance,
       &Settings::instance_domain, &Settings::batch_account_host, &Settings::storage_accounts,
       &Settings::container_registry, &Settings::key_vault, &Settings::outbound, &Settings::default_images,
       &Settings::hbi_workspace, &Settings::targets, &Settings::ca_files, &Settings::allow_interception,
       &Settings::proxy, &Settings::deadline, &Settings::concurrency, &Settings::service_tags, &Settings::catalog,
       &Settings::imds_endpoint, &Settings::resolvers, &Settings::delivery);
  const auto take_timeouts = [&](auto... members) {
    (fill_from(stronger.timeouts.*members, weaker.timeouts.*members), ...);
  };
  take_timeouts(&Timeouts::dns, &Timeouts::tcp, &Timeouts::tls, &Timeouts::http, &Timeouts::websocket,
                &Timeouts::websocket_idle);
  const auto take_daemon = [&](auto... members) { (fill_from(stronger.daemon.*members, weaker.daemon.*members), ...); };
  take_daemon(&DaemonSettings::every, &DaemonSettings::jitter_percent, &DaemonSettings::keep, &DaemonSettings::keep_mib,
              &DaemonSettings::metrics, &DaemonSettings::certificate_file, &DaemonSettings::key_file,
              &DaemonSettings::token_file, &DaemonSettings::probe_any);
  return stronger;
}

}  // namespace vnetprobe
