#include "probes/connection.hpp"

namespace vnetprobe {

asio::ip::tcp::socket& lowest_layer(Connection& connection) {
  if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&connection)) return (*tls)->next_layer();
  return std::get<asio::ip::tcp::socket>(connection);
}

}  // namespace vnetprobe
