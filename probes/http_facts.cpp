#include "probes/http_facts.hpp"

#include "probes/text.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <ctime>

namespace vnetprobe {
namespace {

constexpr std::size_t header_value_kept = 1024;
constexpr std::size_t excerpt_kept = 1024;
constexpr std::size_t code_kept = 100;
constexpr std::string_view redacted = "[redacted]";

constexpr std::array secret_headers{"set-cookie", "cookie", "authorization", "proxy-authorization", "x-ms-authorization-auxiliary"};
constexpr std::array secret_parameters{"sig", "code", "token", "access_token", "id_token", "password", "client_secret"};

bool is_delimiter(char c) { return c == '?' || c == '&' || c == ' ' || c == '"' || c == ';' || c == '<'; }

// Removes the value of every `name=value` whose name is a secret one, wherever in the text it stands.
std::string without_secret_parameters(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const bool starts = at == 0 || is_delimiter(text[at - 1]);
    const auto* secret = starts ? std::ranges::find_if(secret_parameters,
                                                       [&](std::string_view name) {
                                                         const auto found = lower_case(text.substr(at, name.size()));
                                                         return found == name && at + name.size() < text.size() &&
                                                                text[at + name.size()] == '=';
                                                       })
                                : secret_parameters.end();
    if (secret == secret_parameters.end()) {
      result += text[at++];
      continue;
    }
    const std::size_t value = at + std::string_view(*secret).size() + 1;
    result.append(text.substr(at, value - at));
    result += redacted;
    at = value;
    while (at < text.size() && !is_delimiter(text[at])) ++at;
  }
  return result;
}

std::string_view without_bom(std::string_view body) {
  constexpr std::string_view bom = "\xEF\xBB\xBF";
  return body.starts_with(bom) ? body.substr(bom.size()) : body;
}

std::optional<std::string> xml_code(std::string_view body) {
  constexpr std::string_view open = "<Code>", close = "</Code>";
  const auto from = body.find(open);
  const auto to = from == std::string_view::npos ? from : body.find(close, from);
  if (to == std::string_view::npos || to - from > code_kept) return std::nullopt;
  return printable(body.substr(from + open.size(), to - from - open.size()), code_kept);
}

namespace json = boost::json;

const json::value* member(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  return object ? object->if_contains(name) : nullptr;
}

std::optional<std::string> code_of(const json::value& error) {
  const auto* code = member(error, "code");
  if (const auto* inner = member(error, "innererror"))
    if (auto deeper = code_of(*inner)) return deeper;
  if (!code || !code->is_string()) return std::nullopt;
  return printable(std::string_view(code->get_string()), code_kept);
}

std::optional<std::string> json_code(std::string_view body) {
  constexpr unsigned depth_at_most = 16;
  json::error_code broken;
  const auto value = json::parse(body, broken, {}, {.max_depth = depth_at_most});
  if (broken) return std::nullopt;
  for (const std::string_view name : {"error", "odata.error"})
    if (const auto* error = member(value, name))
      if (auto code = code_of(*error)) return code;
  if (const auto* errors = member(value, "errors"))
    if (const auto* list = errors->if_array(); list && !list->empty()) return code_of(list->front());
  // Batch writes {"odata.metadata": ..., "code": ...}.
  return member(value, "odata.metadata") ? code_of(value) : std::nullopt;
}

}  // namespace

const std::string* find_header(const std::vector<HttpHeader>& headers, std::string_view name) {
  const std::string wanted = lower_case(name);
  const auto found = std::ranges::find_if(headers, [&](const HttpHeader& header) { return lower_case(header.name) == wanted; });
  return found == headers.end() ? nullptr : &found->value;
}

HttpHeader kept_header(std::string_view name, std::string_view value) {
  HttpHeader header{.name = printable(name, 100), .value = {}};
  const std::string lower = lower_case(name);
  const bool secret = std::ranges::find(secret_headers, lower) != secret_headers.end();
  header.value = secret ? std::string(redacted) : printable(redacted_url(value.substr(0, 4 * header_value_kept)), header_value_kept);
  return header;
}

std::string redacted_url(std::string_view url) {
  std::string text = without_secret_parameters(url);
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const auto authority = scheme + 3;
  const auto end = text.find_first_of("/?# ", authority);
  const auto at = text.substr(0, end).rfind('@');
  if (at != std::string::npos && at > authority) text.erase(authority, at + 1 - authority);
  return text;
}

std::string body_excerpt(std::string_view body) {
  return printable(without_secret_parameters(without_bom(body).substr(0, 2 * excerpt_kept)), excerpt_kept);
}

std::optional<std::string> service_error_code(const std::vector<HttpHeader>& headers, std::string_view body) {
  if (const auto* code = find_header(headers, "x-ms-error-code")) return code->substr(0, code_kept);
  body = without_bom(body);
  const auto first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return std::nullopt;
  return body[first] == '{' ? json_code(body) : xml_code(body);
}

std::optional<std::chrono::milliseconds> clock_offset(const std::vector<HttpHeader>& headers,
                                                      std::chrono::sys_time<std::chrono::milliseconds> now) {
  const auto* date = find_header(headers, "Date");
  if (!date) return std::nullopt;
  std::tm parts{};
  const char* rest = ::strptime(date->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!rest || *rest) return std::nullopt;
  const std::chrono::sys_seconds told{std::chrono::seconds(::timegm(&parts))};
  return now - (told + std::chrono::milliseconds(500));
}

}  // namespace vnetprobe
