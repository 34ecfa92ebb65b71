#include "probes/http_facts.hpp"

#include "probes/json.hpp"
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

constexpr std::array secret_headers{"set-cookie", "cookie", "authorization", "proxy-authorization"};
constexpr std::string_view secret_header_prefix = "x-ms-authorization";
constexpr std::array secret_parameters{
    "sig",    "code",    "token",  "access_token",  "id_token", "key",      "refresh_token", "api_key",
    "apikey", "api-key", "secret", "client_secret", "sas",      "password", "pwd",           "subscription-key"};
// Words in the names of headers whose values let somebody in.
constexpr std::array secret_words{"token", "secret", "password", "api-key", "apikey", "signature"};

// `word` is in lower case.
bool has_at(std::string_view text, std::size_t at, std::string_view word) {
  return text.size() - at >= word.size() && std::ranges::equal(text.substr(at, word.size()), word, {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
         });
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '%';
}

// A parameter's name may begin at `at`: at the start, after a character that no name has, or after an '&' or '?' that
// the text carries escaped, as a URL within a URL or within JSON has it.
bool name_may_begin(std::string_view text, std::size_t at) {
  if (at == 0 || !is_name_character(text[at - 1])) return true;
  const auto before = text.substr(0, at);
  return before.ends_with("%26") || before.ends_with("%3f") || before.ends_with("%3F") || before.ends_with("\\u0026");
}

// The length of the '=' (or ':' of JSON) with its quotes at `at`, and the characters that end the value behind it; 0:
// there is none.
std::size_t assignment(std::string_view text, std::size_t at, std::string_view& ends) {
  const auto rest = text.substr(at);
  ends = "&;,\"'<>\\ \t\r\n";
  if (rest.starts_with("=\"")) {
    ends = "\"";
    return 2;
  }
  if (rest.starts_with('=')) return 1;
  if (lower_case(rest.substr(0, 3)) == "%3d") {
    ends = "&;,\"'<>\\ \t\r\n%";
    return 3;
  }
  if (!rest.starts_with('"')) return 0;
  const auto colon = rest.find_first_not_of(" \t", 1);
  if (colon == std::string_view::npos || rest[colon] != ':') return 0;
  const auto quote = rest.find_first_not_of(" \t\r\n", colon + 1);
  if (quote == std::string_view::npos || rest[quote] != '"') return 0;
  ends = "\"";
  return quote + 1;
}

// The length of a secret parameter's name at `at`; 0: another word stands there. `code` is one in a URL only: in JSON
// it is the error that the probe wants to know.
std::size_t secret_name(std::string_view text, std::size_t at) {
  const auto* found = std::ranges::find_if(secret_parameters, [&](std::string_view name) {
    const auto after = at + name.size();
    return has_at(text, at, name) && after < text.size() && !is_name_character(text[after]) &&
           !((name == "code" || name == "key") && text[after] == '"');
  });
  if (found != secret_parameters.end()) return std::string_view(*found).size();
  const auto* encoded = std::ranges::find_if(secret_parameters, [&](std::string_view name) {
    return has_at(text, at, name) && has_at(text, at + name.size(), "%3d");
  });
  return encoded == secret_parameters.end() ? 0 : std::string_view(*encoded).size();
}

// Removes the value of every secret parameter, wherever in the text it stands.
std::string without_secret_parameters(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    std::string_view ends;
    const std::size_t name = name_may_begin(text, at) ? secret_name(text, at) : 0;
    const std::size_t sign = name ? assignment(text, at + name, ends) : 0;
    if (sign == 0) {
      result += text[at++];
      continue;
    }
    result.append(text.substr(at, name + sign));
    result += redacted;
    at = std::min(text.find_first_of(ends, at + name + sign), text.size());
  }
  return result;
}

// The texts of services are laid out over lines; an excerpt is one line.
std::string one_line(std::string_view text) {
  constexpr std::string_view breaks = "\t\r\n";
  std::string result;
  for (const char c : text) {
    const bool breaking = breaks.find(c) != std::string_view::npos;
    if (!breaking)
      result += c;
    else if (!result.empty() && !result.ends_with(' '))
      result += ' ';
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

// IMF-fixdate, and the two older forms that a reader has to accept (RFC 9110 section 5.6.7).
std::optional<std::chrono::sys_seconds> read_date(const std::string& date) {
  for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* rest = ::strptime(date.c_str(), form, &parts);
    if (rest && *rest == '\0') return std::chrono::sys_seconds{std::chrono::seconds(::timegm(&parts))};
  }
  return std::nullopt;
}

namespace json = boost::json;

std::optional<std::string> code_of(const json::value& error) {
  const auto* code = member(error, "code");
  for (const std::string_view name : {"innererror", "innerError"})
    if (const auto* inner = member(error, name))
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
  const auto found =
      std::ranges::find_if(headers, [&](const HttpHeader& header) { return lower_case(header.name) == wanted; });
  return found == headers.end() ? nullptr : &found->value;
}

HttpHeader kept_header(std::string_view name, std::string_view value) {
  HttpHeader header{.name = printable(name, 100), .value = {}};
  const std::string lower = lower_case(name);
  const bool secret =
      std::ranges::find(secret_headers, lower) != secret_headers.end() || lower.starts_with(secret_header_prefix) ||
      lower.ends_with("-key") ||
      std::ranges::any_of(secret_words, [&](std::string_view word) { return lower.find(word) != lower.npos; });
  header.value = secret ? std::string(redacted)
                        : printable(redacted_url(value.substr(0, 4 * header_value_kept)), header_value_kept);
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
  return printable(one_line(without_secret_parameters(without_bom(body).substr(0, 2 * excerpt_kept))), excerpt_kept);
}

std::optional<std::string> service_error_code(const std::vector<HttpHeader>& headers, std::string_view body) {
  if (const auto* code = find_header(headers, "x-ms-error-code")) return printable(*code, code_kept);
  body = without_bom(body);
  const auto first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return std::nullopt;
  return body[first] == '{' ? json_code(body) : xml_code(body);
}

std::optional<std::chrono::milliseconds> clock_offset(const std::vector<HttpHeader>& headers,
                                                      std::chrono::sys_time<std::chrono::milliseconds> now) {
  const auto* date = find_header(headers, "Date");
  if (!date) return std::nullopt;
  // A cache's copy carries the Date of the original (RFC 9111 section 4.2.3): it says nothing about now.
  const auto* age = find_header(headers, "Age");
  if (age && *age != "0") return std::nullopt;
  const auto told = read_date(*date);
  if (!told) return std::nullopt;
  return now - (*told + std::chrono::milliseconds(500));
}

}  // namespace vnetprobe
