#include "agent/run/ulid.hpp"

#include <algorithm>
#include <random>

namespace vnetprobe {

std::string make_ulid(std::chrono::sys_time<std::chrono::milliseconds> when,
                      const std::array<std::uint8_t, 10>& random) {
  constexpr const char* digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::array<std::uint8_t, 16> bytes{};
  const auto time = static_cast<std::uint64_t>(when.time_since_epoch().count());
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(time >> (40 - 8 * i));
  std::copy(random.begin(), random.end(), bytes.begin() + 6);
  // 26 digits of five bits each: the 128 bits with two zero bits before them.
  std::string text;
  for (int digit = 0; digit < 26; ++digit) {
    unsigned value = 0;
    for (int bit = digit * 5 - 2; bit < digit * 5 + 3; ++bit) {
      const auto index = static_cast<std::size_t>(bit / 8);
      const bool set = bit >= 0 && (bytes[index] >> (7 - bit % 8)) & 1;
      value = value << 1 | (set ? 1U : 0U);
    }
    text.push_back(digits[value]);
  }
  return text;
}

std::string make_ulid() {
  std::random_device device;
  std::array<std::uint8_t, 10> random{};
  std::ranges::generate(random, [&] { return static_cast<std::uint8_t>(device()); });
  return make_ulid(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()), random);
}

}  // namespace vnetprobe
