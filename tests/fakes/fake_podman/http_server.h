#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace podreeve::fakes {

struct HttpRequest {
    std::string method;
    std::string target;                             // as it came: path and query, encoded
    std::string path;                               // without the query, still encoded
    std::multimap<std::string, std::string> query;  // decoded
    std::map<std::string, std::string> headers;     // names in lower case
    std::string body;

    // The first value of that name, or fallback.
    std::string param(const std::string& name, const std::string& fallback = "") const;
    bool flag(const std::string& name, bool fallback = false) const;
};

std::string url_decode(std::string_view text);

// The reply side of one request, used by the connection's thread alone.
class Exchange {
  public:
    Exchange(int fd, std::string server_headers) : fd_(fd), headers_(std::move(server_headers)) {}

    // A whole reply. 204 and 304 never carry a body.
    void reply(int status, const std::string& content_type, const std::string& body);
    // A reply of unknown length, in chunks; write() is false when the other side is gone.
    void begin_stream(int status, const std::string& content_type);
    bool write(std::string_view data);
    void end_stream();

    // From now on: half of the body of a reply, or so many bytes of a stream, then the connection
    // breaks.
    void cut_in_the_middle(std::size_t stream_bytes = 200) { middle_ = stream_bytes; }

    void cut();
    bool peer_gone() const;

    bool replied() const { return replied_; }

    bool streaming() const { return streaming_; }

    int status() const { return status_; }

  private:
    bool send_all(std::string_view data);

    int fd_;
    std::string headers_;
    std::optional<std::size_t> middle_;
    std::size_t allowance_ = std::string::npos;  // bytes that may still be sent
    int status_ = 0;
    bool replied_ = false, streaming_ = false, cut_ = false;
};

// HTTP/1.1 over one Unix socket, as Go's server speaks it to its clients, but breakable at every
// point: a connection can be cut before, within and between replies, all at once, and the socket
// can stop listening while its file stays. One thread a connection; the handler runs there and may
// block.
class HttpServer {
  public:
    using Handler = std::function<void(const HttpRequest&, Exchange&)>;

    HttpServer(std::string path, std::string server_headers, Handler handler);
    ~HttpServer();  // stop()s
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    bool start();

    bool listening() const { return acceptor_.joinable(); }

    // Closes the listening socket and leaves its file, so that a connect is refused.
    void close_listener();
    void cut_connections();
    // Cuts all and waits for the threads; handlers that block must have been released before.
    void stop();
    void set_headers(std::string server_headers);
    std::size_t connections() const;

  private:
    struct Connection;

    void accept_loop(int listener);
    void serve(Connection& connection);
    void reap();

    std::string path_;
    Handler handler_;
    mutable std::mutex mutex_;
    std::string headers_;
    UniqueFd listener_, wake_;
    std::thread acceptor_;
    std::list<Connection> connections_;
};

}  // namespace podreeve::fakes
