#include "reports/render/facts.hpp"
#include "reports/render/html/page.hpp"
#include "reports/render/html/sections.hpp"
#include "reports/render/observation_text.hpp"
#include "reports/render/words.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe::html {
namespace {

using Microseconds = std::chrono::microseconds;

struct Bar {
  std::string_view layer;
  Microseconds from{}, length{};
  bool failed{}, followed{};
};

// A report holds durations, not starts: layers follow each other, and questions of one layer are asked side by side.
std::vector<Bar> bars_of(const Check& check) {
  std::vector<Bar> bars;
  Microseconds start{}, end{};
  const Observation* before = nullptr;
  for (const auto& observation : check.observations) {
    const bool beside = before && layer_of(before->seen) == layer_of(observation.seen) &&
                        before->follow_up.has_value() == observation.follow_up.has_value();
    if (!beside) start = end;
    const auto length = std::max(duration_of(observation.seen), Microseconds(0));
    bars.push_back({.layer = layer_of(observation.seen),
                    .from = start,
                    .length = length,
                    // Where the check passed, silence was the answer that was hoped for.
                    .failed = !is_ok(observation.seen) && check.verdict != Verdict::pass,
                    .followed = observation.follow_up.has_value()});
    end = std::max(end, start + length);
    before = &observation;
  }
  return bars;
}

Microseconds end_of(const std::vector<Bar>& bars) {
  Microseconds end{};
  for (const auto& bar : bars) end = std::max(end, bar.from + bar.length);
  return end;
}

constexpr double width = 1000;

void draw(std::string& out, const std::vector<Bar>& bars, Microseconds slowest) {
  out +=
      "<svg class=\"bars\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\" "
      "focusable=\"false\">";
  const double scale = slowest.count() > 0 ? width / static_cast<double>(slowest.count()) : 0;
  for (const auto& bar : bars)
    add(out, "<rect class=\"{}{}{}\" x=\"{:.1f}\" width=\"{:.1f}\" height=\"10\"/>", bar.layer,
        bar.failed ? " failed" : "", bar.followed ? " followed" : "", static_cast<double>(bar.from.count()) * scale,
        std::max(static_cast<double>(bar.length.count()) * scale, 2.0));
  out += "</svg>";
}

std::string target_of(const Target& target) {
  if (!target.url.empty()) return target.url;
  if (target.host.empty()) return "";
  return fmt::format("{}{}{}", target.protocol.empty() ? "" : target.protocol + " ", target.host,
                     target.port ? fmt::format(":{}", target.port) : "");
}

void inside(std::string& out, const Check& check, const Report& report) {
  out += "<div class=\"inside\">\n";
  add(out, "<p><strong>{}</strong>{} {}</p>\n", text(check.title), check.title.empty() ? "" : ":", text(check.reason));
  for (const auto* diagnosis : diagnoses_of(check, report))
    add(out, "<p>Explained by <code>{}</code>: {}</p>\n", text(diagnosis->code, 200), text(diagnosis->title));
  if (!check.why.empty()) add(out, "<p class=\"faint\">Why it is checked: {}</p>\n", text(check.why));
  if (const auto target = target_of(check.target); !target.empty())
    add(out, "<p class=\"faint\">Target: <code>{}</code>{}{}</p>\n", text(target),
        check.target.service_tag ? ", service tag " + text(*check.target.service_tag, 100) : "",
        check.proxy ? ", through the proxy " + text(*check.proxy, 200) : "");
  if (!check.observations.empty()) {
    out += "<ol>\n";
    for (const auto& observation : check.observations)
      add(out, "<li><code>{}</code>\n<pre class=\"facts\" tabindex=\"0\">{}</pre></li>\n", text(describe(observation)),
          escaped(facts_of(observation), std::string_view::npos, Lines::kept));
    out += "</ol>\n";
  }
  out += "</div>\n";
}

void legend(std::string& out, Microseconds slowest) {
  out += "<ul class=\"legend\">\n";
  for (const auto& [layer, meaning] : {std::pair{"dns", "DNS"},
                                       {"tcp", "TCP, UDP"},
                                       {"tls", "TLS"},
                                       {"http", "HTTP, IMDS"},
                                       {"websocket", "WebSocket, proxy"},
                                       {"host", "the node, the path"},
                                       {"failed", "failed"},
                                       {"host followed", "paler: a further question"}})
    add(out,
        "<li><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\" focusable=\"false\"><rect class=\"{}\" width=\"10\" "
        "height=\"10\"/></svg>{}</li>\n",
        layer, meaning);
  out += "</ul>\n";
  out +=
      "<div class=\"tools\" hidden><label>Filter <input type=\"search\" placeholder=\"storage, fail, ...\"></label>"
      "<label><input type=\"checkbox\"> only what did not pass</label></div>\n";
  add(out,
      "<div class=\"scale\" aria-hidden=\"true\"><span "
      "class=\"ticks\"><span>0</span><span>{}</span><span>{}</span></span></div>\n",
      describe(slowest / 2), describe(slowest));
}

}  // namespace

void waterfall(std::string& out, const Report& report) {
  if (report.checks.empty()) return;
  std::vector<std::vector<Bar>> all;
  Microseconds slowest{};
  for (const auto& check : report.checks) {
    all.push_back(bars_of(check));
    slowest = std::max({slowest, end_of(all.back()), check.duration});
  }
  add(out, "<section aria-labelledby=\"checks\">\n<h2 id=\"checks\">Every check ({})</h2>\n", report.checks.size());
  legend(out, slowest);
  for (std::size_t i = 0; i < report.checks.size(); ++i) {
    const Check& check = report.checks[i];
    add(out,
        "<details class=\"check{}\" id=\"check-{}\"><summary "
        "class=\"row\"><span>{}</span><span><code>{}</code>{}</span>",
        is_open(check) ? "" : " passed", i, badge(word(check.verdict)), text(check.id, 200),
        check.required ? "" : " <span class=\"faint\">optional</span>");
    if (all[i].empty())
      out += "<span class=\"bars\"></span><span class=\"took\">-</span>";
    else {
      draw(out, all[i], slowest);
      add(out, "<span class=\"took\">{}</span>", describe(std::max(check.duration, end_of(all[i]))));
    }
    if (is_open(check)) add(out, "<span class=\"reason\">{}</span>", text(check.reason, 600));
    out += "</summary>\n";
    inside(out, check, report);
    out += "</details>\n";
  }
  out += "</section>\n";
}

}  // namespace vnetprobe::html
