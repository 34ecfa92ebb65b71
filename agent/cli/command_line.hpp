#pragma once

#include "agent/config/settings.hpp"
#include "agent/docs/command_tree.hpp"
#include "probes/connect_to.hpp"

#include <string>
#include <variant>
#include <vector>

// The command line as values. Parsing never touches the world: a file that is named is opened by the command itself.
namespace vnetprobe {

enum class Format { text, json, html, junit, markdown, prometheus };
BOOST_DESCRIBE_ENUM(Format, text, json, html, junit, markdown, prometheus)

// --output PATH or --output FORMAT=PATH.
struct Output {
  std::optional<Format> format;  // absent: by --format, else by the path's extension
  std::string path;
};

// How a report is shown and kept. Shared by run, demo and diagnose.
struct Presentation {
  Format format = Format::text;
  bool format_given{};
  std::vector<Output> outputs;
  bool verbose{}, quiet{}, no_color{};
};

struct RunCommand {
  Settings settings;  // what the flags say; source is the flag
  std::string config_path;
  std::string config_from;  // read in place of config_path, whose name it keeps (the daemon's runs)
  std::vector<ConnectTo> connect_to;
  std::vector<std::string> only, skip;
  std::string spool;   // directory; empty: the default one
  bool no_delivery{};  // nothing is noted or sent, whatever the configuration says
  bool simulated{};    // the demo's: what AML's files and the environment say of this machine is not about its network
  Presentation presentation;
};

struct ListCommand {
  std::string what;    // "checks", "profiles" or "codes"
  std::string format;  // "text", "json" or "yaml"
  RunCommand run;      // flags that decide what the plan is
};

struct ExplainCommand {
  std::string code;
  std::string format;
};

struct DiagnoseCommand {
  std::string path;
  std::string compare;  // a second report; empty: none
  Presentation presentation;
};

struct DemoCommand {
  std::string fault = "none";
  bool list{};
  Presentation presentation;
};

// `tags VERB`; every verb reads the file by the same rules.
struct TagsCommand {
  std::string verb;  // lookup, show, routes, audit, diff, info or update
  std::vector<std::string> arguments;
  std::string service_tags, config_path, cloud, region, tag, format = "table", from, for_region;
  bool lenient{}, batch{}, aml{}, with_global{}, ipv6{}, aggregate{};
};

// `deliver [REPORT.json...]`
struct DeliverCommand {
  std::vector<std::string> reports;  // read and noted in the spool first
  std::string config_path, spool, format = "text";
  std::vector<ConnectTo> connect_to;
  Settings settings;  // --ca-file
  bool status{}, retry_refused{};
  std::chrono::milliseconds limit{std::chrono::seconds(60)};
};

// `bundle [inspect FILE]`
struct BundleCommand {
  std::string verb;    // "" or "inspect"
  std::string path;    // of the archive; empty: named after the time, in the working directory
  RunCommand run;      // the run whose report is in the bundle
  std::string report;  // a saved one instead of a run
  std::vector<std::string> only, skip, patterns;
  std::chrono::seconds since{std::chrono::hours(24)};
  bool anonymize{}, estimate{}, upload{};
};

struct DaemonCommand {
  RunCommand run;                          // what every run is told
  std::vector<std::string> run_arguments;  // the same as flags
  std::string state_directory;             // empty: the default one
  std::optional<std::chrono::milliseconds> interval;
  std::optional<Endpoint> listen;
  bool no_http{};
};

// `docs man PAGE`, `docs completion SHELL`, `docs config`, `docs schema`
struct DocsCommand {
  std::string name;  // of the page or the shell, "config" or "schema"
};

struct FleetCommand {
  std::vector<std::string> paths;  // files, folders or globs
  Presentation presentation;
};

// `listen --ports LIST`: the inbound test's end on the machine whose ports are in question (product.md 5).
struct ListenCommand {
  std::vector<std::uint16_t> ports;
  std::vector<std::string> addresses;  // empty: all
  std::string token_file;              // empty: VNETPROBE_TOKEN, else a new token
  std::chrono::milliseconds limit{std::chrono::minutes(10)};
  bool stay{}, json{}, quiet{}, no_color{};
};

// `reach HOST --ports LIST`: its other end.
struct ReachCommand {
  std::string host;
  std::vector<std::uint16_t> ports;
  std::string token_file;  // empty: VNETPROBE_TOKEN, else none
  std::chrono::milliseconds limit{5000};
  bool json{}, no_color{};
};

// Nothing to run: `text` goes to stdout with status 0 (help, version) or to stderr with status 2 (usage error).
struct Reply {
  int status{};
  std::string text;
};

using Command =
    std::variant<Reply, RunCommand, ListCommand, ExplainCommand, DiagnoseCommand, DemoCommand, TagsCommand,
                 DeliverCommand, BundleCommand, DaemonCommand, FleetCommand, DocsCommand, ListenCommand, ReachCommand>;

// `arguments` without the program's name. No command means `run`.
Command parse_command_line(std::vector<std::string> arguments);
// Every command and flag that parse_command_line() knows, as --help says it.
CommandTree described_command_line();

}  // namespace vnetprobe
