#include "agent/inbound/token.hpp"

#include "agent/delivery/secret.hpp"
#include "agent/inbound/proof.hpp"
#include "probes/text.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace vnetprobe::inbound {
namespace {

constexpr std::size_t characters_at_least = 16, characters_at_most = 1024;

Token checked(std::string token, const std::string& where) {
  if (token.size() < characters_at_least)
    return TokenProblem{where +
                        ": the token is shorter than 16 characters; leave it to `vnetprobe listen` to make one"};
  if (token.size() > characters_at_most)
    return TokenProblem{where + ": longer than 1024 characters, which no token is"};
  return token;
}

std::string line_of_stdin() {
  std::array<char, characters_at_most + 2> line{};
  if (!std::fgets(line.data(), static_cast<int>(line.size()), stdin)) return "";
  return std::string(trimmed(std::string_view(line.data()).substr(0, std::string_view(line.data()).find('\n'))));
}

}  // namespace

Token read_token(const std::string& file) {
  if (file == "-") return checked(line_of_stdin(), "stdin");
  if (!file.empty()) {
    auto read = delivery::read_secret(file);
    if (auto* problem = std::get_if<delivery::SecretProblem>(&read)) return TokenProblem{std::move(problem->message)};
    return checked(std::get<std::string>(std::move(read)), file);
  }
  const char* variable = std::getenv(token_variable);
  if (!variable || !*variable) return std::string();
  return checked(std::string(trimmed(variable)), token_variable);
}

std::string make_token() { return make_nonce(); }

}  // namespace vnetprobe::inbound
