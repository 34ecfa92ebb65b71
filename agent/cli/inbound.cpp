#include "agent/cli/commands.hpp"
#include "agent/inbound/listener.hpp"
#include "agent/inbound/reach.hpp"
#include "agent/inbound/show.hpp"
#include "agent/inbound/token.hpp"
#include "agent/inbound/verdict.hpp"
#include "agent/tell.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace vnetprobe {
namespace {

using namespace inbound;

bool coloured(bool no_color) { return !no_color && ::isatty(STDOUT_FILENO) == 1 && !std::getenv("NO_COLOR"); }

template <class Result>
int print(const Result& result, bool json, bool no_color) {
  const auto text = json ? as_json(result) : as_text(result, coloured(no_color));
  std::fputs(text.c_str(), stdout);
  if (std::fflush(stdout) != 0) {
    tell("vnetprobe: the result could not be written to stdout\n");
    return status_internal;
  }
  return exit_status(result);
}

std::string list(const std::vector<std::uint16_t>& ports) { return fmt::format("{}", fmt::join(ports, ",")); }

// How to begin at the other end. The token is made for this one test and worthless afterwards.
void tell_the_other_end(const ListenReport& started, const std::string& own_token) {
  std::vector<std::uint16_t> ports;
  for (const auto& port : started.ports) {
    if (port.problem.empty())
      ports.push_back(port.port);
    else
      tell("vnetprobe: {}\n", port.problem);
  }
  if (ports.empty()) return;
  tell("vnetprobe: listening at {}. On the other machine, with this one's address in place of HOST:\n", list(ports));
  const auto token = own_token.empty() ? std::string() : fmt::format("{}={} ", token_variable, own_token);
  tell("  {}vnetprobe reach HOST --ports {}{}\n", token, list(ports), own_token.empty() ? " --token-file FILE" : "");
}

// A flood of strangers is counted and not told one by one.
class Told {
 public:
  void operator()(std::uint16_t port, const Visitor& visitor) {
    constexpr int lines_at_most = 20;
    const int line = ++lines_[port];
    if (line > lines_at_most) return;
    tell("vnetprobe: port {}: {}, {}\n", port, visitor.address, visitor.proven ? "proven" : "not proven");
    if (line == lines_at_most) tell("vnetprobe: port {}: further visits are counted only\n", port);
  }

 private:
  std::map<std::uint16_t, int> lines_;
};

}  // namespace

int listen(const ListenCommand& command) {
  auto token = read_token(command.token_file);
  if (const auto* problem = std::get_if<TokenProblem>(&token)) return complain({problem->message});
  const bool own = std::get<std::string>(token).empty();
  if (own) token = make_token();
  ListenWish wish{.ports = command.ports,
                  .addresses = command.addresses,
                  .token = std::get<std::string>(token),
                  .limit = command.limit,
                  .stay = command.stay};
  Told told;
  if (!command.quiet) wish.visited = [&](std::uint16_t port, const Visitor& visitor) { told(port, visitor); };
  wish.ready = [&](const ListenReport& started) { tell_the_other_end(started, own ? wish.token : ""); };
  const auto report = listen_for_peers(wish);
  if (std::ranges::none_of(report.ports, [](const PortVisits& port) { return port.problem.empty(); }))
    return status_usage;
  return print(report, command.json, command.no_color);
}

int reach(const ReachCommand& command) {
  auto token = read_token(command.token_file);
  if (const auto* problem = std::get_if<TokenProblem>(&token)) return complain({problem->message});
  const auto result = reach_ports({.host = command.host,
                                   .ports = command.ports,
                                   .token = std::get<std::string>(std::move(token)),
                                   .limit = command.limit});
  if (const auto* problem = std::get_if<std::string>(&result)) {
    tell("vnetprobe: {}\n", *problem);
    return 1;
  }
  return print(std::get<ReachReport>(result), command.json, command.no_color);
}

}  // namespace vnetprobe
