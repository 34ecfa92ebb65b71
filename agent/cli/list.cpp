#include "agent/cli/list.hpp"

#include "reports/diagnosis/codes.hpp"
#include "reports/json/json_writer.hpp"
#include "reports/render/text_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

void paragraph(std::string& out, std::string_view label, std::string_view text) {
  const auto indent = display_width(label);
  bool first = true;
  for (const auto& line : wrap(text, usual_width - indent, 0)) {
    out += (first ? std::string(label) : std::string(static_cast<std::size_t>(indent), ' ')) + line + '\n';
    first = false;
  }
}

std::string destination_of(const Check& check) {
  const Target& target = check.target;
  if (target.host.empty()) return target.port ? fmt::format("{} port {}", target.protocol, target.port) : "this node";
  if (!target.url.empty()) return target.url;
  return fmt::format("{} {}{}", target.protocol, target.host, target.port ? fmt::format(":{}", target.port) : "");
}

std::string checks_text(const Plan& plan) {
  std::string out;
  std::string group;
  for (const auto& planned : plan.checks) {
    const Check& check = planned.check;
    if (const auto name = check.id.substr(0, check.id.find('.')); name != group) {
      out += group.empty() ? "" : "\n";
      group = name;
    }
    paragraph(out, "",
              fmt::format("{}  [{}]  {}", check.id,
                          !planned.run     ? "skip"
                          : check.required ? "required"
                                           : "optional",
                          check.title));
    paragraph(out, "    ", planned.run ? destination_of(check) : check.reason);
    if (check.target.service_tag) paragraph(out, "    ", "service tag " + *check.target.service_tag);
    paragraph(out, "    ", check.why);
  }
  const auto run = std::ranges::count(plan.checks, true, &PlannedCheck::run);
  out += fmt::format("\n{} check{}\n", run, run == 1 ? "" : "s");
  for (const auto& missing : plan.not_checked) paragraph(out, "Not checked: ", missing);
  for (const auto& one : plan.left_out) paragraph(out, "Of other networks: ", one);
  return out;
}

void optional_text(JsonWriter& out, std::string_view key, const std::optional<std::string>& value) {
  out.key(key);
  if (value)
    out.text(*value);
  else
    out.null();
}

std::string checks_json(const Plan& plan) {
  JsonWriter out;
  out.begin_array();
  for (const auto& planned : plan.checks) {
    const Check& check = planned.check;
    out.begin_object();
    const auto text = [&](std::string_view key, std::string_view value) {
      out.key(key);
      out.text(value);
    };
    text("id", check.id);
    text("title", check.title);
    text("why", check.why);
    out.key("required");
    out.boolean(check.required);
    out.key("run");
    out.boolean(planned.run);
    text("reason", check.reason);
    text("stack", boost::describe::enum_to_string(planned.stack, ""));
    out.key("target");
    out.begin_object();
    text("host", check.target.host);
    out.key("port");
    out.number(static_cast<std::uint64_t>(check.target.port));
    text("protocol", check.target.protocol);
    text("url", check.target.url);
    optional_text(out, "service_tag", check.target.service_tag);
    out.key("private_endpoint");
    out.boolean(check.target.private_endpoint);
    optional_text(out, "private_zone", check.target.private_zone);
    out.end_object();
    out.end_object();
  }
  out.end_array();
  return out.take();
}

// Whole, for it takes the built-in one's place on every node that it is passed to.
std::string checks_yaml(const Catalogue& catalogue) {
  return "# The whole catalogue, with the entries of other profiles, eras and clouds. Edit it and pass it back with "
         "--catalog.\n" +
         catalogue_to_yaml(catalogue);
}

struct ProfileText {
  Profile profile;
  std::string_view text;
};
constexpr std::array profile_texts{
    ProfileText{Profile::compute_instance,
                "An Azure Machine Learning compute instance: Jupyter, notebooks, its own sign-in front"},
    ProfileText{Profile::compute_cluster, "A node of an Azure Machine Learning compute cluster, run by Azure Batch"},
    ProfileText{Profile::attached_vm, "An Ubuntu virtual machine attached to a workspace over SSH"},
    ProfileText{Profile::hdinsight, "A node of an HDInsight cluster attached to a workspace"},
    ProfileText{Profile::databricks, "A node of an Azure Databricks cluster in the workspace's network"},
};

}  // namespace

std::string list_checks(const Plan& plan, const Catalogue& catalogue, std::string_view format) {
  if (format == "json") return checks_json(plan);
  if (format == "yaml") return checks_yaml(catalogue);
  return checks_text(plan);
}

std::string list_profiles(std::string_view format) {
  if (format != "json") {
    std::string out;
    for (const auto& [profile, text] : profile_texts) paragraph(out, fmt::format("{:18}", name_of(profile)), text);
    return out;
  }
  JsonWriter out;
  out.begin_array();
  for (const auto& [profile, text] : profile_texts) {
    out.begin_object();
    out.key("name");
    out.text(name_of(profile));
    out.key("title");
    out.text(text);
    out.end_object();
  }
  out.end_array();
  return out.take();
}

std::string list_codes(std::string_view format) {
  if (format != "json") {
    std::string out;
    for (const auto& entry : all_codes()) {
      out += entry.code + '\n';
      paragraph(out, "    ", without_values(entry).title);
    }
    return out;
  }
  JsonWriter out;
  out.begin_array();
  for (const auto& entry : all_codes()) {
    out.begin_object();
    out.key("code");
    out.text(entry.code);
    out.key("title");
    out.text(without_values(entry).title);
    out.key("owner");
    out.text(boost::describe::enum_to_string(entry.owner, ""));
    out.key("healthy");
    out.boolean(entry.healthy);
    out.end_object();
  }
  out.end_array();
  return out.take();
}

}  // namespace vnetprobe
