#pragma once

#include "agent/config/settings.hpp"

#include <span>

// What each profile needs, as data: agent/catalogue/*.yaml, compiled into the binary, printed by `list`, replaced by
// --catalog.
namespace vnetprobe {

// How far a check climbs.
enum class Stack { node, dns, tcp, tls, https, http, websocket, udp, inbound };
BOOST_DESCRIBE_ENUM(Stack, node, dns, tcp, tls, https, http, websocket, udp, inbound)

// One requirement. Conditions left empty hold always.
struct CatalogueEntry {
  std::string id;  // may have placeholders: "storage.blob/{account}"
  std::string title;
  std::string why;
  std::string source;  // "azure-facts 1.1 (A1 A3)", "article: Required ports"
  std::vector<Profile> profiles;
  std::vector<Era> eras;
  std::vector<Cloud> clouds;
  std::optional<bool> public_ip, private_endpoint, default_images, hbi;
  std::vector<Outbound> outbound;
  bool required{};
  Stack stack{};
  std::string host;  // template: "{account}.blob.{storage_suffix}"
  std::uint16_t port{};
  std::string path;  // template
  std::vector<HttpHeader> headers;
  Service service{};
  std::optional<std::string> service_tag;   // template: "Storage.{region_suffix}"
  std::optional<std::string> private_zone;  // template
  bool guessed{};                           // see Target::guessed
  std::optional<TargetOwes> owes;           // see Target::owes
  std::string healthy;                      // in words: what a healthy answer looks like
};

struct Catalogue {
  std::string name;  // "built-in", or the file
  std::string version;
  // Per cloud: values of the placeholders that do not come from settings ("storage_suffix" -> "core.windows.net").
  std::map<std::string, std::map<std::string, std::string>> suffixes;
  std::vector<CatalogueEntry> entries;
};

struct CatalogueResult {
  std::optional<Catalogue> catalogue;
  std::vector<std::string> errors;  // "file:line:column: ..."
};
CatalogueResult parse_catalogue(std::string_view yaml, const std::string& name);

// The catalogue as YAML that parse_catalogue() reads back.
std::string catalogue_to_yaml(const Catalogue& catalogue);

// The placeholders that a template may name besides the cloud's own values: what a plan knows of a node.
std::span<const std::string_view> known_placeholders();
// The names between braces, in order.
std::vector<std::string> placeholders_in(std::string_view text);

const Catalogue& built_in_catalogue();
std::string built_in_catalogue_yaml();

}  // namespace vnetprobe
