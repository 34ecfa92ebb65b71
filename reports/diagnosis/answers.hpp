#pragma once

#include "reports/diagnosis/cited.hpp"

#include <string_view>

// How an HTTP answer is read: whether the expected service gave it, and whether something in between shows itself.
namespace vnetprobe {

// A header by its name, in whatever case; null: not there.
const std::string* value_of(const std::vector<HttpHeader>& headers, std::string_view name);

// The head of an answer to a request or to a WebSocket handshake.
struct ServiceAnswer {
  const Check* check{};
  int observation{};
  int status{};
  std::string_view reason;
  const std::vector<HttpHeader>* headers{};
  std::string_view body, url;
  std::optional<std::string> service_error_code;
  std::optional<std::chrono::milliseconds> clock_offset;
  bool via_proxy{}, is_websocket{};

  const std::string* header(std::string_view name) const;
  bool body_has(std::string_view text) const;  // ASCII case ignored
  Evidence says(std::string words) const {
    return {.check = check->id, .observation = observation, .says = std::move(words)};
  }
};

ServiceAnswer read_answer(const Cited<HttpObservation>& http);

// Every answer of the check's own stack that has a status.
std::vector<ServiceAnswer> answers_of(const Check& check);
std::vector<ServiceAnswer> answers_of(const std::vector<const Check*>& checks);

// Whether the answer carries a marker of the service that the plan expects (azure-facts 4), or came end to end. For
// services that document none, any answer without signs of a middlebox is taken as theirs.
bool is_genuine(const ServiceAnswer& answer);

// What shows that a proxy or a firewall wrote the answer ("Server: squid"); empty: nothing does.
std::string middlebox_sign(const ServiceAnswer& answer);

// Whether that sign is one of its author. Via alone is not: whoever handed on the service's own refusal wrote it too.
bool sign_names_the_author(const ServiceAnswer& answer);

// Nobody in between can have written the answer: it came through TLS with a certificate that the world's public
// authorities vouch for, and no inspector has one.
bool is_end_to_end(const ServiceAnswer& answer);

// The answer to the same request asked once more, after one that got none: the service's own, and one that speaks of a
// way that works. Anything else is no better than none.
std::optional<ServiceAnswer> good_second_answer(const Check& check);

// The services whose names belong to Microsoft: their certificates come from few authorities (azure-facts 8).
bool is_microsoft(Service service);

}  // namespace vnetprobe
