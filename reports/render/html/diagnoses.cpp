#include "reports/render/html/page.hpp"
#include "reports/render/html/sections.hpp"
#include "reports/render/observation_text.hpp"
#include "reports/render/words.hpp"

#include <map>

namespace vnetprobe::html {
namespace {

using Places = std::map<std::string_view, std::size_t>;

std::string link_to(const std::string& id, const Places& places) {
  const auto place = places.find(id);
  if (place == places.end()) return fmt::format("<code>{}</code>", text(id, 200));
  return fmt::format("<a href=\"#check-{}\"><code>{}</code></a>", place->second, text(id, 200));
}

void fixes(std::string& out, const Diagnosis& diagnosis) {
  if (diagnosis.fix.empty()) return;
  out += "<ol class=\"fix\">\n";
  for (const auto& fix : diagnosis.fix) {
    add(out, "<li>{}", text(fix.text));
    if (fix.is_template) out += " <span class=\"faint\">Fill in what stands in &lt;&gt;.</span>";
    if (!fix.command.empty())
      add(out, "<pre class=\"command\"><code>{}</code></pre>", escaped(fix.command, 4000, Lines::kept));
    out += "</li>\n";
  }
  out += "</ol>\n";
}

// Observation `index` in full, where the evidence names one.
std::string observed(const Report& report, const Evidence& evidence, const Places& places) {
  const auto place = places.find(evidence.check);
  if (place == places.end() || evidence.observation < 0) return "";
  const auto& observations = report.checks[place->second].observations;
  const auto index = static_cast<std::size_t>(evidence.observation);
  return index < observations.size() ? describe(observations[index]) : "";
}

void evidence(std::string& out, const Report& report, const Diagnosis& diagnosis, const Places& places) {
  if (diagnosis.evidence.empty() && diagnosis.checks.empty()) return;
  add(out, "<details class=\"more\"><summary>Evidence ({}) and the {} that it explains</summary>\n",
      diagnosis.evidence.size(), count_of(diagnosis.checks.size(), "check"));
  out += "<ul>\n";
  for (const auto& piece : diagnosis.evidence) {
    add(out, "<li>{}: {}", link_to(piece.check, places), text(piece.says));
    if (const auto full = observed(report, piece, places); !full.empty()) add(out, "<br><code>{}</code>", text(full));
    out += "</li>\n";
  }
  out += "</ul>\n<p>Explains: ";
  for (std::size_t i = 0; i < diagnosis.checks.size(); ++i)
    add(out, "{}{}", i == 0 ? "" : ", ", link_to(diagnosis.checks[i], places));
  out += "</p>\n</details>\n";
}

void card(std::string& out, const Report& report, const Diagnosis& diagnosis, const Places& places) {
  add(out,
      "<article class=\"card {}\">\n<h3>{}</h3>\n<p class=\"meta\">{} <span class=\"badge\">{}</span> "
      "<code>{}</code></p>\n",
      word(diagnosis.severity), text(diagnosis.title), badge(word(diagnosis.severity)), word(diagnosis.confidence),
      text(diagnosis.code, 200));
  add(out, "<p>{}</p>\n<dl class=\"who\"><dt>Who fixes it</dt><dd>{}</dd></dl>\n", text(diagnosis.explanation),
      text(fixer(diagnosis.owner)));
  fixes(out, diagnosis);
  if (diagnosis.confidence != Confidence::proven && !diagnosis.alternatives.empty()) {
    out += "<p><strong>It could also be:</strong> ";
    for (std::size_t i = 0; i < diagnosis.alternatives.size(); ++i)
      add(out, "{}{}", i == 0 ? "" : "; ", text(diagnosis.alternatives[i]));
    out += "</p>\n";
    if (!diagnosis.next_test.empty()) add(out, "<p><strong>To be sure:</strong> {}</p>\n", text(diagnosis.next_test));
  }
  evidence(out, report, diagnosis, places);
  if (!diagnosis.reference.empty()) add(out, "<p class=\"faint\">Source: {}</p>\n", text(diagnosis.reference));
  out += "</article>\n";
}

}  // namespace

void diagnoses(std::string& out, const Report& report) {
  Places places;
  for (std::size_t i = 0; i < report.checks.size(); ++i) places.emplace(report.checks[i].id, i);
  out += "<section aria-labelledby=\"diagnoses\">\n<h2 id=\"diagnoses\">What is wrong</h2>\n";
  if (report.diagnoses.empty()) {
    add(out, "<p>{}</p>\n",
        report.verdict == OverallVerdict::healthy ? "Nothing: every required check passed."
                                                  : "No cause was found that explains the checks below.");
  }
  for (const auto& diagnosis : report.diagnoses) card(out, report, diagnosis, places);
  out += "</section>\n";
}

}  // namespace vnetprobe::html
