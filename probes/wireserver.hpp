#pragma once

#include "probes/observation/azure_local.hpp"
#include "probes/within.hpp"

namespace vnetprobe {

// One of WireServer's two doors: port 80 answers GET /?comp=versions (XML), port 32526 answers GET /versions (JSON).
// `url` is what is asked ("http://168.63.129.16/?comp=versions"), `remote` where the packets go.
asio::awaitable<WireserverObservation> observe_wireserver(std::string url, Endpoint remote,
                                                          std::chrono::milliseconds limit);

}  // namespace vnetprobe
