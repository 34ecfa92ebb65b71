#include "probes/host/host.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>

namespace vnetprobe {

HostObservation observe_disks(const std::vector<std::string>& paths) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::disk};
  for (const auto& path : paths) {
    struct statvfs disk {};
    if (::statvfs(path.c_str(), &disk) != 0) {
      // The other paths are still worth knowing; the first failure is told.
      if (!seen.error) {
        seen.error = errno == ENOENT || errno == ENOTDIR ? HostFailure::not_found : HostFailure::not_readable;
        seen.detail = printable(path + ": " + std::strerror(errno));
      }
      continue;
    }
    seen.disks.push_back({.path = path,
                          .bytes_total = std::uint64_t{disk.f_frsize} * disk.f_blocks,
                          .bytes_available = std::uint64_t{disk.f_frsize} * disk.f_bavail,
                          .inodes_total = disk.f_files,
                          .inodes_available = disk.f_favail});
  }
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
