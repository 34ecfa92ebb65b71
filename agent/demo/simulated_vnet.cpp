#include "agent/demo/simulated_vnet.hpp"

#include "agent/demo/servers.hpp"
#include "agent/demo/silent_port.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <fstream>
#include <thread>

namespace vnetprobe::demo {
namespace {

using tcp = asio::ip::tcp;
using udp = asio::ip::udp;

// What the node would say of itself on a compute instance; here the configuration says it.
constexpr const char* configuration = R"(# The node of the simulated VNet.
profile: compute-instance
region: eastus2
subscription: 00000000-0000-0000-0000-000000000000
workspace:
  name: demo-workspace
  id: 11111111-1111-1111-1111-111111111111
  private_endpoint: true
instance: demo-ci
storage_accounts:
  - {name: demostorage, services: [blob, queue, table, file], private_endpoint: true}
container_registry: {name: demoacr, private_endpoint: true}
key_vault: {name: demokv, private_endpoint: true}
proxy: none
timeouts: {dns: 2s, tcp: 2s, tls: 10s, http: 10s, websocket: 10s}
)";

tcp::endpoint any_port() { return {asio::ip::address_v4::loopback(), 0}; }

// Files that exist as long as the VNet, readable by their owner only.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "vnetprobe-demo-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      throw std::filesystem::filesystem_error("mkdtemp " + pattern, std::error_code(errno, std::generic_category()));
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::ofstream(file) << text;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

struct SimulatedVnet::State {
  explicit State(Fault which)
      : fault(which),
        azure("DigiCert Inc", "vnetprobe simulated root (not DigiCert)"),
        inspector("Contoso Ltd", "Contoso TLS Inspection CA"),
        wardrobe(azure, inspector, which) {}

  ~State() {
    loop.stop();
    if (thread.joinable()) thread.join();
  }

  void start() {
    tcp::acceptor dns_tcp(loop, any_port());
    dns = dns_tcp.local_endpoint().port();
    udp::socket dns_udp(loop, udp::endpoint(asio::ip::address_v4::loopback(), dns));
    udp::socket tundra_socket(loop, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    tundra = tundra_socket.local_endpoint().port();
    silent_udp = std::make_unique<udp::socket>(std::move(tundra_socket));
    spawn(serve_dns_udp(std::move(dns_udp), fault));
    spawn(fault == Fault::dns_server_dead ? serve_silence(std::move(dns_tcp))
                                          : serve_dns_tcp(std::move(dns_tcp), fault));
    services = listen([&](tcp::acceptor acceptor) { return serve_services(std::move(acceptor), wardrobe, fault); });
    smb = listen([](tcp::acceptor acceptor) { return serve_silence(std::move(acceptor)); });
    web = listen([&](tcp::acceptor acceptor) { return serve_plain(std::move(acceptor), PlainService::web, fault); });
    imds = listen([&](tcp::acceptor acceptor) { return serve_plain(std::move(acceptor), PlainService::imds, fault); });
    wireserver = listen(
        [&](tcp::acceptor acceptor) { return serve_plain(std::move(acceptor), PlainService::wireserver, fault); });
    // Signals belong to the thread that runs the agent.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread = std::thread([this] { loop.run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    config_file = folder.write("config.yaml", configuration);
    const bool trusts_inspector = fault == Fault::tls_intercepted;
    ca_file = folder.write("ca.pem", azure.root_pem() + (trusts_inspector ? inspector.root_pem() : ""));
  }

  template <class Serve>
  std::uint16_t listen(Serve serve) {
    tcp::acceptor acceptor(loop, any_port());
    const auto port = acceptor.local_endpoint().port();
    spawn(serve(std::move(acceptor)));
    return port;
  }

  void spawn(asio::awaitable<void> server) { asio::co_spawn(loop, std::move(server), asio::detached); }

  Fault fault;
  asio::io_context loop{1};
  Authority azure, inspector;
  Wardrobe wardrobe;
  TemporaryFolder folder;
  SilentPort silent;
  ClosedPort closed;
  std::unique_ptr<udp::socket> silent_udp;
  std::uint16_t dns{}, services{}, smb{}, web{}, imds{}, wireserver{}, tundra{};
  std::string config_file, ca_file;
  std::thread thread;
};

SimulatedVnet::SimulatedVnet(Fault fault) : state_(std::make_unique<State>(fault)) { state_->start(); }
SimulatedVnet::~SimulatedVnet() = default;

std::vector<std::string> SimulatedVnet::run_flags() const {
  const State& vnet = *state_;
  std::vector<std::string> flags{"--config", vnet.config_file, "--ca-file", vnet.ca_file};
  const auto add = [&](std::string flag, std::string value) {
    flags.push_back(std::move(flag));
    flags.push_back(std::move(value));
  };
  const auto lead = [&](std::string_view from, std::uint16_t port) {
    add("--connect-to", fmt::format("{}:127.0.0.1:{}", from, port));
  };
  add("--resolver", fmt::format("127.0.0.1:{}", vnet.dns));
  add("--imds-endpoint",
      fmt::format("http://127.0.0.1:{}", vnet.fault == Fault::imds_dead ? vnet.silent.port() : vnet.imds));
  if (vnet.fault == Fault::tcp_refused) lead("demoacr.azurecr.io:443", vnet.closed.port());
  if (vnet.fault == Fault::tcp_silent) lead("management.azure.com:443", vnet.silent.port());
  lead("192.0.2.1:443", vnet.silent.port());
  lead("192.0.2.53:53", vnet.tundra);
  lead(fmt::format("127.0.0.1:{}", vnet.dns), vnet.dns);
  lead("168.63.129.16:53", vnet.dns);
  lead("168.63.129.16:80", vnet.wireserver);
  lead("168.63.129.16:32526", vnet.wireserver);
  lead(":443", vnet.services);
  lead(":445", vnet.smb);
  lead(":80", vnet.web);
  lead(":5831", vnet.tundra);
  // Whatever else the plan may think of stays on this machine too.
  lead(":", vnet.closed.port());
  return flags;
}

}  // namespace vnetprobe::demo
