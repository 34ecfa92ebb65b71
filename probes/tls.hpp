#pragma once

#include "probes/connection.hpp"
#include "probes/observation/tls.hpp"

#include <string>
#include <vector>

namespace vnetprobe {

class PublicRoots;

// The one TLS client context of a run: trust stores read once, TLS 1.2 or newer, no session resumption.
// Verification never stops a handshake; the result and which store held the root are read afterwards.
class TlsContext {
 public:
  struct Options {
    std::vector<std::string> ca_files;  // PEM, in addition to the system's store
    std::string system_store;           // file or directory; empty: SSL_CERT_FILE, SSL_CERT_DIR, else the usual places
    // What counts as publicly trusted; empty: the list that the binary carries.
    std::shared_ptr<const PublicRoots> public_roots;
  };
  // Fails (returns the message, naming the file and what to do) only when a ca_file cannot be read or has no
  // certificate.
  static std::variant<TlsContext, std::string> make(const Options& options);

  asio::ssl::context& context();
  ~TlsContext();
  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;

  struct State;
  State& state();

 private:
  explicit TlsContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct TlsRequest {
  std::string server_name;  // SNI and the name to verify
  std::vector<std::string> alpn = {"http/1.1"};
  bool send_name{true};  // false: an experiment without SNI
  bool only_tls12{};     // an experiment that offers nothing newer
};

struct TlsResult {
  TlsObservation seen;
  std::unique_ptr<TlsStream> stream;  // present when the handshake ended, verified or not
};

// TLS handshake over an open connection, with SNI always.
asio::awaitable<TlsResult> open_tls(asio::ip::tcp::socket socket, TlsContext& context, TlsRequest request,
                                    std::chrono::milliseconds limit);

}  // namespace vnetprobe
