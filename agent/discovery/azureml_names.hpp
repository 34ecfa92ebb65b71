#pragma once

#include "agent/config/settings.hpp"

// What AML's and Batch's own URLs tell (azure-facts 2.1, 3.7). Everything that comes back has the shape that it must
// have in a host name; anything else is absent.
namespace vnetprobe {

// Without the scheme, user information, port, path and query; lower case. Absent: not a URL of that scheme with a valid
// host.
std::optional<std::string> host_of_url(std::string_view url, std::string_view scheme);

struct AmlHost {
  std::string region;
  std::string workspace_id;  // empty where the host names none
  Cloud cloud{};
};
// "<region>.api.azureml.ms", "<id>.workspace.<region>.api.azureml.ms", both with "cert." before "api", in all three
// clouds.
std::optional<AmlHost> parse_aml_host(std::string_view host);

struct MlflowUri {
  AmlHost host;
  std::string subscription, resource_group, workspace;
};
// "azureml://<region>.api.azureml.ms/mlflow/v1.0/subscriptions/<>/resourceGroups/<>/providers/.../workspaces/<>"
std::optional<MlflowUri> parse_mlflow_uri(std::string_view uri);

struct InstanceDomain {
  std::string domain;          // "instances.azureml.ms"
  std::string region;          // empty where the suffix has none
  std::optional<Cloud> cloud;  // absent: instances of every cloud may have this domain
};
// "instances.azureml.ms" or "eastus2.instances.azureml.ms".
std::optional<InstanceDomain> parse_instance_domain(std::string_view suffix);

struct BatchHost {
  std::string host, region;
  Cloud cloud{};
};
// "https://<account>.<region>.batch.azure.com/"
std::optional<BatchHost> parse_batch_url(std::string_view url);

}  // namespace vnetprobe
