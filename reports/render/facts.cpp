#include "reports/render/facts.hpp"

#include "reports/json/described.hpp"
#include "reports/render/observation_text.hpp"
#include "reports/render/unicode.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace vnetprobe {
namespace {

using namespace described;

class Lister {
 public:
  explicit Lister(std::size_t limit) : limit_(limit) {}

  template <class T>
  void list(const std::string& key, const T& value) {
    if constexpr (is_optional<T>) {
      if (value) list(key, *value);
    } else if constexpr (std::is_same_v<T, bool>) {
      if (value) line(key, "yes");
    } else if constexpr (std::is_enum_v<T>) {
      line(key, enum_name(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
      if (value != T{}) line(key, fmt::to_string(value));
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!value.empty()) line(key, value);
    } else if constexpr (is_duration<T>) {
      line(key, fmt::format("{} ms", std::chrono::duration<double, std::milli>(value).count()));
    } else if constexpr (is_time_point<T>) {
      line(key, fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", value));
    } else if constexpr (is_vector<T>) {
      for (std::size_t i = 0; i < value.size(); ++i) list(fmt::format("{}[{}]", key, i), value[i]);
    } else if constexpr (std::is_same_v<T, Endpoint>) {
      if (!value.address.empty()) line(key, to_string(value));
    } else if constexpr (std::is_same_v<T, HttpHeader>) {
      line(key, value.name + ": " + value.value);
    } else {
      boost::mp11::mp_for_each<members<T>>([&](auto member) {
        list(key.empty() ? std::string(member.name) : key + "." + member.name, value.*member.pointer);
      });
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void line(const std::string& key, std::string_view value) {
    ((out_ += key) += ": ") += visible(value, limit_);
    out_ += '\n';
  }

  std::size_t limit_;
  std::string out_;
};

}  // namespace

std::string facts_of(const Observation& observation, std::size_t limit) {
  Lister lister(limit);
  std::visit([&](const auto& layer) { lister.list("", layer); }, observation.seen);
  return lister.take();
}

}  // namespace vnetprobe
