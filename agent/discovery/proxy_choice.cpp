#include "agent/discovery/proxy_choice.hpp"

#include "agent/config/names.hpp"
#include "probes/text.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace vnetprobe {
namespace {

using Environment = std::map<std::string, std::string>;

constexpr std::uint16_t default_port = 1080;  // curl's for a proxy without one

struct Variable {
  std::string name, value;
};

// The first of `names` that is set; an empty value counts as unset, as curl has it.
std::optional<Variable> first_set(const Environment& environment, std::span<const std::string_view> names) {
  for (const auto name : names) {
    const auto found = environment.find(std::string(name));
    if (found == environment.end()) continue;
    const auto value = trimmed(found->second);
    if (!value.empty()) return Variable{.name = found->first, .value = std::string(value)};
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 4> for_https{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
constexpr std::array<std::string_view, 3> for_http{"http_proxy", "all_proxy", "ALL_PROXY"};
constexpr std::array<std::string_view, 2> for_none{"no_proxy", "NO_PROXY"};

std::span<const std::string_view> variables_for(std::string_view scheme) {
  if (scheme == "https" || scheme == "wss" || scheme == "tls") return for_https;
  if (scheme == "http" || scheme == "ws") return for_http;
  return {};
}

bool reads_environment(const Setting<std::string>& proxy) { return !proxy || proxy->value == "environment"; }

// Lower case, without brackets, zone and the dot at the end: how names are compared.
std::string comparable(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (is_v6(host)) host = host.substr(0, host.find('%'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return lower_case(host);
}

bool is_never_proxied(const std::string& host) {
  return host == imds_address || host == azure_dns || host == "localhost" || host.ends_with(".localhost") ||
         is_loopback(host);
}

bool entry_holds(std::string_view entry, const std::string& host) {
  if (is_address(host)) {
    const auto slash = entry.find('/');
    return in_prefix(host, slash == std::string_view::npos ? comparable(entry) : std::string(entry));
  }
  auto name = comparable(entry);
  if (name.starts_with('.')) name.erase(0, 1);
  if (name.empty() || !host.ends_with(name)) return false;
  return host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte{};
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

}  // namespace

std::optional<ProxyAddress> parse_proxy(std::string_view url) {
  url = trimmed(url);
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    if (lower_case(url.substr(0, scheme)) != "http") return std::nullopt;
    url.remove_prefix(scheme + 3);
  }
  ProxyAddress proxy;
  // The last '@': people do not escape the ones in their passwords.
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    proxy.credentials = percent_decoded(url.substr(0, at));
    url.remove_prefix(at + 1);
  }
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto whole = parse_host_port(url)) {
    proxy.host = whole->host;
    proxy.port = whole->port;
    return proxy;
  }
  const bool bracketed = url.starts_with('[') && url.ends_with(']');
  const auto host = bracketed ? url.substr(1, url.size() - 2) : url;
  if (bracketed ? !is_v6(host) : !is_host_name(host)) return std::nullopt;
  proxy.host = std::string(host);
  proxy.port = default_port;
  return proxy;
}

bool bypasses_proxy(std::string_view no_proxy, std::string_view host) {
  no_proxy = trimmed(no_proxy);
  if (no_proxy == "*") return true;
  const auto wanted = comparable(host);
  while (!no_proxy.empty()) {
    const auto end = no_proxy.find_first_of(", \t");
    const auto entry = no_proxy.substr(0, end);
    if (!entry.empty() && entry_holds(entry, wanted)) return true;
    no_proxy.remove_prefix(end == std::string_view::npos ? no_proxy.size() : end + 1);
  }
  return false;
}

std::optional<ChosenProxy> choose_proxy(const Setting<std::string>& proxy, const Environment& environment,
                                        std::string_view scheme, const std::string& host, std::uint16_t) {
  const auto names = variables_for(scheme);
  if (names.empty() || is_never_proxied(comparable(host))) return std::nullopt;
  if (proxy && proxy->value == "none") return std::nullopt;
  const auto exceptions = first_set(environment, for_none);
  if (exceptions && bypasses_proxy(exceptions->value, host)) return std::nullopt;
  if (!reads_environment(proxy)) {
    const auto address = parse_proxy(proxy->value);
    if (!address) return std::nullopt;
    return ChosenProxy{.address = *address, .source = proxy->source};
  }
  const auto variable = first_set(environment, names);
  if (!variable) return std::nullopt;
  const auto address = parse_proxy(variable->value);
  if (!address) return std::nullopt;
  return ChosenProxy{.address = *address, .source = "environment: " + variable->name};
}

std::vector<std::string> proxy_problems(const Setting<std::string>& proxy, const Environment& environment) {
  std::vector<std::string> problems;
  if (!reads_environment(proxy)) return problems;
  constexpr std::array<std::string_view, 5> names{"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  for (const auto name : names) {
    const auto variable = first_set(environment, std::array{name});
    if (!variable || parse_proxy(variable->value)) continue;
    problems.push_back("environment: " + variable->name +
                       ": not an HTTP proxy (http://host:port), so requests were made directly");
  }
  return problems;
}

}  // namespace vnetprobe
