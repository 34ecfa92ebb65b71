#include "reports/render/markdown.hpp"

#include "reports/json/report_json.hpp"
#include "reports/render/observation_text.hpp"
#include "reports/render/unicode.hpp"
#include "reports/render/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace vnetprobe {
namespace {

constexpr std::size_t line_at_most = 600, evidence_at_most = 8, ids_at_most = 20;
// Of markdown_at_most: the diagnoses, then the tables; the raw evidence has what is left.
constexpr std::size_t diagnoses_at_most = 28'000, tables_at_most = 44'000, room_for_endings = 600;

std::size_t longest_run(std::string_view text, char of) {
  std::size_t longest = 0, run = 0;
  for (const char c : text) {
    run = c == of ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

// Prose. A mention would call people and a bare URL would become a link, so both are broken by an empty comment.
std::string prose(std::string_view text, std::size_t limit = line_at_most) {
  constexpr std::string_view special = "\\`*_{}[]()#+-!|~$^=";
  constexpr std::string_view comment = "<!-- -->";
  std::string out;
  const std::string shown = visible(text, limit);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i];
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '@')
      (out += '@') += comment;
    else if (c == ':' && std::string_view(shown).substr(i).starts_with("://"))
      (out += ':') += comment;
    else if (c == '.' && i >= 3 && std::string_view(shown).substr(i - 3, 3) == "www")
      (out += comment) += '.';
    else if (special.find(c) != std::string_view::npos)
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

std::string code(std::string_view text, std::size_t limit = line_at_most) {
  const std::string shown = visible(text, limit);
  if (shown.empty()) return "";
  const std::string fence(longest_run(shown, '`') + 1, '`');
  const bool touching = shown.starts_with('`') || shown.ends_with('`');
  return touching ? fence + ' ' + shown + ' ' + fence : fence + shown + fence;
}

// A code span inside a table: there a bar ends the cell even in code.
std::string cell(std::string_view text, std::size_t limit = line_at_most) {
  std::string out;
  for (const char c : code(text, limit)) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string block(std::string_view language, std::string_view text, std::size_t limit = std::string_view::npos) {
  std::string shown = visible(text, limit, Lines::kept);
  while (shown.ends_with('\n')) shown.pop_back();
  const std::string fence(std::max<std::size_t>(3, longest_run(shown, '`') + 1), '`');
  return fmt::format("{}{}\n{}\n{}\n", fence, language, shown, fence);
}

std::string codes(const std::vector<std::string>& ids) {
  std::string out;
  for (std::size_t i = 0; i < std::min(ids.size(), ids_at_most); ++i) out += (i == 0 ? "" : ", ") + code(ids[i], 100);
  return ids.size() <= ids_at_most ? out : fmt::format("{} and {} more", out, ids.size() - ids_at_most);
}

std::string section(int number, const Diagnosis& diagnosis) {
  std::string out =
      fmt::format("\n## {}. {}\n\n{} | {} | {}\n\n{}\n\n**Who fixes it:** {}\n", number, prose(diagnosis.title),
                  code(diagnosis.code), word(diagnosis.severity), word(diagnosis.confidence),
                  prose(diagnosis.explanation, 4 * line_at_most), prose(fixer(diagnosis.owner)));
  for (const auto& fix : diagnosis.fix) {
    out +=
        fmt::format("\n**Fix:** {}{}\n", prose(fix.text), fix.is_template ? " (fill in what stands in `<...>`)" : "");
    if (!fix.command.empty()) out += '\n' + block("sh", fix.command, 4 * line_at_most);
  }
  if (!diagnosis.evidence.empty()) out += "\n**Seen:**\n\n";
  for (std::size_t i = 0; i < std::min(diagnosis.evidence.size(), evidence_at_most); ++i)
    out += fmt::format("- {}: {}\n", code(diagnosis.evidence[i].check, 100), code(diagnosis.evidence[i].says));
  if (diagnosis.evidence.size() > evidence_at_most)
    out += fmt::format("- and {} more\n", diagnosis.evidence.size() - evidence_at_most);
  if (!diagnosis.checks.empty()) out += fmt::format("\n**Explains:** {}\n", codes(diagnosis.checks));
  if (diagnosis.confidence != Confidence::proven && !diagnosis.alternatives.empty())
    out += fmt::format("\n**It could also be:** {}\n",
                       prose(fmt::format("{}", fmt::join(diagnosis.alternatives, "; ")), 2 * line_at_most));
  if (diagnosis.confidence != Confidence::proven && !diagnosis.next_test.empty())
    out += fmt::format("\n**To be sure:** {}\n", prose(diagnosis.next_test));
  return out;
}

// Appends what fits below `limit`; the rest is counted and said.
class Document {
 public:
  bool append(std::string_view text, std::size_t limit) {
    if (out_.size() + text.size() > limit) return false;
    out_ += text;
    return true;
  }
  void always(std::string_view text) { out_ += text; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void diagnoses(Document& out, const Report& report) {
  int number = 0;
  for (const auto& diagnosis : report.diagnoses) {
    if (out.append(section(number + 1, diagnosis), diagnoses_at_most)) {
      ++number;
      continue;
    }
    out.always(fmt::format("\n{} left out for want of room.\n",
                           count_of(report.diagnoses.size() - static_cast<std::size_t>(number), "further diagnosis")));
    return;
  }
}

void table(Document& out, const Report& report, const std::function<bool(const Check&)>& wanted) {
  out.always("\n| Check | Verdict | Time | Why |\n|---|---|---|---|\n");
  std::size_t left_out = 0;
  for (const auto& check : report.checks) {
    if (!wanted(check)) continue;
    const auto row = fmt::format("| {}{} | {} | {} | {} |\n", cell(check.id, 150), check.required ? "" : " (optional)",
                                 word(check.verdict), describe(check.duration), cell(check.reason));
    if (left_out > 0 || !out.append(row, tables_at_most)) ++left_out;
  }
  if (left_out > 0) out.always(fmt::format("\n{} left out for want of room.\n", count_of(left_out, "further check")));
}

void raw_evidence(Document& out, const Report& report) {
  std::size_t left_out = 0;
  bool begun = false;
  for (const auto& check : report.checks) {
    if (check.verdict != Verdict::fail && check.verdict != Verdict::warn) continue;
    if (!begun) out.always("\n<details>\n<summary>Raw evidence of the checks that did not pass</summary>\n");
    begun = true;
    // After the third that finds no room the smaller ones are not tried either.
    if (left_out < 3) {
      const auto text = fmt::format("\n{}\n\n{}", code(check.id, 150), block("json", render_json(check)));
      if (out.append(text, markdown_at_most - room_for_endings)) continue;
    }
    ++left_out;
  }
  if (!begun) return;
  if (left_out > 0)
    out.always(fmt::format("\n{} left out for want of room; the JSON report has all of it.\n",
                           count_of(left_out, "further check")));
  out.always("\n</details>\n");
}

}  // namespace

std::string render_markdown(const Report& report) {
  Document out;
  out.always(fmt::format("# {}\n\n", prose(headline(report))));
  for (const auto& note : {incomplete(report), change_line(report), spool_line(report)})
    if (!note.empty()) out.always(fmt::format("**{}**\n\n", prose(note)));
  out.always(fmt::format("{}\n\n{} | vnetprobe {} | report {}\n", code(node_line(report), 4 * line_at_most),
                         moment(report.started_at), code(report.agent.version, 40), code(report.id, 60)));
  diagnoses(out, report);
  if (std::ranges::any_of(report.checks, is_open)) {
    out.always("\n## Checks that did not pass\n");
    table(out, report, is_open);
  }
  out.always(fmt::format("\n<details>\n<summary>Every check ({})</summary>\n", report.checks.size()));
  table(out, report, [](const Check&) { return true; });
  out.always("\n</details>\n");
  raw_evidence(out, report);
  return out.take();
}

}  // namespace vnetprobe
