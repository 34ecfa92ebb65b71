#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace vnetprobe::test {

// A network namespace without a name: the kernel removes it, its links and its rules with the last descriptor, even
// when the test program dies. Needs root; tests ask available() first.
class NetworkNamespace {
 public:
  NetworkNamespace() {
    std::thread([this] {
      if (::unshare(CLONE_NEWNET) == 0) descriptor_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    }).join();
    if (descriptor_ < 0) throw std::runtime_error("no network namespace: root is needed");
    shell("ip link set lo up");
  }
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;
  ~NetworkNamespace() { ::close(descriptor_); }

  static bool available() { return ::geteuid() == 0 && std::system("command -v nsenter ip nft >/dev/null 2>&1") == 0; }

  // For `ip link ... netns PATH` and `nsenter --net=PATH`.
  std::string path() const { return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_); }

  // Runs a shell script inside; throws when it fails.
  void shell(const std::string& script) const {
    const auto words = command({"sh", "-e", "-c", script});
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) throw std::runtime_error("failed inside the namespace: " + script);
  }

  // A command line that runs inside, for Child.
  std::vector<std::string> command(std::vector<std::string> words) const {
    words.insert(words.begin(), {"nsenter", "--net=" + path(), "--"});
    return words;
  }

  // Calls `work` on a thread that lives inside, and returns its result. Sockets that it opens stay inside for good.
  template <class Work>
  auto inside(Work work) const {
    decltype(work()) result{};
    std::exception_ptr thrown;
    std::thread([&] {
      try {
        if (::setns(descriptor_, CLONE_NEWNET) != 0) throw std::runtime_error("setns");
        result = work();
      } catch (...) {
        thrown = std::current_exception();
      }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
    return result;
  }

 private:
  int descriptor_{-1};
};

// client 10.7.0.2, fd07::2 - (10.7.0.1, fd07::1) router (10.8.0.1, fd08::1) - server 10.8.0.2, fd08::2. Interfaces:
// eth0 in client and server, `left` and `right` in the router. ICMP errors are not rate limited.
class RoutedNetwork {
 public:
  NetworkNamespace client, router, server;

  RoutedNetwork() {
    for (const auto* each : {&client, &router, &server})
      each->shell(
          "cd /proc/sys/net; echo 0 >ipv6/conf/default/accept_dad; echo 0 >ipv4/icmp_ratelimit; echo 0 "
          ">ipv6/icmp/ratelimit");
    link(client, "10.7.0", "fd07", "left");
    link(server, "10.8.0", "fd08", "right");
    router.shell("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
  }

  // Makes `rule` the only one in the router's forward chain, for both families.
  void router_rule(const std::string& rule) const { only_rule(router, "forward", rule); }
  // The same in the client's output chain.
  void client_rule(const std::string& rule) const { only_rule(client, "output", rule); }

 private:
  void link(const NetworkNamespace& host, const std::string& v4, const std::string& v6, const std::string& name) const {
    router.shell("ip link add " + name + " type veth peer name eth0 netns " + host.path() + "; ip link set " + name +
                 " up; ip addr add " + v4 + ".1/24 dev " + name + "; ip addr add " + v6 + "::1/64 nodad dev " + name);
    host.shell("ip link set eth0 up; ip addr add " + v4 + ".2/24 dev eth0; ip addr add " + v6 +
               "::2/64 nodad dev eth0; ip route add default via " + v4 + ".1; ip -6 route add default via " + v6 +
               "::1");
  }

  static void only_rule(const NetworkNamespace& where, const std::string& hook, const std::string& rule) {
    where.shell("nft flush ruleset; nft add table inet t; nft add chain inet t c '{ type filter hook " + hook +
                " priority 0; }'; nft add rule inet t c '" + rule + "'");
  }
};

}  // namespace vnetprobe::test
