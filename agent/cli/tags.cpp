#include "agent/cli/commands.hpp"
#include "agent/cli/read_file.hpp"
#include "agent/cli/tags_output.hpp"
#include "agent/config/config_file.hpp"
#include "agent/tags/source.hpp"
#include "agent/tell.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace vnetprobe {
namespace {

constexpr std::size_t table_at_most = 64U << 20;

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_json(const std::string& text) {
  print(text);
  if (!text.ends_with('\n')) print("\n");
}

bool wants_json(const TagsCommand& command) { return command.format == "json"; }

// The region says which cloud's snapshot is meant.
std::string cloud_of(const TagsCommand& command) {
  if (!command.cloud.empty()) return command.cloud;
  const auto region = tags::canonical_region(command.region.empty() ? command.for_region : command.region);
  return region.starts_with("usgov") || region.starts_with("usdod") ? "usgov"
         : region.starts_with("china")                              ? "china"
                                                                    : "public";
}

std::optional<tags::TagFile> accept(tags::TagFileRead read, bool lenient) {
  for (const auto& error : read.errors) tell("vnetprobe: {}\n", error);
  if (!read.file && !read.errors.empty() && !lenient)
    tell("vnetprobe: --lenient tells what is wrong and uses the rest\n");
  return std::move(read.file);
}

std::optional<tags::TagFile> open_file(const TagsCommand& command) {
  tags::SourceWish wish{
      .named = command.service_tags, .configured = {}, .cloud = cloud_of(command), .lenient = command.lenient};
  if (wish.named.empty() && !command.config_path.empty()) {
    auto config = load_config(command.config_path);
    for (const auto& error : config.errors) tell("vnetprobe: {}\n", error.message);
    if (!config.errors.empty()) return std::nullopt;
    if (config.settings && config.settings->service_tags) wish.configured = config.settings->service_tags->value;
  }
  return accept(tags::open_tags(wish), command.lenient);
}

std::optional<int> age_of(const tags::TagFile& file) {
  return tags::age_in_days(file, std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
}

tags::RouteRequest request_of(const TagsCommand& command, const std::string& region) {
  const bool both = !command.batch && !command.aml;
  return {.region = region,
          .batch = both || command.batch,
          .aml = both || command.aml,
          .with_global = command.with_global,
          .ipv6 = command.ipv6,
          .aggregate = command.aggregate};
}

// An address as it is, a name as the C library resolves it.
std::vector<LookedUp> look_up(const tags::TagIndex& index, const std::string& asked) {
  if (const auto address = tags::parse_address(asked))
    return {{.asked = asked, .address = asked, .error = {}, .tags = index.look_up(*address)}};
  const bool name = asked.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
                        std::string::npos &&
                    asked.find_first_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos;
  if (!name)
    return {{.asked = asked.substr(0, 60), .address = {}, .error = "neither an IP address nor a name", .tags = {}}};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int problem = getaddrinfo(asked.c_str(), nullptr, &hints, &list); problem != 0)
    return {{.asked = asked, .address = {}, .error = gai_strerror(problem), .tags = {}}};
  std::vector<LookedUp> found;
  for (const auto* entry = list; entry; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    const auto address = tags::parse_address(text.data());
    if (address)
      found.push_back({.asked = asked, .address = text.data(), .error = {}, .tags = index.look_up(*address)});
  }
  freeaddrinfo(list);
  return found;
}

int lookup(const TagsCommand& command) {
  const auto file = open_file(command);
  if (!file) return status_usage;
  const tags::TagIndex index(*file);
  bool first = true, failed = false;
  const auto answer = [&](const std::string& asked) {
    for (const auto& one : look_up(index, asked)) {
      failed = failed || !one.error.empty();
      if (wants_json(command))
        print((first ? "[\n" : ",\n") + lookup_json(one));
      else if (one.error.empty())
        print(lookup_text(one));
      else
        tell("vnetprobe: {}", lookup_text(one));
      first = false;
    }
  };
  for (const auto& argument : command.arguments) {
    if (argument != "-") {
      answer(argument);
      continue;
    }
    std::string line;
    while (std::getline(std::cin, line)) {
      const auto begin = line.find_first_not_of(" \t\r");
      if (begin != std::string::npos) answer(line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1));
    }
  }
  if (wants_json(command)) print(first ? "[]\n" : "\n]\n");
  return failed ? 1 : 0;
}

int show(const TagsCommand& command) {
  const auto file = open_file(command);
  if (!file) return status_usage;
  const auto found = tags::find_tag(*file, command.arguments.front(), command.region);
  if (!found.tag) return complain({found.error});
  if (wants_json(command))
    print_json(show_json(*found.tag));
  else
    print(show_text(*file, *found.tag));
  return 0;
}

int routes(const TagsCommand& command) {
  const auto file = open_file(command);
  if (!file) return status_usage;
  const auto plan = tags::plan_routes(*file, request_of(command, command.region));
  if (!plan.error.empty()) return complain({plan.error});
  print_json(command.format == "az"          ? tags::routes_as_az(plan)
             : command.format == "bicep"     ? tags::routes_as_bicep(plan)
             : command.format == "terraform" ? tags::routes_as_terraform(plan)
             : command.format == "json"      ? tags::routes_as_json(plan)
                                             : tags::routes_as_table(plan));
  // Not into the output: that goes into other programs as it is.
  for (const auto& note : plan.notes) tell("vnetprobe: {}\n", note);
  return 0;
}

int audit(const TagsCommand& command) {
  const auto file = open_file(command);
  if (!file) return status_usage;
  const auto plan = tags::plan_routes(*file, request_of(command, command.region));
  if (!plan.error.empty()) return complain({plan.error});
  const auto& path = command.arguments.front();
  const auto bytes = read_file(path, table_at_most);
  if (!bytes.error.empty()) return complain({bytes.error});
  std::vector<std::string> tag_routes;
  const auto table = tags::read_route_table(bytes.bytes, path == "-" ? "stdin" : path, &tag_routes);
  if (!table.errors.empty()) return complain(table.errors);
  const auto result = tags::audit(plan, table.routes);
  if (wants_json(command))
    print_json(audit_json(result));
  else
    print(audit_text(result));
  for (const auto& tag : tag_routes)
    tell("vnetprobe: the route to the service tag {} was left out: Azure keeps its addresses\n", tag);
  return result.complete() ? 0 : 1;
}

int diff(const TagsCommand& command) {
  const auto before = accept(tags::read_tag_path(command.arguments[0], command.lenient), command.lenient);
  const auto after = accept(tags::read_tag_path(command.arguments[1], command.lenient), command.lenient);
  if (!before || !after) return status_usage;
  if (!before->cloud.empty() && !after->cloud.empty() && before->cloud != after->cloud)
    return complain({fmt::format("{} is of cloud {}, {} of {}: nothing to compare", before->path, before->cloud,
                                 after->path, after->cloud)});
  if (!command.for_region.empty()) {
    const auto changes = tags::route_changes(*before, *after, request_of(command, command.for_region));
    if (!changes.error.empty()) return complain({changes.error});
    if (wants_json(command))
      print_json(route_changes_json(changes));
    else
      print(route_changes_text(changes, tags::canonical_region(command.for_region)));
    return 0;
  }
  if (!command.tag.empty()) {
    const auto tag = command.tag.ends_with(".*") ? command.tag.substr(0, command.tag.size() - 2) : command.tag;
    const auto named = tags::find_tag(*after, tag, "");
    if (!named.tag && !tags::find_tag(*before, tag, "").tag) return complain({named.error});
  }
  const auto changes = tags::changes(*before, *after, command.tag, command.region);
  if (wants_json(command))
    print_json(diff_json(changes));
  else
    print(diff_text(changes));
  return 0;
}

int info(const TagsCommand& command) {
  const auto file = open_file(command);
  if (!file) return status_usage;
  const tags::TagIndex index(*file);
  if (wants_json(command))
    print_json(info_json(*file, index.unique_prefixes(), age_of(*file)));
  else
    print(info_text(*file, index.unique_prefixes(), age_of(*file)));
  return 0;
}

int update(const TagsCommand& command) {
  const auto bytes = read_file(command.from, table_at_most);
  if (!bytes.error.empty()) return complain({bytes.error});
  const auto file = accept(tags::read_tag_file(bytes.bytes, command.from, false), false);
  if (!file) return status_usage;
  const std::string target = command.service_tags.empty() ? tags::installed_path : command.service_tags;
  if (const auto problem = tags::install(target, bytes.bytes, *file); !problem.empty()) return complain({problem});
  fmt::print("{} {} of {} is installed as {}\n", file->cloud, file->change_number,
             file->date.empty() ? "an unknown date" : file->date, target);
  return 0;
}

struct Verb {
  std::string_view name;
  int (*carry_out)(const TagsCommand&);
};
constexpr std::array verbs{Verb{"lookup", lookup}, Verb{"show", show}, Verb{"routes", routes}, Verb{"audit", audit},
                           Verb{"diff", diff},     Verb{"info", info}, Verb{"update", update}};

}  // namespace

int tags_command(const TagsCommand& command) {
  for (const auto& verb : verbs)
    if (verb.name == command.verb) return verb.carry_out(command);
  return status_usage;
}

}  // namespace vnetprobe
