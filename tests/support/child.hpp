#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace vnetprobe::test {

// A peer as a child process, ended with the object. Its standard output and error go to one pipe, to wait for a line
// in.
class Child {
 public:
  explicit Child(std::vector<std::string> command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::dup2(ends[1], 1);
      ::dup2(ends[1], 2);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(output_);
  }

  // Reads until `text` shows up. False: the child ended or 20 s passed.
  bool says(const std::string& text) {
    while (said_.find(text) == std::string::npos)
      if (!read_some(20'000)) return false;
    return true;
  }

  // The exit status once its output has ended; -1: by a signal.
  int wait() {
    while (read_some(60'000)) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const std::string& said() const { return said_; }
  pid_t pid() const { return pid_; }

 private:
  bool read_some(int milliseconds) {
    pollfd waiting{output_, POLLIN, 0};
    if (::poll(&waiting, 1, milliseconds) != 1) return false;
    char buffer[4096];
    const auto count = ::read(output_, buffer, sizeof buffer);
    if (count <= 0) return false;
    said_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  pid_t pid_{-1};
  int output_{-1};
  std::string said_;
};

// A loopback port that is free for UDP and TCP right now.
inline std::uint16_t free_port() {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
              tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const bool free = ::bind(tcp, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                      ::getsockname(tcp, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
                      ::bind(udp, reinterpret_cast<sockaddr*>(&address), length) == 0;
    ::close(udp);
    ::close(tcp);
    if (free) return ntohs(address.sin_port);
  }
  throw std::runtime_error("no free port");
}

// Returns once somebody accepts connections on a loopback port; for peers that do not say so, or say so too early.
inline void wait_for_listener(std::uint16_t port) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool open = ::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(client);
    if (open) return;
    ::usleep(10'000);
  }
  throw std::runtime_error("nobody listens on port " + std::to_string(port));
}

// A directory of its own, removed with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vnetprobe-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

  // Makes the directories on the way; `name` may begin with '/' and still lies below.
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const auto file = path_ / std::filesystem::path(name).relative_path();
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace vnetprobe::test
