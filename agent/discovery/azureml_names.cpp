#include "agent/discovery/azureml_names.hpp"

#include "agent/config/names.hpp"
#include "probes/text.hpp"

#include <array>

namespace vnetprobe {
namespace {

struct Suffix {
  std::string_view text;
  Cloud cloud{};
};

// The longer ones first: "cert.api" also ends with "api".
constexpr std::array aml_suffixes{
    Suffix{".cert.api.azureml.ms", Cloud::public_},     Suffix{".api.azureml.ms", Cloud::public_},
    Suffix{".cert.api.ml.azure.us", Cloud::usgov},      Suffix{".api.ml.azure.us", Cloud::usgov},
    Suffix{".cert.api.ml.azure.cn", Cloud::china},      Suffix{".api.ml.azure.cn", Cloud::china},
    Suffix{".experiments.azureml.net", Cloud::public_},
};
struct InstanceSuffix {
  std::string_view text;
  std::optional<Cloud> cloud;  // absent: the documents print it for instances of every cloud (azure-facts 1.6, 2.1)
};
constexpr std::array instance_suffixes{
    InstanceSuffix{"instances.azureml.ms", std::nullopt},    InstanceSuffix{"instances.ml.azure.ms", std::nullopt},
    InstanceSuffix{"instances.azureml.net", Cloud::public_}, InstanceSuffix{"instances.azureml.us", Cloud::usgov},
    InstanceSuffix{"instances.ml.azure.us", Cloud::usgov},   InstanceSuffix{"instances.azureml.cn", Cloud::china},
    InstanceSuffix{"instances.ml.azure.cn", Cloud::china},
};
constexpr std::array batch_suffixes{
    Suffix{".batch.azure.com", Cloud::public_},
    Suffix{".batch.usgovcloudapi.net", Cloud::usgov},
    Suffix{".batch.chinacloudapi.cn", Cloud::china},
};

// The value behind `/key/` in a path, whatever the case of the key; empty: not there.
std::string_view after_segment(std::string_view path, std::string_view key) {
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (lower_case(segment) == key) return path.substr(0, path.find('/'));
  }
  return {};
}

}  // namespace

std::optional<std::string> host_of_url(std::string_view url, std::string_view scheme) {
  constexpr std::size_t longest = 2048;
  if (url.size() > longest) return std::nullopt;
  const auto separator = url.find("://");
  if (separator == std::string_view::npos || lower_case(url.substr(0, separator)) != scheme) return std::nullopt;
  auto authority = url.substr(separator + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) return std::nullopt;
  if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    if (!parse_port(authority.substr(colon + 1))) return std::nullopt;
    authority = authority.substr(0, colon);
  }
  if (!is_host_name(authority)) return std::nullopt;
  return lower_case(authority);
}

std::optional<AmlHost> parse_aml_host(std::string_view host) {
  for (const auto& suffix : aml_suffixes) {
    if (!host.ends_with(suffix.text)) continue;
    auto front = host.substr(0, host.size() - suffix.text.size());
    AmlHost result{.cloud = suffix.cloud};
    constexpr std::string_view marker = ".workspace.";
    if (const auto at = front.find(marker); at != std::string_view::npos) {
      if (!is_guid(front.substr(0, at))) return std::nullopt;
      result.workspace_id = lower_case(front.substr(0, at));
      front.remove_prefix(at + marker.size());
    }
    const auto region = region_token(front);
    if (!region) return std::nullopt;
    result.region = *region;
    return result;
  }
  return std::nullopt;
}

std::optional<MlflowUri> parse_mlflow_uri(std::string_view uri) {
  const auto name = host_of_url(uri, "azureml");
  const auto host = name ? parse_aml_host(*name) : std::nullopt;
  if (!host) return std::nullopt;
  const auto path = uri.substr(0, uri.find_first_of("?#")).substr(uri.find("://") + 3);
  const auto subscription = after_segment(path, "subscriptions");
  const auto group = after_segment(path, "resourcegroups");
  const auto workspace = after_segment(path, "workspaces");
  if (!is_guid(subscription) || !is_resource_group(group) || !is_workspace_name(workspace)) return std::nullopt;
  return MlflowUri{.host = *host,
                   .subscription = lower_case(subscription),
                   .resource_group = std::string(group),
                   .workspace = std::string(workspace)};
}

std::optional<InstanceDomain> parse_instance_domain(std::string_view suffix) {
  if (suffix.starts_with('.')) suffix.remove_prefix(1);
  const auto lower = lower_case(suffix.substr(0, 256));
  for (const auto& known : instance_suffixes) {
    if (!lower.ends_with(known.text)) continue;
    InstanceDomain result{.domain = std::string(known.text), .cloud = known.cloud};
    if (lower.size() == known.text.size()) return result;
    const auto front = std::string_view(lower).substr(0, lower.size() - known.text.size());
    const auto region = front.ends_with('.') ? region_token(front.substr(0, front.size() - 1)) : std::nullopt;
    if (!region) return std::nullopt;
    result.region = *region;
    return result;
  }
  return std::nullopt;
}

std::optional<BatchHost> parse_batch_url(std::string_view url) {
  const auto host = host_of_url(url, "https");
  if (!host) return std::nullopt;
  for (const auto& suffix : batch_suffixes) {
    if (!host->ends_with(suffix.text)) continue;
    const auto front = std::string_view(*host).substr(0, host->size() - suffix.text.size());
    const auto dot = front.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto region = region_token(front.substr(dot + 1));
    if (!is_label(front.substr(0, dot)) || !region) return std::nullopt;
    return BatchHost{.host = *host, .region = *region, .cloud = suffix.cloud};
  }
  return std::nullopt;
}

}  // namespace vnetprobe
