#include "agent/cli/command_line.hpp"

#include "agent/cli/flags.hpp"
#include "agent/cli/inbound_flags.hpp"
#include "agent/cli/output.hpp"
#include "agent/cli/tags_flags.hpp"
#include "agent/cli/usage_error.hpp"

#include <fmt/format.h>
#include <boost/describe/enum_to_string.hpp>

#include <sstream>

namespace vnetprobe {
namespace {

constexpr const char* run_examples = R"(
Examples:
  vnetprobe                                     check this node with what it says of itself
  vnetprobe run --profile compute-cluster --format json | jq .verdict
  vnetprobe run --config node.yaml --only 'storage.*' --verbose
  vnetprobe run --output json=report.json --output html=report.html    print the text, keep both files

Exit status: 0 every required check passed, 1 one failed or was cut off, 2 wrong usage or configuration, 3 vnetprobe itself failed.)";
constexpr const char* list_examples = R"(
Examples:
  vnetprobe list checks --profile compute-instance
  vnetprobe list checks --format yaml > mine.yaml   then edit it and run with --catalog mine.yaml
  vnetprobe list codes --format json)";
constexpr const char* explain_examples = R"(
Examples:
  vnetprobe explain private_endpoint.zone_not_linked
  vnetprobe explain tcp.timeout --format json)";
constexpr const char* diagnose_examples = R"(
Examples:
  vnetprobe diagnose report.json
  vnetprobe diagnose report.json --output html=report.html
  vnetprobe diagnose broken-node.json --compare good-node.json)";
constexpr const char* bundle_examples = R"(
Examples:
  vnetprobe bundle --output node.tar.gz            everything that support asks for, secrets redacted
  vnetprobe bundle --anonymize --since 2h          names and addresses mapped as well
  vnetprobe bundle --estimate                      what would be in it
  vnetprobe bundle inspect node.tar.gz             what is in it
  vnetprobe diagnose node.tar.gz                   its report, on another machine)";
constexpr const char* deliver_examples = R"(
Examples:
  vnetprobe deliver                          send what waits, now
  vnetprobe deliver report.json              send this report to every sink of the configuration
  vnetprobe deliver --status                 what waits, what was refused, and why
  vnetprobe deliver --retry-refused          after a new SAS or key

Exit status: 0 everything is delivered, 1 something waits or was refused, 2 wrong usage or configuration.)";
constexpr const char* fleet_examples = R"(
Examples:
  vnetprobe fleet reports/                            every report in a folder, the newest of each node
  vnetprobe fleet 'node-*/report.json' --format html --output fleet.html
  vnetprobe fleet reports/ --format json | jq '.diagnoses[] | {code, nodes: (.nodes | length)}'

Exit status: 0 every node's required checks passed, 1 some node's did not, 2 no report could be read.)";
constexpr const char* daemon_examples = R"(
Examples:
  vnetprobe daemon                                    every 15 minutes; pages on http://127.0.0.1:9798/
  vnetprobe daemon --interval 5m --listen 10.0.0.5:9798
  curl 127.0.0.1:9798/probe?target=pypi               a target of the configuration, now
  kill -USR1 PID                                      run now; -HUP reads the configuration again)";
constexpr const char* docs_examples = R"(
Examples:
  vnetprobe docs completion bash > ~/.local/share/bash-completion/completions/vnetprobe
  vnetprobe docs man vnetprobe-codes.7 | man -l -
  vnetprobe docs config > config.yaml       the configuration with everything switched off, to be edited)";
constexpr const char* demo_examples = R"(
Examples:
  vnetprobe demo                             a healthy network
  vnetprobe demo --fault storage-firewall    the same with one thing broken
  vnetprobe demo --list                      the faults)";

// Everything CLI11 fills in while it reads the line.
struct Parser {
  CLI::App app{"Finds out why an Azure Machine Learning node cannot reach what it needs, and who has to change what.",
               "vnetprobe"};
  RunFlags run_flags, list_flags;
  DeliverFlags deliver_flags;
  BundleFlags bundle_flags;
  DaemonFlags daemon_flags;
  RunFlags bundle_run_flags, daemon_run_flags;
  PresentationFlags diagnose_flags, demo_flags, fleet_flags;
  std::vector<std::string> fleet_paths;
  std::string list_what, list_format = "text", explain_code, explain_format = "text", diagnose_path, diagnose_compare,
                         demo_fault = "none";
  bool demo_list{};
  TagsCommand tags_read;
  InboundFlags listen_flags, reach_flags;
  DocsCommand docs_read;
  CLI::App *run{}, *list{}, *explain{}, *diagnose{}, *demo{}, *tags{}, *deliver{}, *bundle{}, *daemon{}, *fleet{},
      *docs{}, *listen{}, *reach{};

  Parser() {
    app.set_version_flag("--version", "vnetprobe " VNETPROBE_VERSION);
    app.require_subcommand(1);
    app.footer("`vnetprobe` alone means `vnetprobe run`. `vnetprobe COMMAND --help` has examples.");
    run = app.add_subcommand("run", "Check this node and say what is wrong");
    add_run_flags(*run, run_flags);
    run->footer(run_examples);
    add_list();
    explain = app.add_subcommand("explain", "Say what a diagnosis code means, its evidence, and who fixes it");
    explain->add_option("CODE", explain_code, "For example dns.resolver.unreachable")->required();
    explain->add_option("--format", explain_format, "text or json")->check(CLI::IsMember({"text", "json"}));
    explain->footer(explain_examples);
    diagnose = app.add_subcommand("diagnose", "Apply the rules to a saved report again, without a network");
    diagnose->add_option("REPORT", diagnose_path, "A report in JSON, or a bundle; - reads stdin")->required();
    diagnose
        ->add_option("--compare", diagnose_compare,
                     "Say what differs from this report, and what that implies (text, html, json)")
        ->type_name("OTHER.json");
    add_presentation_flags(*diagnose, diagnose_flags);
    diagnose->footer(diagnose_examples);
    demo = app.add_subcommand("demo", "Run against a simulated VNet on loopback, healthy or with one fault");
    demo->add_option("--fault", demo_fault, "What to break; --list names them")->type_name("NAME");
    demo->add_flag("--list", demo_list, "List the faults");
    add_presentation_flags(*demo, demo_flags);
    demo->footer(demo_examples);
    tags = add_tags_command(app, tags_read);
    listen = add_listen_command(app, listen_flags);
    reach = add_reach_command(app, reach_flags);
    deliver = app.add_subcommand("deliver", "Send the reports that wait in the spool, or a given one");
    add_deliver_flags(*deliver, deliver_flags);
    deliver->footer(deliver_examples);
    bundle = app.add_subcommand("bundle", "Collect what support needs into one archive, with the secrets redacted");
    add_bundle_flags(*bundle, bundle_flags, bundle_run_flags);
    bundle->footer(bundle_examples);
    daemon = app.add_subcommand("daemon", "Run on a schedule, keep history, deliver changes, serve pages and metrics");
    add_daemon_flags(*daemon, daemon_flags, daemon_run_flags);
    daemon->footer(daemon_examples);
    fleet = app.add_subcommand("fleet", "Merge the reports of many nodes: which differ, what is wrong where");
    fleet->add_option("PATH", fleet_paths, "Reports in JSON (also .gz) or bundles: files, folders or globs")
        ->required();
    add_presentation_flags(*fleet, fleet_flags);
    fleet->get_option("--format")->description("How the fleet is printed: text, json or html");
    fleet->footer(fleet_examples);
    add_docs();
  }

  void add_docs() {
    docs = app.add_subcommand("docs", "Print man pages, completions, the example configuration or the report's schema");
    docs->require_subcommand(1);
    docs->footer(docs_examples);
    const std::set<std::string> pages{"vnetprobe.1", "vnetprobe-config.5", "vnetprobe-codes.7"};
    docs->add_subcommand("man", "A manual page, for man -l -")
        ->add_option("PAGE", docs_read.name, "vnetprobe.1, vnetprobe-config.5 or vnetprobe-codes.7")
        ->required()
        ->check(CLI::IsMember(pages));
    docs->add_subcommand("completion", "What completes vnetprobe's commands and flags in a shell")
        ->add_option("SHELL", docs_read.name, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    docs->add_subcommand("config", "The configuration with comments")->callback([this] { docs_read.name = "config"; });
    docs->add_subcommand("schema", "The JSON Schema of a report")->callback([this] { docs_read.name = "schema"; });
  }

  void add_list() {
    list = app.add_subcommand("list", "Show what run would check on this node and why, without any traffic");
    list->add_option("WHAT", list_what, "checks, profiles or codes")
        ->required()
        ->check(CLI::IsMember({"checks", "profiles", "codes"}));
    // The flags that decide what the plan is; how a report is presented is not list's business.
    list->add_option("--profile", list_flags.profile, "As for run")->type_name("NAME");
    list->add_option("--config", list_flags.config, "As for run")->type_name("FILE");
    list->add_option("--catalog", list_flags.catalog, "As for run")->type_name("FILE");
    list->add_option("--resolver", list_flags.resolvers, "As for run")->type_name("IP[:PORT]")->allow_extra_args(false);
    list->add_option("--only", list_flags.only, "As for run")->type_name("GLOB")->allow_extra_args(false);
    list->add_option("--skip", list_flags.skip, "As for run")->type_name("GLOB")->allow_extra_args(false);
    list->add_option("--format", list_format, "text, json, or yaml (checks: a catalogue to edit)")
        ->check(CLI::IsMember({"text", "json", "yaml"}));
    list->footer(list_examples);
  }

  // A comparison and a fleet are for people and programs, not for tickets and test systems.
  static void only_three_formats(const Presentation& presentation, const char* what) {
    const auto refuse = [&](const char* flag, Format format) {
      if (format != Format::text && format != Format::json && format != Format::html)
        throw CLI::ValidationError(flag, fmt::format("{} has no format '{}'; write text, json or html", what,
                                                     boost::describe::enum_to_string(format, "")));
    };
    refuse("--format", presentation.format);
    for (const auto& output : presentation.outputs)
      if (const auto format = output.format ? output.format : format_by_extension(output.path))
        refuse("--output", *format);
  }

  FleetCommand chosen_fleet() const {
    FleetCommand command{.paths = fleet_paths, .presentation = read_presentation(*fleet, fleet_flags)};
    only_three_formats(command.presentation, "a fleet");
    return command;
  }

  DiagnoseCommand chosen_diagnose() const {
    DiagnoseCommand command{.path = diagnose_path,
                            .compare = diagnose_compare,
                            .presentation = read_presentation(*diagnose, diagnose_flags)};
    if (command.compare.empty()) return command;
    only_three_formats(command.presentation, "a comparison");
    if (command.path == "-" && command.compare == "-")
      throw CLI::ValidationError("--compare", "only one of the two reports can be read from stdin");
    return command;
  }

  Command chosen() const {
    if (*run) return read_run(*run, run_flags);
    if (*tags) return tags_read;
    if (*listen) return read_listen(listen_flags);
    if (*reach) return read_reach(reach_flags);
    if (*docs) return docs_read;
    if (*deliver) return read_deliver(deliver_flags);
    if (*bundle) return read_bundle(*bundle, bundle_flags, bundle_run_flags);
    if (*fleet) return chosen_fleet();
    if (*daemon) return read_daemon(*daemon, daemon_flags, daemon_run_flags);
    if (*explain) return ExplainCommand{.code = explain_code, .format = explain_format};
    if (*diagnose) return chosen_diagnose();
    if (*demo)
      return DemoCommand{.fault = demo_fault, .list = demo_list, .presentation = read_presentation(*demo, demo_flags)};
    if (list_format == "yaml" && list_what != "checks")
      throw CLI::ValidationError("--format", "yaml is for `list checks`; write text or json");
    return ListCommand{.what = list_what, .format = list_format, .run = read_run(*list, list_flags)};
  }
};

// A variable that is not set must not drop what was meant: --config "$UNSET" is no run without a configuration.
void refuse_empty_values(const CLI::App& app) {
  for (const auto* option : app.get_options())
    for (const auto& value : option->results())
      if (value.empty())
        throw CLI::ValidationError(option->get_name(), "the value is empty; write one, or leave it out");
  for (const auto* command : app.get_subcommands()) refuse_empty_values(*command);
}

// `vnetprobe --profile x` means `vnetprobe run --profile x`.
void insert_default_command(std::vector<std::string>& arguments) {
  const bool own =
      !arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "--version");
  if (arguments.empty() || (arguments[0].starts_with('-') && !own)) arguments.insert(arguments.begin(), "run");
}

}  // namespace

Command parse_command_line(std::vector<std::string> arguments) {
  insert_default_command(arguments);
  Parser parser;
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    parser.app.parse(std::move(reversed));
    refuse_empty_values(parser.app);
    return parser.chosen();
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, problem;
    const int status = parser.app.exit(error, out, problem);
    if (status == 0) return Reply{.status = 0, .text = out.str()};
    return Reply{.status = 2, .text = usage_error(parser.app, error, arguments)};
  }
}

CommandTree described_command_line() { return command_tree(Parser().app); }

}  // namespace vnetprobe
