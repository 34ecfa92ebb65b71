#include "probes/connect_to.hpp"

#include "probes/text.hpp"

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>

#include <array>
#include <charconv>

namespace vnetprobe {
namespace {

constexpr std::string_view form = "write HOST:PORT:ADDR:PORT, for example storage.contoso.com:443:10.0.1.5:443";

// The text up to the next ':' outside brackets, taken off the front of `text`.
std::string_view take_field(std::string_view& text) {
  const std::size_t from = text.starts_with('[') ? text.find(']') : 0;
  const std::size_t colon = from == std::string_view::npos ? from : text.find(':', from);
  const auto field = text.substr(0, colon);
  text = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  return field;
}

std::string without_brackets(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

// An empty port means "any" (or "keep"), which is 0.
bool read_port(std::string_view digits, std::uint16_t& port) {
  if (digits.empty()) return true;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc{} && end == digits.data() + digits.size() && port != 0;
}

ConnectToParse not_understood(std::string_view text, std::string_view why) {
  return {.value = {}, .error = fmt::format("'{}' {}; {}", printable(text, 120), why, form)};
}

}  // namespace

ConnectToParse parse_connect_to(std::string_view text) {
  std::string_view rest = text;
  std::array<std::string_view, 4> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0 && rest.data() == nullptr) return not_understood(text, "has too few fields");
    fields[i] = take_field(rest);
    if (i + 1 < fields.size() && rest.data() == nullptr) return not_understood(text, "has too few fields");
  }
  if (rest.data() != nullptr) return not_understood(text, "has too many fields (an IPv6 address goes in brackets)");
  for (const auto host : {fields[0], fields[2]})
    if (host.starts_with('[') != host.ends_with(']')) return not_understood(text, "has a bracket too many");
  ConnectTo entry{.host = lower_case(without_brackets(fields[0]))};
  entry.replacement.address = without_brackets(fields[2]);
  if (!read_port(fields[1], entry.port) || !read_port(fields[3], entry.replacement.port))
    return not_understood(text, "has a port that is not between 1 and 65535");
  boost::system::error_code bad;
  if (!entry.replacement.address.empty()) boost::asio::ip::make_address(entry.replacement.address, bad);
  if (bad) return not_understood(text, "does not lead to an IP address");
  return {.value = std::move(entry), .error = {}};
}

std::optional<Endpoint> replacement_for(const std::vector<ConnectTo>& table, std::string_view host,
                                        std::uint16_t port) {
  const std::string wanted = lower_case(host);
  for (const ConnectTo& entry : table)
    if ((entry.host.empty() || entry.host == wanted) && (entry.port == 0 || entry.port == port))
      return entry.replacement;
  return std::nullopt;
}

}  // namespace vnetprobe
