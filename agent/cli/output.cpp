#include "agent/cli/output.hpp"

#include "reports/json/report_json.hpp"
#include "reports/render/comparison.hpp"
#include "reports/render/html.hpp"
#include "reports/render/junit.hpp"
#include "reports/render/markdown.hpp"
#include "reports/render/prometheus.hpp"
#include "reports/render/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

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

// Of the formats that the command line lets through.
std::string render(const Comparison& comparison, Format format, const TextStyle& style) {
  if (format == Format::html) return render_html(comparison);
  return format == Format::json ? render_json(comparison) : render_text(comparison, style);
}

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

Format format_of(const Output& output, const Presentation& presentation) {
  if (output.format) return *output.format;
  const auto by_extension = format_by_extension(output.path);
  return !presentation.format_given && by_extension ? *by_extension : presentation.format;
}

// A short write is tried on; a reader that went away (EPIPE) is no failure of ours.
bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string failed(const std::string& path) { return fmt::format("{}: {}", path, std::strerror(errno)); }

}  // namespace

std::string write_file(const std::string& wanted, const std::string& bytes) {
  if (wanted == "-") return write_all(STDOUT_FILENO, bytes) || errno == EPIPE ? "" : failed("stdout");
  namespace fs = std::filesystem;
  std::error_code problem;
  // Behind a symbolic link the file is replaced, not the link.
  const fs::path followed = fs::is_symlink(wanted, problem) ? fs::canonical(wanted, problem) : fs::path(wanted);
  const std::string path = followed.empty() ? wanted : followed.string();
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : fs::path(".");
  fs::create_directories(folder, problem);
  if (problem) return fmt::format("{}: {}", folder.string(), problem.message());
  // A device or a pipe (/dev/stdout) can be written to, never replaced.
  if (fs::exists(path, problem) && !fs::is_regular_file(path, problem)) {
    const int device = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (device < 0) return failed(path);
    const std::string message = write_all(device, bytes) ? "" : failed(path);
    ::close(device);
    return message;
  }
  std::string temporary = path + ".XXXXXX";
  const int file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) return failed(path);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const bool written = write_all(file, bytes) && ::fchmod(file, 0666 & ~mask) == 0 && ::fsync(file) == 0;
  std::string message = written ? "" : failed(path);
  if (::close(file) != 0 && written) message = failed(path);
  if (message.empty() && ::rename(temporary.c_str(), path.c_str()) != 0) message = failed(path);
  if (!message.empty()) {
    ::unlink(temporary.c_str());
    return message;
  }
  // The rename itself outlives a power cut only with its directory.
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return message;
}

namespace {

template <class Document>
std::string present_any(const Document& document, const Presentation& presentation) {
  bool to_stdout = true;
  std::string problem;
  for (const Output& output : presentation.outputs) {
    if (!output.format || output.path == "-") to_stdout = false;
    const auto bytes = render(document, format_of(output, presentation), style_for(-1, presentation));
    if (const auto message = write_file(output.path, bytes); !message.empty())
      problem += (problem.empty() ? "" : "; ") + message;
  }
  // What could not be kept is at least shown: nothing is lost.
  if (to_stdout || !problem.empty()) {
    const auto bytes = render(document, presentation.format, style_for(STDOUT_FILENO, presentation));
    if (!write_all(STDOUT_FILENO, bytes) && errno != EPIPE && problem.empty()) problem = failed("stdout");
  }
  return problem;
}

}  // namespace

std::string present(const Report& report, const Presentation& presentation) {
  return present_any(report, presentation);
}
std::string present(const Comparison& comparison, const Presentation& presentation) {
  return present_any(comparison, presentation);
}

}  // namespace vnetprobe
