#include "agent/cli/inbound_flags.hpp"

#include "agent/cli/flags.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace vnetprobe {
namespace {

constexpr std::size_t ports_at_most = 256;
constexpr const char* listen_examples = R"(
Examples:
  vnetprobe listen --ports 29876,29877,44224          until each was reached, for ten minutes at most
  vnetprobe listen --ports 44224 --for 1h --stay      tell everybody who comes within an hour

It shows the command for the other machine, with a token made for this one test.
Exit status: 0 every port was reached by somebody with the token, 1 not every one, 2 wrong usage or no port free.)";
constexpr const char* reach_examples = R"(
Examples:
  VNETPROBE_TOKEN=... vnetprobe reach 10.0.0.4 --ports 29876,29877,44224
  vnetprobe reach my-vm.internal --ports 44224 --token-file token --format json

The token is the one that `vnetprobe listen` showed on the target; without it a port that answers is not proven.
Exit status: 0 every port was reached, 1 not every one, 2 wrong usage.)";

[[noreturn]] void wrong(const char* flag, const std::string& message) { throw CLI::ValidationError(flag, message); }

std::uint16_t read_port(std::string_view text) {
  unsigned port{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535)
    wrong("--ports", fmt::format("'{}' is no port; write numbers from 1 to 65535, as 29876,29877,44224", text));
  return static_cast<std::uint16_t>(port);
}

std::vector<std::uint16_t> read_ports(std::string_view text) {
  std::vector<std::uint16_t> ports;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const auto part = text.substr(at, end - at);
    const auto dash = part.find('-');
    const auto first = read_port(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : read_port(part.substr(dash + 1));
    if (last < first) wrong("--ports", fmt::format("'{}' ends before it begins", part));
    for (unsigned port = first; port <= last && ports.size() <= ports_at_most; ++port)
      ports.push_back(static_cast<std::uint16_t>(port));
    at = end + 1;
  }
  std::ranges::sort(ports);
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  if (ports.size() > ports_at_most) wrong("--ports", fmt::format("more than {} ports at once", ports_at_most));
  return ports;
}

void add_common_flags(CLI::App& app, InboundFlags& flags) {
  app.add_option("--ports", flags.ports, "Which ports, as 29876,29877 or 8000-8010")->required()->type_name("LIST");
  app.add_option("--format", flags.format, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--no-color", flags.no_color, "No colour, also when stdout is a terminal (as NO_COLOR does)");
}

}  // namespace

CLI::App* add_listen_command(CLI::App& app, InboundFlags& flags) {
  auto* listen = app.add_subcommand("listen", "Wait at ports of this machine for `vnetprobe reach` on another one");
  add_common_flags(*listen, flags);
  listen->add_option("--for", flags.limit, "Wait this long at most (default 10m)")->type_name("10m");
  listen->add_flag("--stay", flags.stay, "Wait the whole time, also when every port was reached");
  listen->add_option("--address", flags.addresses, "Listen at this address only (repeatable; default: all)")
      ->type_name("IP")
      ->allow_extra_args(false);
  listen
      ->add_option("--token-file", flags.token_file,
                   "The token that peers must have, from this file (- reads stdin; default: a new one)")
      ->type_name("FILE");
  listen->add_flag("--quiet", flags.quiet, "Do not tell each visit as it comes");
  listen->footer(listen_examples);
  return listen;
}

CLI::App* add_reach_command(CLI::App& app, InboundFlags& flags) {
  auto* reach =
      app.add_subcommand("reach", "Try ports of another machine, where `vnetprobe listen` proves who answers");
  reach->add_option("HOST", flags.host, "The other machine's name or address")->required();
  add_common_flags(*reach, flags);
  reach
      ->add_option("--token-file", flags.token_file,
                   "The listener's token, from this file (- reads stdin; default: the variable VNETPROBE_TOKEN)")
      ->type_name("FILE");
  reach->add_option("--timeout", flags.limit, "For each connection, and then for its answers (default 5s)")
      ->type_name("5s");
  reach->footer(reach_examples);
  return reach;
}

ListenCommand read_listen(const InboundFlags& flags) {
  ListenCommand command{.ports = read_ports(flags.ports), .addresses = flags.addresses, .token_file = flags.token_file};
  for (const auto& address : command.addresses)
    if (!is_address(address))
      wrong("--address", fmt::format("'{}' is no IP address; write 10.0.0.4 or fd00::4", address));
  if (!flags.limit.empty()) command.limit = read_duration("--for", flags.limit);
  command.stay = flags.stay;
  command.json = flags.format == "json";
  command.quiet = flags.quiet;
  command.no_color = flags.no_color;
  return command;
}

ReachCommand read_reach(const InboundFlags& flags) {
  ReachCommand command{.host = flags.host, .ports = read_ports(flags.ports), .token_file = flags.token_file};
  if (command.host.empty() || command.host.starts_with('-') || command.host.find_first_of(" /") != std::string::npos)
    wrong("HOST", fmt::format("'{}' is neither a name nor an address", command.host));
  if (!flags.limit.empty()) command.limit = read_duration("--timeout", flags.limit);
  command.json = flags.format == "json";
  command.no_color = flags.no_color;
  return command;
}

}  // namespace vnetprobe
