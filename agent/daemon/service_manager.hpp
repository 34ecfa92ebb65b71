#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace vnetprobe {

// systemd's readiness protocol (sd_notify(3)): datagrams to the socket that $NOTIFY_SOCKET names. Without one every
// call does nothing. libsystemd would be the one library that a node must have for it.
class ServiceManager {
 public:
  // Takes the variables out of the environment, so that no child speaks for this process.
  static ServiceManager from_environment();

  void ready(std::string_view status) const;
  void status(std::string_view status) const;
  void reloading() const;
  void stopping() const;
  void alive() const;

  // Half of what the watchdog allows; absent: nobody watches.
  std::optional<std::chrono::milliseconds> alive_every() const { return alive_every_; }

 private:
  void send(const std::string& text) const;

  std::string socket_;
  std::optional<std::chrono::milliseconds> alive_every_;
};

}  // namespace vnetprobe
