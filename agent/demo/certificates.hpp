#pragma once

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

struct x509_st;
struct evp_pkey_st;

namespace vnetprobe::demo {

using CertificateHandle = std::shared_ptr<x509_st>;
using KeyHandle = std::shared_ptr<evp_pkey_st>;

// A certificate authority made at start, kept in memory, gone with the process.
class Authority {
 public:
  Authority(const std::string& organisation, const std::string& common_name);

  // A server context with a leaf for `host`, valid until `days` from now (negative: expired), and the CA after it.
  std::unique_ptr<boost::asio::ssl::context> server_context(const std::string& host, int days) const;
  std::string root_pem() const;

 private:
  KeyHandle key_, leaf_key_;
  CertificateHandle root_;
};

}  // namespace vnetprobe::demo
