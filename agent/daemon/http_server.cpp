#include "agent/daemon/http_server.hpp"

#include "agent/daemon/http_request.hpp"
#include "agent/daemon/wire.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/context.hpp>

#include <array>
#include <map>
#include <optional>

namespace vnetprobe {

using tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::seconds patience_for_request{10}, patience_for_answer{30}, patience_for_goodbye{1};
constexpr std::size_t drained_at_most = 1U << 20;

asio::awaitable<std::string> read_head(Wire& wire) {
  std::string head;
  std::array<char, 2048> block{};
  while (head.find("\r\n\r\n") == std::string::npos && head.size() <= request_head_at_most) {
    const std::size_t size = co_await wire.read(asio::buffer(block));
    head.append(block.data(), size);
  }
  co_return head;
}

// Closing on unread bytes would make the kernel send a reset that destroys the answer on its way.
asio::awaitable<void> drain(tcp::socket& socket) {
  boost::system::error_code ended;
  socket.shutdown(tcp::socket::shutdown_send, ended);
  std::array<char, 4096> block{};
  for (std::size_t drained = 0; drained < drained_at_most && !ended;)
    drained += co_await socket.async_read_some(asio::buffer(block), asio::redirect_error(asio::use_awaitable, ended));
}

asio::awaitable<bool> done(asio::awaitable<void> work) {
  co_await std::move(work);
  co_return true;
}

asio::awaitable<std::string> greeted_head(Wire& wire) {
  co_await wire.greet();
  auto head = co_await read_head(wire);
  co_return head;
}

bool same(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

struct ServerState {
  asio::any_io_executor executor;
  std::optional<asio::ssl::context> tls;
  std::string token;
  Pages pages;
  std::optional<tcp::acceptor> acceptor;
  std::map<long, std::weak_ptr<Wire>> waiting;  // who has not said yet what it wants; the longest waiting first
  long accepted{};
  int open{};
  ServerCounts counts;
};

namespace {

// What one client gets; its problems are its own.
asio::awaitable<void> answer_client(ServerState& state, Wire& wire, std::function<void()> has_asked) {
  auto head = co_await within(patience_for_request, greeted_head(wire));
  has_asked();
  if (!head) co_return;
  ReadHead read = read_request_head(*head);
  Page page;
  const bool open_to_all = read.request.path == health_path;
  if (!state.token.empty() && !open_to_all && read.refusal == 0 && !same(read.token, state.token)) {
    read.refusal = 401;
    read.why = "this page needs a token: Authorization: Bearer TOKEN\n";
  }
  if (read.refusal != 0) {
    ++state.counts.refused;
    page = {.status = read.refusal, .body = read.why};
  } else {
    ++state.counts.requests;
    page = co_await state.pages(read.request);
  }
  const std::string text = written_page(page, read.head_only);
  const auto sent = co_await within(patience_for_answer, done(wire.write(asio::buffer(text))));
  if (!sent) co_return;
  co_await within(patience_for_goodbye, done(wire.say_goodbye()));
  co_await within(patience_for_goodbye, done(drain(wire.socket())));
}

asio::awaitable<void> serve_client(std::shared_ptr<ServerState> state, std::shared_ptr<Wire> wire) {
  const long number = ++state->accepted;
  state->waiting.emplace(number, wire);
  const auto has_asked = [&] { state->waiting.erase(number); };
  ++state->open;
  try {
    co_await answer_client(*state, *wire, has_asked);
  } catch (const std::exception&) {
  }
  has_asked();
  --state->open;
}

void make_room(ServerState& state) {
  if (state.open < HttpServer::connections_at_most || state.waiting.empty()) return;
  ++state.counts.refused;
  boost::system::error_code ignored;
  if (const auto oldest = state.waiting.begin()->second.lock()) oldest->socket().close(ignored);
  state.waiting.erase(state.waiting.begin());
}

// Until the acceptor is closed. A node without free descriptors gets some back in a moment.
asio::awaitable<void> accept_clients(std::shared_ptr<ServerState> state) {
  for (;;) {
    boost::system::error_code problem;
    auto socket = co_await state->acceptor->async_accept(asio::redirect_error(asio::use_awaitable, problem));
    if (problem == asio::error::operation_aborted || problem == asio::error::bad_descriptor) co_return;
    if (problem) {
      co_await sleep_for(std::chrono::milliseconds(200));
      continue;
    }
    make_room(*state);
    if (state->open >= HttpServer::connections_at_most && state->waiting.empty()) continue;
    std::shared_ptr<Wire> wire;
    asio::co_spawn(state->executor, serve_client(state, make_wire(std::move(socket), state->tls)), asio::detached);
  }
}

asio::ssl::context server_context(const ServerOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  boost::system::error_code problem;
  context.use_certificate_chain_file(options.certificate_file, problem);
  if (problem)
    throw std::runtime_error(fmt::format("{}: no certificate chain in PEM can be read from it ({})",
                                         options.certificate_file, problem.message()));
  context.use_private_key_file(options.key_file, asio::ssl::context::pem, problem);
  if (problem)
    throw std::runtime_error(fmt::format("{}: no private key of that certificate can be read from it ({})",
                                         options.key_file, problem.message()));
  return context;
}

}  // namespace

ListenJudgement judge_listening(const ServerOptions& options) {
  const auto& address = options.listen.address;
  if (is_loopback(address)) return {};
  const bool secured = !options.certificate_file.empty(), asks_for_token = !options.token.empty();
  if (secured && asks_for_token) return {};
  constexpr std::string_view needs = "daemon.tls {certificate, key} and daemon.token_file";
  if (is_private(address))
    return {.refusal = "", .remark = fmt::format("daemon: {} is open to the whole network without {}", address, needs)};
  return {.refusal = fmt::format("daemon.metrics: {} is not served to everybody without {}; write 127.0.0.1, a private "
                                 "address of this node, or add both",
                                 address, needs),
          .remark = ""};
}

HttpServer::HttpServer(asio::any_io_executor executor, const ServerOptions& options, Pages pages)
    : state_(std::make_shared<ServerState>()) {
  state_->executor = executor;
  state_->token = options.token;
  state_->pages = std::move(pages);
  if (!options.certificate_file.empty()) state_->tls.emplace(server_context(options));
  const tcp::endpoint endpoint(asio::ip::make_address(options.listen.address), options.listen.port);
  try {
    state_->acceptor.emplace(executor, endpoint, true);
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(
        fmt::format("{}: cannot listen there: {}; daemon.metrics or --listen names another address",
                    to_string(options.listen), error.code().message()));
  }
  asio::co_spawn(executor, accept_clients(state_), asio::detached);
}

HttpServer::~HttpServer() {
  boost::system::error_code ignored;
  state_->acceptor->close(ignored);
}

Endpoint HttpServer::address() const {
  boost::system::error_code ignored;
  const auto bound = state_->acceptor->local_endpoint(ignored);
  return {.address = bound.address().to_string(), .port = bound.port()};
}

ServerCounts HttpServer::counts() const { return state_->counts; }

}  // namespace vnetprobe
