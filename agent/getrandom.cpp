#include <sys/random.h>

#include <cstdint>
#include <cstdlib>

// libstdc++'s std::random_device, as Debian 12 built it, wants arc4random() of glibc 2.36. The release file promises to
// run on 2.35 (Ubuntu 22.04), so it brings the function along.
extern "C" std::uint32_t arc4random() {
  std::uint32_t value{};
  if (getrandom(&value, sizeof value, 0) != sizeof value) std::abort();
  return value;
}
