#include "agent/cli/tags_flags.hpp"

namespace vnetprobe {
namespace {

constexpr const char* tags_examples = R"(
Examples:
  vnetprobe tags lookup 20.41.0.241                      every tag that contains the address
  vnetprobe tags lookup - < addresses.txt                thousands from stdin
  vnetprobe tags show AzureMachineLearning --region "East US 2"
  vnetprobe tags routes --region eastus2 --format az     the routes that forced tunnelling needs
  az network route-table show -g RG -n RT -o json > rt.json && vnetprobe tags audit rt.json --region eastus2
  vnetprobe tags diff old.json new.json --for-region eastus2
  vnetprobe tags info --service-tags ServiceTags_Public_20251110.json

Without --service-tags: the newest of the configured file, the installed one and the snapshot in the binary.)";

CLI::App* add_verb(CLI::App& tags, TagsCommand& command, const std::string& verb, const std::string& text) {
  auto* app = tags.add_subcommand(verb, text);
  app->callback([&command, verb] { command.verb = verb; });
  app->add_option("--service-tags", command.service_tags, "Service-tag file: JSON or .json.gz; - reads stdin")
      ->type_name("FILE");
  app->add_option("--config", command.config_path, "Configuration that names the file")->type_name("FILE");
  app->add_option("--cloud", command.cloud, "public, usgov or china: which snapshot, where no file is given")
      ->check(CLI::IsMember({"public", "usgov", "china"}));
  app->add_flag("--lenient", command.lenient, "Tell bad entries of the file and use the rest");
  app->footer(tags_examples);
  return app;
}

void add_format(CLI::App& app, TagsCommand& command, const std::set<std::string>& formats, const std::string& text) {
  app.add_option("--format", command.format, text)->check(CLI::IsMember(formats));
}

void add_route_flags(CLI::App& app, TagsCommand& command) {
  app.add_flag("--batch", command.batch, "BatchNodeManagement of the region (default: both)");
  app.add_flag("--aml", command.aml, "AzureMachineLearning of the region and its pair (default: both)");
  app.add_flag("--with-global", command.with_global, "Also what only the global AzureMachineLearning tag has");
  app.add_flag("--ipv6", command.ipv6, "IPv6 routes too");
  app.add_flag("--aggregate", command.aggregate, "The fewest routes that make the same addresses");
}

}  // namespace

CLI::App* add_tags_command(CLI::App& app, TagsCommand& command) {
  auto* tags = app.add_subcommand("tags", "Service tags: look up, routes for forced tunnelling, audit, diff");
  tags->require_subcommand(1);
  tags->footer(tags_examples);
  const std::set<std::string> plain{"table", "json", "text"};
  auto* lookup = add_verb(*tags, command, "lookup", "Every tag that contains an address, most specific first");
  lookup->add_option("ADDRESS", command.arguments, "Addresses or names; - reads them from stdin, one a line")
      ->required();
  add_format(*lookup, command, plain, "table or json");
  auto* show = add_verb(*tags, command, "show", "The prefixes of a tag");
  show->add_option("TAG", command.arguments, "For example Storage or Storage.EastUS2")->required()->expected(1);
  show->add_option("--region", command.region, "The tag of this region")->type_name("REGION");
  add_format(*show, command, plain, "table or json");
  auto* routes = add_verb(*tags, command, "routes", "The user-defined routes that forced tunnelling needs");
  routes->add_option("--region", command.region, "The compute's region")->required()->type_name("REGION");
  add_route_flags(*routes, command);
  add_format(*routes, command, {"az", "bicep", "terraform", "json", "table"}, "az, bicep, terraform, json or table");
  auto* audit = add_verb(*tags, command, "audit", "An exported route table against what is needed now");
  audit
      ->add_option("ROUTES", command.arguments,
                   "Output of az network route-table show, or of nic show-effective-route-table")
      ->required()
      ->expected(1);
  audit->add_option("--region", command.region, "The compute's region")->required()->type_name("REGION");
  add_route_flags(*audit, command);
  add_format(*audit, command, plain, "table or json");
  auto* diff = add_verb(*tags, command, "diff", "What changed between two files, by address");
  diff->add_option("OLD NEW", command.arguments, "Two service-tag files")->required()->expected(2);
  diff->add_option("--tag", command.tag, "Only this tag; TAG.* with those of its regions")->type_name("TAG");
  diff->add_option("--region", command.region, "Only tags of this region")->type_name("REGION");
  diff->add_option("--for-region", command.for_region, "Which routes of this region change, as commands")
      ->type_name("REGION");
  add_route_flags(*diff, command);
  add_format(*diff, command, plain, "table or json");
  auto* info = add_verb(*tags, command, "info", "Cloud, change number, age, counts");
  add_format(*info, command, plain, "table or json");
  auto* update = add_verb(*tags, command, "update", "Install a newer file for run and daemon");
  update->add_option("--from", command.from, "The file to install")->required()->type_name("FILE");
  return tags;
}

}  // namespace vnetprobe
