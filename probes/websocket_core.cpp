#include "probes/websocket_core.hpp"

#include <websocketpp/base64/base64.hpp>
#include <websocketpp/client.hpp>
#include <websocketpp/config/core_client.hpp>
#include <websocketpp/sha1/sha1.hpp>

namespace vnetprobe {
namespace {

// The library's own limits, tightened: a probe reads a handful of control frames and maybe a kernel's greeting.
struct ProbeConfig : websocketpp::config::core_client {
  static const websocketpp::log::level elog_level = websocketpp::log::elevel::none;
  static const websocketpp::log::level alog_level = websocketpp::log::alevel::none;
  static const std::size_t max_message_size = 1U << 20;
  static const std::size_t max_http_body_size = 64U << 10;
};
using Client = websocketpp::client<ProbeConfig>;

}  // namespace

struct WebsocketCore::State {
  Client client;
  Client::connection_ptr connection;
  std::string output, problem, payload, beginning;
  bool opened{}, ended{}, pong{}, closing{};

  // The library answers a violation with a close frame of its own, and then ends or only stops reading, by the kind of
  // violation. An end of the stream is none: then its own close code stays "abnormal".
  void note_violation() {
    using namespace websocketpp;
    if (closing || !opened || connection->get_local_close_code() == close::status::abnormal_close) return;
    if (connection->get_remote_close_code() != close::status::abnormal_close) return;
    problem = connection->get_local_close_reason();
    ended = true;
  }

  // Holds bytes back until the status line has begun rightly; the library makes an enumerator of any number that stands
  // there. True: `bytes` may go on to it.
  bool begins_as_upgrade(std::string& bytes) {
    constexpr std::size_t length = sizeof("HTTP/1.1 101 ") - 1;
    if (beginning.size() >= length) return true;
    const std::size_t missing = length - beginning.size();
    beginning.append(bytes, 0, missing);
    if (beginning.size() < length) return false;
    bytes = beginning + (bytes.size() > missing ? bytes.substr(missing) : "");
    if (beginning == "HTTP/1.1 101 ") return true;
    problem = "the answer is not an HTTP/1.1 101";
    ended = true;
    return false;
  }

  // The library writes this header by itself, after any that it is given.
  void spell_connection_as(const std::string& value) {
    const std::string own = "Connection: Upgrade\r\n";
    if (const auto at = output.find(own); at != std::string::npos)
      output.replace(at, own.size(), "Connection: " + value + "\r\n");
  }

  // Runs a step of the library; whatever it throws ends the connection.
  template <class Step>
  void guarded(Step step) {
    if (!connection || ended) return;
    try {
      step();
    } catch (const std::exception& error) {
      problem = error.what();
      ended = true;
    }
  }
};

WebsocketCore::WebsocketCore(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                             const std::string& connection_header)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  try {
    state.client.clear_access_channels(websocketpp::log::alevel::all);
    state.client.clear_error_channels(websocketpp::log::elevel::all);
    state.client.set_user_agent("vnetprobe/" VNETPROBE_VERSION);
    state.client.set_secure(url.rfind("wss://", 0) == 0);
    state.client.set_write_handler([&state](websocketpp::connection_hdl, const char* bytes, std::size_t size) {
      state.output.append(bytes, size);
      return websocketpp::lib::error_code();
    });
    state.client.set_open_handler([&state](websocketpp::connection_hdl) { state.opened = !state.ended; });
    state.client.set_close_handler([&state](websocketpp::connection_hdl) {
      state.note_violation();
      state.ended = true;
    });
    state.client.set_pong_handler([&state](websocketpp::connection_hdl, const std::string& payload) {
      state.pong = state.pong || payload == state.payload;
    });
    state.client.set_fail_handler([&state](websocketpp::connection_hdl) {
      state.ended = true;
      state.problem = state.connection->get_ec().message();
    });
    websocketpp::lib::error_code error;
    state.connection = state.client.get_connection(url, error);
    if (error || !state.connection) {
      state.problem = error.message();
      state.ended = true;
      return;
    }
    for (const auto& [name, value] : headers) state.connection->append_header(name, value);
    state.client.connect(state.connection);
    if (!connection_header.empty()) state.spell_connection_as(connection_header);
  } catch (const std::exception& error) {
    state.problem = error.what();
    state.ended = true;
  }
}

WebsocketCore::~WebsocketCore() {
  // The library keeps the connection alive through its own handlers; telling it of the end lets go of them.
  State& state = *state_;
  if (!state.connection) return;
  try {
    state.client.set_write_handler(
        [](websocketpp::connection_hdl, const char*, std::size_t) { return websocketpp::lib::error_code(); });
    state.connection->fatal_error();
  } catch (const std::exception&) {
  }
}

void WebsocketCore::receive(const char* bytes, std::size_t size) {
  state_->guarded([&] {
    std::string taken(bytes, size);
    if (!state_->begins_as_upgrade(taken)) return;
    state_->connection->read_all(taken.data(), taken.size());
    if (!state_->ended) state_->note_violation();
  });
}

void WebsocketCore::end_of_stream() {
  state_->guarded([&] { state_->connection->eof(); });
}

std::string WebsocketCore::take_output() { return std::exchange(state_->output, {}); }

void WebsocketCore::ping(const std::string& payload) {
  state_->payload = payload;
  state_->pong = false;
  state_->guarded([&] {
    websocketpp::lib::error_code ignored;
    state_->connection->ping(payload, ignored);
  });
}

void WebsocketCore::close() {
  state_->closing = true;
  state_->guarded([&] {
    websocketpp::lib::error_code ignored;
    state_->connection->close(websocketpp::close::status::normal, "", ignored);
  });
}

bool WebsocketCore::is_open() const { return state_->opened && !state_->ended; }
bool WebsocketCore::was_open() const { return state_->opened; }
bool WebsocketCore::is_ended() const { return state_->ended; }
bool WebsocketCore::close_seen() const {
  return state_->connection &&
         state_->connection->get_remote_close_code() != websocketpp::close::status::abnormal_close;
}
bool WebsocketCore::pong_seen() const { return state_->pong; }
std::string WebsocketCore::problem() const { return state_->problem; }
std::string WebsocketCore::subprotocol() const {
  return state_->connection ? state_->connection->get_subprotocol() : "";
}

std::string WebsocketCore::expected_accept() const {
  if (!state_->connection) return "";
  const std::string text =
      state_->connection->get_request_header("Sec-WebSocket-Key") + websocketpp::processor::constants::handshake_guid;
  unsigned char digest[20];
  websocketpp::sha1::calc(text.data(), text.size(), digest);
  return websocketpp::base64_encode(digest, sizeof digest);
}

int WebsocketCore::remote_close_code() const {
  if (!state_->connection) return 0;
  const int code = state_->connection->get_remote_close_code();
  // 1005 and 1006 are the library's words for "no code" and "no close frame".
  return code == websocketpp::close::status::abnormal_close || code == websocketpp::close::status::no_status ? 0 : code;
}

std::string WebsocketCore::remote_close_reason() const {
  return state_->connection ? state_->connection->get_remote_close_reason() : "";
}

}  // namespace vnetprobe
