#include "agent/daemon/probe_request.hpp"

#include "agent/config/target.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

constexpr std::chrono::milliseconds patience_by_default{10'000}, reserve{500}, shortest{1000};

ProbeRequest not_probed(int status, std::string why) {
  return {.arguments = {}, .refusal = status, .why = std::move(why) + "\n"};
}

// The first of that name; Prometheus sends each once.
std::string_view parameter(const PageRequest& request, std::string_view name) {
  const auto found =
      std::ranges::find(request.query, name, [](const auto& one) { return std::string_view(one.first); });
  return found == request.query.end() ? std::string_view() : std::string_view(found->second);
}

struct Module {
  std::string_view name, kind;
};
constexpr std::array<Module, 5> modules{
    {{"tcp", "tcp"}, {"tcp_connect", "tcp"}, {"http", "http"}, {"http_2xx", "http"}, {"websocket", "websocket"}}};

std::string_view port_of_scheme(std::string_view scheme) { return scheme == "http" || scheme == "ws" ? "80" : "443"; }

// The target as the module wants it: tcp takes a URL's host and port, http a bare host's root.
std::string as_module(std::string_view target, std::string_view kind) {
  const bool has_scheme = target.find("://") != std::string_view::npos;
  if (kind == "http" && !has_scheme) return fmt::format("http://{}/", target);
  if (kind == "websocket" && target.starts_with("http")) return fmt::format("ws{}", target.substr(4));
  if (kind == "websocket" && !has_scheme) return fmt::format("wss://{}/", target);
  if (kind != "tcp" || !has_scheme) return std::string(target);
  const auto url = boost::urls::parse_uri(target);
  if (!url) return std::string(target);
  const std::string port =
      url->has_port() ? std::string(url->port()) : std::string(port_of_scheme(std::string(url->scheme())));
  return fmt::format("{}:{}", std::string(url->encoded_host()), port);
}

bool names(const UserTarget& target, std::string_view text) {
  return text == target.name || text == target.url || text == target.tcp || text == target.websocket;
}

}  // namespace

ProbeRequest read_probe_request(const PageRequest& request, const ProbeScope& scope) {
  const auto target = parameter(request, "target"), module = parameter(request, "module");
  if (target.empty()) return not_probed(400, "the parameter target is missing: /probe?target=NAME_OR_URL");
  std::string_view kind;
  if (!module.empty()) {
    const auto found = std::ranges::find(modules, module, &Module::name);
    if (found == modules.end())
      return not_probed(400,
                        fmt::format("unknown module '{}'; there are tcp, http and websocket", printable(module, 40)));
    kind = found->kind;
  }
  const auto wait = request.patience.count() > 0 ? request.patience - reserve : patience_by_default;
  ProbeRequest probe{.arguments = {fmt::format("--deadline={}ms", std::max(wait, shortest).count())}};
  const auto only = [&](const std::string& id) {
    probe.arguments.push_back("--only=" + id);
    return probe;
  };
  const auto configured =
      std::ranges::find_if(scope.targets, [&](const UserTarget& one) { return names(one, target); });
  if (configured != scope.targets.end() && kind.empty()) return only("target." + configured->name);
  if (std::ranges::find(scope.check_ids, target) != scope.check_ids.end()) return only(std::string(target));
  if (configured == scope.targets.end() && !scope.any_target)
    return not_probed(
        403, fmt::format("'{}' is no target of the configuration; `targets:` adds it, `daemon: {{probe_any: true}}` "
                         "allows every target",
                         printable(target, 200)));
  std::string wanted(target);
  if (configured != scope.targets.end())
    wanted = !configured->tcp.empty()   ? configured->tcp
             : !configured->url.empty() ? configured->url
                                        : configured->websocket;
  wanted = as_module(wanted, kind);
  const auto parsed = parse_target(wanted, "/probe");
  if (const auto* problem = std::get_if<std::string>(&parsed)) return not_probed(400, *problem);
  probe.arguments.push_back("--target=" + wanted);
  return only("target.*");
}

}  // namespace vnetprobe
