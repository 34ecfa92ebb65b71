#pragma once

#include "agent/config/settings.hpp"
#include "probes/proxy.hpp"

#include <map>

namespace vnetprobe {

struct ChosenProxy {
  ProxyAddress address;
  std::string source;  // "environment: https_proxy", "config.yaml:30", "--proxy"
};

// The proxy that a request to scheme://host:port goes through; absent: none, it goes directly.
//
// `proxy` is the setting: absent or "environment", "none", or a URL. `environment` holds the process's variables with
// credentials and all; what is left of them in the result is for open_tunnel() alone.
// The rules are curl's: https, wss and tls read https_proxy and HTTPS_PROXY, http and ws read http_proxy in lower case
// only (a CGI request header must not become HTTP_PROXY; Python's urllib and requests do honour the upper case name),
// then all_proxy and ALL_PROXY; lower case wins, an empty value counts as unset; a proxy without a port is at 1080.
// no_proxy holds for a configured URL too: "*", names with everything below them, addresses and CIDR prefixes. IMDS,
// WireServer and loopback are never asked through a proxy (azure-facts 3.1). Other schemes (tcp, udp, dns): none.
std::optional<ChosenProxy> choose_proxy(const Setting<std::string>& proxy,
                                        const std::map<std::string, std::string>& environment, std::string_view scheme,
                                        const std::string& host, std::uint16_t port);

// "http://user:pass@proxy:3128", or without the scheme as curl allows. Absent: another kind of proxy (https, socks), or
// no proxy address at all.
std::optional<ProxyAddress> parse_proxy(std::string_view url);

// Whether a no_proxy list holds for this host.
bool bypasses_proxy(std::string_view no_proxy, std::string_view host);

// Variables that choose_proxy() cannot follow ("environment: https_proxy: ..."); never with their value.
std::vector<std::string> proxy_problems(const Setting<std::string>& proxy,
                                        const std::map<std::string, std::string>& environment);

}  // namespace vnetprobe
