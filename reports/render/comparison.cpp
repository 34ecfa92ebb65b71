#include "reports/render/comparison.hpp"

#include "reports/json/write_described.hpp"
#include "reports/render/html/page.hpp"
#include "reports/render/text_layout.hpp"
#include "reports/render/words.hpp"

namespace vnetprobe {
namespace {

std::string named(const ComparedReport& side) {
  return fmt::format("{} | {} | {} | {}{}", side.name, side.hostname.empty() ? "a node without a name" : side.hostname,
                     moment(side.started_at), word(side.verdict), side.complete ? "" : ", not complete");
}

std::string_view told(const std::optional<Verdict>& verdict) { return verdict ? word(*verdict) : "not there"; }

std::string counted(const Comparison& comparison) {
  return comparison.checks.empty() ? fmt::format("All {} have the same verdict.",
                                                 count_of(static_cast<std::size_t>(comparison.same_verdicts), "check"))
                                   : fmt::format("{} with another verdict, {} with the same.",
                                                 count_of(comparison.checks.size(), "check"), comparison.same_verdicts);
}

class TextComparison {
 public:
  TextComparison(const Comparison& comparison, const TextStyle& style) : comparison_(comparison), style_(style) {}

  std::string render() {
    paragraph("A: ", named(comparison_.a), 0);
    paragraph("B: ", named(comparison_.b), 0);
    heading("What that implies");
    for (const auto& one : comparison_.implies) paragraph("- ", one, 2);
    if (!comparison_.diagnoses.empty()) heading("Diagnoses that only one has");
    for (const auto& one : comparison_.diagnoses)
      paragraph(one.only_in == "a" ? "only A  " : "only B  ",
                fmt::format("{} [{}] ({})", one.title, one.code, word(one.severity)), 2,
                one.severity == Severity::critical ? Tone::red : Tone::plain);
    heading("Checks");
    paragraph("", counted(comparison_), 2);
    for (const auto& one : comparison_.checks) {
      paragraph(
          "",
          fmt::format("{}{}: {} in A, {} in B", one.id, one.required ? "" : " (optional)", told(one.a), told(one.b)), 2,
          Tone::bold);
      if (!one.reason_a.empty() && one.a != Verdict::pass) paragraph("A: ", one.reason_a, 6);
      if (!one.reason_b.empty() && one.b != Verdict::pass) paragraph("B: ", one.reason_b, 6);
    }
    if (!comparison_.node.empty()) heading("The nodes");
    for (const auto& one : comparison_.node) {
      paragraph("", one.what, 2, Tone::bold);
      paragraph("A: ", one.a, 6);
      paragraph("B: ", one.b, 6);
    }
    return std::move(out_);
  }

 private:
  void heading(std::string_view text) { ((out_ += '\n') += toned(text, Tone::bold, style_.colour)) += '\n'; }

  void paragraph(std::string_view label, std::string_view text, int indent, Tone tone = Tone::plain) {
    const auto lines = wrap(text, style_.width - indent - static_cast<int>(label.size()), 0);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string head = i == 0 ? std::string(label) : std::string(label.size(), ' ');
      out_ += std::string(static_cast<std::size_t>(indent), ' ') + toned(head + lines[i], tone, style_.colour) + '\n';
    }
  }

  const Comparison& comparison_;
  const TextStyle& style_;
  std::string out_;
};

using html::text;

void verdict_cell(std::string& out, const std::optional<Verdict>& verdict, const std::string& reason) {
  add(out, "<td>{}", verdict ? html::badge(word(*verdict)) : "not there");
  if (verdict && *verdict != Verdict::pass && !reason.empty()) add(out, " {}", text(reason, 600));
  out += "</td>";
}

void differing_checks(std::string& out, const Comparison& comparison) {
  add(out, "<section aria-labelledby=\"checks\">\n<h2 id=\"checks\">Checks</h2>\n<p>{}</p>\n", counted(comparison));
  if (!comparison.checks.empty()) {
    html::begin_table(out, "Checks whose verdict differs");
    out +=
        "<thead><tr><th scope=\"col\">Check</th><th scope=\"col\">A</th><th scope=\"col\">B</th></tr></thead><tbody>\n";
    for (const auto& one : comparison.checks) {
      add(out, "<tr><th scope=\"row\"><code>{}</code>{}</th>", text(one.id, 200), one.required ? "" : " optional");
      verdict_cell(out, one.a, one.reason_a);
      verdict_cell(out, one.b, one.reason_b);
      out += "</tr>\n";
    }
    html::end_table(out);
  }
  out += "</section>\n";
}

void differing_nodes(std::string& out, const Comparison& comparison) {
  if (comparison.node.empty()) return;
  out += "<section aria-labelledby=\"node\">\n<h2 id=\"node\">The nodes</h2>\n";
  html::begin_table(out, "What the nodes differ in");
  out += "<thead><tr><th scope=\"col\">What</th><th scope=\"col\">A</th><th scope=\"col\">B</th></tr></thead><tbody>\n";
  for (const auto& one : comparison.node)
    add(out, "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n", text(one.what, 300), text(one.a),
        text(one.b));
  html::end_table(out);
  out += "</section>\n";
}

}  // namespace

std::string render_text(const Comparison& comparison, const TextStyle& style) {
  return TextComparison(comparison, style).render();
}

std::string render_json(const Comparison& comparison) {
  JsonWriter out;
  described::write(out, comparison);
  return out.take();
}

std::string render_html(const Comparison& comparison) {
  std::string body = "<header class=\"banner\">\n<h1>Two reports compared</h1>\n";
  add(body, "<p><strong>A:</strong> {}</p>\n<p><strong>B:</strong> {}</p>\n</header>\n<main id=\"main\">\n",
      text(named(comparison.a), 600), text(named(comparison.b), 600));
  body += "<section aria-labelledby=\"implies\">\n<h2 id=\"implies\">What that implies</h2>\n<ul>\n";
  for (const auto& one : comparison.implies) add(body, "<li>{}</li>\n", text(one));
  body += "</ul>\n</section>\n";
  if (!comparison.diagnoses.empty())
    body += "<section aria-labelledby=\"diagnoses\">\n<h2 id=\"diagnoses\">Diagnoses that only one has</h2>\n";
  for (const auto& one : comparison.diagnoses)
    add(body,
        "<article class=\"card {}\">\n<h3>{}</h3>\n<p class=\"meta\">{} <span class=\"badge\">only in {}</span> "
        "<code>{}</code></p>\n"
        "<p>Who fixes it: {}</p>\n</article>\n",
        word(one.severity), text(one.title), html::badge(word(one.severity)), one.only_in == "a" ? "A" : "B",
        text(one.code, 200), text(fixer(one.owner)));
  if (!comparison.diagnoses.empty()) body += "</section>\n";
  differing_checks(body, comparison);
  differing_nodes(body, comparison);
  body += "</main>\n";
  return html::page({.title = "Two reports compared - vnetprobe", .verdict = word(comparison.a.verdict), .body = body});
}

}  // namespace vnetprobe
