#include "reports/bundle/secret_extent.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace vnetprobe::bundle {
namespace {

constexpr std::string_view blanks = " \t", ends = " \t\r\n\v\f";

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t count_while(std::string_view text, auto matches) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), matches) - text.begin());
}

std::size_t line_length(std::string_view text) { return std::min(text.find_first_of("\r\n"), text.size()); }

// Mount options that have no value: a comma before one ends a password in fstab(5).
constexpr std::array mount_flags{"rw",       "ro",      "auto",      "noauto",      "nofail",    "_netdev", "user",
                                 "users",    "exec",    "noexec",    "suid",        "nosuid",    "dev",     "nodev",
                                 "sync",     "async",   "soft",      "hard",        "defaults",  "nobrl",   "noperm",
                                 "relatime", "noatime", "serverino", "nosharesock", "mfsymlinks"};

// Whether the delimiter at the front begins something else: a further name=value, a flag of a mount, or nothing.
bool begins_next(std::string_view from) {
  std::string_view rest = from.substr(1);
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  if (rest.empty() || is_one_of(rest.front(), "\r\n\"'\\")) return true;
  constexpr std::size_t longest_name = 64;
  const std::size_t name =
      count_while(rest.substr(0, longest_name), [](char c) { return is_alnum(c) || is_one_of(c, "_.- "); });
  if (name > 0 && name < rest.size() && is_one_of(rest[name], "=:")) return true;
  if (name > 0 && name + 1 < rest.size() && is_one_of(rest[name], "\"'")) return true;
  const auto word = rest.substr(0, count_while(rest, [](char c) { return is_alnum(c) || c == '_'; }));
  return std::find(mount_flags.begin(), mount_flags.end(), word) != mount_flags.end();
}

std::size_t bare_length(std::string_view text) {
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\n';
    if (is_one_of(c, ends) || c == '"' || c == '`') break;
    if (c == '\'' && !is_alnum(next)) break;
    if (c == '\\' && is_one_of(next, "\"'nrtu\\")) break;
    if (is_one_of(c, ",;&") && begins_next(text.substr(i))) break;
    if (c == '<' && next == '/') break;
  }
  while (i > 0 && is_one_of(text[i - 1], ")]}")) --i;
  return i;
}

// A quote, or one behind backslashes as JSON inside JSON has it; npos: none at the front.
SecretExtent quoted(std::string_view rest) {
  const std::size_t slashes = count_while(rest, [](char c) { return c == '\\'; });
  if (slashes >= rest.size() || !is_one_of(rest[slashes], "\"'") || slashes > 15) return {};
  const std::size_t begin = slashes + 1;
  if (slashes > 0) {
    const auto close = rest.find(rest.substr(0, begin), begin);
    const std::size_t length = close == std::string_view::npos ? line_length(rest.substr(begin)) : close - begin;
    return {.skip = begin, .length = length};
  }
  std::size_t i = begin;
  while (i < rest.size() && rest[i] != rest[0]) i += rest[0] == '"' && rest[i] == '\\' && i + 1 < rest.size() ? 2 : 1;
  i = std::min(i, rest.size());
  return {.skip = begin, .length = i - begin};
}

SecretExtent value(std::string_view rest, bool to_line_end) {
  const std::size_t skip = count_while(rest, [](char c) { return is_one_of(c, blanks); });
  rest.remove_prefix(skip);
  if (rest.empty()) return {};
  if (rest[0] == '|' || rest[0] == '>') {
    const std::size_t head = line_length(rest);
    if (rest.substr(0, head).find_first_not_of("|>+-0123456789 \t") == std::string_view::npos) {
      auto block = indented_lines(rest.substr(head));
      block.skip += skip + head;
      return block;
    }
  }
  const bool opens = is_one_of(rest[0], "\"'") || (rest[0] == '\\' && rest.size() > 1 && is_one_of(rest[1], "\"'\\"));
  if (opens) {
    auto inside = quoted(rest);
    inside.skip += skip;
    if (inside.skip > skip) return inside;
  }
  std::size_t length = bare_length(rest);
  if (to_line_end && length > 0) {
    // A quote would be the end of a JSON string around it.
    const auto line = rest.substr(0, std::min(line_length(rest), rest.find('"')));
    length = std::max(length, std::min(line.find(" #"), line.size()));
    while (length > 0 && is_one_of(rest[length - 1], blanks)) --length;
  }
  return {.skip = skip, .length = length};
}

}  // namespace

SecretExtent assigned_value(std::string_view rest) { return value(rest, false); }
SecretExtent line_value(std::string_view rest) { return value(rest, true); }

SecretExtent encoded_value(std::string_view rest) {
  std::size_t i = 0;
  while (i < rest.size()) {
    const char c = rest[i];
    if (c == '%' && i + 2 < rest.size()) {
      std::string code(rest.substr(i + 1, 2));
      for (auto& digit : code) digit = digit >= 'a' && digit <= 'f' ? static_cast<char>(digit - 'a' + 'A') : digit;
      if (code == "22" || code == "26" || code == "2C" || code == "7D" || code == "0A" || code == "0D" || code == "3B")
        break;
    } else if (!is_alnum(c) && !is_one_of(c, "_.~+/=!*()-%$@:")) {
      break;
    }
    ++i;
  }
  return {.length = i};
}

SecretExtent base64_value(std::string_view rest) {
  std::size_t i = 0;
  while (i < rest.size()) {
    if (is_alnum(rest[i]) || is_one_of(rest[i], "+/=_~.-")) {
      ++i;
      continue;
    }
    // "\/" as some JSON writers have it, "%2B" and its encodings of the encoding.
    if (rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] == '/') {
      i += 2;
      continue;
    }
    if (rest[i] != '%') break;
    std::size_t at = i + 1;
    while (rest.substr(at, 2) == "25") at += 2;
    const auto code = rest.substr(at, 2);
    if (code != "2B" && code != "2b" && code != "2F" && code != "2f" && code != "3D" && code != "3d") break;
    i = at + 2;
  }
  return {.length = i};
}

SecretExtent until_line_end_or_quote(std::string_view rest) {
  const std::size_t skip = count_while(rest, [](char c) { return is_one_of(c, " \t\"'\\"); });
  const auto line = rest.substr(skip, line_length(rest.substr(skip)));
  std::size_t length = std::min(line.find('"'), line.size());
  // "\n" and "\"" end a header inside a JSON string.
  for (std::size_t i = 0; i + 1 < length; ++i)
    if (line[i] == '\\' && is_one_of(line[i + 1], "nr\"")) length = i;
  while (length > 0 && is_one_of(line[length - 1], "\\")) --length;
  return {.skip = skip, .length = length};
}

SecretExtent credential_value(std::string_view rest) {
  auto all = until_line_end_or_quote(rest);
  const auto line = rest.substr(all.skip, all.length);
  const std::size_t scheme = count_while(line, [](char c) { return is_alnum(c) || c == '-'; });
  const std::size_t gap = count_while(line.substr(scheme), [](char c) { return is_one_of(c, blanks); });
  if (scheme > 0 && gap > 0 && scheme + gap < line.size()) {
    all.skip += scheme + gap;
    all.length -= scheme + gap;
  }
  const auto secret = rest.substr(all.skip, all.length);
  for (const std::string_view next : {" http", " -", "' "})
    if (const auto at = secret.find(next); at != std::string_view::npos && at > 0)
      all.length = std::min(all.length, at);
  if (all.length > 0 && rest[all.skip + all.length - 1] == '\'') --all.length;
  return all;
}

SecretExtent until_tag(std::string_view rest) { return {.length = std::min(rest.find('<'), rest.size())}; }

SecretExtent user_info(std::string_view rest) {
  const std::size_t stop = std::min(rest.find_first_of(" \t\r\n\"'<>`"), rest.size());
  const auto word = rest.substr(0, stop);
  const auto authority_end = std::min(word.find_first_of("/?#"), word.size());
  auto at = word.substr(0, authority_end).rfind('@');
  if (at == std::string_view::npos) {
    // A slash in the password that nobody encoded; "host:443/path@x" is none.
    const auto colon = word.substr(0, authority_end).find(':');
    if (colon == std::string_view::npos) return {};
    const auto port = word.substr(colon + 1, authority_end - colon - 1);
    if (std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) return {};
    at = word.find('@', authority_end);
  }
  if (at == std::string_view::npos || word.substr(0, at).find(':') == std::string_view::npos) return {};
  return {.length = at};
}

SecretExtent pem_body(std::string_view rest) {
  const auto end = rest.find("-----END");
  const auto other = rest.find("-----BEGIN");
  if (end != std::string_view::npos && end < other) return {.length = end};
  return {.length = count_while(rest, [](char c) { return is_alnum(c) || is_one_of(c, "+/=\r\n\t \\:,%."); })};
}

SecretExtent indented_lines(std::string_view rest) {
  std::size_t i = count_while(rest, [](char c) { return is_one_of(c, "\r\n"); });
  const std::size_t begin = i;
  while (i < rest.size() && is_one_of(rest[i], blanks)) {
    i += line_length(rest.substr(i));
    i += count_while(rest.substr(i), [](char c) { return is_one_of(c, "\r\n"); });
  }
  const std::size_t first = begin + count_while(rest.substr(begin), [](char c) { return is_one_of(c, blanks); });
  while (i > first && is_one_of(rest[i - 1], ends)) --i;
  return {.skip = first, .length = i > first ? i - first : 0};
}

}  // namespace vnetprobe::bundle
