#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::http {

// A body that is kept in memory may not be larger (Corrupt).
inline constexpr std::size_t kMaxBody = std::size_t{64} << 20U;

struct Request {
    std::string method = "GET";
    std::string target;  // path and query, already encoded
    std::string body;
    std::string content_type;  // sent with a body
    std::map<std::string, std::string> headers;
    Duration timeout = std::chrono::seconds(30);  // for the whole call; zero: none (streams)
    Duration connect_timeout = std::chrono::seconds(5);
    // A stream that says nothing for so long is broken; zero: it may be silent for ever.
    Duration idle_timeout = Duration::zero();
    std::stop_token stop;
    // With a sink the body of a 2xx reply goes there piece by piece and not into Response::body;
    // returning false ends the call with Code::Cancelled.
    std::function<bool(std::string_view)> sink;
};

struct Response {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
};

// HTTP/1.1 over one Unix socket (libcurl). Connections are kept alive and pooled: any number of
// threads may call at once, each call takes one handle. Errors are those of the transport
// (Unavailable: absent, refused, cut off in the middle; Timeout; Cancelled by stop or sink); any
// HTTP status is a Response.
class HttpClient {
  public:
    // With owner nothing is said to a server that is neither that user's nor root's (Denied), as
    // the kernel tells by the connection.
    explicit HttpClient(std::string socket_path,
                        unsigned keep_handles = 4,
                        std::optional<uid_t> owner = std::nullopt);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    Result<Response> call(const Request& request);
    const std::string& socket_path() const;

  private:
    struct Pool;
    std::unique_ptr<Pool> pool_;
};

// Percent-encodes for a path segment or a query value.
std::string encode(std::string_view text);

// "?a=1&b=2" of those that have a value, encoded; empty when none has. Order as given.
std::string query(
    std::initializer_list<std::pair<std::string_view, std::optional<std::string>>> items);

}  // namespace podreeve::http
