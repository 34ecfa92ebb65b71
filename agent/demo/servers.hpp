#pragma once

#include "agent/demo/certificates.hpp"
#include "agent/demo/faults.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <functional>
#include <map>

// The servers of the simulated VNet: each serves its socket until its event loop is stopped.
namespace vnetprobe::demo {

namespace asio = boost::asio;

// Certificates by SNI name, made when first asked for.
class Wardrobe {
 public:
  Wardrobe(const Authority& azure, const Authority& inspector, Fault fault);
  asio::ssl::context& context_for(const std::string& host);

 private:
  const Authority& azure_;
  const Authority& inspector_;
  Fault fault_;
  std::map<std::string, std::unique_ptr<asio::ssl::context>> contexts_;
};

asio::awaitable<void> serve_dns_udp(asio::ip::udp::socket socket, Fault fault);
asio::awaitable<void> serve_dns_tcp(asio::ip::tcp::acceptor acceptor, Fault fault);
asio::awaitable<void> serve_services(asio::ip::tcp::acceptor acceptor, Wardrobe& wardrobe, Fault fault);

enum class PlainService { imds, wireserver, web };
asio::awaitable<void> serve_plain(asio::ip::tcp::acceptor acceptor, PlainService service, Fault fault);

// Accepts and says nothing (the SMB port; a DNS server that is dead over TCP).
asio::awaitable<void> serve_silence(asio::ip::tcp::acceptor acceptor);

}  // namespace vnetprobe::demo
