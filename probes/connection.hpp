#pragma once

#include "probes/within.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <memory>
#include <variant>

namespace vnetprobe {

using TlsStream = asio::ssl::stream<asio::ip::tcp::socket>;

// An open way to the peer: a TCP connection, or TLS over one. Handed from one layer's probe to the next; closes on
// destruction. The upper probes (http, websocket, proxy) are written once against this variant.
using Connection = std::variant<std::monostate, asio::ip::tcp::socket, std::unique_ptr<TlsStream>>;

// Where the connection leads. Undefined for an empty connection.
asio::ip::tcp::socket& lowest_layer(Connection& connection);

}  // namespace vnetprobe
