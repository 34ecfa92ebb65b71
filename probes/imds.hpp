#pragma once

#include "probes/observation/azure_local.hpp"
#include "probes/within.hpp"

namespace vnetprobe {

inline constexpr const char* imds_default_endpoint = "http://169.254.169.254";

// GET {endpoint}/metadata/instance?api-version=2021-02-01 with `Metadata: true`, directly and without any proxy
// (azure-facts 3.1). `endpoint` is "http://169.254.169.254" or what --imds-endpoint says. `limit` bounds connection and
// answer together; the body is bounded at 256 KiB.
asio::awaitable<ImdsObservation> observe_imds(std::string endpoint, std::chrono::milliseconds limit);

// Takes the fields that the observation keeps out of the service's JSON. False: not a JSON object. Pure.
bool read_instance(std::string_view body, ImdsObservation& into);

}  // namespace vnetprobe
