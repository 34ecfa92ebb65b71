#include "reports/render/html/page.hpp"
#include "reports/render/html/sections.hpp"
#include "reports/render/words.hpp"

namespace vnetprobe::html {
namespace {

void row(std::string& out, const Check& check, const PathObservation& path) {
  add(out, "<tr><th scope=\"row\">{}{}</th><td><code>{}</code></td><td>{}{}</td><td><ol>",
      text(to_string(path.remote), 100), path.instead_of ? " instead of " + text(*path.instead_of, 100) : "",
      text(check.id, 200), path.packet == PathPacket::syn ? "SYN" : "ClientHello",
      path.name.empty() ? "" : " for " + text(path.name, 260));
  for (const auto& hop : path.hops)
    add(out, "<li value=\"{}\">{}{}</li>", hop.ttl, hop.address ? "<code>" + text(*hop.address, 100) + "</code> " : "",
        phrase(hop.reply));
  add(out, "</ol></td><td>{}</td></tr>\n",
      path.reached_at ? fmt::format("at TTL {}", *path.reached_at) : std::string("<strong>not reached</strong>"));
}

}  // namespace

void paths(std::string& out, const Report& report) {
  std::string rows;
  for (const auto& check : report.checks)
    for (const auto& observation : check.observations)
      if (const auto* path = std::get_if<PathObservation>(&observation.seen)) row(rows, check, *path);
  if (rows.empty()) return;
  out +=
      "<section aria-labelledby=\"paths\">\n<h2 id=\"paths\">The path, hop by hop</h2>\n<p>One packet for every TTL: "
      "who says that it "
      "died there, and from where on something answers.</p>\n";
  begin_table(out, "The path, hop by hop");
  out +=
      "<thead><tr><th scope=\"col\">To</th><th scope=\"col\">Check</th><th scope=\"col\">Packet</th><th "
      "scope=\"col\">Hops</th><th "
      "scope=\"col\">Reached</th></tr></thead><tbody>\n";
  out += rows;
  end_table(out);
  out += "</section>\n";
}

}  // namespace vnetprobe::html
