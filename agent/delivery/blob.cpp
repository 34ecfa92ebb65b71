#include "agent/delivery/answers.hpp"
#include "agent/delivery/secret.hpp"
#include "probes/digest.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>
#include <boost/url/params_view.hpp>
#include <boost/url/parse_query.hpp>

#include <ctime>
#include <filesystem>
#include <fstream>

namespace vnetprobe::delivery {
namespace {

constexpr const char* service_version = "2021-12-02";
constexpr std::size_t block_size = 4U << 20;

// The URL of a blob below the container (or folder) that the destination names, with its SAS.
struct BlobPlace {
  std::string url, sas;
  std::string problem;
  std::string with(std::string_view query) const {
    return url + "?" + std::string(query) + (query.empty() || sas.empty() ? "" : "&") + sas;
  }
};

BlobPlace place_of(const Delivery& sink, const std::string& name) {
  std::string url = sink.destination, sas;
  if (const auto query = url.find('?'); query != std::string::npos) {
    sas = url.substr(query + 1);
    url.resize(query);
  }
  if (!sink.secret_file.empty()) {
    auto secret = read_secret(sink.secret_file);
    if (const auto* problem = std::get_if<SecretProblem>(&secret))
      return {.url = {}, .sas = {}, .problem = problem->message};
    sas = std::get<std::string>(std::move(secret));
    // A whole SAS URL, as the portal shows it, or the token alone.
    if (const auto query = sas.find('?'); query != std::string::npos) sas.erase(0, query + 1);
  } else if (!sas.empty() && !sink.source.empty()) {
    // "config.yaml:30": the signature stands in the configuration, which is then a secret as a whole.
    const auto file = sink.source.substr(0, sink.source.rfind(':'));
    if (auto problem = unsafe_mode(file); !problem.empty())
      return {.url = {}, .sas = {}, .problem = std::move(problem)};
  }
  while (url.ends_with('/')) url.pop_back();
  return {.url = url + "/" + name, .sas = std::move(sas), .problem = {}};
}

// The SAS's `se` where it lies in the past, whatever the service calls that.
std::string expired_since(const std::string& sas) {
  const auto query = boost::urls::parse_query(sas);
  if (!query) return {};
  for (const auto& parameter : boost::urls::params_view(*query)) {
    if (parameter.key != "se") continue;
    std::tm when{};
    if (!::strptime(parameter.value.c_str(), "%Y-%m-%dT%H:%M:%S", &when)) return {};
    return ::timegm(&when) < std::time(nullptr) ? printable(parameter.value, 40) : std::string();
  }
  return {};
}

// 403 with AuthorizationFailure is the account's firewall, which may let us in tomorrow; a signature that is wrong or
// has expired stays so.
Attempt judge_blob(const ServerReply& reply, const std::string& where, const std::string& sas) {
  auto attempt = judge(reply, where);
  if (reply.status != 403) return attempt;
  const auto code = header(reply, "x-ms-error-code");
  if (const auto expired = expired_since(sas); !expired.empty()) {
    attempt.says += fmt::format(": the SAS has expired, on {}", expired);
  } else if (code == "AuthorizationFailure") {
    attempt.outcome = Outcome::retry;
    attempt.says += ": the storage account's firewall refuses this node";
  } else {
    attempt.says += ": the SAS is expired or lacks the right to create and write";
  }
  return attempt;
}

std::vector<HttpHeader> headers_for(std::string_view body, const char* type) {
  return {{"x-ms-version", service_version}, {"Content-Type", type}, {"Content-MD5", base64(md5(body))}};
}

}  // namespace

asio::awaitable<Attempt> put_blob(const Delivery& sink, const Message& message, const Uplink& uplink) {
  const auto place = place_of(sink, message.id + ".json");
  if (!place.problem.empty()) co_return Attempt{.outcome = Outcome::retry, .says = place.problem, .retry_after = {}};
  Upload request{.method = "PUT",
                 .url = place.with(""),
                 .headers = headers_for(message.json, "application/json"),
                 .body = message.json};
  request.headers.push_back({"x-ms-blob-type", "BlockBlob"});
  const auto reply = co_await upload(std::move(request), uplink);
  co_return judge_blob(reply, key_of(sink), place.sas);
}

asio::awaitable<Attempt> put_file(const Delivery& sink, const std::string& path, const Uplink& uplink) {
  const std::string name = std::filesystem::path(path).filename().string();
  const auto place = place_of(sink, name);
  if (!place.problem.empty()) co_return Attempt{.outcome = Outcome::retry, .says = place.problem, .retry_after = {}};
  std::ifstream file(path, std::ios::binary);
  if (!file) co_return Attempt{.outcome = Outcome::refused, .says = path + ": cannot be read", .retry_after = {}};
  std::string list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
  std::string block(block_size, '\0');
  for (int number = 0;; ++number) {
    file.read(block.data(), static_cast<std::streamsize>(block_size));
    const auto size = static_cast<std::size_t>(file.gcount());
    if (size == 0) break;
    const std::string id = base64(fmt::format("{:06}", number));  // digits: nothing in it needs percent-encoding
    const std::string body = block.substr(0, size);
    Upload request{.method = "PUT",
                   .url = place.with("comp=block&blockid=" + id),
                   .headers = headers_for(body, "application/octet-stream"),
                   .body = body};
    const auto reply = co_await upload(std::move(request), uplink);
    auto attempt = judge_blob(reply, key_of(sink), place.sas);
    if (attempt.outcome != Outcome::delivered) co_return attempt;
    list += "<Latest>" + id + "</Latest>";
  }
  list += "</BlockList>";
  Upload request{
      .method = "PUT", .url = place.with("comp=blocklist"), .headers = headers_for(list, "text/xml"), .body = list};
  request.headers.push_back({"x-ms-blob-content-type", "application/gzip"});
  const auto reply = co_await upload(std::move(request), uplink);
  auto attempt = judge_blob(reply, key_of(sink), place.sas);
  if (attempt.outcome == Outcome::delivered) attempt.says = without_secrets(place.url);
  co_return attempt;
}

}  // namespace vnetprobe::delivery
