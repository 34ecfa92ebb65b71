#pragma once

#include "agent/catalogue/catalogue.hpp"

// Templates of a catalogue: texts with {placeholders}, some of which stand for a cloud's own values.
namespace vnetprobe {

using CloudValues = std::map<std::string, std::string>;

// Values may be made of other values, this deep.
inline constexpr int values_nested_at_most = 8;

// A value that cannot be put together, and why: "a cycle: a -> b -> a".
struct BrokenValue {
  std::string name;
  std::string why;
};
// The first one in the order of names. Linear in the size of the values.
std::optional<BrokenValue> broken_value(const CloudValues& values);

}  // namespace vnetprobe
