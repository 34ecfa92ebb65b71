#include "agent/tags/names.hpp"

#include "probes/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace vnetprobe::tags {
namespace {

struct Alias {
  std::string_view from, to;
};

// File tokens that are not the location's name (azure-facts 5.6), and spellings of the documents that are no region's.
constexpr std::array region_aliases{
    Alias{"centralfrance", "francecentral"},
    Alias{"southfrance", "francesouth"},
    Alias{"germanyn", "germanynorth"},
    Alias{"germanywc", "germanywestcentral"},
    Alias{"norwaye", "norwayeast"},
    Alias{"norwayw", "norwaywest"},
    Alias{"switzerlandn", "switzerlandnorth"},
    Alias{"switzerlandw", "switzerlandwest"},
    Alias{"brazilse", "brazilsoutheast"},
    Alias{"brazilne", "brazilnortheast"},
    Alias{"chilec", "chilecentral"},
    Alias{"usstagee", "eastusstg"},
    Alias{"usstagec", "southcentralusstg"},
    Alias{"usvirginia", "usgovvirginia"},
    Alias{"usarizona", "usgovarizona"},
    Alias{"ustexas", "usgovtexas"},
    Alias{"usgoviowa", "usgoviowa"},
    Alias{"uswest", "westus"},
    Alias{"useast", "eastus"},
    Alias{"usgovva", "usgovvirginia"},
};

// Names that documents use for tags of another name (azure-facts 1.11).
constexpr std::array tag_aliases{
    Alias{"frontdoor.firstparty", "azurefrontdoor.firstparty"},
    Alias{"frontdoor.frontend", "azurefrontdoor.frontend"},
    Alias{"keyvault", "azurekeyvault"},
    Alias{"containerregistry", "azurecontainerregistry"},
    Alias{"mcr", "microsoftcontainerregistry"},
    Alias{"acr", "azurecontainerregistry"},
    Alias{"azuread", "azureactivedirectory"},
    Alias{"aad", "azureactivedirectory"},
    Alias{"entra", "azureactivedirectory"},
    Alias{"batch", "batchnodemanagement"},
    Alias{"aml", "azuremachinelearning"},
    Alias{"arm", "azureresourcemanager"},
};

std::string squeezed(std::string_view text) {
  std::string result = lower_case(text);
  std::erase_if(result, [](char c) { return c == ' ' || c == '-' || c == '_'; });
  return result;
}

template <std::size_t N>
std::string_view through(const std::array<Alias, N>& aliases, std::string_view text) {
  const auto found =
      std::find_if(aliases.begin(), aliases.end(), [&](const Alias& alias) { return alias.from == text; });
  return found == aliases.end() ? text : found->to;
}

// "keyvault.eastus" -> "azurekeyvault", "eastus"; "azurefrontdoor.firstparty" stays whole.
std::pair<std::string, std::string> split(const std::string& wanted) {
  if (const auto whole = through(tag_aliases, wanted); whole != wanted) return {std::string(whole), ""};
  const auto dot = wanted.rfind('.');
  if (dot == std::string::npos) return {wanted, ""};
  return {std::string(through(tag_aliases, std::string_view(wanted).substr(0, dot))), wanted.substr(dot + 1)};
}

const ServiceTag* with_name(const TagFile& file, std::string_view squeezed_name) {
  const auto found = std::find_if(file.tags.begin(), file.tags.end(),
                                  [&](const ServiceTag& tag) { return squeezed(tag.name) == squeezed_name; });
  return found == file.tags.end() ? nullptr : &*found;
}

const ServiceTag* of_region(const TagFile& file, std::string_view service, std::string_view region) {
  const auto wanted = canonical_region(region);
  for (const auto& tag : file.tags) {
    const auto name = squeezed(tag.name);
    if (name.size() > service.size() + 1 && name.starts_with(service) && name[service.size()] == '.' &&
        canonical_region(std::string_view(name).substr(service.size() + 1)) == wanted)
      return &tag;
  }
  return nullptr;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string canonical_region(std::string_view text) {
  const auto plain = squeezed(text);
  return std::string(through(region_aliases, plain));
}

std::string region_of(const ServiceTag& tag) { return canonical_region(tag.region); }

std::vector<std::string> near_names(const TagFile& file, std::string_view wanted) {
  const auto plain = squeezed(wanted);
  std::vector<std::pair<std::size_t, std::string>> candidates;
  for (const auto& tag : file.tags) {
    const auto name = squeezed(tag.name);
    auto far = distance(plain, name);
    if (plain.size() >= 4 && name.find(plain) != std::string::npos) far = std::min<std::size_t>(far, 3);
    if (far <= std::max<std::size_t>(3, plain.size() / 4)) candidates.emplace_back(far, tag.name);
  }
  std::sort(candidates.begin(), candidates.end());
  std::vector<std::string> names;
  for (const auto& candidate : candidates)
    if (names.size() < 3) names.push_back(candidate.second);
  return names;
}

TagSearch find_tag(const TagFile& file, std::string_view name, std::string_view region) {
  const auto wanted = squeezed(name);
  auto [service, suffix] = split(wanted);
  const ServiceTag* tag = nullptr;
  if (region.empty()) {
    tag = with_name(file, wanted);
    if (!tag && !suffix.empty()) tag = with_name(file, service + "." + suffix);
    if (!tag) tag = suffix.empty() ? with_name(file, service) : of_region(file, service, suffix);
  } else {
    tag = of_region(file, suffix.empty() ? service : service + "." + suffix, region);
  }
  if (tag) return {.tag = tag, .error = {}};
  const auto asked = region.empty() ? std::string(name) : fmt::format("{} in region {}", name, region);
  const auto near = near_names(file, region.empty() ? std::string(name) : fmt::format("{}.{}", name, region));
  return {.tag = nullptr,
          .error = fmt::format("{} has no tag {}{}", file.path, asked,
                               near.empty() ? "; `vnetprobe tags info` tells what the file is"
                                            : fmt::format("; did you mean {}?", fmt::join(near, ", ")))};
}

}  // namespace vnetprobe::tags
