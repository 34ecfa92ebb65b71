#include "agent/catalogue/catalogue.hpp"

#include "agent/catalogue/templates.hpp"
#include "agent/config/names.hpp"
#include "agent/config/yaml_reader.hpp"
#include "reports/diagnosis/addresses.hpp"
#include "reports/model/nearest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/mp11/algorithm.hpp>

#include <algorithm>
#include <set>

namespace vnetprobe {
namespace {

using Keys = std::vector<YamlReader::Key>;

// Entries of one id that are compared with each other: more than there are combinations of profile, era and cloud.
constexpr std::size_t namesakes_at_most = 64;

template <class Enum>
std::vector<std::string_view> names_of_enum() {
  std::vector<std::string_view> names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>(
      [&](auto enumerator) { names.emplace_back(enumerator.name); });
  return names;
}

template <class Enum>
std::optional<Enum> parse_enum(std::string_view text) {
  Enum value{};
  return boost::describe::enum_from_string(std::string(text).c_str(), value) ? std::optional(value) : std::nullopt;
}

class CatalogueReader {
 public:
  explicit CatalogueReader(const std::string& name) : yaml_(name) { catalogue_.name = name; }

  CatalogueResult read(const YamlNode& root) {
    const Keys keys{
        {"version", [&](const YamlNode& node) { text_into(node, "version", catalogue_.version); }},
        {"clouds", [](const YamlNode&) {}},
        {"entries",
         [&](const YamlNode& node) {
           yaml_.sequence(node, "entries", "[{id: node.os, title: ..., stack: node}]",
                          [&](const YamlNode& item) { read_entry(item); });
         }},
    };
    read_clouds_first(root);
    yaml_.mapping(root, "", keys,
                  "entries: [{id: target.mine, title: Mine, stack: tcp, host: example.net, port: 443}]");
    if (catalogue_.entries.empty() && yaml_.errors().empty())
      yaml_.error(root.place, "no entries; a catalogue has a list `entries:`");
    auto errors = yaml_.errors();
    if (!errors.empty()) return {.catalogue = {}, .errors = std::move(errors)};
    return {.catalogue = std::move(catalogue_), .errors = {}};
  }

 private:
  void text_into(const YamlNode& node, std::string_view key, std::string& into) {
    if (auto text = yaml_.text(node, key, "some text")) into = std::move(*text);
  }

  // The entries' templates are checked against the clouds' values, wherever in the file these stand.
  void read_clouds_first(const YamlNode& root) {
    const auto clouds =
        std::ranges::find_if(root.entries, [](const YamlEntry& entry) { return entry.key.text == "clouds"; });
    if (clouds == root.entries.end() || clouds->value.kind == YamlNode::Kind::null) return;
    read_clouds(clouds->value);
    for (const auto& [cloud, values] : catalogue_.suffixes)
      for (const auto& [name, value] : values) cloud_value_names_.insert(name);
    for (const auto& [cloud, values] : catalogue_.suffixes) {
      for (const auto& [name, value] : values) check_placeholders(place_of(cloud, name), name, value);
      if (const auto broken = broken_value(values))
        yaml_.error(place_of(cloud, broken->name), fmt::format("clouds.{}.{}: {}", cloud, broken->name, broken->why));
    }
  }

  Place place_of(const std::string& cloud, const std::string& name) const { return value_places_.at({cloud, name}); }

  void read_clouds(const YamlNode& node) {
    Keys keys;
    for (const auto name : cloud_names())
      keys.push_back({name, [this, name](const YamlNode& values) { read_values(values, std::string(name)); }});
    yaml_.mapping(node, "clouds", keys);
  }

  void read_values(const YamlNode& node, const std::string& cloud) {
    if (node.kind != YamlNode::Kind::mapping)
      return yaml_.error(node.place, fmt::format("clouds.{}: expected names with their values", cloud));
    for (const auto& [key, value] : node.entries) {
      const std::string& name = key.text;
      if (!is_value_name(name))
        yaml_.error(key.place, fmt::format("clouds.{}: {} cannot be a placeholder; write small letters, digits and _",
                                           cloud, shown(key)));
      else if (std::ranges::find(known_placeholders(), name) != known_placeholders().end())
        yaml_.error(key.place, fmt::format("clouds.{}: '{}' is told by the node; a cloud cannot set it", cloud, name));
      else if (!value_places_.emplace(std::pair(cloud, name), value.place).second)
        yaml_.error(key.place, fmt::format("clouds.{}: '{}' is here a second time", cloud, name));
      else
        text_into(value, name, catalogue_.suffixes[cloud][name]);
    }
  }

  static bool is_value_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
  }

  template <class Enum>
  void read_list(const YamlNode& node, std::string_view key, std::span<const std::string_view> names,
                 std::optional<Enum> (*parse)(std::string_view), std::vector<Enum>& into) {
    yaml_.sequence(node, key, fmt::format("[{}]", names[0]), [&](const YamlNode& item) {
      if (const auto value = yaml_.one_of(item, key, names, parse)) into.push_back(*value);
    });
  }

  void read_when(const YamlNode& node, CatalogueEntry& entry) {
    const auto flag = [&](std::string_view key, std::optional<bool>& into) {
      return YamlReader::Key{key, [this, key, &into](const YamlNode& value) { into = yaml_.boolean(value, key); }};
    };
    const Keys keys{flag("public_ip", entry.public_ip),
                    flag("private_endpoint", entry.private_endpoint),
                    flag("default_images", entry.default_images),
                    flag("hbi", entry.hbi),
                    {"outbound", [&](const YamlNode& value) {
                       read_list<Outbound>(value, "outbound", outbound_names(), parse_outbound, entry.outbound);
                     }}};
    yaml_.mapping(node, "when", keys);
  }

  void read_headers(const YamlNode& node, CatalogueEntry& entry) {
    if (node.kind != YamlNode::Kind::mapping)
      return yaml_.error(node.place,
                         "headers: expected names with their values; write headers: {x-ms-version: \"2021-12-02\"}");
    for (const auto& [key, value] : node.entries) {
      if (!is_header_name(key.text)) {
        yaml_.error(key.place, fmt::format("headers: {} is not the name of a header", shown(key)));
        continue;
      }
      HttpHeader header{.name = key.text, .value = {}};
      text_into(value, key.text, header.value);
      entry.headers.push_back(std::move(header));
    }
  }

  // The token of RFC 9110, in the letters that headers really have.
  static bool is_header_name(std::string_view name) {
    return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
  }

  // A text that may have placeholders: each must be known.
  void template_into(const YamlNode& node, std::string_view key, std::string& into) {
    text_into(node, key, into);
    check_placeholders(node.place, key, into);
  }

  void check_placeholders(Place place, std::string_view key, std::string_view text) {
    const auto known = known_placeholders();
    for (const auto& name : placeholders_in(text)) {
      if (std::ranges::find(known, name) != known.end() || cloud_value_names_.contains(name)) continue;
      std::vector<std::string_view> all(known.begin(), known.end());
      all.insert(all.end(), cloud_value_names_.begin(), cloud_value_names_.end());
      const auto near = nearest_name(name, all);
      const auto advice = near ? fmt::format("did you mean {{{}}}?", *near)
                               : fmt::format("known are {} and the values of `clouds`", fmt::join(known, ", "));
      yaml_.error(place, fmt::format("{}: unknown placeholder {}; {}", key, shown("{" + name + "}"), advice));
    }
  }

  void read_entry(const YamlNode& node) {
    CatalogueEntry entry;
    static const auto stacks = names_of_enum<Stack>();
    static const auto services = names_of_enum<Service>();
    static const auto owed = names_of_enum<TargetOwes>();
    const auto templated = [&](std::string_view key, std::string& into) {
      return YamlReader::Key{key, [this, key, &into](const YamlNode& value) { template_into(value, key, into); }};
    };
    const auto plain = [&](std::string_view key, std::string& into) {
      return YamlReader::Key{key, [this, key, &into](const YamlNode& value) { text_into(value, key, into); }};
    };
    const auto flag = [&](std::string_view key, bool& into) {
      return YamlReader::Key{
          key, [this, key, &into](const YamlNode& value) { into = yaml_.boolean(value, key).value_or(into); }};
    };
    const auto optional_template = [&](std::string_view key, std::optional<std::string>& into) {
      return YamlReader::Key{key,
                             [this, key, &into](const YamlNode& value) { template_into(value, key, into.emplace()); }};
    };
    const Keys keys{
        templated("id", entry.id),
        templated("title", entry.title),
        plain("why", entry.why),
        plain("source", entry.source),
        {"profiles",
         [&](const YamlNode& value) {
           read_list<Profile>(value, "profiles", profile_names(), parse_profile, entry.profiles);
         }},
        {"eras", [&](const YamlNode& value) { read_list<Era>(value, "eras", era_names(), parse_era, entry.eras); }},
        {"clouds",
         [&](const YamlNode& value) { read_list<Cloud>(value, "clouds", cloud_names(), parse_cloud, entry.clouds); }},
        {"when", [&](const YamlNode& value) { read_when(value, entry); }},
        flag("required", entry.required),
        flag("guessed", entry.guessed),
        {"owes",
         [&](const YamlNode& value) {
           entry.owes = yaml_.one_of<TargetOwes>(value, "owes", owed, parse_enum<TargetOwes>);
         }},
        {"stack",
         [&](const YamlNode& value) {
           if (const auto stack = yaml_.one_of<Stack>(value, "stack", stacks, parse_enum<Stack>)) entry.stack = *stack;
         }},
        templated("host", entry.host),
        {"port",
         [&](const YamlNode& value) {
           entry.port = static_cast<std::uint16_t>(yaml_.integer(value, "port", 1, 65535).value_or(0));
         }},
        templated("path", entry.path),
        {"headers", [&](const YamlNode& value) { read_headers(value, entry); }},
        {"service",
         [&](const YamlNode& value) {
           if (const auto service = yaml_.one_of<Service>(value, "service", services, parse_enum<Service>))
             entry.service = *service;
         }},
        optional_template("service_tag", entry.service_tag),
        optional_template("private_zone", entry.private_zone),
        plain("healthy", entry.healthy)};
    yaml_.mapping(node, "an entry", keys);
    check_entry(node, entry);
    catalogue_.entries.push_back(std::move(entry));
  }

  // A key with a wrong value has had its complaint: only what is not there at all is missing.
  void check_entry(const YamlNode& node, const CatalogueEntry& entry) {
    const Place place = node.place;
    if (node.kind != YamlNode::Kind::mapping) return;
    const auto has = [&](std::string_view key) {
      return std::ranges::any_of(node.entries, [&](const YamlEntry& one) {
        return one.key.text == key && one.value.kind != YamlNode::Kind::null;
      });
    };
    const std::string_view name = entry.id.empty() ? std::string_view("an entry") : std::string_view(entry.id);
    if (!has("id")) yaml_.error(place, "an entry without an id; write id: target.mine");
    if (!has("title")) yaml_.error(place, fmt::format("{}: the title is missing", name));
    if (!has("stack"))
      yaml_.error(place, fmt::format("{}: the stack is missing; write stack: https, for example", name));
    const bool local = entry.stack == Stack::node || entry.stack == Stack::inbound;
    if (has("stack") && !local && !has("host")) yaml_.error(place, fmt::format("{}: the host is missing", name));
    if (has("stack") && entry.stack != Stack::node && entry.stack != Stack::dns && !has("port"))
      yaml_.error(place, fmt::format("{}: the port is missing", name));
    if (!entry.path.empty() && !entry.path.starts_with('/'))
      yaml_.error(place, fmt::format("{}: the path must begin with /", name));
    check_host(place, entry);
    check_repetition(place, entry);
    auto& namesakes = by_id_[entry.id];
    const auto meets = [&](std::size_t at) { return may_meet(catalogue_.entries[at], entry); };
    if (!entry.id.empty() && std::ranges::any_of(namesakes, meets))
      yaml_.error(place, fmt::format("{}: a second entry with this id holds under the same conditions", name));
    if (namesakes.size() < namesakes_at_most) namesakes.push_back(catalogue_.entries.size());
  }

  void check_host(Place place, const CatalogueEntry& entry) {
    std::string shape;  // each placeholder stands for one letter
    for (std::size_t at = 0; at < entry.host.size(); ++at) {
      const auto close = entry.host[at] == '{' ? entry.host.find('}', at) : std::string::npos;
      shape += close == std::string::npos ? entry.host[at] : 'x';
      if (close != std::string::npos) at = close;
    }
    if (!shape.empty() && !is_host_name(shape) && !is_v6(shape))
      yaml_.error(place, fmt::format("{}: {} is no host name; write {{region}}.example.net, for example", entry.id,
                                     shown(entry.host)));
    const bool odd_path = std::ranges::any_of(entry.path, [](char c) { return c == ' ' || c == '#'; });
    if (odd_path) yaml_.error(place, fmt::format("{}: the path must not have blanks or a #", entry.id));
  }

  // Checks that come from one entry are told apart by their ids.
  void check_repetition(Place place, const CatalogueEntry& entry) {
    const auto tag = entry.service_tag.value_or(""), zone = entry.private_zone.value_or("");
    for (const std::string_view each : {"account", "resolver"}) {
      const auto braced = fmt::format("{{{}}}", each);
      const auto has = [&](std::string_view text) { return text.find(braced) != std::string_view::npos; };
      if (has(entry.id)) continue;
      for (const auto& [key, text] : {std::pair<std::string_view, std::string_view>{"host", entry.host},
                                      {"path", entry.path},
                                      {"title", entry.title},
                                      {"service_tag", tag},
                                      {"private_zone", zone}}) {
        if (!has(text)) continue;
        yaml_.error(place, fmt::format("{}: the {} has {} and the id has not; write id: {}/{}", entry.id, key, braced,
                                       entry.id, braced));
        break;
      }
    }
  }

  template <class T>
  static bool overlap(const std::vector<T>& a, const std::vector<T>& b) {
    return a.empty() || b.empty() ||
           std::ranges::any_of(a, [&](T value) { return std::ranges::find(b, value) != b.end(); });
  }
  static bool overlap(const std::optional<bool>& a, const std::optional<bool>& b) { return !a || !b || *a == *b; }

  static bool may_meet(const CatalogueEntry& a, const CatalogueEntry& b) {
    return overlap(a.profiles, b.profiles) && overlap(a.eras, b.eras) && overlap(a.clouds, b.clouds) &&
           overlap(a.outbound, b.outbound) && overlap(a.public_ip, b.public_ip) &&
           overlap(a.private_endpoint, b.private_endpoint) && overlap(a.default_images, b.default_images) &&
           overlap(a.hbi, b.hbi);
  }

  YamlReader yaml_;
  Catalogue catalogue_;
  std::set<std::string> cloud_value_names_;  // of every cloud
  std::map<std::pair<std::string, std::string>, Place> value_places_;
  std::map<std::string, std::vector<std::size_t>> by_id_;
};

}  // namespace

CatalogueResult parse_catalogue(std::string_view yaml, const std::string& name) {
  const auto tree = read_yaml(yaml);
  if (const auto* problem = std::get_if<YamlProblem>(&tree))
    return {
        .catalogue = {},
        .errors = {fmt::format("{}:{}:{}: {}", name, problem->place.line, problem->place.column, problem->message)}};
  return CatalogueReader(name).read(std::get<YamlNode>(tree));
}

}  // namespace vnetprobe
