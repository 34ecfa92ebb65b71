#include "agent/config/names.hpp"
#include "agent/discovery/azureml_names.hpp"
#include "agent/discovery/discover.hpp"
#include "probes/host/files.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>

namespace vnetprobe {
namespace {

constexpr const char* marker_file = "/mnt/azmnt/.nbvm";

// Only the variables named here are ever looked at: the environment of a job also holds tokens and keys. A note never
// shows a value.
class LocalReader {
 public:
  explicit LocalReader(const Surroundings& surroundings) : surroundings_(surroundings) {}

  LocalSettings read() {
    read_marker_file();
    read_instance_name();
    read_job_variables();
    read_mlflow();
    read_batch();
    if (!result_.settings.profile) infer_other_profile();
    return std::move(result_);
  }

 private:
  // The first source keeps the value; one that contradicts it is told.
  template <class T>
  void take(Setting<T>& setting, T value, const std::string& source) {
    if (!setting)
      setting = Sourced<T>{.value = std::move(value), .source = source};
    else if (setting->value != value)
      result_.notes.push_back(fmt::format("{}: differs from {}, which is used", source, setting->source));
  }

  void refuse(const std::string& source, std::string_view wanted) {
    result_.notes.push_back(fmt::format("{}: left out, not {}", source, wanted));
  }

  const std::string* variable(const std::string& name) const {
    const auto found = surroundings_.environment.find(name);
    return found == surroundings_.environment.end() || found->second.empty() ? nullptr : &found->second;
  }

  // Where something is wrong with the file itself, its presence still says what the node is.
  void read_marker_file() {
    constexpr std::size_t most_bytes = 64U << 10;
    const auto file = read_file(surroundings_.root, marker_file, most_bytes);
    if (file.error == HostFailure::not_found) return;
    take(result_.settings.profile, Profile::compute_instance, marker_file);
    if (file.error || file.cut) {
      result_.notes.push_back(file.cut ? fmt::format("{}: only its first {} bytes were read", marker_file, most_bytes)
                                       : file.detail);
    }
    for (const auto& line : lines_of(file.text)) {
      const auto equals = line.text.find('=');
      if (equals == std::string_view::npos) continue;
      auto value = trimmed(line.text.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
      read_marker(trimmed(line.text.substr(0, equals)), value, fmt::format("{}:{}", marker_file, line.number));
    }
  }

  void read_marker(std::string_view key, std::string_view value, const std::string& source) {
    auto& settings = result_.settings;
    if (key == "instance") {
      if (!is_label(value)) return refuse(source, "the name of a compute instance");
      take(settings.instance, std::string(value), source);
    } else if (key == "domainsuffix") {
      const auto domain = parse_instance_domain(value);
      if (!domain) return refuse(source, "a domain of compute instances");
      take(settings.instance_domain, domain->domain, source);
      if (domain->cloud) take(settings.cloud, *domain->cloud, source);
      if (!domain->region.empty()) take(settings.region, domain->region, source);
    } else if (key == "certurl") {
      const auto name = host_of_url(value, "https");
      const auto host = name ? parse_aml_host(*name) : std::nullopt;
      if (!host) return refuse(source, "a URL https://<region>.cert.api.azureml.ms/...");
      take_host(*host, source);
      take(settings.region, host->region, source);  // an instance lives in its workspace's region
    }
  }

  void take_host(const AmlHost& host, const std::string& source) {
    auto& settings = result_.settings;
    take(settings.workspace_region, host.region, source);
    take(settings.cloud, host.cloud, source);
    if (!host.workspace_id.empty()) take(settings.workspace_id, host.workspace_id, source);
  }

  void read_instance_name() {
    const auto* name = variable("CI_NAME");
    if (!name) return;
    take(result_.settings.profile, Profile::compute_instance, "environment: CI_NAME");
    if (!is_label(*name)) return refuse("environment: CI_NAME", "the name of a compute instance");
    take(result_.settings.instance, *name, "environment: CI_NAME");
  }

  void read_shaped(const std::string& name, Setting<std::string>& setting, bool (*fits)(std::string_view),
                   std::string_view wanted) {
    const auto* value = variable(name);
    if (!value) return;
    const auto source = "environment: " + name;
    if (!fits(*value)) return refuse(source, wanted);
    take(setting, fits == is_guid ? lower_case(*value) : *value, source);
  }

  void read_job_variables() {
    auto& settings = result_.settings;
    read_shaped("AZUREML_ARM_SUBSCRIPTION", settings.subscription, is_guid, "the id of a subscription");
    read_shaped("AZUREML_ARM_RESOURCEGROUP", settings.resource_group, is_resource_group,
                "the name of a resource group");
    read_shaped("AZUREML_ARM_WORKSPACE_NAME", settings.workspace_name, is_workspace_name, "the name of a workspace");
    read_shaped("AZUREML_WORKSPACE_ID", settings.workspace_id, is_guid, "the id of a workspace");
    const auto* endpoint = variable("AZUREML_SERVICE_ENDPOINT");
    if (!endpoint) return;
    const auto name = host_of_url(*endpoint, "https");
    const auto host = name ? parse_aml_host(*name) : std::nullopt;
    if (!host) return refuse("environment: AZUREML_SERVICE_ENDPOINT", "a URL https://<region>.api.azureml.ms");
    take_host(*host, "environment: AZUREML_SERVICE_ENDPOINT");
  }

  void read_mlflow() {
    const auto* uri = variable("MLFLOW_TRACKING_URI");
    if (!uri) return;
    const std::string source = "environment: MLFLOW_TRACKING_URI";
    // A user's own tracking server is nothing that we know about.
    if (!lower_case(uri->substr(0, 10)).starts_with("azureml://")) return;
    const auto parsed = parse_mlflow_uri(*uri);
    if (!parsed) return refuse(source, "a URI azureml://<region>.api.azureml.ms/... that names a workspace");
    auto& settings = result_.settings;
    take_host(parsed->host, source);
    take(settings.subscription, parsed->subscription, source);
    take(settings.resource_group, parsed->resource_group, source);
    take(settings.workspace_name, parsed->workspace, source);
  }

  void read_batch() {
    auto& settings = result_.settings;
    if (!settings.profile && variable("AZ_BATCH_POOL_ID"))
      take(settings.profile, Profile::compute_cluster, "environment: AZ_BATCH_POOL_ID");
    const auto* url = variable("AZ_BATCH_ACCOUNT_URL");
    if (!url) return;
    const std::string source = "environment: AZ_BATCH_ACCOUNT_URL";
    const auto account = parse_batch_url(*url);
    if (!account) return refuse(source, "a URL https://<account>.<region>.batch.azure.com");
    take(settings.batch_account_host, account->host, source);
    take(settings.region, account->region, source);
    take(settings.cloud, account->cloud, source);
  }

  bool exists(const char* path) const {
    std::error_code error;
    return std::filesystem::exists(surroundings_.root / std::filesystem::path(path).relative_path(), error);
  }

  void infer_other_profile() {
    auto& profile = result_.settings.profile;
    if (variable("DATABRICKS_RUNTIME_VERSION"))
      return take(profile, Profile::databricks, "environment: DATABRICKS_RUNTIME_VERSION");
    if (exists("/databricks")) return take(profile, Profile::databricks, "/databricks");
    for (const char* path : {"/etc/hdinsight", "/usr/hdp"})
      if (exists(path)) return take(profile, Profile::hdinsight, path);
  }

  const Surroundings& surroundings_;
  LocalSettings result_;
};

}  // namespace

LocalSettings read_azureml(const Surroundings& surroundings) { return LocalReader(surroundings).read(); }

}  // namespace vnetprobe
