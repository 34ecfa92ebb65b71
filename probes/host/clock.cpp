#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <sys/timex.h>

#include <cerrno>
#include <cstring>

namespace vnetprobe {

HostObservation observe_clock(const std::filesystem::path& root) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::clock};
  ClockFacts clock;
  clock.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  clock.source = printable(
      trimmed(
          lines_of(read_file(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource").text + "\n")[0]
              .text),
      64);
  timex state{};  // modes 0: only reads, which needs no privilege
  if (::adjtimex(&state) < 0) {
    seen.error = HostFailure::not_readable;
    seen.detail = std::string("adjtimex: ") + std::strerror(errno);
  } else {
    clock.synchronised = (state.status & STA_UNSYNC) == 0;
    clock.maximum_error = std::chrono::microseconds(state.maxerror);
  }
  seen.clock = std::move(clock);
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
