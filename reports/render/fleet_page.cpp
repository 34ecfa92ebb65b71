#include "reports/render/fleet.hpp"
#include "reports/render/html/page.hpp"
#include "reports/render/words.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

using html::text;

constexpr struct { std::size_t names = 50, rows = 200, columns = 60, nodes = 2000, skipped = 500; } page_room;

// The nodes' names, the first of them at once and the rest a click away.
void names(std::string& out, const std::vector<std::string>& all) {
  add(out, "{}", text(some_of(all, page_room.names), 20'000));
  if (all.size() <= page_room.names) return;
  add(out, "<details><summary>All {}</summary><p>{}</p></details>", all.size(),
      text(some_of(all, all.size()), 1U << 20));
}

void diagnoses(std::string& out, const Fleet& fleet) {
  if (fleet.diagnoses.empty()) return;
  out += "<section aria-labelledby=\"causes\">\n<h2 id=\"causes\">What is wrong</h2>\n";
  for (const auto& one : fleet.diagnoses) {
    add(out,
        "<article class=\"card {}\">\n<h3>{}</h3>\n<p class=\"meta\">{} <code>{}</code> on <strong>{} of "
        "{}</strong></p>\n<dl class=\"who\"><dt>Who fixes it</dt><dd>{}</dd>\n<dt>Nodes</dt><dd>",
        word(one.severity), text(one.title), html::badge(word(one.severity)), text(one.code, 200), one.nodes.size(),
        count_of(fleet.nodes.size(), "node"), text(fixer(one.owner)));
    names(out, one.nodes);
    out += "</dd></dl>\n";
    if (!one.common.empty()) out += "<ul>\n";
    for (const auto& common : one.common) add(out, "<li>{}</li>\n", text(in_words(common, one.nodes.size())));
    if (!one.common.empty()) out += "</ul>\n";
    out += "</article>\n";
  }
  out += "</section>\n";
}

std::string_view verdict_word(char letter) {
  for (const auto& [known, name] :
       {std::pair{'p', "pass"}, {'w', "warn"}, {'f', "fail"}, {'s', "skip"}, {'i', "inconclusive"}})
    if (letter == known) return name;
  return "";
}

void matrix(std::string& out, const Fleet& fleet) {
  const auto matrix = matrix_of(fleet, page_room.columns);
  out += "<section aria-labelledby=\"checks\">\n<h2 id=\"checks\">Checks by node</h2>\n";
  if (matrix.checks.empty()) {
    add(out, "<p>{} passed, or did not apply, on every node.</p>\n</section>\n",
        count_of(fleet.checks.size(), "check"));
    return;
  }
  out += "<p>Nodes whose checks ended alike share a row; checks that passed everywhere are left out.</p>\n";
  html::begin_table(out, "Checks that did not pass on every node");
  out += "<thead><tr><th scope=\"col\">Nodes</th>";
  for (const auto& check : matrix.checks) add(out, "<th scope=\"col\"><code>{}</code></th>", text(check, 200));
  out += "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < std::min(matrix.rows.size(), page_room.rows); ++i) {
    const auto& row = matrix.rows[i];
    add(out, "<tr><th scope=\"row\">{}: {}</th>", row.nodes.size(), text(some_of(row.nodes, 3), 400));
    for (const char verdict : row.verdicts) {
      const auto name = verdict_word(verdict);
      add(out, "<td>{}</td>", name.empty() ? std::string() : html::badge(name));
    }
    out += "</tr>\n";
  }
  html::end_table(out);
  if (matrix.rows.size() > page_room.rows)
    add(out, "<p>{} more rows are in the JSON.</p>\n", matrix.rows.size() - page_room.rows);
  if (matrix.checks_left_out > 0) add(out, "<p>{} more checks are in the JSON.</p>\n", matrix.checks_left_out);
  out += "</section>\n";
}

void nodes(std::string& out, const Fleet& fleet) {
  out += "<section aria-labelledby=\"nodes\">\n<h2 id=\"nodes\">Nodes</h2>\n";
  html::begin_table(out, "Nodes");
  out +=
      "<thead><tr><th scope=\"col\">Node</th><th scope=\"col\">Verdict</th><th scope=\"col\">Report of</th><th "
      "scope=\"col\">Causes</th><th scope=\"col\">File</th></tr></thead><tbody>\n";
  std::vector<const FleetNode*> all;
  for (const auto& node : fleet.nodes) all.push_back(&node);
  // What is wrong comes first, by its place in the enumeration from the end.
  std::ranges::stable_sort(all, [](const FleetNode* one, const FleetNode* other) {
    const auto rank = [](OverallVerdict verdict) {
      return verdict == OverallVerdict::unhealthy      ? 0
             : verdict == OverallVerdict::inconclusive ? 1
             : verdict == OverallVerdict::degraded     ? 2
                                                       : 3;
    };
    return rank(one->verdict) < rank(other->verdict);
  });
  for (std::size_t i = 0; i < std::min(all.size(), page_room.nodes); ++i) {
    const auto& node = *all[i];
    add(out, "<tr><th scope=\"row\">{}</th><td>{}{}</td><td>{}{}</td><td>", text(node.name, 300),
        html::badge(word(node.verdict)), node.complete ? "" : " not complete", text(node.started_at, 40),
        node.older_reports > 0 ? fmt::format(" ({} older)", node.older_reports) : "");
    for (const auto& code : node.codes) add(out, "<code>{}</code> ", text(code, 200));
    add(out, "</td><td>{}</td></tr>\n", text(node.file, 300));
  }
  html::end_table(out);
  if (all.size() > page_room.nodes) add(out, "<p>{} more nodes are in the JSON.</p>\n", all.size() - page_room.nodes);
  out += "</section>\n";
}

void skipped(std::string& out, const Fleet& fleet) {
  if (fleet.skipped.empty()) return;
  add(out, "<section aria-labelledby=\"skipped\">\n<h2 id=\"skipped\">{} left out</h2>\n<ul>\n",
      count_of(fleet.skipped.size(), "file"));
  for (std::size_t i = 0; i < std::min(fleet.skipped.size(), page_room.skipped); ++i)
    add(out, "<li><code>{}</code>: {}</li>\n", text(fleet.skipped[i].file, 300), text(fleet.skipped[i].error, 600));
  out += "</ul>\n</section>\n";
}

}  // namespace

std::string render_html(const Fleet& fleet) {
  std::string body;
  add(body, "<header class=\"banner\">\n<h1>{}</h1>\n</header>\n<main id=\"main\">\n", text(headline(fleet)));
  diagnoses(body, fleet);
  matrix(body, fleet);
  nodes(body, fleet);
  skipped(body, fleet);
  body += "</main>\n";
  return html::page({.title = headline(fleet), .verdict = word(verdict_of(fleet)), .body = body});
}

}  // namespace vnetprobe
