#include "agent/demo/answers.hpp"

namespace vnetprobe::demo {
namespace {

const std::string request_id = "5f3c1d2e-901e-0042-55aa-d3f0c4000000";
const std::string tenant = "22222222-2222-2222-2222-222222222222";

SimulatedAnswer storage(const std::string& service, Fault fault) {
  const bool denied = fault == Fault::storage_firewall;
  const std::string code = denied ? "AuthorizationFailure" : "NoAuthenticationInformation";
  const std::string message = denied ? "This request is not authorized to perform this operation."
                                     : "Server failed to authenticate the request. Please refer to the information in "
                                       "the www-authenticate header.";
  SimulatedAnswer answer{.status = denied ? 403U : 401U};
  answer.headers = {{"Content-Type", "application/xml"},
                    {"Server", "Windows-Azure-" + service + "/1.0 Microsoft-HTTPAPI/2.0"},
                    {"x-ms-request-id", request_id},
                    {"x-ms-version", "2021-12-02"},
                    {"x-ms-error-code", code}};
  if (!denied)
    answer.headers.emplace_back("WWW-Authenticate", "Bearer authorization_uri=https://login.microsoftonline.com/" +
                                                        tenant +
                                                        "/oauth2/authorize resource_id=https://storage.azure.com");
  answer.body = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" + code + "</Code><Message>" +
                message + "\nRequestId:" + request_id + "</Message></Error>";
  return answer;
}

SimulatedAnswer key_vault() {
  return {.status = 200,
          .headers = {{"Content-Type", "application/json; charset=utf-8"},
                      {"x-ms-keyvault-region", "eastus2"},
                      {"x-ms-keyvault-service-version", "1.9.2000.1"},
                      {"x-ms-keyvault-network-info", "conn_type=PrivateLink;addr=10.0.0.4;act_addr_fam=InterNetwork;"},
                      {"x-ms-request-id", request_id}},
          .body = ""};
}

SimulatedAnswer registry(const std::string& host) {
  return {
      .status = 401,
      .headers = {{"Content-Type", "application/json; charset=utf-8"},
                  {"Docker-Distribution-Api-Version", "registry/2.0"},
                  {"X-Ms-Correlation-Request-Id", request_id},
                  {"Www-Authenticate", "Bearer realm=\"https://" + host + "/oauth2/token\",service=\"" + host + "\""}},
      .body = R"({"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]})"};
}

SimulatedAnswer registry_data() {
  return {.status = 404,
          .headers = {{"Content-Type", "application/xml"},
                      {"Docker-Distribution-Api-Version", "registry/2.0"},
                      {"X-Ms-Correlation-Request-Id", request_id},
                      {"x-ms-request-id", request_id}},
          .body = ""};
}

SimulatedAnswer microsoft_registry(Fault fault) {
  if (fault == Fault::azure_firewall_470)
    return {.status = 470,
            .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
            .body = "Action: Deny. Reason: No rule matched. Proceeding with default action."};
  return {.status = 200,
          .headers = {{"Content-Type", "application/json; charset=utf-8"},
                      {"Docker-Distribution-Api-Version", "registry/2.0"},
                      {"X-Ms-Correlation-Request-Id", request_id},
                      {"X-MSEdge-Ref", "Ref A: 5F3C"}},
          .body = "{}"};
}

SimulatedAnswer resource_manager() {
  return {
      .status = 401,
      .headers = {{"Content-Type", "application/json; charset=utf-8"},
                  {"WWW-Authenticate",
                   "Bearer authorization_uri=\"https://login.windows.net/" + tenant +
                       "\", error=\"invalid_token\", error_description=\"The authentication failed because "
                       "of missing 'Authorization' header.\""},
                  {"x-ms-request-id", request_id},
                  {"x-ms-correlation-request-id", request_id},
                  {"x-ms-routing-request-id", "EASTUS2:20260101T000000Z:" + request_id}},
      .body =
          R"({"error":{"code":"AuthenticationFailed","message":"Authentication failed. The 'Authorization' header is missing."}})"};
}

SimulatedAnswer entra() {
  return {
      .status = 200,
      .headers = {{"Content-Type", "application/json; charset=utf-8"}, {"x-ms-request-id", request_id}},
      .body =
          R"({"token_endpoint":"https://login.microsoftonline.com/common/oauth2/v2.0/token",)"
          R"("issuer":"https://login.microsoftonline.com/{tenantid}/v2.0","cloud_instance_name":"microsoftonline.com"})"};
}

SimulatedAnswer machine_learning() {
  return {.status = 401,
          .headers = {{"Content-Type", "application/json; charset=utf-8"},
                      {"WWW-Authenticate", "Bearer"},
                      {"x-ms-response-type", "error"},
                      {"x-request-time", "0.004"}},
          .body = R"({"error":{"code":"UserError","message":"Bearer token not provided."}})"};
}

SimulatedAnswer batch() {
  return {.status = 401,
          .headers = {{"Content-Type", "application/json;odata=minimalmetadata"},
                      {"request-id", request_id},
                      {"WWW-Authenticate", "Bearer authorization_uri=\"https://login.windows.net/" + tenant + "\""}},
          .body = R"({"odata.metadata":"https://batch/$metadata#Error","code":"AuthenticationFailed"})"};
}

SimulatedAnswer instance(Fault fault) {
  if (fault == Fault::websocket_stripped)
    return {.status = 200, .headers = {{"Content-Type", "text/html"}}, .body = "<!DOCTYPE HTML><title>Jupyter</title>"};
  return {.status = 302,
          .headers = {{"Location", "https://login.microsoftonline.com/" + tenant + "/oauth2/authorize"},
                      {"x-request-time", "0.002"}},
          .body = ""};
}

}  // namespace

SimulatedAnswer service_answer(const std::string& host, const std::string& target, Fault fault) {
  const auto ends = [&](std::string_view suffix) { return host.ends_with(suffix); };
  if (ends(".blob.core.windows.net")) return storage("Blob", fault);
  if (ends(".file.core.windows.net")) return storage("File", fault);
  if (ends(".queue.core.windows.net")) return storage("Queue", fault);
  if (ends(".table.core.windows.net")) return storage("Table", fault);
  if (ends(".dfs.core.windows.net")) return storage("HDFS", fault);
  if (ends(".vault.azure.net")) return key_vault();
  if (ends(".data.azurecr.io")) return registry_data();
  if (ends(".azurecr.io")) return registry(host);
  if (ends("mcr.microsoft.com")) return microsoft_registry(fault);
  if (host == "management.azure.com") return resource_manager();
  if (ends("login.microsoftonline.com")) return entra();
  if (ends(".batch.azure.com")) return batch();
  if (host.find(".instances.azureml.") != std::string::npos) return instance(fault);
  if (ends(".azureml.ms") || ends(".notebooks.azure.net")) return machine_learning();
  return {.status = 200,
          .headers = {{"Content-Type", "text/html"}, {"X-Azure-Ref", "20260101T000000Z-" + target.substr(0, 8)}},
          .body = ""};
}

SimulatedAnswer imds_answer(const std::string& target, bool has_metadata_header) {
  SimulatedAnswer answer{
      .status = 400,
      .headers = {{"Content-Type", "application/json; charset=utf-8"}, {"Server", "IMDS/150.870.65.1854"}}};
  if (!has_metadata_header) {
    answer.body = R"({"error":"Bad request. Required metadata header not specified"})";
  } else if (target.find("api-version=") == std::string::npos) {
    answer.body =
        R"({"error":"Bad request. api-version is invalid or was not specified in the request.","newest-versions":["2021-02-01"]})";
  } else {
    answer.status = 200;
    answer.body =
        R"({"compute":{"azEnvironment":"AzurePublicCloud","location":"eastus2","name":"demo-ci","osType":"Linux","offer":"ubuntu-2204",)"
        R"("publisher":"microsoft-dsvm","sku":"gen2","resourceGroupName":"demo-rg","subscriptionId":"00000000-0000-0000-0000-000000000000",)"
        R"("vmId":"00000000-0000-0000-0000-000000000001","vmScaleSetName":"","vmSize":"Standard_DS3_v2","zone":""},)"
        R"("network":{"interface":[{"ipv4":{"ipAddress":[{"privateIpAddress":"10.0.0.4","publicIpAddress":""}],)"
        R"("subnet":[{"address":"10.0.0.0","prefix":"24"}]},"ipv6":{"ipAddress":[]},"macAddress":"0011AAFFBB22"}]}})";
  }
  return answer;
}

SimulatedAnswer wireserver_answer(const std::string& target) {
  if (target == "/versions")
    return {
        .status = 200, .headers = {{"Content-Type", "application/json; charset=utf-8"}}, .body = R"(["2015-09-01"])"};
  return {.status = 200,
          .headers = {{"Content-Type", "text/xml; charset=utf-8"}},
          .body =
              "<?xml version=\"1.0\" encoding=\"utf-8\"?><Versions><Preferred><Version>2015-04-05</Version></Preferred>"
              "<Supported><Version>2015-04-05</Version><Version>2012-11-30</Version></Supported></Versions>"};
}

}  // namespace vnetprobe::demo
