#include "probes/dns.hpp"

#include "probes/dns_message.hpp"
#include "probes/icmp_queue.hpp"

#include <ares.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace vnetprobe {
namespace {

constexpr int class_in = 1, type_a = 1, type_aaaa = 28;

std::string error_words(int error) { return fmt::format("{}: {}", errno_name(error), std::strerror(error)); }

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINPROGRESS || error == EINTR;
}

// One question on one c-ares channel. c-ares builds the query, matches the answer and frames TCP; its sockets are ours
// (ares_set_socket_functions), because only at the system call are the errno and an answer that it discards to be seen.
// With one server, one try and one transport it has at most one socket at a time.
class Query {
 public:
  Query(asio::any_io_executor executor, asio::ip::address server, std::uint16_t port, DnsObservation& into)
      : executor_(std::move(executor)), server_(std::move(server)), port_(port), into_(into) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() {
    if (channel_) ares_destroy(channel_);
  }

  // True: c-ares is done with it. False: cancelled.
  asio::awaitable<bool> run();

  // Fills the observation from what was seen so far.
  void conclude();

 private:
  bool tcp() const { return into_.transport == DnsTransport::tcp; }
  bool open_channel();
  void ask();
  void take_answer_that_ares_discards();
  void note_error(int error);
  void keep_received(DnsMessage bytes);
  DnsMessage received_message() const;

  static void on_answer(void* self, int status, int timeouts, unsigned char* message, int length);
  static void on_state(void* self, ares_socket_t socket, int readable, int writable);
  static ares_socket_t open_socket(int domain, int type, int protocol, void* self);
  static int close_socket(ares_socket_t socket, void* self);
  static int connect_socket(ares_socket_t socket, const sockaddr* address, ares_socklen_t length, void* self);
  static ares_ssize_t receive(ares_socket_t socket, void* buffer, size_t size, int flags, sockaddr* from,
                              ares_socklen_t* from_length, void* self);
  static ares_ssize_t send(ares_socket_t socket, const iovec* parts, int count, void* self);

  asio::any_io_executor executor_;
  asio::ip::address server_;
  std::uint16_t port_;
  DnsObservation& into_;
  ares_channel channel_{};
  std::optional<asio::posix::stream_descriptor> socket_;
  bool wants_write_{};
  bool finished_{};
  int status_{ARES_SUCCESS};
  int error_{};
  std::optional<IcmpError> icmp_;
  bool closed_by_peer_{};
  std::vector<unsigned char> id_;        // of the query sent
  std::vector<unsigned char> answer_;    // accepted
  std::vector<unsigned char> received_;  // UDP: the last datagram with the query's id; TCP: all bytes so far, bounded
};

bool Query::open_channel() {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) {
    status_ = library;
    return false;
  }
  // Nothing of the node's own configuration may leak in: no resolv.conf, no search domains, no hosts file, no
  // RES_OPTIONS.
  static char no_file[] = "/dev/null";
  static char dns_only[] = "b";
  ares_options options{};
  // Without EDNS, as the libc asks: an answer over 512 bytes shows here as it shows to programs. NOCHECKRESP hands
  // SERVFAIL and REFUSED over as the answers that they are; IGNTC leaves truncation to be seen.
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP | ARES_FLAG_IGNTC |
                  (tcp() ? ARES_FLAG_USEVC : 0);
  options.timeout = 3'600'000;  // ours is the limit given to within(); c-ares never gets to look at its own
  options.tries = 1;
  options.lookups = dns_only;
  options.resolvconf_path = no_file;
  options.sock_state_cb = on_state;
  options.sock_state_cb_data = this;
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS |
             ARES_OPT_RESOLVCONF | ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
  mask |= ARES_OPT_QUERY_CACHE;  // of 0 seconds
#endif
  status_ = ares_init_options(&channel_, &options, mask);
  if (status_ != ARES_SUCCESS) {
    channel_ = nullptr;
    return false;
  }
  static const ares_socket_functions functions{open_socket, close_socket, connect_socket, receive, send};
  ares_set_socket_functions(channel_, &functions, this);
  auto plain = server_;
  if (plain.is_v6())
    plain = asio::ip::address_v6(plain.to_v6().to_bytes());  // c-ares 1.18 reads no zone; connect_socket has it
  status_ = ares_set_servers_ports_csv(channel_, to_string(Endpoint{plain.to_string(), port_}).c_str());
  return status_ == ARES_SUCCESS;
}

void Query::ask() {
  ares_query(channel_, into_.name.c_str(), class_in, into_.question == "AAAA" ? type_aaaa : type_a, on_answer, this);
}

asio::awaitable<bool> Query::run() {
  if (!open_channel()) co_return true;
  ask();
  while (!finished_ && socket_) {
    const auto event =
        wants_write_ ? asio::posix::stream_descriptor::wait_write : asio::posix::stream_descriptor::wait_read;
    boost::system::error_code error;
    co_await socket_->async_wait(event, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    const auto ready = static_cast<ares_socket_t>(socket_->native_handle());
    ares_process_fd(channel_, wants_write_ ? ARES_SOCKET_BAD : ready, wants_write_ ? ready : ARES_SOCKET_BAD);
    take_answer_that_ares_discards();
  }
  co_return true;
}

// Newer versions of c-ares drop an answer that they cannot decode and wait on. It has our id and our question: it is
// the answer.
void Query::take_answer_that_ares_discards() {
  if (finished_) return;
  const auto message = received_message();
  if (!answers_question(message, into_.name, into_.question)) return;
  answer_.assign(message.begin(), message.end());
  finished_ = true;
}

void Query::conclude() {
  if (answer_.empty()) {
    // Only an answer to another question under our id is left here: c-ares waits on, and so did we, for a better one.
    const auto message = received_message();
    answer_.assign(message.begin(), message.end());
  }
  // What c-ares handed over may be the head of a longer datagram.
  const bool is_head =
      !tcp() && answer_.size() < received_.size() && std::equal(answer_.begin(), answer_.end(), received_.begin());
  if (!answer_.empty()) return read_answer(is_head ? received_ : answer_, into_);
  if (error_ != 0) {
    into_.error = DnsFailure::unreachable;
    into_.detail = error_words(error_);
    if (icmp_)
      *into_.detail += fmt::format(" (ICMP type {} code {} from {})", icmp_->type, icmp_->code, icmp_->offender);
  } else if (closed_by_peer_) {
    into_.error = DnsFailure::unreachable;
    into_.detail = "the server closed the connection without an answer";
  } else if (!finished_ && status_ == ARES_SUCCESS) {
    into_.error = DnsFailure::timed_out;
  } else {
    into_.error = DnsFailure::malformed;
    into_.detail = fmt::format("c-ares: {}", ares_strerror(status_));
  }
}

// Keeps errno as it is: c-ares reads it next.
void Query::note_error(int error) {
  if (would_block(error)) return;
  error_ = error;
  if (socket_ && !icmp_) icmp_ = take_icmp_error(socket_->native_handle());
  errno = error;
}

void Query::keep_received(DnsMessage bytes) {
  constexpr std::size_t most = 2 + 65535;
  if (tcp()) {
    const auto room = most - received_.size();
    received_.insert(received_.end(), bytes.begin(),
                     bytes.begin() + static_cast<std::ptrdiff_t>(std::min(room, bytes.size())));
  } else if (id_.size() == 2 && bytes.size() >= 2 && std::equal(id_.begin(), id_.end(), bytes.begin())) {
    received_.assign(bytes.begin(), bytes.end());
  }
}

// A whole message under the query's id, else nothing.
DnsMessage Query::received_message() const {
  const DnsMessage bytes(received_);
  if (!tcp()) return bytes;
  if (bytes.size() < 4) return {};
  const std::size_t length = (static_cast<std::size_t>(bytes[0]) << 8U) | bytes[1];
  const bool ours = id_.size() == 2 && std::equal(id_.begin(), id_.end(), bytes.begin() + 2);
  return ours && bytes.size() >= 2 + length ? bytes.subspan(2, length) : DnsMessage{};
}

void Query::on_answer(void* self, int status, int, unsigned char* message, int length) {
  auto& query = *static_cast<Query*>(self);
  query.finished_ = true;
  query.status_ = status;
  if (message && length > 0) query.answer_.assign(message, message + length);
}

void Query::on_state(void* self, ares_socket_t, int, int writable) {
  static_cast<Query*>(self)->wants_write_ = writable != 0;
}

ares_socket_t Query::open_socket(int domain, int type, int protocol, void* self) {
  auto& query = *static_cast<Query*>(self);
  const int fd = ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) {
    query.note_error(errno);
    return ARES_SOCKET_BAD;
  }
  // Else the kernel keeps "host unreachable" and its kin from a UDP socket (ip(7)) and they would look like silence.
  queue_icmp_errors(fd, domain == AF_INET6);
  query.socket_.emplace(query.executor_, fd);
  return fd;
}

int Query::close_socket(ares_socket_t, void* self) {
  static_cast<Query*>(self)->socket_.reset();
  return 0;
}

int Query::connect_socket(ares_socket_t socket, const sockaddr*, ares_socklen_t, void* self) {
  auto& query = *static_cast<Query*>(self);
  const asio::ip::udp::endpoint server(query.server_, query.port_);
  const int result = ::connect(socket, server.data(), static_cast<socklen_t>(server.size()));
  if (result < 0) query.note_error(errno);
  return result;
}

ares_ssize_t Query::receive(ares_socket_t socket, void* buffer, size_t size, int flags, sockaddr* from,
                            ares_socklen_t* from_length, void* self) {
  auto& query = *static_cast<Query*>(self);
  // c-ares' buffer is too small for the longest datagram, and the kernel would drop the rest: read it all, hand on what
  // fits.
  static thread_local std::array<unsigned char, 65536> whole;
  const auto count = ::recvfrom(socket, whole.data(), query.tcp() ? std::min(size, whole.size()) : whole.size(), flags,
                                from, from_length);
  if (count < 0) query.note_error(errno);
  if (count == 0 && query.tcp()) query.closed_by_peer_ = true;
  if (count <= 0) return count;
  const auto length = static_cast<std::size_t>(count);
  query.keep_received({whole.data(), length});
  std::memcpy(buffer, whole.data(), std::min(length, size));
  return static_cast<ares_ssize_t>(std::min(length, size));
}

ares_ssize_t Query::send(ares_socket_t socket, const iovec* parts, int count, void* self) {
  auto& query = *static_cast<Query*>(self);
  if (query.id_.empty()) {
    std::vector<unsigned char> head;
    for (int n = 0; n < count && head.size() < 4; ++n) {
      const auto* bytes = static_cast<const unsigned char*>(parts[n].iov_base);
      head.insert(head.end(), bytes, bytes + parts[n].iov_len);
    }
    const std::size_t at = query.tcp() ? 2 : 0;
    if (head.size() >= at + 2) query.id_ = {head[at], head[at + 1]};
  }
  const auto sent = ::writev(socket, parts, count);
  if (sent < 0) query.note_error(errno);
  return sent;
}

}  // namespace

asio::awaitable<DnsObservation> observe_dns(std::string name, DnsType type, Endpoint server, DnsTransport transport,
                                            std::chrono::milliseconds limit) {
  if (name.ends_with('.')) name.pop_back();
  DnsObservation seen{.name = std::move(name), .via = DnsVia::server, .server = server, .transport = transport};
  seen.question = type == DnsType::aaaa ? "AAAA" : "A";
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(server.address, not_an_address);
  if (not_an_address) {
    seen.error = DnsFailure::no_resolver;
    if (!server.address.empty()) seen.detail = fmt::format("'{}' is not an IP address", server.address);
    co_return seen;
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto started = Clock::now();
  Query query(executor, address, server.port == 0 ? std::uint16_t{53} : server.port, seen);
  co_await within(limit, query.run());
  seen.duration = since(started);
  query.conclude();
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (seen.error == DnsFailure::timed_out && cancellation.cancelled() != asio::cancellation_type::none)
    seen.detail = "stopped from outside before the limit";
  co_return seen;
}

}  // namespace vnetprobe
