#include "agent/config/target.hpp"

#include "agent/config/names.hpp"
#include "probes/text.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace vnetprobe {
namespace {

constexpr std::string_view advice =
    "write https://HOST/PATH, wss://HOST/PATH or HOST:PORT, for example https://pypi.org/simple/";

std::string refusal(std::string_view text, std::string_view why) {
  // What may be a password is not repeated.
  if (text.find('@') != std::string_view::npos) return fmt::format("it {}; {}", why, advice);
  return fmt::format("'{}' {}; {}", printable(text, 100), why, advice);
}

}  // namespace

std::variant<UserTarget, std::string> parse_target(std::string_view text, std::string source) {
  UserTarget target{.source = std::move(source)};
  if (text.find("://") == std::string_view::npos) {
    const auto place = parse_host_port(text);
    if (!place) return refusal(text, "is neither a URL nor HOST:PORT");
    target.name = place->host;
    target.tcp = text;
    return target;
  }
  const auto url = boost::urls::parse_uri(text);
  if (!url) return refusal(text, "is no URL");
  const auto scheme = lower_case(std::string_view(url->scheme().data(), url->scheme().size()));
  target.name = url->host_address();
  if (!is_address(target.name) && !is_host_name(target.name)) return refusal(text, "names no valid host");
  if (url->has_port() && !parse_port({url->port().data(), url->port().size()}))
    return refusal(text, "has a port that is not one of 1 to 65535");
  if (url->has_userinfo()) return refusal(text, "holds credentials, and the report shows it");
  if (scheme == "https" || scheme == "http")
    target.url = text;
  else if (scheme == "wss" || scheme == "ws")
    target.websocket = text;
  else
    return refusal(text, "has a scheme other than https, http, wss and ws");
  return target;
}

}  // namespace vnetprobe
