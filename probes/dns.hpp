#pragma once

#include "probes/observation/dns.hpp"
#include "probes/within.hpp"

namespace vnetprobe {

enum class DnsType { a, aaaa };

// One question to one server, by c-ares, for the absolute name: no search list, no hosts file, no second server.
// Over UDP a truncated answer is reported as truncated and not asked again over TCP. `name` without a trailing dot.
asio::awaitable<DnsObservation> observe_dns(std::string name, DnsType type, Endpoint server, DnsTransport transport,
                                            std::chrono::milliseconds limit);

// What a program on this node gets: getaddrinfo(AF_UNSPEC, AI_CANONNAME) for the name with a trailing dot where it has
// one dot or more, on a thread of its own so that a dead resolver never holds up the loop. When `limit` passes first,
// the observation says timed_out and the thread is left to end by itself. Also lists the hosts file's lines for the
// name.
// With `with_search`: as programs ask, so that an entry of the search list may complete a name that does not exist.
asio::awaitable<DnsObservation> observe_libc(std::string name, std::chrono::milliseconds limit,
                                             bool with_search = false);

}  // namespace vnetprobe
