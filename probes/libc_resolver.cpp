#include "probes/dns.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>

#ifdef __SANITIZE_THREAD__
// glibc keeps its parsed resolv.conf in a table under a lock of its own kind, which ThreadSanitizer cannot see.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:__libc_dynarray_emplace_enlarge\n"; }
#endif

namespace vnetprobe {
namespace {

struct LibcAnswer {
  int code{};          // EAI_*
  int system_error{};  // errno of EAI_SYSTEM
  std::chrono::microseconds took{};
  std::vector<std::string> addresses;
  std::string canonical_name;
};

// What the coroutine and the thread share. The thread touches nothing else: an abandoned lookup may end long after the
// coroutine, its io_context and main itself are gone.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  Lookup(std::string name, bool with_search) : name_(std::move(name)), with_search_(with_search) {}

  const std::string& name() const { return name_; }
  bool with_search() const { return with_search_; }

  // `answered` is a timer of the coroutine, cancelled on its event loop when the answer is there.
  void wake_through(asio::steady_timer& answered) { answered_ = &answered; }

  // False: nobody waits any more.
  bool start() {
    const std::scoped_lock lock(mutex_);
    started_ = true;
    return answered_ != nullptr;
  }

  void finish(LibcAnswer answer) {
    const std::scoped_lock lock(mutex_);
    if (!answered_) return;
    answer_ = std::move(answer);
    // As long as nobody abandons it, which waits for the lock, the event loop is there to take this.
    asio::post(answered_->get_executor(), [lookup = shared_from_this()] { lookup->wake(); });
  }

  void abandon() {
    const std::scoped_lock lock(mutex_);
    answered_ = nullptr;
  }

  std::optional<LibcAnswer> answer() const {
    const std::scoped_lock lock(mutex_);
    return answer_;
  }

  bool started() const {
    const std::scoped_lock lock(mutex_);
    return started_;
  }

 private:
  void wake() {
    const std::scoped_lock lock(mutex_);
    if (answered_) answered_->cancel();
  }

  const std::string name_;
  const bool with_search_;
  mutable std::mutex mutex_;
  asio::steady_timer* answered_{};
  bool started_{};
  std::optional<LibcAnswer> answer_;
};

// Abandons the lookup on every way out of the coroutine, before its timer goes.
class Waiting {
 public:
  explicit Waiting(std::shared_ptr<Lookup> lookup) : lookup_(std::move(lookup)) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { lookup_->abandon(); }

 private:
  std::shared_ptr<Lookup> lookup_;
};

std::string numeric(const addrinfo& entry) {
  std::array<char, NI_MAXHOST> text{};
  const int error =
      ::getnameinfo(entry.ai_addr, entry.ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return error == 0 ? text.data() : "";
}

constexpr unsigned long search_options = RES_DEFNAMES | RES_DNSRCH;

// The name must be absolute, and the hosts file must count. A trailing dot gives only the first: glibc's `files` source
// compares whole strings, so "a.example." does not match the line "10.0.0.1 a.example". Without the dot, `dns` appends
// the search list once the name itself is NXDOMAIN, and a wildcard there answers for a name that does not exist. So the
// dot stays off and the search is turned off in this thread's own resolver state (`_res` is per thread, resolver(3)).
// What glibc 2.36 was seen to need: res_init() first, which also reads resolv.conf anew, since its lazy initialisation
// would overwrite the options; and RES_NORELOAD, since in a thread's second lookup the options no longer differ from
// what res_init() left, and glibc then takes them as its own to reload.
void turn_search_list_off() {
  if (::res_init() != 0) return;
  _res.options &= ~search_options;
  _res.options |= RES_NORELOAD;
}

// The search list again, for one lookup of this thread.
class SearchListOn {
 public:
  explicit SearchListOn(bool on) : on_(on) {
    if (on_) _res.options |= search_options;
  }
  SearchListOn(const SearchListOn&) = delete;
  SearchListOn& operator=(const SearchListOn&) = delete;
  ~SearchListOn() {
    if (on_) _res.options &= ~search_options;
  }

 private:
  bool on_;
};

LibcAnswer look_up(const std::string& name, bool with_search) {
  const SearchListOn search(with_search);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  LibcAnswer answer;
  const auto started = Clock::now();
  answer.code = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  answer.system_error = errno;
  answer.took = since(started);
  if (answer.code != 0) return answer;
  constexpr std::size_t addresses_kept = 256;
  if (found->ai_canonname) answer.canonical_name = printable(found->ai_canonname);
  for (const auto* entry = found; entry && answer.addresses.size() < addresses_kept; entry = entry->ai_next) {
    auto address = numeric(*entry);
    if (!address.empty() &&
        std::find(answer.addresses.begin(), answer.addresses.end(), address) == answer.addresses.end())
      answer.addresses.push_back(std::move(address));
  }
  ::freeaddrinfo(found);
  return answer;
}

// At most so many getaddrinfo at once; what comes on top waits its turn. A dead resolver holds a thread for 10 s and
// more, and each thread costs its stack and two sockets. A thread that has nothing to do stays a moment: the next
// lookup then needs neither a new one nor to read resolv.conf again, and the next run has a fresh look.
class LibcThreads {
 public:
  static constexpr int most = 64;

  // Never destroyed: threads may still use it while the process ends.
  static LibcThreads& instance() {
    static auto* const threads = new LibcThreads;
    return *threads;
  }

  // 0, or the errno that kept any thread from being made.
  int submit(std::shared_ptr<Lookup> lookup) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(lookup));
    if (idle_ >= waiting_.size()) {
      wake_.notify_one();
      return 0;
    }
    if (running_ == most) return 0;
    const int error = start_thread();
    if (error == 0) ++running_;
    if (error == 0 || running_ > 0) return 0;
    waiting_.pop_back();
    return error;
  }

 private:
  static int start_thread() {
    constexpr std::size_t stack = 256 * 1024;  // getaddrinfo with glibc's own sources stays under 100 KiB
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    ::pthread_attr_setstacksize(&attributes, stack);
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the main thread's
    pthread_t thread;
    const int error = ::pthread_create(&thread, &attributes, work, nullptr);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&attributes);
    return error;
  }

  static void* work(void*) {
    auto& threads = instance();
    turn_search_list_off();
    while (const auto lookup = threads.next())
      if (lookup->start()) lookup->finish(look_up(lookup->name(), lookup->with_search()));
    return nullptr;
  }

  // Null: nothing waits; the thread must end.
  std::shared_ptr<Lookup> next() {
    std::unique_lock lock(mutex_);
    ++idle_;
    wake_.wait_for(lock, linger, [&] { return !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) {
      --running_;
      return nullptr;
    }
    auto lookup = std::move(waiting_.front());
    waiting_.pop_front();
    return lookup;
  }

  static constexpr std::chrono::milliseconds linger{100};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Lookup>> waiting_;
  std::size_t idle_{};
  int running_{};
};

std::string_view code_name(int code) {
  switch (code) {
    case EAI_AGAIN:
      return "EAI_AGAIN";
    case EAI_FAIL:
      return "EAI_FAIL";
    case EAI_NONAME:
      return "EAI_NONAME";
    case EAI_NODATA:
      return "EAI_NODATA";
    case EAI_ADDRFAMILY:
      return "EAI_ADDRFAMILY";
    case EAI_MEMORY:
      return "EAI_MEMORY";
    case EAI_SYSTEM:
      return "EAI_SYSTEM";
    case EAI_IDN_ENCODE:
      return "EAI_IDN_ENCODE";
    default:
      return "EAI";
  }
}

void conclude(LibcAnswer answer, DnsObservation& seen) {
  seen.duration = answer.took;
  seen.addresses = std::move(answer.addresses);
  if (!answer.canonical_name.empty() && lower_case(answer.canonical_name) != lower_case(seen.name))
    seen.canonical_name = std::move(answer.canonical_name);
  if (answer.code == 0) return;
  seen.detail =
      fmt::format("{}: {}", code_name(answer.code),
                  answer.code == EAI_SYSTEM ? std::strerror(answer.system_error) : ::gai_strerror(answer.code));
  // The name is there without an address: not a failure. EAI_AGAIN is silence, SERVFAIL, REFUSED or no server at all;
  // the libc does not say which.
  if (answer.code == EAI_NODATA || answer.code == EAI_ADDRFAMILY) return;
  seen.error = answer.code == EAI_NONAME ? DnsFailure::nxdomain : DnsFailure::libc_error;
}

// True once there is an answer, or whoever cancels the coroutine has cancelled the timer.
asio::awaitable<bool> woken(const Lookup& lookup, asio::steady_timer& answered) {
  if (lookup.answer()) co_return true;
  boost::system::error_code cancelled;
  co_await answered.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  co_return cancelled.failed();
}

}  // namespace

asio::awaitable<DnsObservation> observe_libc(std::string name, std::chrono::milliseconds limit, bool with_search) {
  if (name.ends_with('.')) name.pop_back();
  DnsObservation seen{.name = std::move(name), .via = DnsVia::libc, .question = "A+AAAA"};
  if (with_search) seen.with_search = true;
  seen.hosts_lines = hosts_lines_for(seen.name);
  const auto executor = co_await asio::this_coro::executor;
  const auto started = Clock::now();
  asio::steady_timer answered(executor, Clock::time_point::max());
  const auto lookup = std::make_shared<Lookup>(seen.name, with_search);
  lookup->wake_through(answered);
  const Waiting waiting(lookup);
  if (const int error = LibcThreads::instance().submit(lookup); error != 0) {
    seen.error = DnsFailure::libc_error;
    seen.detail = fmt::format("no lookup could be started: {}", std::strerror(error));
    co_return seen;
  }
  co_await within(limit, woken(*lookup, answered));
  seen.duration = since(started);
  auto answer = lookup->answer();
  if (answer) {
    conclude(std::move(*answer), seen);
    co_return seen;
  }
  seen.error = DnsFailure::timed_out;
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (!lookup->started())
    seen.detail = fmt::format("never asked: {} other lookups were still waiting for the resolver", LibcThreads::most);
  else if (cancellation.cancelled() != asio::cancellation_type::none)
    seen.detail = "stopped from outside before the limit";
  co_return seen;
}

}  // namespace vnetprobe
