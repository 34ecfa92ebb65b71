#include "agent/daemon/configuration.hpp"

#include "agent/cli/prepare.hpp"
#include "agent/cli/read_file.hpp"
#include "agent/config/config_file.hpp"
#include "agent/delivery/secret.hpp"

#include <filesystem>

namespace vnetprobe {
namespace {

const Endpoint listen_by_default{.address = "127.0.0.1", .port = 9798};

void read_server(const DaemonCommand& command, DaemonConfiguration& configuration, std::vector<std::string>& errors) {
  if (command.no_http) return;
  const DaemonSettings& said = configuration.settings.daemon;
  ServerOptions options{.listen = command.listen.value_or(said.metrics.value_or(listen_by_default)),
                        .certificate_file = said.certificate_file,
                        .key_file = said.key_file};
  if (!said.token_file.empty()) {
    auto token = delivery::read_secret(said.token_file);
    if (auto* problem = std::get_if<delivery::SecretProblem>(&token))
      errors.push_back(problem->message);
    else if (options.token = std::get<std::string>(std::move(token)); options.token.empty())
      errors.push_back(said.token_file + ": is empty; a token is one line, for example of `openssl rand -hex 32`");
  }
  if (!options.key_file.empty())
    if (auto unsafe = delivery::unsafe_mode(options.key_file); !unsafe.empty()) errors.push_back(std::move(unsafe));
  const auto judgement = judge_listening(options);
  if (!judgement.refusal.empty()) errors.push_back(judgement.refusal);
  if (!judgement.remark.empty()) configuration.remarks.push_back(judgement.remark);
  configuration.server = std::move(options);
}

}  // namespace

std::variant<DaemonConfiguration, std::vector<std::string>> load_daemon_configuration(const DaemonCommand& command) {
  DaemonConfiguration configuration{.path = command.run.config_path.empty() ? default_config_path
                                                                            : command.run.config_path};
  std::error_code problem;
  std::vector<std::string> errors;
  if (!command.run.config_path.empty() || std::filesystem::exists(configuration.path, problem)) {
    // load_config() names what is wrong with the file itself; what it holds is read once, here.
    auto file = read_file(configuration.path, config_at_most);
    if (!file.error.empty()) return std::vector{file.error};
    configuration.text = std::move(file.bytes);
  }
  auto parsed = parse_config(configuration.text, configuration.path);
  if (!parsed.settings) {
    for (auto& error : parsed.errors) errors.push_back(std::move(error.message));
    return errors;
  }
  configuration.remarks = std::move(parsed.notes);
  configuration.settings = merge(command.run.settings, *parsed.settings);
  const DaemonSettings& said = configuration.settings.daemon;
  if (command.interval || said.every) configuration.pace.every = command.interval ? *command.interval : *said.every;
  if (said.jitter_percent) configuration.pace.jitter_percent = *said.jitter_percent;
  if (said.keep) configuration.history.count = static_cast<std::size_t>(*said.keep);
  if (said.keep_mib) configuration.history.bytes = static_cast<std::size_t>(*said.keep_mib) << 20;
  configuration.any_target = said.probe_any.value_or(false);
  read_server(command, configuration, errors);
  if (!errors.empty()) return errors;
  return configuration;
}

}  // namespace vnetprobe
