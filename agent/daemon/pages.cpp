#include "agent/daemon/pages.hpp"

#include "agent/daemon/probe_request.hpp"
#include "reports/json/report_json.hpp"
#include "reports/render/html.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

namespace vnetprobe {
namespace {

constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view index = R"(vnetprobe daemon

/report         the last report, as a page (JSON for who accepts nothing else)
/report.json    the same for programs
/metrics        for Prometheus
/probe          ?target=NAME_OR_URL&module=tcp|http|websocket: one target, now
/healthz        whether the daemon does its work
)";
constexpr int probes_at_most = 4;

// This process as Prometheus' own client libraries describe it.
void add_process(DaemonFigures& figures) {
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    long size{}, resident{};
    if (std::fscanf(file, "%ld %ld", &size, &resident) == 2)
      figures.resident_bytes = static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    std::fclose(file);
  }
  std::error_code gone;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", gone), end; !gone && entry != end;
       entry.increment(gone))
    ++figures.descriptors;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  for (const auto& time : {used.ru_utime, used.ru_stime})
    figures.cpu_seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

Page plain(int status, std::string text) { return {.status = status, .body = std::move(text)}; }

Page no_report() { return plain(503, "there is no report yet\n"); }

class PageServer {
 public:
  explicit PageServer(PageSource& source) : source_(source) {}

  asio::awaitable<Page> answer(PageRequest request) {
    if (request.path == "/probe") {
      auto page = co_await probe(std::move(request));
      co_return page;
    }
    co_return known(request);
  }

 private:
  Page known(const PageRequest& request) const {
    const std::string& path = request.path;
    if (path == "/") return plain(200, fmt::format("{}\n{}\n", index, source_.status()));
    if (path == health_path) return source_.stale() ? plain(503, "stale\n") : plain(200, "ok\n");
    if (path == "/metrics") return metrics();
    if (path == "/report.json" || (path == "/report" && request.wants_json))
      return saved("application/json; charset=utf-8");
    if (path == "/report") return report_page();
    return plain(404, "there is no such page; / names them\n");
  }

  Page metrics() const {
    auto figures = source_.figures();
    add_process(figures);
    Page page{.type = std::string(metrics_type), .body = render_daemon_metrics(figures, VNETPROBE_VERSION)};
    if (source_.record()) page.body += source_.record()->metrics;
    return page;
  }

  Page saved(std::string type) const {
    auto text = source_.report();
    return text ? Page{.type = std::move(type), .body = std::move(*text)} : no_report();
  }

  Page report_page() const {
    const auto text = source_.report();
    if (!text) return no_report();
    const auto read = read_report(*text);
    if (!read.report) return plain(500, fmt::format("the saved report cannot be read: {}\n", read.error));
    return {.type = "text/html; charset=utf-8", .body = render_html(*read.report)};
  }

  asio::awaitable<Page> probe(PageRequest request) {
    static const std::vector<std::string> none;
    const auto wanted = read_probe_request(request, {.targets = source_.configuration().settings.targets,
                                                     .check_ids = source_.record() ? source_.record()->check_ids : none,
                                                     .any_target = source_.configuration().any_target});
    if (wanted.refusal != 0) co_return plain(wanted.refusal, wanted.why);
    if (under_way_ >= probes_at_most) co_return plain(503, "other probes are under way; try again\n");
    ++under_way_;
    const struct Leaving {
      int& count;
      ~Leaving() { --count; }
    } leaving{under_way_};
    auto ending = co_await source_.run_child(wanted.arguments, std::chrono::minutes(2));
    if (ending.status != 0 && ending.status != 1)
      co_return plain(500, fmt::format("the probe gave no report: {}\n",
                                       ending.problem.empty() ? "the journal says why" : ending.problem));
    const auto read = read_report(ending.output);
    if (!read.report) co_return plain(500, "the probe's report cannot be read\n");
    Page page{.type = std::string(metrics_type), .body = render_probe_metrics(*read.report)};
    co_return page;
  }

  PageSource& source_;
  int under_way_{};
};

asio::awaitable<Page> answer_by(std::shared_ptr<PageServer> server, PageRequest request) {
  auto page = co_await server->answer(std::move(request));
  co_return page;
}

}  // namespace

Pages make_pages(PageSource& source) {
  auto server = std::make_shared<PageServer>(source);
  return [server](PageRequest request) { return answer_by(server, std::move(request)); };
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace vnetprobe
