#include "agent/run/without_secrets.hpp"

#include "probes/http_facts.hpp"
#include "reports/bundle/redact.hpp"

#include <boost/describe.hpp>

#include <concepts>
#include <type_traits>

namespace vnetprobe {
namespace {

// Every text of a value, however deep it lies.
class Texts {
 public:
  explicit Texts(bundle::Redactor& redactor) : redactor_(redactor) {}

  void clean(std::string& text) const {
    constexpr std::size_t shortest = 8;  // "a=secret": less is no secret with its name
    if (text.size() >= shortest) text = std::move(redactor_.redact(text).text);
  }
  template <class T>
  void clean(std::optional<T>& maybe) const {
    if (maybe) clean(*maybe);
  }
  template <class T>
  void clean(std::vector<T>& all) const {
    for (auto& one : all) clean(one);
  }
  template <class T>
  requires boost::describe::has_describe_members<T>::value void clean(T& value) const {
    using Members = boost::describe::describe_members<T, boost::describe::mod_any_access>;
    boost::mp11::mp_for_each<Members>([&](auto member) { clean(value.*member.pointer); });
  }
  template <class T>
  requires(!boost::describe::has_describe_members<T>::value) void clean(T&) const {
  }  // a number, a time, a word of a fixed list

 private:
  bundle::Redactor& redactor_;
};

}  // namespace

void take_secrets_out(std::vector<Check>& checks) {
  bundle::Redactor redactor;
  const Texts texts(redactor);
  for (auto& check : checks) {
    check.target.url = redacted_url(check.target.url);
    texts.clean(check.target.url);
    for (auto& observation : check.observations) std::visit([&](auto& seen) { texts.clean(seen); }, observation.seen);
  }
}

}  // namespace vnetprobe
