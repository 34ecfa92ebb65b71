#pragma once

#include "probes/observation/http.hpp"

#include <string_view>

// What an HTTP answer says, taken out of its bytes without any judgement. Pure.
namespace vnetprobe {

// Makes a header fit for an observation: bounded, printable, and without the value of anything that is a secret
// (Set-Cookie, Authorization, `sig=` of a SAS).
HttpHeader kept_header(std::string_view name, std::string_view value);

// A URL without user:password and without the values of signature-like query parameters.
std::string redacted_url(std::string_view url);

// At most 1 KiB of a body as one line: line breaks become blanks, UTF-8 is made valid, control characters are escaped,
// a byte-order mark is dropped, SAS signatures and tokens are removed.
std::string body_excerpt(std::string_view body);

// The error code as Azure's services write it (azure-facts 4.1 - 4.4): x-ms-error-code, <Code> of XML, or error.code,
// odata.error.code, errors[0].code of JSON, where an inner error is more telling than its outer one. Absent: none.
std::optional<std::string> service_error_code(const std::vector<HttpHeader>& headers, std::string_view body);

// The node's clock minus the answer's Date (RFC 9110 section 5.6.7). Date counts whole seconds, so the middle of its
// second is meant. Absent: no usable Date, or the copy of a cache (Age), whose Date is as old as the copy.
std::optional<std::chrono::milliseconds> clock_offset(const std::vector<HttpHeader>& headers,
                                                      std::chrono::sys_time<std::chrono::milliseconds> now);

// The value of the first header of that name, case-insensitively; nullptr: none.
const std::string* find_header(const std::vector<HttpHeader>& headers, std::string_view name);

}  // namespace vnetprobe
