#include "agent/cli/output.hpp"

#include "reports/json/report_json.hpp"
#include "reports/render/comparison.hpp"
#include "reports/render/fleet.hpp"
#include "reports/render/html.hpp"
#include "reports/render/junit.hpp"
#include "reports/render/markdown.hpp"
#include "reports/render/prometheus.hpp"
#include "reports/render/text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace vnetprobe {
namespace {

constexpr int widest = 120, narrowest = 60;

TextStyle style_for(int descriptor, const Presentation& presentation) {
  TextStyle style{.verbose = presentation.verbose, .quiet = presentation.quiet};
  if (descriptor < 0 || isatty(descriptor) == 0) return style;
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  style.colour =
      !presentation.no_color && (!no_color || !*no_color) && !(terminal && std::string_view(terminal) == "dumb");
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    style.width = std::clamp<int>(size.ws_col, narrowest, widest);
  return style;
}

std::string render(const Report& report, Format format, const TextStyle& style) {
  switch (format) {
    case Format::text:
      return render_text(report, style);
    case Format::json:
      return render_json(report);
    case Format::html:
      return render_html(report);
    case Format::junit:
      return render_junit(report);
    case Format::markdown:
      return render_markdown(report);
    case Format::prometheus:
      return render_prometheus(report);
  }
  return "";
}

// A comparison or a fleet, in one of the formats that the command line lets through.
template <class Content>
std::string render(const Content& content, Format format, const TextStyle& style) {
  if (format == Format::html) return render_html(content);
  return format == Format::json ? render_json(content) : render_text(content, style);
}

Format format_of(const Output& output, const Presentation& presentation) {
  if (output.format) return *output.format;
  const auto by_extension = format_by_extension(output.path);
  return !presentation.format_given && by_extension ? *by_extension : presentation.format;
}

// The JSON of ten thousand checks is 50 MB: it is written as it is made.
Document document_of(const Report& report, Format format, const TextStyle& style) {
  return [&report, format, style](const TakePiece& take) {
    if (format == Format::json)
      write_json(report, take);
    else
      take(render(report, format, style));
  };
}

template <class Content>
Document document_of(const Content& content, Format format, const TextStyle& style) {
  return [&content, format, style](const TakePiece& take) { take(render(content, format, style)); };
}

template <class Content>
std::string present_any(const Content& content, const Presentation& presentation) {
  bool to_stdout = true;
  std::string problems;
  const auto note = [&](const std::string& problem) {
    if (!problem.empty()) problems += (problems.empty() ? "" : "; ") + problem;
  };
  for (const Output& output : presentation.outputs) {
    if (!output.format || output.path == "-") to_stdout = false;
    note(write_file(output.path, document_of(content, format_of(output, presentation), style_for(-1, presentation))));
  }
  // What could not be kept is at least shown: nothing is lost.
  if (to_stdout || !problems.empty())
    note(write_file("-", document_of(content, presentation.format, style_for(STDOUT_FILENO, presentation))));
  return problems;
}

}  // namespace

std::optional<Format> format_by_extension(std::string_view path) {
  for (const auto& [extension, format] : {std::pair{".json", Format::json},
                                          {".html", Format::html},
                                          {".htm", Format::html},
                                          {".xml", Format::junit},
                                          {".md", Format::markdown},
                                          {".prom", Format::prometheus},
                                          {".txt", Format::text}})
    if (path.ends_with(extension)) return format;
  return std::nullopt;
}

std::string present(const Report& report, const Presentation& presentation) {
  return present_any(report, presentation);
}
std::string present(const Comparison& comparison, const Presentation& presentation) {
  return present_any(comparison, presentation);
}
std::string present(const Fleet& fleet, const Presentation& presentation) { return present_any(fleet, presentation); }

}  // namespace vnetprobe
