#pragma once

#include <boost/json/value.hpp>

#include <string_view>

namespace vnetprobe {

// Of somebody else's document: null where there is no such member or no object.
inline const boost::json::value* member(const boost::json::value* value, std::string_view name) {
  const auto* object = value ? value->if_object() : nullptr;
  return object ? object->if_contains(name) : nullptr;
}
inline const boost::json::value* member(const boost::json::value& value, std::string_view name) {
  return member(&value, name);
}

}  // namespace vnetprobe
