#pragma once

#include "agent/delivery/message.hpp"
#include "agent/delivery/uplink.hpp"

namespace vnetprobe::delivery {

enum class Outcome { delivered, retry, refused };

// How one attempt ended. `says` is for people and never holds a URL's query or a key.
struct Attempt {
  Outcome outcome{};
  std::string says;
  std::optional<std::chrono::seconds> retry_after;  // the receiver's wish
};

// The name of a sink in the spool and in every output: its kind and where it leads, without what may be a secret. It
// stays the same when a SAS is renewed.
std::string key_of(const Delivery& sink);

// One attempt, whatever the kind. Never throws for what a receiver or a disk does.
asio::awaitable<Attempt> send(const Delivery& sink, const Message& message, const Uplink& uplink);

// The kinds, one file each.
Attempt write_report_file(const std::string& path, const Message& message);
Attempt write_journal(const Message& message, const std::string& socket_path = "/run/systemd/journal/socket");
Attempt write_console(const std::string& path, const Message& message,
                      std::chrono::milliseconds limit = std::chrono::seconds(2));
asio::awaitable<Attempt> post_webhook(const Delivery& sink, const Message& message, const Uplink& uplink);
asio::awaitable<Attempt> put_blob(const Delivery& sink, const Message& message, const Uplink& uplink);

// PUTs a local file, in blocks of 4 MiB, to a container or blob named with its SAS (the support bundle's way).
asio::awaitable<Attempt> put_file(const Delivery& sink, const std::string& path, const Uplink& uplink);

// Hex of HMAC-SHA256(key, timestamp + "." + body): what X-Vnetprobe-Signature carries behind "sha256=".
std::string signature(std::string_view key, std::string_view timestamp, std::string_view body);

}  // namespace vnetprobe::delivery
