#include "agent/config/names.hpp"

#include "probes/text.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <algorithm>
#include <charconv>

namespace vnetprobe {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }

bool is_host_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

}  // namespace

bool is_guid(std::string_view text) {
  constexpr std::string_view form = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = text[i];
    const bool hex = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (form[i] == 'h' ? !hex : c != '-') return false;
  }
  return true;
}

bool is_label(std::string_view text) { return is_host_label(text) && text.find('_') == std::string_view::npos; }

bool is_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const auto dot = text.find('.');
    if (!is_host_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_resource_group(std::string_view text) {
  return !text.empty() && text.size() <= 90 && !text.ends_with('.') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '(' || c == ')';
         });
}

bool is_workspace_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

std::optional<std::string> region_token(std::string_view text) {
  constexpr std::size_t longest = 40;
  if (text.size() > longest) return std::nullopt;
  std::string token = lower_case(text);
  std::erase(token, ' ');
  const bool shaped = token.size() >= 2 && is_letter(token.front()) &&
                      std::all_of(token.begin(), token.end(), [](char c) { return is_alphanumeric(c); });
  if (!shaped) return std::nullopt;
  return token;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  auto host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool valid = bracketed ? is_v6(host) : is_host_name(host);
  if (!port || !valid) return std::nullopt;
  return HostPort{.host = std::string(host), .port = *port};
}

}  // namespace vnetprobe
