#include "probes/tls_state.hpp"

#include "probes/digest.hpp"
#include "probes/lazy_store.hpp"
#include "probes/tls_certificates.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace vnetprobe {
namespace {

// Where distributions keep the system's store; the first that exists is used.
constexpr std::array store_files{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                 "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"};
constexpr std::array store_folders{"/etc/ssl/certs", "/etc/pki/tls/certs"};

std::string digests_of(const STACK_OF(X509) * chain) {
  std::string digests;
  for (int i = 0; i < sk_X509_num(chain); ++i) digests += sha256_of(sk_X509_value(chain, i));
  return digests;
}

bool lacks_issuer(int code) {
  return code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN || code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

// Whose root a verified chain ends at, and whether the chain would do without this node's stores.
void add_trust(X509_STORE_CTX* context, const TlsContext::State& state, ChainVerdict& verdict) {
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(context);
  if (lacks_issuer(verdict.code)) verdict.publicly_trusted = state.publicly_trusted().verifies(sent);
  STACK_OF(X509)* verified = X509_STORE_CTX_get0_chain(context);
  const int count = verified ? sk_X509_num(verified) : 0;
  if (verdict.code != X509_V_OK || count == 0) return;
  X509* anchor = sk_X509_value(verified, count - 1);
  const bool of_user = state.user_anchors.contains(sha256_of(anchor));
  verdict.trust_anchor = of_user ? TrustAnchor::user_file : TrustAnchor::system_store;
  verdict.anchor_subject = printable_name(X509_get_subject_name(anchor));
  // A root may be signed by another that the list has: then the chain is followed once more.
  const PublicRoots& everyone = state.publicly_trusted();
  if (!of_user) verdict.publicly_trusted = everyone.contains(anchor) || everyone.verifies(sent);
}

HandshakeRecord* record_of(const SSL* ssl) {
  return static_cast<HandshakeRecord*>(SSL_get_ex_data(ssl, handshake_record_index()));
}

HandshakeRecord* record_of(X509_STORE_CTX* context) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return ssl ? record_of(ssl) : nullptr;
}

// Keeps the first error and lets the handshake go on: what follows is evidence too.
int on_verify(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  auto* record = record_of(context);
  if (record && record->verdict.code == X509_V_OK) {
    record->verdict.code = X509_STORE_CTX_get_error(context);
    record->verdict.depth = X509_STORE_CTX_get_error_depth(context);
  }
  return 1;
}

// In place of OpenSSL's own verification, which it calls for a chain that is new.
int on_chain(X509_STORE_CTX* context, void* of_context) {
  auto& state = *static_cast<TlsContext::State*>(of_context);
  auto* record = record_of(context);
  if (!record) return X509_verify_cert(context);
  record->verdict = state.verdicts.of(digests_of(X509_STORE_CTX_get0_untrusted(context)), [&] {
    X509_verify_cert(context);
    add_trust(context, state, record->verdict);
    return record->verdict;
  });
  X509_STORE_CTX_set_error(context, record->verdict.code);
  return 1;
}

int on_client_certificate(SSL* ssl, X509**, EVP_PKEY**) {
  if (auto* record = record_of(ssl)) record->client_certificate_requested = true;
  return 0;  // none: this agent has no identity
}

void on_message(int from_us, int, int type, const void* bytes, std::size_t size, SSL* ssl, void*) {
  auto* record = record_of(ssl);
  if (!record || from_us) return;
  if (type == SSL3_RT_HANDSHAKE) record->server_spoke = true;
  constexpr unsigned char fatal = 2;
  const auto* alert = static_cast<const unsigned char*>(bytes);
  if (type == SSL3_RT_ALERT && size >= 2 && alert[0] == fatal) record->alert = alert[1];
}

// A bundle of all roots in the world has 300 KiB; /dev/zero has no end.
constexpr std::size_t ca_file_at_most = 16U << 20;

// The whole file, or what is wrong with it.
struct CaFileText {
  std::string text, problem;
};

CaFileText read_ca_file(const std::string& path) {
  const std::unique_ptr<FILE, decltype(&std::fclose)> file(std::fopen(path.c_str(), "re"), std::fclose);
  CaFileText read;
  std::array<char, 65536> block{};
  for (std::size_t count = 1; file && count > 0 && read.text.size() <= ca_file_at_most;) {
    count = std::fread(block.data(), 1, block.size(), file.get());
    read.text.append(block.data(), count);
  }
  if (!file || std::ferror(file.get()) != 0)
    read.problem = fmt::format("{}: {}; --ca-file and tls.ca_files name PEM files", path, std::strerror(errno));
  else if (read.text.size() > ca_file_at_most)
    read.problem = fmt::format("{}: larger than {} MiB, which no CA file is", path, ca_file_at_most >> 20U);
  return read;
}

// Adds every certificate of a PEM file to the store, and its fingerprint to the user's. Returns the problem, empty when
// fine.
std::string add_user_file(const std::string& path, X509_STORE* store, std::set<std::string>& anchors) {
  const CaFileText file = read_ca_file(path);
  if (!file.problem.empty()) return file.problem;
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(
      BIO_new_mem_buf(file.text.data(), static_cast<int>(file.text.size())), BIO_free);
  int count = 0;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509_AUX(pem.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store, certificate);
    anchors.insert(sha256_of(certificate));
    X509_free(certificate);
    ++count;
  }
  // The end of the file leaves PEM_R_NO_START_LINE; anything else is a broken block.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return fmt::format("{}: certificate {} is broken or cut off; get the file again", path, count + 1);
  if (count == 0)
    return fmt::format("{}: no PEM certificate in it; convert DER with `openssl x509 -inform der -in FILE`", path);
  return {};
}

void load_system_store(const std::string& named, X509_STORE* store) {
  const auto load = [&](const std::string& path) {
    std::error_code problem;
    if (std::filesystem::is_directory(path, problem))
      X509_STORE_load_path(store, path.c_str());
    else
      add_lazily(store, path);
    ERR_clear_error();
  };
  const auto exists = [](const char* path) {
    std::error_code problem;
    return std::filesystem::exists(path, problem);
  };
  if (!named.empty()) return load(named);
  const char* file = std::getenv("SSL_CERT_FILE");
  const char* folder = std::getenv("SSL_CERT_DIR");
  if (file) load(file);
  if (folder) load(folder);
  if (file || folder) return;
  for (const char* candidate : store_files)
    if (exists(candidate)) return load(candidate);
  for (const char* candidate : store_folders)
    if (exists(candidate)) return load(candidate);
}

}  // namespace

int handshake_record_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
asio::ssl::context& TlsContext::context() { return state_->context; }
TlsContext::State& TlsContext::state() { return *state_; }

std::variant<TlsContext, std::string> TlsContext::make(const Options& options) {
  auto state = std::make_unique<State>();
  state->public_roots = options.public_roots;
  SSL_CTX* native = state->context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_cert_verify_callback(native, on_chain, state.get());
  SSL_CTX_set_client_cert_cb(native, on_client_certificate);
  SSL_CTX_set_msg_callback(native, on_message);
  X509_STORE* store = SSL_CTX_get_cert_store(native);
  // A certificate that the user names is trusted as it is, be it a root or an intermediate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  for (const auto& file : options.ca_files)
    if (auto problem = add_user_file(file, store, state->user_anchors); !problem.empty()) return problem;
  load_system_store(options.system_store, store);
  return TlsContext(std::move(state));
}

}  // namespace vnetprobe
