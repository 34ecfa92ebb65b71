#include "agent/catalogue/catalogue.hpp"

#include "agent/config/yaml_reader.hpp"
#include "reports/model/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace vnetprobe {
namespace {

using Keys = std::vector<YamlReader::Key>;

// What make_plan() knows of a node, a resource or a region (agent/plan/values.cpp fills them).
constexpr std::array<std::string_view, 17> placeholders{
    "region",        "region_suffix", "paired_region", "paired_region_suffix", "workspace",    "workspace_id",
    "workspace_region", "instance",   "instance_domain", "notebooks_label",    "subscription_or_zero", "batch_host",
    "account",       "account_first", "registry",      "vault",                "resolver"};

constexpr std::array<std::string_view, 5> profile_names{"compute-instance", "compute-cluster", "attached-vm", "hdinsight", "databricks"};
constexpr std::array<std::string_view, 2> era_names{"2020-07", "2026-03"};
constexpr std::array<std::string_view, 3> cloud_names{"public", "usgov", "china"};
constexpr std::array<std::string_view, 3> outbound_names{"open", "limited", "forced-tunnel"};

template <class Enum>
std::vector<std::string_view> names_of_enum() {
  std::vector<std::string_view> names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>([&](auto enumerator) { names.emplace_back(enumerator.name); });
  return names;
}

template <class Enum>
std::optional<Enum> parse_enum(std::string_view text) {
  Enum value{};
  return boost::describe::enum_from_string(text, value) ? std::optional(value) : std::nullopt;
}

class CatalogueReader {
 public:
  explicit CatalogueReader(const std::string& name) : yaml_(name) { catalogue_.name = name; }

  CatalogueResult read(const YamlNode& root) {
    const Keys keys{
        {"version", [&](const YamlNode& node) { text_into(node, "version", catalogue_.version); }},
        {"clouds", [&](const YamlNode& node) { read_clouds(node); }},
        {"entries", [&](const YamlNode& node) { yaml_.sequence(node, "entries", "- {id: node.os, title: ..., stack: node}", [&](const YamlNode& item) { read_entry(item); }); }},
    };
    yaml_.mapping(root, "", keys);
    if (catalogue_.entries.empty() && yaml_.errors().empty()) yaml_.error(root.place, "no entries; a catalogue has a list `entries:`");
    check_cycles(root);
    auto errors = yaml_.errors();
    if (!errors.empty()) return {.catalogue = {}, .errors = std::move(errors)};
    return {.catalogue = std::move(catalogue_), .errors = {}};
  }

 private:
  void text_into(const YamlNode& node, std::string_view key, std::string& into) {
    if (auto text = yaml_.text(node, key, fmt::format("{}: some text", key))) into = std::move(*text);
  }

  void read_clouds(const YamlNode& node) {
    Keys keys;
    for (const auto name : cloud_names)
      keys.push_back({name, [this, name](const YamlNode& values) { read_values(values, std::string(name)); }});
    yaml_.mapping(node, "clouds", keys);
  }

  void read_values(const YamlNode& node, const std::string& cloud) {
    if (node.kind != YamlNode::Kind::mapping) return yaml_.error(node.place, fmt::format("clouds.{}: expected names with their values", cloud));
    for (const auto& [key, value] : node.entries) {
      if (std::ranges::find(placeholders, key.text) != placeholders.end())
        yaml_.error(key.place, fmt::format("'{}' is a value of the node; a cloud cannot set it", key.text));
      std::string text;
      text_into(value, key.text, text);
      catalogue_.suffixes[cloud][key.text] = std::move(text);
      value_places_.emplace(cloud + "." + key.text, value.place);
    }
  }

  template <class Enum>
  void read_list(const YamlNode& node, std::string_view key, std::span<const std::string_view> names,
                 std::optional<Enum> (*parse)(std::string_view), std::vector<Enum>& into) {
    yaml_.sequence(node, key, fmt::format("{}: [{}]", key, names[0]), [&](const YamlNode& item) {
      if (const auto value = yaml_.one_of(item, key, names, parse)) into.push_back(*value);
    });
  }

  void read_when(const YamlNode& node, CatalogueEntry& entry) {
    const auto flag = [&](std::string_view key, std::optional<bool>& into) {
      return YamlReader::Key{key, [this, key, &into](const YamlNode& value) { into = yaml_.boolean(value, key); }};
    };
    const Keys keys{flag("public_ip", entry.public_ip), flag("private_endpoint", entry.private_endpoint),
                    flag("default_images", entry.default_images), flag("hbi", entry.hbi),
                    {"outbound", [&](const YamlNode& value) { read_list<Outbound>(value, "outbound", outbound_names, parse_outbound, entry.outbound); }}};
    yaml_.mapping(node, "when", keys);
  }

  void read_headers(const YamlNode& node, CatalogueEntry& entry) {
    if (node.kind != YamlNode::Kind::mapping) return yaml_.error(node.place, "headers: expected names with their values; write headers: {x-ms-version: \"2021-12-02\"}");
    for (const auto& [key, value] : node.entries) {
      HttpHeader header{.name = key.text, .value = {}};
      text_into(value, key.text, header.value);
      entry.headers.push_back(std::move(header));
    }
  }

  // A text that may have placeholders: each must be known.
  void template_into(const YamlNode& node, std::string_view key, std::string& into) {
    text_into(node, key, into);
    for (const auto& name : placeholders_in(into)) {
      const bool known = std::ranges::find(placeholders, name) != placeholders.end() || is_cloud_value(name);
      if (known) continue;
      std::vector<std::string_view> all(placeholders.begin(), placeholders.end());
      for (const auto& [cloud, values] : catalogue_.suffixes)
        for (const auto& [value, ignored] : values) all.push_back(value);
      const auto near = nearest_name(name, all);
      yaml_.error(node.place, fmt::format("{}: unknown placeholder {{{}}}{}", key, name, near ? fmt::format("; did you mean {{{}}}?", *near) : ""));
    }
  }

  bool is_cloud_value(const std::string& name) const {
    return std::ranges::any_of(catalogue_.suffixes, [&](const auto& cloud) { return cloud.second.contains(name); });
  }

  void read_entry(const YamlNode& node) {
    CatalogueEntry entry;
    static const auto stacks = names_of_enum<Stack>();
    static const auto services = names_of_enum<Service>();
    bool has_stack = false;
    const auto templated = [&](std::string_view key, std::string& into) {
      return YamlReader::Key{key, [this, key, &into](const YamlNode& value) { template_into(value, key, into); }};
    };
    const auto plain = [&](std::string_view key, std::string& into) {
      return YamlReader::Key{key, [this, key, &into](const YamlNode& value) { text_into(value, key, into); }};
    };
    const auto flag = [&](std::string_view key, bool& into) {
      return YamlReader::Key{key, [this, key, &into](const YamlNode& value) { into = yaml_.boolean(value, key).value_or(into); }};
    };
    const auto optional_template = [&](std::string_view key, std::optional<std::string>& into) {
      return YamlReader::Key{key, [this, key, &into](const YamlNode& value) { template_into(value, key, into.emplace()); }};
    };
    const Keys keys{
        templated("id", entry.id), templated("title", entry.title), plain("why", entry.why), plain("source", entry.source),
        {"profiles", [&](const YamlNode& value) { read_list<Profile>(value, "profiles", profile_names, parse_profile, entry.profiles); }},
        {"eras", [&](const YamlNode& value) { read_list<Era>(value, "eras", era_names, parse_era, entry.eras); }},
        {"clouds", [&](const YamlNode& value) { read_list<Cloud>(value, "clouds", cloud_names, parse_cloud, entry.clouds); }},
        {"when", [&](const YamlNode& value) { read_when(value, entry); }},
        flag("required", entry.required), flag("guessed", entry.guessed),
        {"stack", [&](const YamlNode& value) {
           if (const auto stack = yaml_.one_of<Stack>(value, "stack", stacks, parse_enum<Stack>)) entry.stack = *stack;
           has_stack = true;
         }},
        templated("host", entry.host),
        {"port", [&](const YamlNode& value) { entry.port = static_cast<std::uint16_t>(yaml_.integer(value, "port", 1, 65535).value_or(0)); }},
        templated("path", entry.path),
        {"headers", [&](const YamlNode& value) { read_headers(value, entry); }},
        {"service", [&](const YamlNode& value) {
           if (const auto service = yaml_.one_of<Service>(value, "service", services, parse_enum<Service>)) entry.service = *service;
         }},
        optional_template("service_tag", entry.service_tag), optional_template("private_zone", entry.private_zone),
        plain("healthy", entry.healthy)};
    yaml_.mapping(node, "an entry", keys);
    check_entry(node.place, entry, has_stack);
    catalogue_.entries.push_back(std::move(entry));
  }

  void check_entry(Place place, const CatalogueEntry& entry, bool has_stack) {
    const std::string_view name = entry.id.empty() ? std::string_view("an entry") : std::string_view(entry.id);
    if (entry.id.empty()) yaml_.error(place, "an entry without an id; write id: target.mine");
    if (entry.title.empty()) yaml_.error(place, fmt::format("{}: the title is missing", name));
    if (!has_stack) yaml_.error(place, fmt::format("{}: the stack is missing; write stack: https, for example", name));
    const bool local = entry.stack == Stack::node || entry.stack == Stack::inbound;
    if (has_stack && !local && entry.host.empty()) yaml_.error(place, fmt::format("{}: the host is missing", name));
    if (has_stack && entry.stack != Stack::node && entry.stack != Stack::dns && entry.port == 0)
      yaml_.error(place, fmt::format("{}: the port is missing", name));
    if (!entry.path.empty() && !entry.path.starts_with('/')) yaml_.error(place, fmt::format("{}: the path must begin with /", name));
    for (const auto& other : catalogue_.entries)
      if (other.id == entry.id && may_meet(other, entry))
        yaml_.error(place, fmt::format("{}: a second entry with this id holds under the same conditions", name));
  }

  template <class T>
  static bool overlap(const std::vector<T>& a, const std::vector<T>& b) {
    return a.empty() || b.empty() || std::ranges::any_of(a, [&](T value) { return std::ranges::find(b, value) != b.end(); });
  }
  static bool overlap(const std::optional<bool>& a, const std::optional<bool>& b) { return !a || !b || *a == *b; }

  static bool may_meet(const CatalogueEntry& a, const CatalogueEntry& b) {
    return overlap(a.profiles, b.profiles) && overlap(a.eras, b.eras) && overlap(a.clouds, b.clouds) && overlap(a.outbound, b.outbound) &&
           overlap(a.public_ip, b.public_ip) && overlap(a.private_endpoint, b.private_endpoint) &&
           overlap(a.default_images, b.default_images) && overlap(a.hbi, b.hbi);
  }

  // A cloud's value may be made of other values, never of itself.
  void check_cycles(const YamlNode& root) {
    for (const auto& [cloud, values] : catalogue_.suffixes)
      for (const auto& [name, text] : values) {
        std::vector<std::string> trail{name};
        follow(values, trail, cloud, root.place);
      }
  }

  void follow(const std::map<std::string, std::string>& values, std::vector<std::string>& trail, const std::string& cloud, Place fallback) {
    const auto found = values.find(trail.back());
    if (found == values.end()) return;
    for (const auto& next : placeholders_in(found->second)) {
      const bool again = std::ranges::find(trail, next) != trail.end();
      trail.push_back(next);
      if (again && next == trail.front()) {
        const auto place = value_places_.find(cloud + "." + trail.front());
        yaml_.error(place == value_places_.end() ? fallback : place->second,
                    fmt::format("clouds.{}: a cycle: {}", cloud, fmt::join(trail, " -> ")));
      }
      if (!again) follow(values, trail, cloud, fallback);
      trail.pop_back();
    }
  }

  YamlReader yaml_;
  Catalogue catalogue_;
  std::map<std::string, Place> value_places_;
};

}  // namespace

std::span<const std::string_view> known_placeholders() { return placeholders; }

std::vector<std::string> placeholders_in(std::string_view text) {
  std::vector<std::string> names;
  for (auto open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) break;
    names.emplace_back(text.substr(open + 1, close - open - 1));
  }
  return names;
}

CatalogueResult parse_catalogue(std::string_view yaml, const std::string& name) {
  const auto tree = read_yaml(yaml);
  if (const auto* problem = std::get_if<YamlProblem>(&tree))
    return {.catalogue = {}, .errors = {fmt::format("{}:{}:{}: {}", name, problem->place.line, problem->place.column, problem->message)}};
  return CatalogueReader(name).read(std::get<YamlNode>(tree));
}

}  // namespace vnetprobe
