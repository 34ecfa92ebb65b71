#include "probes/tls.hpp"

#include "probes/text.hpp"
#include "probes/tls_certificates.hpp"
#include "probes/tls_state.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

namespace vnetprobe {
namespace {

bool is_address(const std::string& name) {
  boost::system::error_code bad;
  asio::ip::make_address(name, bad);
  return !bad;
}

std::string alpn_wire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const auto& protocol : protocols) wire += static_cast<char>(protocol.size()) + protocol;
  return wire;
}

// RFC 8446 section 6 name, as OpenSSL spells it, in lower case with underscores.
std::string alert_name(int description) {
  std::string name = SSL_alert_desc_string_long(description);
  for (char& c : name)
    if (c == ' ') c = '_';
  return lower_case(name);
}

TlsFailure classify(const boost::system::error_code& error, const HandshakeRecord& record) {
  if (record.alert >= 0) return TlsFailure::alert;
  // Cut off from outside, or given up by the kernel: the peer did nothing.
  if (error == asio::error::operation_aborted || error == asio::error::timed_out) return TlsFailure::timed_out;
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe) return TlsFailure::reset;
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) return TlsFailure::closed;
  if (error.category() == asio::error::get_ssl_category()) {
    // OpenSSL 3 reports an EOF in the middle of a handshake as a protocol error of its own.
    if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
      return TlsFailure::closed;
    return TlsFailure::protocol;
  }
  return error.category() == boost::system::system_category() ? TlsFailure::reset : TlsFailure::protocol;
}

void read_session(SSL* ssl, TlsObservation& seen) {
  seen.version = SSL_get_version(ssl);
  seen.cipher = SSL_get_cipher_name(ssl);
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  if (size > 0) seen.alpn = printable({reinterpret_cast<const char*>(protocol), size}, 32);
}

bool name_matches(SSL* ssl, const std::string& name) {
  const std::unique_ptr<X509, decltype(&X509_free)> leaf(SSL_get1_peer_certificate(ssl), X509_free);
  if (!leaf) return false;
  if (is_address(name)) return X509_check_ip_asc(leaf.get(), name.c_str(), 0) == 1;
  return X509_check_host(leaf.get(), name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

// The chain first, the name second: a wrong name on a chain that does not verify is the smaller news.
void read_verification(SSL* ssl, ChainVerdict verdict, const TlsRequest& request, TlsObservation& seen) {
  seen.verify_code = verdict.code;
  seen.verify_depth = verdict.depth;
  seen.trust_anchor = verdict.trust_anchor;
  seen.anchor_subject = std::move(verdict.anchor_subject);
  seen.publicly_trusted = verdict.publicly_trusted;
  if (seen.verify_code == X509_V_OK && !name_matches(ssl, request.server_name)) {
    seen.verify_code = is_address(request.server_name) ? X509_V_ERR_IP_ADDRESS_MISMATCH : X509_V_ERR_HOSTNAME_MISMATCH;
    seen.verify_depth = 0;
  }
  seen.verified = seen.verify_code == X509_V_OK;
  if (seen.verified) return;
  seen.verify_error = X509_verify_cert_error_string(seen.verify_code);
  seen.error = TlsFailure::unverified;
}

asio::awaitable<boost::system::error_code> handshake(TlsStream& stream) {
  boost::system::error_code error;
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

}  // namespace

asio::awaitable<TlsResult> open_tls(asio::ip::tcp::socket socket, TlsContext& context, TlsRequest request,
                                    std::chrono::milliseconds limit) {
  TlsResult result;
  TlsObservation& seen = result.seen;
  boost::system::error_code gone;
  const auto remote = socket.remote_endpoint(gone);
  if (!gone) seen.remote = {.address = remote.address().to_string(), .port = remote.port()};
  if (request.server_name.ends_with('.'))
    request.server_name.pop_back();  // absolute in DNS, unknown to SNI and certificates
  // An address is never sent as SNI (RFC 6066 section 3).
  if (!is_address(request.server_name) && request.send_name) seen.sni = request.server_name;

  HandshakeRecord record;
  auto stream = std::make_unique<TlsStream>(std::move(socket), context.context());
  SSL* ssl = stream->native_handle();
  SSL_set_ex_data(ssl, handshake_record_index(), &record);
  if (!seen.sni.empty()) SSL_set_tlsext_host_name(ssl, seen.sni.c_str());
  if (request.only_tls12) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    seen.offered_at_most = "TLSv1.2";
  }
  const std::string protocols = alpn_wire(request.alpn);
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                      static_cast<unsigned>(protocols.size()));

  const auto started = Clock::now();
  const auto ended = co_await within(limit, handshake(*stream));
  seen.duration = since(started);
  // The record lives in this frame; the stream may live on.
  SSL_set_ex_data(ssl, handshake_record_index(), nullptr);
  seen.server_hello_received = record.server_spoke;
  seen.client_certificate_requested = record.client_certificate_requested;
  if (record.alert >= 0) seen.alert_received = alert_name(record.alert);
  if (record.server_spoke) describe_chain(ssl, context.state().certificates, seen);
  if (!ended) {
    seen.error = TlsFailure::timed_out;
  } else if (*ended) {
    seen.error = classify(*ended, record);
    seen.detail = printable(ended->message(), 200);
  } else {
    read_session(ssl, seen);
    read_verification(ssl, std::move(record.verdict), request, seen);
    result.stream = std::move(stream);
  }
  co_return result;
}

}  // namespace vnetprobe
