#include "probes/lazy_store.hpp"

#include "probes/certificate_outline.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <map>
#include <memory>
#include <mutex>

namespace vnetprobe {
namespace {

using NameHash = unsigned long;

NameHash hash_of(const X509_NAME* name) {
  int ok = 0;
  return X509_NAME_hash_ex(name, nullptr, nullptr, &ok);
}

// Certificates in DER, by the hash of their subject's canonical form, as the directory look-up names its files.
struct Undecoded {
  std::mutex mutex;
  std::multimap<NameHash, std::string> by_subject;
};

void note(std::string der, Undecoded& into) {
  const auto found = outline(der);
  if (!found) return;
  const auto* bytes = reinterpret_cast<const unsigned char*>(found->subject.data());
  const std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> subject(
      d2i_X509_NAME(nullptr, &bytes, static_cast<long>(found->subject.size())), X509_NAME_free);
  if (subject) into.by_subject.emplace(hash_of(subject.get()), std::move(der));
}

// Moves every certificate of that subject into the store, which holds them from then on.
int find(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name, X509_OBJECT* into) {
  if (type != X509_LU_X509) return 0;
  auto& undecoded = *static_cast<Undecoded*>(X509_LOOKUP_get_method_data(lookup));
  const std::lock_guard lock(undecoded.mutex);
  const auto [first, last] = undecoded.by_subject.equal_range(hash_of(name));
  X509* found = nullptr;
  for (auto one = first; one != last; ++one) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(one->second.data());
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        d2i_X509(nullptr, &bytes, static_cast<long>(one->second.size())), X509_free);
    if (!certificate || X509_NAME_cmp(X509_get_subject_name(certificate.get()), name) != 0) continue;
    X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), certificate.get());
    if (!found) found = certificate.get();
  }
  undecoded.by_subject.erase(first, last);
  ERR_clear_error();
  if (!found) return 0;
  // The caller takes a reference of its own and expects none of ours: the store's keeps it alive.
  X509_OBJECT_set1_X509(into, found);
  X509_free(found);
  return 1;
}

void forget(X509_LOOKUP* lookup) { delete static_cast<Undecoded*>(X509_LOOKUP_get_method_data(lookup)); }

X509_LOOKUP_METHOD* method() {
  static X509_LOOKUP_METHOD* const lazily = [] {
    X509_LOOKUP_METHOD* made = X509_LOOKUP_meth_new("decoded when asked for");
    X509_LOOKUP_meth_set_get_by_subject(made, find);
    X509_LOOKUP_meth_set_free(made, forget);
    return made;
  }();
  return lazily;
}

}  // namespace

bool add_lazily(X509_STORE* store, const std::string& file) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new_file(file.c_str(), "r"), BIO_free);
  if (!pem) {
    ERR_clear_error();
    return false;
  }
  auto undecoded = std::make_unique<Undecoded>();
  unsigned char* der = nullptr;
  long size = 0;
  // A damaged block does not hide those after it.
  constexpr int blocks_at_most = 5000;
  for (int block = 0; block < blocks_at_most; ++block) {
    if (PEM_bytes_read_bio(&der, &size, nullptr, PEM_STRING_X509_TRUSTED, pem.get(), nullptr, nullptr) == 1) {
      note({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}, *undecoded);
      OPENSSL_free(der);
    } else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE || BIO_eof(pem.get())) {
      break;
    }
    ERR_clear_error();
  }
  ERR_clear_error();
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, method());
  return lookup && X509_LOOKUP_set_method_data(lookup, undecoded.release()) == 1;
}

}  // namespace vnetprobe
