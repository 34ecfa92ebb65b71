#include <sys/random.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

// libstdc++'s std::random_device and c-ares, as Debian 12 built them, want these of glibc 2.36. The release file
// promises to run on 2.35 (Ubuntu 22.04), so it brings them along.
extern "C" std::uint32_t arc4random() {
  std::uint32_t value{};
  if (getrandom(&value, sizeof value, 0) != sizeof value) std::abort();
  return value;
}

extern "C" void arc4random_buf(void* into, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(into);
  while (size > 0) {
    const auto got = getrandom(bytes, size, 0);
    if (got <= 0) std::abort();
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
}
