#include "agent/catalogue/catalogue.hpp"

#include <yaml-cpp/yaml.h>

#include <stdexcept>

namespace vnetprobe {

namespace embedded {
std::string catalogue_yaml();
}

namespace {

template <class T, class Name>
void emit_list(YAML::Emitter& out, const char* key, const std::vector<T>& values, Name name) {
  if (values.empty()) return;
  out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const T value : values) out << YAML::DoubleQuoted << std::string(name(value));
  out << YAML::EndSeq;
}

void emit_text(YAML::Emitter& out, const char* key, const std::string& value) {
  if (!value.empty()) out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
}

void emit_flag(YAML::Emitter& out, const char* key, const std::optional<bool>& value) {
  if (value) out << YAML::Key << key << YAML::Value << *value;
}

void emit_entry(YAML::Emitter& out, const CatalogueEntry& entry) {
  out << YAML::BeginMap;
  emit_text(out, "id", entry.id);
  emit_text(out, "title", entry.title);
  emit_text(out, "why", entry.why);
  emit_text(out, "source", entry.source);
  emit_list(out, "profiles", entry.profiles, [](Profile value) { return name_of(value); });
  emit_list(out, "eras", entry.eras, [](Era value) { return name_of(value); });
  emit_list(out, "clouds", entry.clouds, [](Cloud value) { return name_of(value); });
  if (entry.public_ip || entry.private_endpoint || entry.default_images || entry.hbi || !entry.outbound.empty()) {
    out << YAML::Key << "when" << YAML::Value << YAML::BeginMap;
    emit_flag(out, "public_ip", entry.public_ip);
    emit_flag(out, "private_endpoint", entry.private_endpoint);
    emit_flag(out, "default_images", entry.default_images);
    emit_flag(out, "hbi", entry.hbi);
    emit_list(out, "outbound", entry.outbound, [](Outbound value) { return name_of(value); });
    out << YAML::EndMap;
  }
  out << YAML::Key << "required" << YAML::Value << entry.required;
  emit_text(out, "stack", boost::describe::enum_to_string(entry.stack, ""));
  emit_text(out, "host", entry.host);
  if (entry.port) out << YAML::Key << "port" << YAML::Value << entry.port;
  emit_text(out, "path", entry.path);
  if (!entry.headers.empty()) {
    out << YAML::Key << "headers" << YAML::Value << YAML::BeginMap;
    for (const auto& header : entry.headers) emit_text(out, header.name.c_str(), header.value);
    out << YAML::EndMap;
  }
  if (entry.service != Service::none) emit_text(out, "service", boost::describe::enum_to_string(entry.service, ""));
  emit_text(out, "service_tag", entry.service_tag.value_or(""));
  emit_text(out, "private_zone", entry.private_zone.value_or(""));
  if (entry.guessed) out << YAML::Key << "guessed" << YAML::Value << true;
  if (entry.owes) emit_text(out, "owes", boost::describe::enum_to_string(*entry.owes, ""));
  emit_text(out, "healthy", entry.healthy);
  out << YAML::EndMap;
}

}  // namespace

std::string built_in_catalogue_yaml() { return embedded::catalogue_yaml(); }

const Catalogue& built_in_catalogue() {
  static const Catalogue catalogue = [] {
    auto parsed = parse_catalogue(embedded::catalogue_yaml(), "built-in");
    if (!parsed.catalogue) throw std::logic_error("the built-in catalogue is broken: " + parsed.errors.front());
    return std::move(*parsed.catalogue);
  }();
  return catalogue;
}

std::string catalogue_to_yaml(const Catalogue& catalogue) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  emit_text(out, "version", catalogue.version);
  out << YAML::Key << "clouds" << YAML::Value << YAML::BeginMap;
  for (const auto& [cloud, values] : catalogue.suffixes) {
    out << YAML::Key << cloud << YAML::Value << YAML::BeginMap;
    for (const auto& [name, value] : values) emit_text(out, name.c_str(), value);
    out << YAML::EndMap;
  }
  out << YAML::EndMap << YAML::Key << "entries" << YAML::Value << YAML::BeginSeq;
  for (const auto& entry : catalogue.entries) emit_entry(out, entry);
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace vnetprobe
