#include "probes/imds.hpp"

#include "probes/http_exchange.hpp"
#include "probes/json.hpp"
#include "probes/tcp.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/url/parse.hpp>

namespace vnetprobe {
namespace {

namespace json = boost::json;

constexpr std::size_t body_at_most = 256U << 10;
constexpr std::size_t values_kept = 32;
constexpr std::size_t value_length = 256;
// The version that every cloud and every host has (azure-facts 3.1).
constexpr std::string_view path = "/metadata/instance?api-version=2021-02-01";

// IMDS writes every primitive as a string and a missing one as "".
std::optional<std::string> text(const json::value* value) {
  if (!value || !value->is_string() || value->get_string().empty()) return std::nullopt;
  return printable(std::string_view(value->get_string()), value_length);
}

void keep(const std::optional<std::string>& value, std::vector<std::string>& into) {
  if (value && into.size() < values_kept) into.push_back(*value);
}

const json::array& list(const json::value* value) {
  static const json::array none;
  return value && value->is_array() ? value->get_array() : none;
}

void read_interface(const json::value& interface, ImdsObservation& into) {
  keep(text(member(&interface, "macAddress")), into.mac_addresses);
  const auto* v4 = member(&interface, "ipv4");
  for (const auto& address : list(member(v4, "ipAddress"))) {
    keep(text(member(&address, "privateIpAddress")), into.private_addresses);
    keep(text(member(&address, "publicIpAddress")), into.public_addresses);
  }
  for (const auto& subnet : list(member(v4, "subnet"))) {
    const auto address = text(member(&subnet, "address"));
    const auto prefix = text(member(&subnet, "prefix"));
    if (address && prefix) keep(*address + "/" + *prefix, into.subnets);
  }
  for (const auto& address : list(member(member(&interface, "ipv6"), "ipAddress")))
    keep(text(member(&address, "privateIpAddress")), into.private_addresses);
}

ImdsFailure of_connection(const TcpObservation& tcp) {
  if (tcp.error == TcpFailure::timed_out) return ImdsFailure::timed_out;
  if (tcp.error == TcpFailure::refused && !tcp.icmp) return ImdsFailure::refused;
  return ImdsFailure::unreachable;
}

ImdsFailure of_exchange(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::timed_out:
      return ImdsFailure::timed_out;
    case HttpFailure::headers_too_big:
      return ImdsFailure::too_big;
    case HttpFailure::malformed:
      return ImdsFailure::not_json;
    default:
      return ImdsFailure::closed;
  }
}

// IMDS is on the host under the VM: an answer that came by a proxy is not its own (azure-facts 3.5).
bool came_by_proxy(const HttpAnswer& answer) {
  return find_header(answer.headers, "Via") || find_header(answer.headers, "X-Cache") ||
         find_header(answer.headers, "X-Squid-Error") || answer.status == 407;
}

// A redirect or a page is no answer of the service, unless its own server sends the page in its place.
bool is_of_another(const HttpAnswer& answer) {
  const auto* server = find_header(answer.headers, "Server");
  if (server && (server->starts_with("Microsoft-") || server->starts_with("IMDS"))) return false;
  const auto* type = find_header(answer.headers, "Content-Type");
  return answer.status / 100 == 3 || (type && type->find("html") != std::string::npos) || answer.body.starts_with('<');
}

// Worth asking again (azure-facts 3.5).
bool is_passing(const HttpAnswer& answer) {
  return !answer.error && (answer.status == 410 || answer.status == 429 || answer.status / 100 == 5);
}

// Whether the machine has an identity, and of which tenant: no token is asked for, and none can come (azure-facts 3.5).
constexpr std::string_view identity_path = "/metadata/identity/info?api-version=2018-02-01";

std::optional<bool> read_identity(const HttpAnswer& answer) {
  if (answer.error || came_by_proxy(answer)) return std::nullopt;
  if (answer.status == 200 && answer.body.find("tenantId") != std::string::npos) return true;
  if (answer.status == 400 && answer.body.find("Identity not found") != std::string::npos) return false;
  return std::nullopt;
}

void read_answer(HttpAnswer answer, ImdsObservation& seen) {
  seen.status = answer.status;
  if (answer.error) {
    seen.error = of_exchange(*answer.error);
    seen.detail = std::move(answer.detail);
  } else if (came_by_proxy(answer)) {
    seen.error = ImdsFailure::via_proxy;
  } else if (answer.status != 200) {
    seen.error = is_of_another(answer) ? ImdsFailure::not_json : ImdsFailure::http_status;
    seen.detail = body_excerpt(answer.body);
  } else if (answer.body_truncated) {
    seen.error = answer.body_error ? of_exchange(*answer.body_error) : ImdsFailure::too_big;
    seen.detail = fmt::format("the answer broke off after {} bytes", answer.body.size());
  } else if (!read_instance(answer.body, seen)) {
    seen.error = ImdsFailure::not_json;
    seen.detail = body_excerpt(std::string_view(answer.body).substr(0, value_length));
  }
  seen.headers = std::move(answer.headers);
}

asio::awaitable<HttpAnswer> get(asio::ip::tcp::socket socket, std::string_view what, std::string host,
                                std::chrono::milliseconds limit) {
  Connection connection = std::move(socket);
  const std::vector<HttpHeader> headers{
      {"Metadata", "true"}, {"User-Agent", std::string(user_agent())}, {"Connection", "close"}};
  const HttpBounds bounds{.body_bytes = body_at_most};
  std::string request = request_head("GET", what, host, headers);
  auto answer = co_await exchange_http(connection, std::move(request), bounds, false, limit);
  co_return answer;
}

asio::awaitable<std::optional<bool>> ask_for_identity(Endpoint service, std::string host,
                                                      std::chrono::milliseconds limit) {
  auto opened = co_await open_tcp(std::move(service), limit);
  if (!opened.socket) co_return std::nullopt;
  const auto answer = co_await get(std::move(*opened.socket), identity_path, std::move(host), limit);
  co_return read_identity(answer);
}

}  // namespace

bool read_instance(std::string_view body, ImdsObservation& into) {
  constexpr unsigned depth_at_most = 32;
  json::error_code broken;
  const auto document = json::parse(body, broken, {}, {.max_depth = depth_at_most});
  if (broken || !document.is_object()) return false;
  const auto* compute = member(&document, "compute");
  into.environment = text(member(compute, "azEnvironment"));
  into.location = text(member(compute, "location"));
  into.name = text(member(compute, "name"));
  into.resource_group = text(member(compute, "resourceGroupName"));
  into.subscription = text(member(compute, "subscriptionId"));
  into.vm_id = text(member(compute, "vmId"));
  into.vm_size = text(member(compute, "vmSize"));
  into.scale_set = text(member(compute, "vmScaleSetName"));
  into.zone = text(member(compute, "zone"));
  into.os_type = text(member(compute, "osType"));
  into.publisher = text(member(compute, "publisher"));
  into.offer = text(member(compute, "offer"));
  into.sku = text(member(compute, "sku"));
  for (const auto& interface : list(member(member(&document, "network"), "interface"))) read_interface(interface, into);
  return true;
}

asio::awaitable<ImdsObservation> observe_imds(std::string endpoint, std::chrono::milliseconds limit) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  ImdsObservation seen{.url = printable(redacted_url(endpoint + std::string(path)))};
  const auto url = boost::urls::parse_uri(endpoint);
  if (!url || url->scheme() != "http") {
    seen.error = ImdsFailure::unreachable;
    seen.detail = "not an http:// URL";
    co_return seen;
  }
  seen.remote = {.address = std::string(url->host_address()),
                 .port = url->has_port() ? url->port_number() : std::uint16_t{80}};
  boost::system::error_code not_literal;
  asio::ip::make_address(seen.remote.address, not_literal);
  if (not_literal) {
    seen.error = ImdsFailure::unreachable;
    seen.detail =
        "the endpoint's host has to be an IP address: no resolver is asked on the way to the metadata service";
    co_return seen;
  }
  const auto started = Clock::now();
  auto opened = co_await open_tcp(seen.remote, limit);
  if (!opened.socket) {
    seen.duration = since(started);
    seen.error = of_connection(opened.seen);
    seen.tcp = std::move(opened.seen);
    co_return seen;
  }
  const std::string host(url->encoded_host_and_port());
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - since(started));
  auto answer = co_await get(std::move(*opened.socket), path, host, left);
  // It takes five questions a second from a machine, whoever on it asks.
  constexpr auto pause = std::chrono::milliseconds(300);
  const bool again = is_passing(answer) && limit - since(started) > 2 * pause;
  if (again) {
    co_await sleep_for(pause);
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(limit - since(started));
    auto reopened = co_await open_tcp(seen.remote, rest);
    if (reopened.socket) {
      auto second = co_await get(std::move(*reopened.socket), path, host, rest);
      answer = std::move(second);
    }
  }
  seen.duration = since(started);
  read_answer(std::move(answer), seen);
  if (seen.error) co_return seen;
  // A service that has just answered is not waited for long.
  constexpr std::chrono::microseconds patience = std::chrono::milliseconds(500);
  const auto rest = std::chrono::ceil<std::chrono::milliseconds>(std::min(limit - seen.duration, patience));
  const auto identity = co_await within(rest, ask_for_identity(seen.remote, host, rest));
  if (identity) seen.has_identity = *identity;
  co_return seen;
}

}  // namespace vnetprobe
