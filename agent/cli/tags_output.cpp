#include "agent/cli/tags_output.hpp"

#include "reports/json/json_writer.hpp"

#include <fmt/format.h>

namespace vnetprobe {
namespace {

void text(JsonWriter& out, std::string_view key, std::string_view value) {
  out.key(key);
  out.text(value);
}

void prefixes(JsonWriter& out, std::string_view key, const std::vector<tags::Cidr>& all) {
  out.key(key);
  out.begin_array();
  for (const auto& prefix : all) out.text(to_string(prefix));
  out.end_array();
}

void routes(JsonWriter& out, std::string_view key, const std::vector<tags::Route>& all) {
  out.key(key);
  out.begin_array();
  for (const auto& route : all) {
    out.begin_object();
    text(out, "name", route.name);
    text(out, "prefix", to_string(route.prefix));
    text(out, "next_hop", "Internet");
    text(out, "tag", route.tag);
    out.end_object();
  }
  out.end_array();
}

struct Part {
  std::string_view key, heading;
  const std::vector<tags::AuditItem>& items;
};

std::vector<Part> parts_of(const tags::Audit& audit) {
  return {{"missing", "Missing: no route to the internet covers it", audit.missing},
          {"superfluous", "Superfluous: routes to the internet that no tag needs (any more)", audit.superfluous},
          {"shadowed", "Shadowed: a longer prefix with another next hop wins", audit.shadowed},
          {"wrong_next_hop", "Wrong next hop: it must be Internet", audit.wrong_next_hop}};
}

}  // namespace

std::string lookup_text(const LookedUp& one) {
  const auto head = one.asked == one.address ? one.address : fmt::format("{} {}", one.asked, one.address);
  if (!one.error.empty()) return fmt::format("{}: {}\n", one.asked, one.error);
  if (one.tags.empty()) return fmt::format("{}: in no tag\n", head);
  std::string out;
  for (const auto& found : one.tags)
    out += fmt::format("{}  {:24}  {}\n", head, to_string(found.prefix), found.tag->name);
  return out;
}

std::string lookup_json(const LookedUp& one) {
  JsonWriter out;
  out.begin_object();
  text(out, "address", one.address.empty() ? one.asked : one.address);
  if (one.asked != one.address && !one.address.empty()) text(out, "name", one.asked);
  if (!one.error.empty()) text(out, "error", one.error);
  out.key("tags");
  out.begin_array();
  for (const auto& found : one.tags) {
    out.begin_object();
    text(out, "tag", found.tag->name);
    text(out, "prefix", to_string(found.prefix));
    out.end_object();
  }
  out.end_array();
  out.end_object();
  auto made = out.take();
  while (made.ends_with('\n')) made.pop_back();
  return made;
}

std::string show_text(const tags::TagFile& file, const tags::ServiceTag& tag) {
  std::string out =
      fmt::format("# {} of {} {}, {} prefixes\n", tag.name, file.cloud.empty() ? "an unknown cloud" : file.cloud,
                  file.date.empty() ? fmt::format("change {}", file.change_number) : file.date, tag.prefixes.size());
  for (const auto& prefix : tag.prefixes) out += to_string(prefix) + "\n";
  return out;
}

std::string show_json(const tags::ServiceTag& tag) {
  JsonWriter out;
  out.begin_object();
  text(out, "tag", tag.name);
  text(out, "region", tag.region);
  out.key("change_number");
  out.number(static_cast<std::int64_t>(tag.change_number));
  prefixes(out, "prefixes", tag.prefixes);
  out.end_object();
  return out.take();
}

std::string info_text(const tags::TagFile& file, std::size_t unique_prefixes, std::optional<int> age) {
  return fmt::format(
      "{}\n  cloud            {}\n  change number    {}\n  date             {}{}\n  tags             {}\n  prefixes    "
      "     {}\n"
      "  unique prefixes  {}\n",
      file.path, file.cloud.empty() ? "not said" : file.cloud, file.change_number,
      file.date.empty() ? "not said" : file.date, age ? fmt::format(" ({} days old)", *age) : "", file.tags.size(),
      file.prefix_count(), unique_prefixes);
}

std::string info_json(const tags::TagFile& file, std::size_t unique_prefixes, std::optional<int> age) {
  JsonWriter out;
  const auto number = [&](std::string_view key, std::int64_t value) {
    out.key(key);
    out.number(value);
  };
  out.begin_object();
  text(out, "cloud", file.cloud);
  number("change_number", file.change_number);
  text(out, "date", file.date);
  number("tags", static_cast<std::int64_t>(file.tags.size()));
  number("prefixes", static_cast<std::int64_t>(file.prefix_count()));
  number("unique_prefixes", static_cast<std::int64_t>(unique_prefixes));
  if (age) number("age_days", *age);
  text(out, "source", file.path);
  out.end_object();
  return out.take();
}

std::string audit_text(const tags::Audit& audit) {
  std::string out;
  for (const auto& part : parts_of(audit)) {
    if (part.items.empty()) continue;
    out += fmt::format("{} ({})\n", part.heading, part.items.size());
    for (const auto& item : part.items)
      out += fmt::format("  {:20} {}{}{}\n", to_string(item.prefix), item.tag,
                         item.route.empty() ? "" : fmt::format("{}route {}", item.tag.empty() ? "" : "  ", item.route),
                         item.next_hop.empty() ? "" : " -> " + item.next_hop);
  }
  return out.empty() ? "Every needed prefix goes to the internet, and nothing is superfluous.\n" : out;
}

std::string audit_json(const tags::Audit& audit) {
  JsonWriter out;
  out.begin_object();
  for (const auto& part : parts_of(audit)) {
    out.key(part.key);
    out.begin_array();
    for (const auto& item : part.items) {
      out.begin_object();
      text(out, "prefix", to_string(item.prefix));
      if (!item.tag.empty()) text(out, "tag", item.tag);
      if (!item.route.empty()) text(out, "route", item.route);
      if (!item.next_hop.empty()) text(out, "next_hop", item.next_hop);
      out.end_object();
    }
    out.end_array();
  }
  out.end_object();
  return out.take();
}

std::string diff_text(const std::vector<tags::TagChange>& changes) {
  std::string out;
  for (const auto& change : changes) {
    out += change.tag + "\n";
    for (const auto& prefix : change.added) out += "  + " + to_string(prefix) + "\n";
    for (const auto& prefix : change.removed) out += "  - " + to_string(prefix) + "\n";
  }
  return out.empty() ? "No address was added or removed.\n" : out;
}

std::string diff_json(const std::vector<tags::TagChange>& changes) {
  JsonWriter out;
  out.begin_array();
  for (const auto& change : changes) {
    out.begin_object();
    text(out, "tag", change.tag);
    prefixes(out, "added", change.added);
    prefixes(out, "removed", change.removed);
    out.end_object();
  }
  out.end_array();
  return out.take();
}

std::string route_changes_text(const tags::RouteChanges& changes, const std::string& region) {
  if (changes.create.empty() && changes.remove.empty()) return fmt::format("No route of {} changes.\n", region);
  std::string out =
      fmt::format("# {} routes to create, {} to delete in {}\n", changes.create.size(), changes.remove.size(), region);
  constexpr const char* table = "--resource-group \"$RESOURCE_GROUP\" --route-table-name \"$ROUTE_TABLE\"";
  for (const auto& route : changes.create)
    out +=
        fmt::format("az network route-table route create {} --name {} --address-prefix {} --next-hop-type Internet\n",
                    table, route.name, to_string(route.prefix));
  for (const auto& route : changes.remove)
    out += fmt::format("az network route-table route delete {} --name {}\n", table, route.name);
  return out;
}

std::string route_changes_json(const tags::RouteChanges& changes) {
  JsonWriter out;
  out.begin_object();
  routes(out, "create", changes.create);
  routes(out, "delete", changes.remove);
  out.end_object();
  return out.take();
}

}  // namespace vnetprobe
