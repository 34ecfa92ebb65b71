#include "reports/bundle/redact_rules.hpp"

#include "reports/bundle/redact.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <string>

namespace vnetprobe::bundle {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

bool contains_word(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
           return (is_upper(a) ? static_cast<char>(a - 'A' + 'a') : a) == b;
         }) != text.end();
}

// A word of a sentence ("bearer authentication failed") is no token.
bool is_random(std::string_view, std::string_view secret) {
  const bool digit = std::any_of(secret.begin(), secret.end(), is_digit);
  const bool lower = std::any_of(secret.begin(), secret.end(), is_lower);
  const bool upper = secret.size() > 1 && std::any_of(secret.begin() + 1, secret.end(), is_upper);
  return digit || (lower && upper) || secret.find_first_of("=+/") != std::string_view::npos;
}

// "Bearer authorization_uri=" begins the parameters of a challenge (RFC 9110, 11.6.1), which are no secret.
bool is_token(std::string_view lead, std::string_view secret) {
  const auto name = secret.substr(0, secret.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-"));
  return is_random(lead, secret) && secret.substr(name.size()) != "=";
}

bool is_no_number(std::string_view, std::string_view secret) {
  return !std::all_of(secret.begin(), secret.end(), is_digit);
}

// A path says where a secret lies, and is evidence. Base 64 may begin with a slash too, but not with these.
bool is_path(std::string_view value) {
  for (const std::string_view root : {"/etc/", "/var/", "/home/", "/root/", "/mnt/", "/opt/", "/usr/", "/run/", "/tmp/",
                                      "/dev/", "/proc/", "/srv/", "./", "../", "~/"})
    if (value.starts_with(root)) return true;
  return value == "/" || value == "/root" || value == "/home";
}

bool is_nsswitch(std::string_view lead, std::string_view value) {
  if (!contains_word(lead, "passwd") || contains_word(lead, "=")) return false;
  for (const std::string_view source : {"files", "compat", "db", "sss", "systemd", "ldap", "nis", "winbind"})
    if (value.starts_with(source) && (value.size() == source.size() || value[source.size()] == ' ')) return true;
  return false;
}

bool is_empty_word(std::string_view value) {
  static constexpr std::array words{"true", "false", "null", "none", "yes",    "no",        "on",
                                    "off",  "~",     "{}",   "[]",   "(null)", "undefined", "not"};
  std::string lower(value.substr(0, 16));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
  while (!lower.empty() && (lower.back() == ',' || lower.back() == ';' || lower.back() == '.')) lower.pop_back();
  return lower.empty() || std::find(words.begin(), words.end(), lower) != words.end();
}

// "password", "MSI_SECRET", "clientSecret", "IDENTITY_HEADER": a name that ends so, before '=' or ':'.
#define SECRET_WORDS                                                                                                 \
  "(?:password|passwd|passphrase|pwd|[_-]pass|secrets?|token|credentials?|api[_-]?key|psk|presharedkey|"             \
  "(?:account|access|shared|storage|primary|secondary|master|private|function|host|admin|auth|encryption|signing|"   \
  "subscription|service|client|instrumentation|endpoint|secret)[_-]?(?:access[_-]?)?key|identity[_-]?header|"        \
  "connection[_-]?string|[_-]sas|[_-]pat|protectedsettings|customdata|custom_data|user_?data_?base64|_?authtoken|x-" \
  "functions-key)"
#define SECRET_NAME \
  "[A-Za-z0-9_.-]*" SECRET_WORDS "(?:_?(?:base64|b64|base|value|text|primary|secondary|old|new|[0-9]{1,3}))?"
#define QUOTE "(?:\\\\{0,15}[\"'])?"
#define SEPARATOR "[ \\t]*(?:=>|:=|==?|:|\\\\u003[dD])"

constexpr std::array rules{
    RedactionRule{
        "pem_private_key", "-----BEGIN(?: |%20|\\+)(?:[A-Z0-9]+(?: |%20|\\+)){0,4}KEY(?: BLOCK)?-----", pem_body,
        [](std::string_view lead, std::string_view body) {
          return contains_word(lead, "private") && body.find_first_not_of(" \r\n\\n") != std::string_view::npos;
        }},
    // The beginning lies before what a tail has kept.
    RedactionRule{"pem_private_key",
                  "((?:[A-Za-z0-9+/=]{16,}(?:\\s|\\\\n)+){1,1000})-----END(?: [A-Z0-9]+){0,3} PRIVATE KEY-----"},
    RedactionRule{"jwt", "eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*){2,4}"},
    RedactionRule{"jwt", "(?:^|[^A-Za-z0-9+/])(eyJ[A-Za-z0-9_-]{24,}(?:\\.[A-Za-z0-9_-]*)?)"},
    RedactionRule{"sas_signature", "(?:[?&;]|%(?:25)*3f|%(?:25)*26|u0026)sig(?:=|%(?:25)*3d|\\\\u003d)", base64_value},
    RedactionRule{
        "sas_signature", "(?:^|[^a-z])sig(?:=|%(?:25)*3d|\\\\u003d)", base64_value,
        [](std::string_view lead, std::string_view secret) { return secret.size() >= 8 && is_random(lead, secret); }},
    RedactionRule{"authorization", "(?:authorization|authorization-auxiliary)" QUOTE "[ \\t]*(?::|=|%3a)",
                  credential_value, may_be_secret},
    RedactionRule{"authorization", "\\b(?:bearer|basic|negotiate|ntlm)(?:[ \\t]+|%20)([A-Za-z0-9._~+/=-]{8,})", nullptr,
                  is_token},
    RedactionRule{"authorization", "\\bSharedKey(?:Lite)?[ \\t]+[a-z0-9]{1,64}:", base64_value},
    RedactionRule{"cookie", "(?:^|[^A-Za-z_])(?:set-)?cookies?2?" QUOTE "[ \\t]*:", until_line_end_or_quote,
                  may_be_secret},
    RedactionRule{"url_credentials", "[a-z][a-z0-9+.-]{0,31}:(?:\\\\?/){2}", user_info},
    RedactionRule{"url_credentials", "(?:%3a%2f%2f)([^\\s\"'<>%]+%3a[^\\s\"'<>@]{1,512}?)%40"},
    RedactionRule{"url_credentials", "proxy" QUOTE SEPARATOR "[ \\t]*" QUOTE, user_info},
    RedactionRule{
        "command_line",
        "(?:^|\\s)--?[a-z0-9-]*(?:password|passwd|passphrase|pass|pwd|token|secret|key|sas|credentials?)(?:=|[ \\t]+)",
        assigned_value,
        [](std::string_view lead, std::string_view value) {
          return may_be_secret(lead, value) && !value.starts_with('-');
        }},
    RedactionRule{"command_line", "(?:^|\\s)(?:-u|-U|--user|--proxy-user)(?:=|[ \\t]*)[\"']?[^\\s:\"'@/=]{1,64}:",
                  assigned_value, is_no_number},
    RedactionRule{"command_line", "\\bsshpass[ \\t]+-p[ \\t]*", assigned_value},
    RedactionRule{"mount", "[,\\s](?:pass|password2?)=", assigned_value, may_be_secret},
    RedactionRule{"netrc", "(?:\\blogin[ \\t]+\\S+\\s+|(?m:^)[ \\t]+)password[ \\t]+(\\S+)"},
    RedactionRule{"named_value", "(?m:^)[ \\t-]*" SECRET_NAME QUOTE "[ \\t]*:(?:[ \\t]|$)", line_value, may_be_secret},
    RedactionRule{"named_value", SECRET_NAME QUOTE SEPARATOR, assigned_value, may_be_secret},
    RedactionRule{"named_value", SECRET_NAME "(?:%22)?(?:%3d|%3a(?:%20)?)(?:%22)?", encoded_value, may_be_secret},
    RedactionRule{"named_value", "(?-i:\\b[A-Z][A-Z0-9_]*_KEY" QUOTE SEPARATOR ")", assigned_value, may_be_secret},
    RedactionRule{"named_value", "[\"']auth[\"'][ \\t]*:", assigned_value, is_random},
    RedactionRule{"named_value",
                  "name" QUOTE "\\s*:\\s*" QUOTE "(?:[A-Za-z0-9_.-]*" SECRET_WORDS "|[A-Z0-9_]*_KEY)" QUOTE
                  "\\s*,?\\s*" QUOTE "value" QUOTE "\\s*:",
                  assigned_value, may_be_secret},
    RedactionRule{
        "xml_element",
        "<(?:[a-z0-9]{1,16}:)?[a-z0-9_-]{0,32}(?:password|secret|token|customdata|userdata|privatekey|accesskey|"
        "accountkey|protectedsettings)(?:[ \\t][^<>]{0,256})?>",
        until_tag, may_be_secret},
    RedactionRule{"chpasswd", "chpasswd:\\s*\\n(?:[ \\t]+expire:[^\\n]*\\n)?[ \\t]+list:[ \\t]*\\|?[ \\t]*\\n",
                  indented_lines},
    RedactionRule{"password_hash", "\\$(?:1|5|6|y|7|gy|2[aby])\\$[./A-Za-z0-9$=,]{20,}"},
    // Shapes that tell by themselves: keys of storage, of Azure's services, Entra's secrets, other vendors' tokens.
    RedactionRule{"azure_key", "(?:^|[^A-Za-z0-9+/])([A-Za-z0-9+/]{86}==)"},
    RedactionRule{"azure_key", "[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}"},
    RedactionRule{"azure_key", "(?-i:[A-Za-z0-9+/]{33}(?:AIoT|\\+(?:ASb|AEh|ARm))[A-P][A-Za-z0-9+/]{5}=)"},
    RedactionRule{"entra_secret", "(?-i:[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})"},
    RedactionRule{
        "vendor_token",
        "(?-i:\\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{30,255}|glpat-[A-Za-z0-9_-]{20,64}|"
        "hf_[A-Za-z0-9]{30,64}|sk-[A-Za-z0-9_-]{32,200}|dapi[0-9a-f]{32}(?:-[0-9])?|xox[abprs]-[A-Za-z0-9-]{10,100}|"
        "AKIA[A-Z0-9]{16}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,255}))"},
};

}  // namespace

std::span<const RedactionRule> redaction_rules() { return rules; }

bool may_be_secret(std::string_view lead, std::string_view value) {
  if (value.starts_with("[redacted:") || is_empty_word(value) || is_path(value) || is_nsswitch(lead, value))
    return false;
  if (value.find_first_not_of("*xX.<>-_ ") == std::string_view::npos) return false;
  if (value.starts_with("${") || value.starts_with("$(") || value.starts_with("%(") || value[0] == '{' ||
      value[0] == '[')
    return false;
  const bool about_password =
      contains_word(lead, "pass") || contains_word(lead, "pwd") || contains_word(lead, "secret");
  if (about_password) return true;
  // "expires in the token: 5", "invalid token: unexpected": neither a number nor a word of a sentence.
  const bool number = value.size() < 5 && std::all_of(value.begin(), value.end(), is_digit);
  const bool word = value.size() < 16 && lead.ends_with(": ") && std::all_of(value.begin(), value.end(), is_lower);
  return !number && !word;
}

bool is_secret_name(std::string_view name) {
  static const RE2 pattern("(?i)" SECRET_NAME "|(?-i:[A-Z0-9_]*_KEY)");
  return RE2::FullMatch(re2::StringPiece(name.data(), name.size()), pattern);
}

}  // namespace vnetprobe::bundle
