#include "agent/cli/flags.hpp"

#include "agent/config/duration.hpp"
#include "agent/config/target.hpp"

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>
#include <boost/describe/enum_from_string.hpp>
#include <boost/url/parse.hpp>

#include <array>
#include <charconv>
#include <filesystem>

namespace vnetprobe {
namespace {

[[noreturn]] void wrong(const std::string& flag, const std::string& what) { throw CLI::ValidationError(flag, what); }

constexpr std::string_view format_names = "text, json, html, junit, markdown or prometheus";

Format read_format(const std::string& flag, const std::string& name) {
  Format format{};
  if (boost::describe::enum_from_string(name.c_str(), format)) return format;
  wrong(flag, fmt::format("unknown format '{}'; write {}", name, format_names));
}

// FORMAT=PATH or PATH. A path may contain '=': only a known format's name before it counts.
Output read_output(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return {.format = {}, .path = text};
  const auto name = text.substr(0, equals);
  if (name.find_first_of("/.") != std::string::npos) return {.format = {}, .path = text};
  return {.format = read_format("--output", name), .path = text.substr(equals + 1)};
}

std::optional<std::uint16_t> port_of(std::string_view digits) {
  unsigned port{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// 10.0.0.10, 10.0.0.10:5353, fd00::53 or [fd00::53]:5353
Endpoint read_resolver(const std::string& text) {
  Endpoint server{.address = text, .port = 53};
  std::string_view port_digits;
  if (const auto closing = text.find(']'); text.starts_with('[') && closing != std::string::npos) {
    server.address = text.substr(1, closing - 1);
    if (closing + 1 < text.size()) port_digits = std::string_view(text).substr(closing + 1);
    if (port_digits.starts_with(':')) port_digits.remove_prefix(1);
  } else if (const auto colon = text.find(':'); colon != std::string::npos && colon == text.rfind(':')) {
    server.address = text.substr(0, colon);
    port_digits = std::string_view(text).substr(colon + 1);
    if (port_digits.empty()) port_digits = "missing";
  }
  if (!port_digits.empty()) {
    const auto port = port_of(port_digits);
    if (!port)
      wrong("--resolver", fmt::format("'{}' has no usable port; write IP:PORT, for example 10.0.0.10:53", text));
    server.port = *port;
  }
  boost::system::error_code bad;
  boost::asio::ip::make_address(server.address, bad);
  if (bad)
    wrong("--resolver", fmt::format("'{}' is not an IP address; write IP or IP:PORT, for example 10.0.0.10", text));
  return server;
}

Profile read_profile(const std::string& text) {
  if (const auto profile = parse_profile(text)) return *profile;
  wrong("--profile",
        fmt::format("unknown profile '{}'; write compute-instance, compute-cluster, attached-vm, hdinsight or "
                    "databricks",
                    text));
}

void read_imds_endpoint(const std::string& url, Settings& settings) {
  // No resolver is asked on the way to the metadata service, and its paths are its own.
  const auto parsed = boost::urls::parse_uri(url);
  const bool plain = parsed && parsed->scheme() == "http" && !parsed->has_userinfo() && !parsed->has_query() &&
                     !parsed->has_fragment() && (parsed->path().empty() || parsed->path() == "/");
  boost::system::error_code not_literal;
  if (plain) boost::asio::ip::make_address(parsed->host_address(), not_literal);
  const bool has_port = plain && (!parsed->has_port() || port_of(parsed->port()));
  if (!plain || not_literal || !has_port)
    wrong("--imds-endpoint", fmt::format("'{}' is not http://IP or http://IP:PORT; write for example "
                                         "http://169.254.169.254",
                                         harmless(url)));
  settings.imds_endpoint = {.value = url, .source = "--imds-endpoint"};
}

std::vector<ConnectTo> read_connect_to(const std::vector<std::string>& texts) {
  std::vector<ConnectTo> replacements;
  for (const auto& text : texts) {
    auto parsed = parse_connect_to(text);
    if (!parsed.value) wrong("--connect-to", parsed.error);
    replacements.push_back(std::move(*parsed.value));
  }
  return replacements;
}

}  // namespace

std::chrono::milliseconds read_duration(const std::string& flag, const std::string& text) {
  const auto duration = parse_duration(text);
  if (!duration || duration->count() <= 0)
    wrong(flag, fmt::format("'{}' is not a duration of at most 7 days; write for example 60s or 2m", text));
  return *duration;
}

void add_presentation_flags(CLI::App& app, PresentationFlags& flags) {
  app.add_option("--format", flags.format, fmt::format("How the report is printed: {}", format_names))
      ->type_name("FORMAT");
  app.add_option("--output", flags.outputs,
                 "Write the report to PATH instead of stdout; FORMAT=PATH writes one more copy (repeatable)")
      ->type_name("[FORMAT=]PATH")
      ->allow_extra_args(false);
  app.add_flag("--verbose,-v", flags.verbose, "Show every check with its observations, and log to stderr");
  app.add_flag("--quiet,-q", flags.quiet, "Show the diagnoses only, and no progress");
  app.add_flag("--no-color", flags.no_color, "No colour, also when stdout is a terminal (as NO_COLOR does)");
}

void add_probing_flags(CLI::App& app, RunFlags& flags) {
  app.add_option("--profile", flags.profile,
                 "What this node is: compute-instance, compute-cluster, attached-vm, hdinsight, databricks")
      ->type_name("NAME");
  app.add_option("--config", flags.config, "Configuration file (default: /etc/vnetprobe/config.yaml where it exists)")
      ->type_name("FILE");
  app.add_option("--only", flags.only, "Run only the checks whose id matches (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  app.add_option("--skip", flags.skip, "Leave out the checks whose id matches (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  app.add_option("--target", flags.targets,
                 "Check this too, in place of the configuration's targets; its id is target.HOST (repeatable)")
      ->type_name("URL|HOST:PORT")
      ->allow_extra_args(false);
  app.add_option("--deadline", flags.deadline, "End after this long with the report of what was seen")
      ->type_name("60s");
  app.add_option("--websocket-idle", flags.websocket_idle,
                 "Leave open WebSockets idle for this long, then try them again: finds idle timeouts on the way")
      ->type_name("5m");
  app.add_option("--concurrency", flags.concurrency, "Checks under way at once")
      ->type_name("N")
      ->check(CLI::Range(1, 100000).description(""));
  app.add_option("--ca-file", flags.ca_files, "PEM file of certificates to trust besides the system's (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--resolver", flags.resolvers, "Ask this DNS server instead of the node's own (repeatable)")
      ->type_name("IP[:PORT]")
      ->allow_extra_args(false);
  app.add_option("--connect-to", flags.connect_to,
                 "Connect to ADDR:PORT instead of HOST:PORT, as curl has it (repeatable)")
      ->type_name("HOST:PORT:ADDR:PORT")
      ->allow_extra_args(false);
  app.add_option("--imds-endpoint", flags.imds_endpoint, "Where the instance metadata service answers")
      ->type_name("URL");
  app.add_option("--service-tags", flags.service_tags, "Service-tag file to use")->type_name("FILE");
  app.add_option("--catalog", flags.catalog, "Catalogue of requirements to use instead of the built-in one")
      ->type_name("FILE");
}

void add_run_flags(CLI::App& app, RunFlags& flags) {
  add_probing_flags(app, flags);
  app.add_option("--spool", flags.spool,
                 "Where reports wait that could not be sent (default: below /var/lib/vnetprobe)")
      ->type_name("DIR");
  app.add_flag("--no-delivery", flags.no_delivery, "Send nothing, whatever the configuration's delivery says");
  // The daemon's way to hand its configuration over; an empty group is not shown in --help.
  app.add_option("--config-from", flags.config_from)->group("");
  add_presentation_flags(app, flags.presentation);
}

void add_bundle_flags(CLI::App& app, BundleFlags& flags, RunFlags& run_flags) {
  app.add_option("--output", flags.path, "The archive to write (default: vnetprobe-TIME.tar.gz here)")
      ->type_name("FILE.tar.gz");
  app.add_option("--report", flags.report, "Take this saved report instead of checking the node again")
      ->type_name("REPORT.json");
  app.add_flag("--anonymize", flags.anonymize, "Map addresses and names too; the map is written beside the archive");
  app.add_flag("--estimate", flags.estimate, "Say what would be collected, and collect nothing");
  app.add_flag("--upload", flags.upload, "Put the archive to the configuration's blob afterwards");
  app.add_option("--since", flags.since, "How far back logs go")->type_name("24h");
  app.add_option("--only", flags.only, "Collect only the items whose id matches (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  app.add_option("--skip", flags.skip, "Leave out the items whose id matches (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  app.add_option("--redact", flags.patterns,
                 "A further regular expression whose first group, or whole match, is a secret")
      ->type_name("REGEX")
      ->allow_extra_args(false);
  app.add_option("--profile", run_flags.profile, "As for run")->type_name("NAME");
  app.add_option("--config", run_flags.config, "As for run")->type_name("FILE");
  app.add_option("--deadline", run_flags.deadline, "As for run")->type_name("60s");
  app.add_option("--ca-file", run_flags.ca_files, "As for run")->type_name("FILE")->allow_extra_args(false);
  app.add_option("--resolver", run_flags.resolvers, "As for run")->type_name("IP[:PORT]")->allow_extra_args(false);
  app.add_option("--connect-to", run_flags.connect_to, "As for run")
      ->type_name("HOST:PORT:ADDR:PORT")
      ->allow_extra_args(false);
  app.add_option("--imds-endpoint", run_flags.imds_endpoint, "As for run")->type_name("URL");
  app.add_option("--spool", run_flags.spool, "As for run")->type_name("DIR");
  app.add_subcommand("inspect", "Show what is in a bundle")
      ->add_option("FILE", flags.inspected, "The bundle")
      ->required();
}

BundleCommand read_bundle(const CLI::App& app, const BundleFlags& flags, const RunFlags& run_flags) {
  BundleCommand command{.verb = flags.inspected.empty() ? "" : "inspect",
                        .path = flags.inspected.empty() ? flags.path : flags.inspected,
                        .run = read_run(app, run_flags),
                        .report = flags.report,
                        .only = flags.only,
                        .skip = flags.skip,
                        .patterns = flags.patterns,
                        .since = std::chrono::ceil<std::chrono::seconds>(read_duration("--since", flags.since)),
                        .anonymize = flags.anonymize,
                        .estimate = flags.estimate,
                        .upload = flags.upload};
  command.run.presentation.quiet = true;
  return command;
}

void add_deliver_flags(CLI::App& app, DeliverFlags& flags) {
  app.add_option("REPORT", flags.reports, "Reports in JSON to send to every sink; - reads stdin");
  app.add_flag("--status", flags.status, "Show what waits and what was refused, and send nothing");
  app.add_flag("--retry-refused", flags.retry_refused, "Try again what a receiver refused for good");
  app.add_option("--config", flags.config, "Configuration file (default: /etc/vnetprobe/config.yaml where it exists)")
      ->type_name("FILE");
  app.add_option("--spool", flags.spool, "As for run")->type_name("DIR");
  app.add_option("--limit", flags.limit, "Stop after this long; the rest waits")->type_name("60s");
  app.add_option("--format", flags.format, "Of --status: text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option("--ca-file", flags.ca_files, "As for run")->type_name("FILE")->allow_extra_args(false);
  app.add_option("--connect-to", flags.connect_to, "As for run")
      ->type_name("HOST:PORT:ADDR:PORT")
      ->allow_extra_args(false);
}

DeliverCommand read_deliver(const DeliverFlags& flags) {
  DeliverCommand command{.reports = flags.reports,
                         .config_path = flags.config,
                         .spool = flags.spool,
                         .format = flags.format,
                         .status = flags.status,
                         .retry_refused = flags.retry_refused,
                         .limit = read_duration("--limit", flags.limit)};
  for (const auto& file : flags.ca_files) command.settings.ca_files.push_back({.value = file, .source = "--ca-file"});
  command.connect_to = read_connect_to(flags.connect_to);
  return command;
}

Presentation read_presentation(const CLI::App& app, const PresentationFlags& flags) {
  Presentation presentation{.verbose = flags.verbose, .quiet = flags.quiet, .no_color = flags.no_color};
  presentation.format = read_format("--format", flags.format);
  presentation.format_given = app.get_option_no_throw("--format") && app.count("--format") > 0;
  for (const auto& output : flags.outputs) {
    presentation.outputs.push_back(read_output(output));
    const auto& path = presentation.outputs.back().path;
    if (path.empty()) wrong("--output", "the path is missing; write --output report.json");
    const auto known = presentation.outputs.begin();
    const auto last = presentation.outputs.end() - 1;
    if (std::ranges::find(known, last, path, &Output::path) != last)
      wrong("--output", fmt::format("'{}' is named twice, and one copy would replace the other", path));
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown))
      wrong("--output", fmt::format("'{}' is a directory; write --output {}", path,
                                    (std::filesystem::path(path) / "report.json").string()));
  }
  if (flags.verbose && flags.quiet) wrong("--quiet", "--verbose and --quiet exclude each other");
  return presentation;
}

RunCommand read_run(const CLI::App& app, const RunFlags& flags) {
  RunCommand command{.config_path = flags.config, .only = flags.only, .skip = flags.skip};
  Settings& settings = command.settings;
  if (!flags.profile.empty()) settings.profile = {.value = read_profile(flags.profile), .source = "--profile"};
  if (!flags.deadline.empty())
    settings.deadline = {.value = read_duration("--deadline", flags.deadline), .source = "--deadline"};
  if (!flags.websocket_idle.empty())
    settings.timeouts.websocket_idle = read_duration("--websocket-idle", flags.websocket_idle);
  if (flags.concurrency > 0) settings.concurrency = {.value = flags.concurrency, .source = "--concurrency"};
  if (!flags.service_tags.empty()) settings.service_tags = {.value = flags.service_tags, .source = "--service-tags"};
  if (!flags.catalog.empty()) settings.catalog = {.value = flags.catalog, .source = "--catalog"};
  if (!flags.imds_endpoint.empty()) read_imds_endpoint(flags.imds_endpoint, settings);
  for (const auto& file : flags.ca_files) settings.ca_files.push_back({.value = file, .source = "--ca-file"});
  for (const auto& resolver : flags.resolvers)
    settings.resolvers.push_back({.value = read_resolver(resolver), .source = "--resolver"});
  for (const auto& text : flags.targets) {
    auto target = parse_target(text, "--target");
    if (const auto* problem = std::get_if<std::string>(&target)) wrong("--target", *problem);
    settings.targets.push_back(std::get<UserTarget>(std::move(target)));
  }
  command.config_from = flags.config_from;
  command.connect_to = read_connect_to(flags.connect_to);
  command.spool = flags.spool;
  command.no_delivery = flags.no_delivery;
  command.presentation = read_presentation(app, flags.presentation);
  return command;
}

}  // namespace vnetprobe
