#include "probes/host/files.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace vnetprobe {
namespace {

constexpr std::size_t value_limit = 2048, settings_kept = 64;

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 128 || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char c : text)
    if (c != '_' && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')) return false;
  return true;
}

struct Assignment {
  std::string name, value;
};

using Variables = std::map<std::string, std::string, std::less<>>;

// "$name" and "${name}" by what the same file set before; an unknown one stays as written.
std::string expanded(std::string_view text, const Variables& variables) {
  std::string result;
  for (std::size_t at = 0; at < text.size() && result.size() < value_limit;) {
    if (text[at] != '$') {
      result += text[at++];
      continue;
    }
    const bool braces = at + 1 < text.size() && text[at + 1] == '{';
    const auto start = at + (braces ? 2 : 1);
    auto end = start;
    while (end < text.size() && is_name(text.substr(start, end - start + 1))) ++end;
    const auto known = variables.find(text.substr(start, end - start));
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    const auto next = closed && end > start ? end + (braces ? 1 : 0) : at + 1;
    if (known != variables.end() && closed)
      result += known->second;
    else
      result += text.substr(at, next - at);
    at = next;
  }
  return result.substr(0, value_limit);
}

// Takes one shell word off the front of `text`: quotes and backslashes removed, variables expanded outside single
// quotes. Ends at a blank, ';', '&', '|' or a comment.
std::string take_word(std::string_view& text, const Variables& variables) {
  std::string word, plain;
  const auto flush = [&] {
    word += expanded(plain, variables);
    plain.clear();
  };
  char quote = 0;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == ';' || c == '&' || c == '|')) break;
    if (c == '\\' && quote != '\'' && at + 1 < text.size()) {
      plain += text[++at];
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      flush();
      quote = c;
    } else if (quote != 0 && c == quote) {
      if (quote == '\'')
        word += std::exchange(plain, {});
      else
        flush();
      quote = 0;
    } else {
      plain += c;
    }
  }
  flush();
  text.remove_prefix(at);
  return word.substr(0, value_limit);
}

std::optional<Assignment> as_assignment(const std::string& word) {
  const auto equals = word.find('=');
  if (equals == std::string::npos || !is_name(std::string_view(word).substr(0, equals))) return {};
  return Assignment{.name = word.substr(0, equals), .value = word.substr(equals + 1)};
}

// All assignments of one shell line: "export A=b C='d e'", "A=b; export A", "readonly A=b". A command's end (';', '&&')
// starts the next one; words that are no assignments end the search in a command, so that "curl -d http_proxy=x" does
// not count.
std::vector<Assignment> shell_assignments(std::string_view text, Variables& variables) {
  std::vector<Assignment> result;
  bool skipping = false;
  while (!text.empty()) {
    if (text[0] == ';' || text[0] == '&' || text[0] == '|') {
      skipping = false;
      text.remove_prefix(1);
      continue;
    }
    if (text[0] == ' ' || text[0] == '\t' || text[0] == '\r') {
      text.remove_prefix(1);
      continue;
    }
    if (text[0] == '#') break;
    const auto word = take_word(text, variables);
    const auto assignment = as_assignment(word);
    const bool keyword = word == "export" || word == "declare" || word == "typeset" || word == "readonly" ||
                         word == "-x" || word == "then" || word == "else" || word == "do" || word == "{";
    if (assignment && !skipping) {
      variables[assignment->name] = assignment->value;
      result.push_back(*assignment);
    } else if (!keyword) {
      skipping = true;
    }
  }
  return result;
}

// pam_env(7) and environment.d(5): one assignment a line, the value to the line's end, quotes around it dropped.
std::vector<Assignment> environment_assignments(std::string_view text, Variables& variables) {
  text = trimmed(text);
  if (text.starts_with('#')) return {};
  if (text.starts_with("export ")) text = trimmed(text.substr(7));
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || !is_name(text.substr(0, equals))) return {};
  auto value = trimmed(text.substr(equals + 1));
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
    value = value.substr(1, value.size() - 2);
  Assignment assignment{.name = std::string(text.substr(0, equals)), .value = expanded(value, variables)};
  variables[assignment.name] = assignment.value;
  return {assignment};
}

// systemd.exec(5): Environment="A=b" 'C=d' E=f. Specifiers and '$' have no meaning there.
std::vector<Assignment> systemd_assignments(std::string_view text) {
  text = trimmed(text);
  for (const std::string_view key : {"Environment", "DefaultEnvironment", "ManagerEnvironment"}) {
    if (!text.starts_with(key)) continue;
    auto rest = trimmed(text.substr(key.size()));
    if (!rest.starts_with('=')) continue;
    rest.remove_prefix(1);
    std::vector<Assignment> result;
    const Variables none;
    while (!(rest = trimmed(rest)).empty()) {
      if (auto assignment = as_assignment(take_word(rest, none))) result.push_back(std::move(*assignment));
      if (!rest.empty()) rest.remove_prefix(1);
    }
    return result;
  }
  return {};
}

// apt.conf(5): Acquire::http::Proxy "http://proxy:3128/"; a nested "http { Proxy ...; }" is not looked into.
std::vector<Assignment> apt_assignments(std::string_view text) {
  text = trimmed(text);
  const auto name_end = text.find_first_of(" \t\"");
  if (name_end == std::string_view::npos) return {};
  const auto name = lower_case(text.substr(0, name_end));
  const auto open = text.find('"');
  const auto close = open == std::string_view::npos ? open : text.find('"', open + 1);
  if (close == std::string_view::npos) return {};
  const std::string value(text.substr(open + 1, close - open - 1));
  if (name == "acquire::http::proxy") return {{.name = "http_proxy", .value = value}};
  if (name == "acquire::https::proxy") return {{.name = "https_proxy", .value = value}};
  return {};
}

std::vector<Assignment> assignments(std::string_view line, ProxySyntax syntax, Variables& variables) {
  switch (syntax) {
    case ProxySyntax::environment:
      return environment_assignments(line, variables);
    case ProxySyntax::shell:
      return shell_assignments(line, variables);
    case ProxySyntax::systemd:
      return systemd_assignments(line);
    case ProxySyntax::apt:
      return apt_assignments(line);
  }
  return {};
}

bool continues(std::string_view line) { return trimmed(line).ends_with('\\'); }

}  // namespace

std::optional<ProxySetting> proxy_setting(std::string_view variable, std::string_view value, std::string source) {
  constexpr std::array names{"http_proxy", "https_proxy", "no_proxy", "all_proxy"};
  const auto name = lower_case(variable);
  if (std::find(names.begin(), names.end(), name) == names.end()) return {};
  value = trimmed(value);
  if (value.empty()) return {};
  ProxySetting setting{.variable = name, .source = std::move(source)};
  // The last '@' ends the credentials even where a password has an unescaped '/' or '@': better too much taken out than
  // a secret left.
  if (const auto at = value.rfind('@'); at != std::string_view::npos) {
    const auto scheme = value.find("://");
    const auto start = scheme != std::string_view::npos && scheme < at ? scheme + 3 : 0;
    setting.has_credentials = at > start;
    setting.value = printable(std::string(value.substr(0, start)) + std::string(value.substr(at + 1)), value_limit);
  } else {
    setting.value = printable(value, value_limit);
  }
  return setting;
}

std::vector<ProxySetting> proxies_in(std::string_view text, ProxySyntax syntax, const std::string& file) {
  std::vector<ProxySetting> result;
  Variables variables;
  std::string joined;
  int first = 0;
  for (const auto& line : lines_of(text)) {
    if (joined.empty()) first = line.number;
    joined += trimmed(line.text);
    if (continues(line.text) && joined.size() < 64 * value_limit) {
      joined.back() = ' ';
      continue;
    }
    if (variables.size() > 1024) variables.clear();
    for (const auto& assignment : assignments(joined, syntax, variables)) {
      auto setting = proxy_setting(assignment.name, assignment.value, fmt::format("{}:{}", file, first));
      if (setting && result.size() < settings_kept) result.push_back(std::move(*setting));
    }
    joined.clear();
  }
  return result;
}

}  // namespace vnetprobe
