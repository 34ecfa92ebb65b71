#pragma once

#include <string>
#include <string_view>

// What kind of place an address literal names. Text that is no address is none of these.
namespace vnetprobe {

bool is_address(std::string_view text);
bool is_v6(std::string_view address);
bool is_loopback(std::string_view address);
bool is_link_local(std::string_view address);

// RFC 1918 and RFC 4193: where a private endpoint lives.
bool is_private(std::string_view address);

// Routed on the internet. 168.63.129.16 is not: it is the platform's own address inside every VNet (azure-facts 3.6).
bool is_public(std::string_view address);

// 0/8, 127/8, 169.254/16, 100.64/10, multicast and above, and their IPv6 kin: no public service lives there.
bool is_bogon(std::string_view address);

// `prefix` is CIDR; an address without a length is a host prefix. Host bits in the prefix are ignored.
bool in_prefix(std::string_view address, std::string_view prefix);
int prefix_length(std::string_view prefix);  // -1: not CIDR
// "10.1.4.17/24" -> "10.1.4.0/24"; text that is no CIDR comes back empty.
std::string network_of(std::string_view cidr);

// "10.0.0.4:443" -> "10.0.0.4", "[fd00::1]:443" -> "fd00::1"; text without a port comes back as it is.
std::string host_of(std::string_view endpoint);
// As dig takes a server (its manual page, -p): "10.0.0.4" -> "@10.0.0.4", "10.0.0.4:5353" -> "@10.0.0.4 -p 5353".
std::string for_dig(std::string_view server);
// "mystorage.blob.core.windows.net" -> "mystorage"
std::string first_label(std::string_view host);

inline constexpr std::string_view azure_dns = "168.63.129.16";
inline constexpr std::string_view imds_address = "169.254.169.254";

}  // namespace vnetprobe
