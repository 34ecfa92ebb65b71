#include "agent/config/values.hpp"

#include "agent/config/duration.hpp"
#include "agent/config/known_regions.hpp"
#include "agent/config/names.hpp"
#include "agent/discovery/proxy_choice.hpp"
#include "probes/text.hpp"
#include "reports/diagnosis/addresses.hpp"
#include "reports/model/nearest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

namespace vnetprobe {
namespace {

bool is_scalar(const YamlNode& node) { return node.kind == YamlNode::Kind::scalar; }

// RFC 6598: Azure lets a VNet use it beside the ranges of RFC 1918.
bool is_vnet_address(std::string_view address) { return is_private(address) || in_prefix(address, "100.64.0.0/10"); }

// Only a question: Azure opens regions more often than nodes get a new agent.
void note_unknown_region(YamlReader& reader, const YamlNode& node, std::string_view key, const std::string& token) {
  const auto known = known_regions();
  if (std::find(known.begin(), known.end(), token) != known.end()) return;
  const auto meant = nearest_name(token, known);
  const auto question = meant ? fmt::format("; did you mean '{}'?", *meant) : std::string();
  reader.note(node.place, fmt::format("{}: '{}' is not a region that this version knows{}", key, token, question));
}

bool name_fits(std::string_view name, const NameRule& rule) {
  if (name.size() < rule.shortest || name.size() > rule.longest) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool capital = c >= 'A' && c <= 'Z';
    return plain || (capital && rule.capitals) || (c == '-' && rule.hyphens) || (c == '_' && rule.underscores);
  });
}

// What is wrong with a parsed URL, in words; empty: nothing.
std::string complaint(const boost::urls::url_view& url, const UrlRule& rule) {
  const auto scheme = lower_case(std::string_view(url.scheme().data(), url.scheme().size()));
  if (std::find(rule.schemes.begin(), rule.schemes.end(), scheme) == rule.schemes.end())
    return fmt::format("scheme '{}' is not supported", printable(scheme, 20));
  const std::string host(url.host_address());
  if (!is_address(host) && !is_host_name(host)) return "it names no valid host";
  if (url.has_port() && !parse_port({url.port().data(), url.port().size()})) return "the port is not one of 1 to 65535";
  if (url.has_userinfo() && rule.printed) return "it holds credentials, and the report shows it";
  return {};
}

}  // namespace

std::optional<std::chrono::milliseconds> read_duration(YamlReader& reader, const YamlNode& node, std::string_view key,
                                                       std::string_view example) {
  if (is_scalar(node)) {
    const auto duration = parse_duration(node.text);
    if (duration && duration->count() > 0) return duration;
    if (duration) {
      reader.error(node.place, fmt::format("{}: must be longer than nothing, found {}; write {}: {}", key, shown(node),
                                           key, example));
      return std::nullopt;
    }
  }
  reader.error(node.place,
               fmt::format("{}: expected a duration, found {}; write {}: {}", key, shown(node), key, example));
  return std::nullopt;
}

std::optional<std::string> read_region(YamlReader& reader, const YamlNode& node, std::string_view key) {
  if (is_scalar(node))
    if (auto token = region_token(node.text)) {
      note_unknown_region(reader, node, key, *token);
      return token;
    }
  reader.error(node.place, fmt::format("{}: {} is no region; write its name as {}: eastus2", key, shown(node), key));
  return std::nullopt;
}

std::optional<std::string> read_guid(YamlReader& reader, const YamlNode& node, std::string_view key) {
  if (is_scalar(node) && is_guid(node.text)) return lower_case(node.text);
  reader.error(node.place, fmt::format("{}: expected an id such as 00000000-0000-0000-0000-000000000000, found {}", key,
                                       shown(node)));
  return std::nullopt;
}

std::optional<PrivateEndpoint> read_private_endpoint(YamlReader& reader, const YamlNode& node, std::string_view key) {
  if (is_scalar(node) && is_address(node.text)) {
    if (is_vnet_address(node.text)) return PrivateEndpoint{.present = true, .address = node.text};
    reader.error(
        node.place,
        fmt::format("{}: {} is no address of a virtual network; write the private one, as 10.0.1.5", key, shown(node)));
    return std::nullopt;
  }
  const bool truth = is_scalar(node) && !node.quoted && (node.text == "true" || node.text == "false");
  if (truth) return PrivateEndpoint{.present = node.text == "true"};
  reader.error(node.place, fmt::format("{}: expected true, false or the address it must have, found {}; write {}: true",
                                       key, shown(node), key));
  return std::nullopt;
}

std::optional<std::string> read_proxy(YamlReader& reader, const YamlNode& node, std::string_view key) {
  constexpr std::string_view advice = "write environment, none, or a URL such as http://proxy.contoso.com:3128";
  const auto refuse = [&](std::string_view why) {
    reader.error(node.place, fmt::format("{}: {}; {}", key, why, advice));
    return std::nullopt;
  };
  if (!is_scalar(node)) return refuse("expected a text, found " + shown(node));
  if (node.text == "environment" || node.text == "none") return node.text;
  // From here on it may hold a password: nothing of it is shown.
  const auto scheme = node.text.find("://");
  if (scheme == std::string::npos) return refuse("not one of the known words and not a URL");
  if (lower_case(node.text.substr(0, scheme)) != "http") return refuse("only HTTP proxies are supported");
  const auto rest = std::string_view(node.text).substr(scheme + 3);
  const auto authority = rest.substr(rest.find('@') == std::string_view::npos ? 0 : rest.rfind('@') + 1);
  const auto server = authority.substr(0, authority.find('/'));
  if (!parse_proxy(node.text)) return refuse("the URL names no valid host and port");
  if (!parse_host_port(server)) return refuse("the URL has no port");
  return node.text;
}

std::optional<int> read_percentage(YamlReader& reader, const YamlNode& node, std::string_view key) {
  if (is_scalar(node) && node.text.ends_with('%')) {
    int value{};
    const char* const last = node.text.data() + node.text.size() - 1;
    const auto [end, problem] = std::from_chars(node.text.data(), last, value);
    if (problem == std::errc{} && end == last && value >= 0 && value <= 100) return value;
  }
  reader.error(node.place, fmt::format("{}: expected a percentage from 0% to 100%, found {}; write {}: 10%", key,
                                       shown(node), key));
  return std::nullopt;
}

std::optional<std::string> read_path(YamlReader& reader, const YamlNode& node, std::string_view key,
                                     std::string_view example) {
  const auto path = reader.text(node, key, example);
  if (!path || path->starts_with('/')) return path;
  reader.error(node.place, fmt::format("{}: {} is no absolute path; write {}: {}", key, shown(node), key, example));
  return std::nullopt;
}

std::optional<std::string> read_host_port(YamlReader& reader, const YamlNode& node, std::string_view key) {
  if (is_scalar(node) && parse_host_port(node.text)) return node.text;
  const auto colon = is_scalar(node) ? node.text.rfind(':') : std::string::npos;
  const bool bad_port = colon != std::string::npos && node.text.find("://") == std::string::npos &&
                        is_host_name(std::string_view(node.text).substr(0, colon));
  const auto wanted = bad_port ? "a port from 1 to 65535" : "host:port";
  reader.error(node.place, fmt::format("{}: expected {}, found {}; write {}: \"db.contoso.local:1433\"", key, wanted,
                                       shown(node), key));
  return std::nullopt;
}

std::optional<std::string> read_name(YamlReader& reader, const YamlNode& node, std::string_view key,
                                     const NameRule& rule) {
  if (is_scalar(node) && name_fits(node.text, rule)) return node.text;
  const auto refuse = [&](const std::string& advice) {
    reader.error(node.place, fmt::format("{}: {} is no name of {}; {}", key, shown(node), rule.what, advice));
    return std::nullopt;
  };
  if (!is_scalar(node)) return refuse(fmt::format("it has {}", rule.words));
  const auto dot = node.text.find('.');
  const auto first_label = node.text.substr(0, dot);
  if (dot != std::string::npos && name_fits(first_label, rule))
    return refuse(fmt::format("write only the name, without the domain: {}: {}", key, first_label));
  const auto lower = lower_case(node.text);
  if (name_fits(lower, rule)) return refuse(fmt::format("write it in lower case: {}: {}", key, lower));
  return refuse(fmt::format("it has {}", rule.words));
}

std::optional<std::string> read_url(YamlReader& reader, const YamlNode& node, std::string_view key,
                                    const UrlRule& rule) {
  const auto refuse = [&](std::string_view why) {
    reader.error(node.place, fmt::format("{}: {}; write {}: \"{}\"", key, why, key, rule.example));
    return std::nullopt;
  };
  const auto text = reader.text(node, key, rule.example);
  if (!text) return std::nullopt;
  // People paste queries unescaped, or shortened with an ellipsis: only the part before is held to the grammar of URLs.
  const auto parsed = boost::urls::parse_uri(std::string_view(*text).substr(0, text->find_first_of("?#")));
  if (!parsed) {
    const bool schemeless = text->find("://") == std::string::npos;
    return refuse(schemeless ? "the URL has no scheme" : "not a valid URL");
  }
  auto why = complaint(*parsed, rule);
  const auto query = text->find('?');
  const auto after = query == std::string::npos ? std::string_view() : std::string_view(*text).substr(query + 1);
  const bool is_signed = after.starts_with("sig=") || after.find("&sig=") != std::string_view::npos;
  if (why.empty() && rule.printed && is_signed) why = "it holds a signature (sig=), and the report shows it";
  if (!why.empty()) return refuse(why);
  return text;
}

}  // namespace vnetprobe
