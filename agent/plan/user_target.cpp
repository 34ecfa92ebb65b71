#include "agent/plan/user_target.hpp"

#include "agent/config/names.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>
#include <boost/url/parse.hpp>

namespace vnetprobe {
namespace {

bool fill_tcp(const std::string& text, PlannedCheck& planned) {
  const auto parsed = parse_host_port(text);
  if (!parsed) return false;
  planned.stack = Stack::tcp;
  planned.check.target.protocol = "tcp";
  planned.check.target.host = parsed->host;
  planned.check.target.port = parsed->port;
  return true;
}

bool fill_url(const std::string& url, PlannedCheck& planned) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->host_address().empty()) return false;
  Target& target = planned.check.target;
  const std::string scheme = lower_case(std::string(parsed->scheme()));
  const bool plain = scheme == "http" || scheme == "ws";
  if (scheme == "http")
    planned.stack = Stack::http;
  else if (scheme == "https")
    planned.stack = Stack::https;
  else if (scheme == "ws" || scheme == "wss")
    planned.stack = Stack::websocket;
  else
    return false;
  target.protocol = scheme;
  target.host = std::string(parsed->host_address());
  target.port = parsed->has_port() ? parsed->port_number() : static_cast<std::uint16_t>(plain ? 80 : 443);
  target.url = url;
  return target.port != 0;
}

}  // namespace

std::optional<PlannedCheck> check_of(const UserTarget& wanted) {
  PlannedCheck planned;
  Check& check = planned.check;
  check.id = "target." + wanted.name;
  check.title = wanted.name;
  check.why = fmt::format("the user's own target ({})", wanted.source);
  check.required = wanted.required;
  check.target.service = Service::user;
  const auto& url = wanted.url.empty() ? wanted.websocket : wanted.url;
  const bool filled = wanted.tcp.empty() ? fill_url(url, planned) : fill_tcp(wanted.tcp, planned);
  return filled ? std::optional(std::move(planned)) : std::nullopt;
}

}  // namespace vnetprobe
