#pragma once

namespace vnetprobe {

// As long as one lives, the first SIGINT or SIGTERM between the event loops (which take signals themselves) is noted
// and ends nothing: Ctrl-C ends a run with its report whenever it comes. A second one ends the process.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // After an event loop that took them: it leaves the default behind.
  void renew();
  static bool came();
};

}  // namespace vnetprobe
