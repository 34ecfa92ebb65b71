#include "agent/delivery/sinks.hpp"

namespace vnetprobe::delivery {

std::string key_of(const Delivery& sink) {
  switch (sink.kind) {
    case DeliveryKind::webhook:
      return "webhook " + without_secrets(sink.destination);
    case DeliveryKind::blob:
      return "blob " + without_secrets(sink.destination);
    case DeliveryKind::file:
      return "file " + sink.destination;
    case DeliveryKind::console:
      return "console " + sink.destination;
    case DeliveryKind::journal:
      return "journal";
  }
  return "";
}

asio::awaitable<Attempt> send(const Delivery& sink, const Message& message, const Uplink& uplink) {
  Attempt attempt;
  switch (sink.kind) {
    case DeliveryKind::webhook:
      attempt = co_await post_webhook(sink, message, uplink);
      break;
    case DeliveryKind::blob:
      attempt = co_await put_blob(sink, message, uplink);
      break;
    case DeliveryKind::file:
      attempt = write_report_file(sink.destination, message);
      break;
    case DeliveryKind::console:
      attempt = write_console(sink.destination, message);
      break;
    case DeliveryKind::journal:
      attempt = write_journal(message);
      break;
  }
  co_return attempt;
}

}  // namespace vnetprobe::delivery
