#pragma once

#include "probes/connection.hpp"
#include "probes/http_facts.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <string>

// The reading of one HTTP answer within bounds, for every probe that speaks HTTP.
namespace vnetprobe {

struct HttpBounds {
  std::uint32_t header_bytes = 64U << 10;
  std::size_t headers_kept = 64;
  std::size_t body_bytes = 64U << 10;
};

// A body of which no more than `limit` bytes are stored, whatever Content-Length announces (Beast's string_body would
// reserve it).
struct BoundedBody {
  struct value_type {
    std::string text;
    std::size_t limit = HttpBounds{}.body_bytes;
    bool cut{};  // there was more
    bool full() const { return cut || text.size() >= limit; }
  };

  class reader {
   public:
    template <bool request, class Fields>
    reader(boost::beast::http::header<request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      std::size_t seen = 0;
      for (const asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
        const std::size_t kept = std::min(buffer.size(), body_.limit - body_.text.size());
        body_.text.append(static_cast<const char*>(buffer.data()), kept);
        body_.cut = body_.cut || kept < buffer.size();
        seen += buffer.size();
      }
      return seen;
    }
    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};
using HttpParser = boost::beast::http::response_parser<BoundedBody>;

// An answer's head and as much of its body as the bounds and the time allow.
struct HttpAnswer {
  std::optional<HttpFailure> error;
  std::optional<std::string> detail;
  std::chrono::sys_time<std::chrono::milliseconds> came;  // the head: what its Date is compared with
  int status{};
  std::string reason, version;
  std::vector<HttpHeader> headers;
  int headers_left_out{};
  std::string body;
  bool body_truncated{};
  std::optional<HttpFailure> body_error;  // with body_truncated: why there is no more; absent: the bound
  std::string after_head;  // of a CONNECT's 2xx only: bytes that came with the head, which no TLS server sends unasked
};

// Sends `request` as it is and reads the answer. A body that outlasts the limit or the bound is truncated, which is no
// failure. `is_connect`: a 2xx answer has no body (RFC 9110 section 9.3.6).
asio::awaitable<HttpAnswer> exchange_http(Connection& connection, std::string request, HttpBounds bounds,
                                          bool is_connect, std::chrono::milliseconds limit);

// Takes status, reason, version and headers, and notes the time.
void take_head(const HttpParser& parser, const HttpBounds& bounds, HttpAnswer& into);

// The word for how a read ended.
HttpFailure classify_http(const boost::system::error_code& error);

// An absolute URL's parts as a request needs them.
struct UrlParts {
  std::string scheme;
  std::string authority;  // host and port as written, without user:password
  std::string target;     // path and query
};
std::optional<UrlParts> split_url(const std::string& url);

// Serialises a request's head: "GET /x HTTP/1.1", Host, the headers, an empty line. CR and LF in a value are dropped.
std::string request_head(std::string_view method, std::string_view target, std::string_view host,
                         const std::vector<HttpHeader>& headers);

// "Basic dXNlcjpwYXNz" for "user:pass".
std::string basic_credentials(std::string_view credentials);

inline std::string_view user_agent() { return "vnetprobe/" VNETPROBE_VERSION; }

}  // namespace vnetprobe
