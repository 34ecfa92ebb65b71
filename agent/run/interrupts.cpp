#include "agent/run/interrupts.hpp"

#include <csignal>
#include <initializer_list>

namespace vnetprobe {
namespace {

volatile std::sig_atomic_t noted = 0;
int alive = 0;  // commands nest: the demo's holds that of its run

void note(int) { noted = 1; }

void handle_with(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

}  // namespace

Interrupts::Interrupts() {
  if (alive++ == 0) noted = 0;
  renew();
}

Interrupts::~Interrupts() {
  if (--alive == 0) handle_with(SIG_DFL);
}

void Interrupts::renew() {
  if (!came()) handle_with(note);
}

bool Interrupts::came() { return noted != 0; }

}  // namespace vnetprobe
