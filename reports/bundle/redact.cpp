#include "reports/bundle/redact.hpp"

#include "reports/bundle/redact_rules.hpp"

#include <fmt/format.h>
#include <re2/re2.h>
#include <re2/set.h>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace vnetprobe::bundle {
namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

std::unique_ptr<RE2> compile(std::string_view pattern, bool any_case) {
  RE2::Options options(RE2::Latin1);  // any byte is a character: logs are not always UTF-8
  options.set_log_errors(false);
  options.set_case_sensitive(!any_case);
  return std::make_unique<RE2>(piece(pattern), options);
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool code = text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    out += code ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (code) i += 2;
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string base64_encoded(std::string_view text) {
  namespace base64 = boost::beast::detail::base64;
  std::string out(base64::encoded_size(text.size()), '\0');
  out.resize(base64::encode(out.data(), text.data(), text.size()));
  return out;
}

std::string base64url_decoded(std::string_view text) {
  namespace base64 = boost::beast::detail::base64;
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  std::string out(base64::decoded_size(plain.size()) + 3, '\0');
  out.resize(base64::decode(out.data(), plain.data(), plain.size()).first);
  return out;
}

// The one form under which a secret is known, however often it was percent-encoded.
std::string canonical(std::string_view secret) {
  std::string text = percent_decoded(secret);
  for (int again = 0; again < 2 && text.find('%') != std::string::npos; ++again) text = percent_decoded(text);
  return text;
}

// " claims=aud,exp": which claims a token makes is evidence, what they say is not.
std::string claim_names(std::string_view token) {
  constexpr std::size_t names_at_most = 16, length_at_most = 24, payload_at_most = 16384;
  const auto first = token.find('.');
  if (first == std::string_view::npos) return "";
  const auto payload = token.substr(first + 1, token.find('.', first + 1) - first - 1);
  if (payload.size() > payload_at_most) return "";
  boost::system::error_code bad;
  const auto value = boost::json::parse(base64url_decoded(payload), bad);
  if (bad || !value.is_object()) return "";
  std::string names;
  std::size_t count = 0;
  for (const auto& claim : value.as_object()) {
    const std::string_view name(claim.key().data(), claim.key().size());
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
    if (!plain || name.size() > length_at_most || name.empty() || count++ == names_at_most) continue;
    if (count > names_at_most) break;
    names += (names.empty() ? "" : ",") + std::string(name);
  }
  return names.empty() ? "" : " claims=" + names;
}

struct Span {
  std::size_t begin{}, end{};
  std::size_t rule{};  // its place in the order; smaller wins
};

}  // namespace

struct Redactor::State {
  struct Compiled {
    std::string id;
    std::unique_ptr<RE2> lead;
    ReadExtent read{};
    bool (*accept)(std::string_view, std::string_view) = nullptr;
  };
  struct Needle {
    std::string text;
    std::size_t rule{};
  };

  std::vector<Compiled> rules;
  // Says in one pass which of the first rules can match at all: most text has none of their beginnings.
  std::unique_ptr<RE2::Set> beginnings;
  std::size_t begun{};                                  // how many of the rules it knows
  std::unordered_map<std::string, std::string> tokens;  // by canonical secret
  std::vector<Needle> needles;

  void prepare_beginnings() {
    RE2::Options options(RE2::Latin1);
    options.set_case_sensitive(false);
    options.set_log_errors(false);
    beginnings = std::make_unique<RE2::Set>(options, RE2::UNANCHORED);
    for (const auto& rule : rules) beginnings->Add(rule.lead->pattern(), nullptr);
    begun = beginnings->Compile() ? rules.size() : 0;
  }

  std::vector<std::size_t> to_be_tried(std::string_view text) const {
    std::vector<int> known;
    RE2::Set::ErrorInfo error{RE2::Set::kNoError};
    const bool any = begun > 0 && beginnings->Match(piece(text), &known, &error);
    std::vector<std::size_t> tried;
    if (any || error.kind == RE2::Set::kNoError)
      tried.assign(known.begin(), known.end());
    else
      for (std::size_t rule = 0; rule < begun; ++rule) tried.push_back(rule);  // it ran out of memory
    std::sort(tried.begin(), tried.end());
    for (auto rule = begun; rule < rules.size(); ++rule) tried.push_back(rule);
    return tried;
  }

  void find(std::size_t rule, std::string_view text, std::vector<Span>& spans) const {
    const Compiled& compiled = rules[rule];
    std::size_t from = 0;
    re2::StringPiece groups[2];
    const int wanted = compiled.read || compiled.lead->NumberOfCapturingGroups() == 0 ? 1 : 2;
    while (from <= text.size() &&
           compiled.lead->Match(piece(text), from, text.size(), RE2::UNANCHORED, groups, wanted)) {
      const auto offset = [&](const re2::StringPiece& group) {
        return static_cast<std::size_t>(group.data() - text.data());
      };
      const std::size_t lead_begin = offset(groups[0]), lead_end = lead_begin + groups[0].size();
      const auto& whole = groups[wanted - 1].data() ? groups[wanted - 1] : groups[0];
      Span span{.begin = offset(whole), .end = offset(whole) + whole.size(), .rule = rule};
      if (compiled.read) {
        const auto extent = compiled.read(text.substr(lead_end));
        span.begin = lead_end + extent.skip;
        span.end = span.begin + extent.length;
      }
      const auto lead = text.substr(lead_begin, lead_end - lead_begin);
      const auto secret = text.substr(std::min(span.begin, text.size()), span.end - span.begin);
      const bool counts =
          !secret.empty() && !secret.starts_with("[redacted:") && (!compiled.accept || compiled.accept(lead, secret));
      if (counts) spans.push_back(span);
      // A delimiter that ended one secret may begin the next one's lead.
      from = std::max({counts ? span.end : lead_end, lead_end, lead_begin + 1});
      if (from > lead_begin + 1 && from == lead_end && !compiled.read) --from;
    }
  }

  const std::string& token_for(std::size_t rule, std::string_view secret) {
    constexpr std::size_t tokens_at_most = 100'000;
    auto key = canonical(secret);
    if (const auto known = tokens.find(key); known != tokens.end()) return known->second;
    if (tokens.size() >= tokens_at_most) key.clear();
    const auto number = tokens.size() + 1;
    const auto claims = rules[rule].id == "jwt" ? claim_names(secret) : "";
    return tokens.try_emplace(std::move(key), fmt::format("[redacted:{}#{}{}]", rules[rule].id, number, claims))
        .first->second;
  }

  // A secret that is long or unlike a word is looked for wherever else it stands, in the forms that it may have there.
  void remember(std::size_t rule, std::string_view secret) {
    constexpr std::size_t needles_at_most = 1024, shortest = 8, longest = 4096;
    if (secret.size() < shortest || secret.size() > longest || needles.size() >= needles_at_most) return;
    if (secret.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos && secret.size() < 16) return;
    const auto plain = canonical(secret);
    if (plain.size() < shortest || tokens.contains(plain)) return;
    for (auto& form : {std::string(secret), plain, percent_encoded(plain), base64_encoded(plain)})
      if (std::none_of(needles.begin(), needles.end(), [&](const Needle& n) { return n.text == form; }))
        needles.push_back({.text = form, .rule = rule});
  }

  void find_needles(std::string_view text, std::vector<Span>& spans) const {
    for (const auto& needle : needles)
      for (auto at = text.find(needle.text); at != std::string_view::npos;
           at = text.find(needle.text, at + needle.text.size()))
        spans.push_back({.begin = at, .end = at + needle.text.size(), .rule = needle.rule});
  }

  Redacted replace(std::string_view text, std::vector<Span>& spans) {
    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
    Redacted done;
    std::size_t written = 0;
    for (std::size_t i = 0; i < spans.size();) {
      Span whole = spans[i];
      for (++i; i < spans.size() && spans[i].begin < whole.end; ++i) {
        whole.end = std::max(whole.end, spans[i].end);
        whole.rule = std::min(whole.rule, spans[i].rule);
      }
      done.text += text.substr(written, whole.begin - written);
      done.text += token_for(whole.rule, text.substr(whole.begin, whole.end - whole.begin));
      ++done.counts[rules[whole.rule].id];
      written = whole.end;
    }
    done.text += text.substr(written);
    return done;
  }
};

Redactor::Redactor(const std::vector<std::string>& own_patterns) : state_(std::make_unique<State>()) {
  for (const auto& rule : redaction_rules())
    state_->rules.push_back(
        {.id = std::string(rule.id), .lead = compile(rule.lead, true), .read = rule.read, .accept = rule.accept});
  std::erase_if(state_->rules, [](const auto& rule) { return !rule.lead->ok(); });
  state_->prepare_beginnings();
  for (const auto& pattern : own_patterns)
    state_->rules.push_back({.id = "own_pattern", .lead = compile(pattern, false)});
  std::erase_if(state_->rules, [](const auto& rule) { return !rule.lead->ok(); });
}

Redactor::~Redactor() = default;
Redactor::Redactor(Redactor&&) noexcept = default;
Redactor& Redactor::operator=(Redactor&&) noexcept = default;

Redacted Redactor::redact(std::string_view text) {
  std::vector<Span> spans;
  for (const auto rule : state_->to_be_tried(text)) state_->find(rule, text, spans);
  for (const auto& span : spans) state_->remember(span.rule, text.substr(span.begin, span.end - span.begin));
  state_->find_needles(text, spans);
  return state_->replace(text, spans);
}

Redacted Redactor::redact_environment(std::string_view entries) {
  Redacted all;
  const auto named = static_cast<std::size_t>(std::find_if(state_->rules.begin(), state_->rules.end(),
                                                           [](const auto& rule) { return rule.id == "named_value"; }) -
                                              state_->rules.begin());
  const auto add = [&](Redacted part) {
    all.text += part.text;
    for (const auto& [rule, count] : part.counts) all.counts[rule] += count;
  };
  while (!entries.empty()) {
    const auto entry = entries.substr(0, entries.find('\0'));
    entries.remove_prefix(std::min(entry.size() + 1, entries.size()));
    const auto equals = entry.find('=');
    const bool secret = equals != std::string_view::npos && equals + 1 < entry.size() &&
                        is_secret_name(entry.substr(0, equals)) &&
                        may_be_secret(entry.substr(0, equals + 1), entry.substr(equals + 1));
    if (!secret) {
      add(redact(entry));
    } else {
      state_->remember(named, entry.substr(equals + 1));
      std::vector<Span> value{{.begin = equals + 1, .end = entry.size(), .rule = named}};
      add(state_->replace(entry, value));
    }
    all.text += '\n';
  }
  return all;
}

std::string Redactor::pattern_error(const std::string& pattern) {
  const auto compiled = compile(pattern, false);
  if (!compiled->ok()) return compiled->error();
  if (RE2::FullMatch("", *compiled)) return "it matches the empty text";
  return "";
}

}  // namespace vnetprobe::bundle
