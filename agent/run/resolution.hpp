#pragma once

#include "agent/run/equipment.hpp"
#include "probes/observation.hpp"

#include <map>
#include <memory>
#include <string>

namespace vnetprobe {

// What a name resolved to, and every question asked for it.
struct Resolution {
  std::vector<Observation> observations;
  std::vector<std::string> addresses;  // to connect to: the C library's, else the first server's that answered
};

// Resolves names for a whole run. Each name is asked once however many checks need it: through the C library, and from
// each resolver by itself (A and AAAA over UDP), all at the same time. An IP literal resolves to itself with no
// observation.
class Names {
 public:
  explicit Names(const Equipment& equipment);
  // Says that one more `resolve` of this host will come. The last one announced gets the observations themselves, and
  // who comes after it the addresses alone; a host that was never announced is kept whole.
  void announce(const std::string& host) { ++announced_[host]; }
  asio::awaitable<Resolution> resolve(std::string host);
  // For an experiment, which needs no second copy of the evidence.
  asio::awaitable<std::vector<std::string>> addresses(std::string host);

 private:
  struct Entry;
  asio::awaitable<std::shared_ptr<Entry>> resolved(std::string host);
  asio::awaitable<void> ask(std::string host, Resolution& into);

  const Equipment& equipment_;
  std::map<std::string, int> announced_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

// The hosts file and the C library first, since programs use them; a server's answer where the library was not asked or
// did not answer in time. Exposed for its tests.
std::vector<std::string> addresses_to_use(const std::vector<Observation>& observations);

}  // namespace vnetprobe
