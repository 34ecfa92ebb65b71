#include "reports/render/html.hpp"

#include "reports/json/report_json.hpp"
#include "reports/render/html/page.hpp"
#include "reports/render/html/sections.hpp"
#include "reports/render/observation_text.hpp"
#include "reports/render/words.hpp"

namespace vnetprobe {
namespace {

using namespace html;

constexpr std::size_t raw_at_most = 32U << 20;

void banner(std::string& out, const Report& report) {
  add(out, "<header class=\"banner\">\n<h1>{}</h1>\n", text(headline(report)));
  for (const auto& note : {incomplete(report), change_line(report), spool_line(report)})
    if (!note.empty()) add(out, "<p><strong>{}</strong></p>\n", text(note));
  add(out,
      "<p>{}</p>\n<p class=\"faint\">{}, took {}; report <code>{}</code>, vnetprobe {}</p>\n<ul class=\"counts\">\n",
      text(node_line(report)), moment(report.started_at), describe(report.duration), text(report.id, 60),
      text(report.agent.version, 60));
  const Summary& sum = report.summary;
  for (const auto& [name, count] : {std::pair{"fail", sum.fail},
                                    {"warn", sum.warn},
                                    {"inconclusive", sum.inconclusive},
                                    {"skip", sum.skip},
                                    {"pass", sum.pass}})
    if (count > 0) add(out, "<li class=\"badge {}\">{} {}</li>\n", name, count, name);
  out += "</ul>\n</header>\n";
}

void not_checked(std::string& out, const Report& report) {
  if (report.not_checked.empty()) return;
  out +=
      "<section aria-labelledby=\"not-checked\">\n<h2 id=\"not-checked\">Not checked, for want of a value</h2>\n<ul>\n";
  for (const auto& missing : report.not_checked) add(out, "<li>{}</li>\n", text(missing));
  out += "</ul>\n</section>\n";
}

void raw(std::string& out, const Report& report) {
  const auto json = render_json(report);
  out += "<section aria-labelledby=\"raw\">\n<h2 id=\"raw\">Raw report</h2>\n";
  if (json.size() > raw_at_most) {
    add(out, "<p>It has {} MB and is not repeated here; <code>--output json=report.json</code> keeps it.</p>\n",
        json.size() >> 20U);
  } else {
    add(out,
        "<details class=\"raw\"><summary>JSON, {} KB; <code>vnetprobe diagnose</code> reads it</summary>\n"
        "<pre tabindex=\"0\" aria-label=\"The report as JSON\">",
        json.size() / 1024 + 1);
    out += escaped(json, std::string_view::npos, Lines::kept);
    out += "</pre></details>\n";
  }
  out += "</section>\n";
}

}  // namespace

std::string render_html(const Report& report) {
  std::string body;
  banner(body, report);
  body += "<main id=\"main\">\n";
  diagnoses(body, report);
  waterfall(body, report);
  resolvers(body, report);
  paths(body, report);
  certificates(body, report);
  html::node(body, report);
  not_checked(body, report);
  raw(body, report);
  body +=
      "</main>\n<footer><p>A node cannot see network security groups, user-defined routes or firewall rules: where a "
      "diagnosis says likely or possible, ask the network's owner for the effective security rules and routes of this "
      "subnet, and for the firewall's log.</p></footer>\n";
  const auto& hostname = report.node.hostname;
  return page({.title = fmt::format("{}: {} - vnetprobe", word(report.verdict), hostname ? hostname->value : "a node"),
               .verdict = word(report.verdict),
               .body = body});
}

}  // namespace vnetprobe
