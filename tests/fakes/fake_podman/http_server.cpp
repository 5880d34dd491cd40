#include "tests/fakes/fake_podman/http_server.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace podreeve::fakes {
namespace {

constexpr std::size_t kMaxRequest = 64u << 20;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string_view reason(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 409:
            return "Conflict";
        default:
            return "Internal Server Error";
    }
}

std::multimap<std::string, std::string> parse_query(std::string_view text) {
    std::multimap<std::string, std::string> out;
    while (!text.empty()) {
        const auto end = text.find('&');
        const std::string_view item = text.substr(0, end);
        const auto equals = item.find('=');
        if (!item.empty()) {
            const auto value = equals == item.npos ? std::string_view() : item.substr(equals + 1);
            out.emplace(url_decode(item.substr(0, equals)), url_decode(value));
        }
        text = end == text.npos ? std::string_view() : text.substr(end + 1);
    }
    return out;
}

// Reads requests off one connection, keeping what came after the one that was asked for.
class RequestReader {
  public:
    explicit RequestReader(int fd) : fd_(fd) {}

    std::optional<HttpRequest> next() {
        std::size_t head_end = 0;
        while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) {
                return std::nullopt;
            }
        }
        HttpRequest request;
        const bool good = parse_head(request, buffer_.substr(0, head_end));
        buffer_.erase(0, head_end + 4);
        if (!good || !read_body(request)) {
            return std::nullopt;
        }
        return request;
    }

  private:
    bool more() {
        char piece[16384];
        const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
        if (got <= 0 || buffer_.size() > kMaxRequest) {
            return false;
        }
        buffer_.append(piece, static_cast<std::size_t>(got));
        return true;
    }

    static bool parse_head(HttpRequest& request, const std::string& head) {
        const auto line_end = head.find("\r\n");
        const std::string line = head.substr(0, line_end);
        const auto first = line.find(' ');
        const auto second = line.find(' ', first + 1);
        if (first == std::string::npos || second == std::string::npos) {
            return false;
        }
        request.method = line.substr(0, first);
        request.target = line.substr(first + 1, second - first - 1);
        const auto mark = request.target.find('?');
        request.path = request.target.substr(0, mark);
        if (mark != std::string::npos) {
            request.query = parse_query(std::string_view(request.target).substr(mark + 1));
        }
        for (std::size_t at = line_end; at != std::string::npos && at < head.size();) {
            const auto end = head.find("\r\n", at + 2);
            const std::string field = head.substr(at + 2, end == head.npos ? end : end - at - 2);
            if (const auto colon = field.find(':'); colon != std::string::npos) {
                const auto value = field.find_first_not_of(' ', colon + 1);
                request.headers[lower(field.substr(0, colon))] =
                    value == std::string::npos ? "" : field.substr(value);
            }
            at = end;
        }
        return true;
    }

    bool take(std::string& into, std::size_t count) {
        while (buffer_.size() < count) {
            if (!more()) {
                return false;
            }
        }
        into.append(buffer_, 0, count);
        buffer_.erase(0, count);
        return true;
    }

    bool read_body(HttpRequest& request) {
        if (request.headers["transfer-encoding"] == "chunked") {
            return read_chunks(request.body);
        }
        const auto length = request.headers.find("content-length");
        return length == request.headers.end() || take(request.body, std::stoul(length->second));
    }

    bool read_chunks(std::string& body) {
        while (true) {
            std::size_t end = 0;
            while ((end = buffer_.find("\r\n")) == std::string::npos) {
                if (!more()) {
                    return false;
                }
            }
            const std::size_t size = std::stoul(buffer_.substr(0, end), nullptr, 16);
            buffer_.erase(0, end + 2);
            std::string line_end;
            if (!take(body, size) || !take(line_end, 2)) {
                return false;
            }
            if (size == 0) {
                return true;
            }
        }
    }

    int fd_;
    std::string buffer_;
};

}  // namespace

std::string url_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(text[i + 1]) != 0 &&
            std::isxdigit(text[i + 2]) != 0) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string HttpRequest::param(const std::string& name, const std::string& fallback) const {
    const auto it = query.find(name);
    return it == query.end() ? fallback : it->second;
}

bool HttpRequest::flag(const std::string& name, bool fallback) const {
    const std::string value = param(name, fallback ? "true" : "false");
    return value == "true" || value == "1";
}

void Exchange::reply(int status, const std::string& content_type, const std::string& body) {
    status_ = status;
    std::string head = fmt::format("HTTP/1.1 {} {}\r\n{}", status, reason(status), headers_);
    replied_ = true;
    if (status == 204 || status == 304) {
        allowance_ = middle_ ? head.size() : allowance_;
        send_all(head + "\r\n");
        return;
    }
    head +=
        fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n\r\n", content_type, body.size());
    allowance_ = middle_ ? head.size() + body.size() / 2 : allowance_;
    send_all(head + body);
}

void Exchange::begin_stream(int status, const std::string& content_type) {
    status_ = status;
    replied_ = streaming_ = true;
    allowance_ = middle_.value_or(allowance_);
    std::string head = fmt::format("HTTP/1.1 {} {}\r\n{}", status, reason(status), headers_);
    if (!content_type.empty()) {
        head += "Content-Type: " + content_type + "\r\n";
    }
    send_all(head + "Transfer-Encoding: chunked\r\n\r\n");
}

bool Exchange::write(std::string_view data) {
    return data.empty() || send_all(fmt::format("{:x}\r\n{}\r\n", data.size(), data));
}

void Exchange::end_stream() {
    streaming_ = false;
    send_all("0\r\n\r\n");
}

void Exchange::cut() {
    cut_ = true;
    ::shutdown(fd_, SHUT_RDWR);
}

bool Exchange::peer_gone() const {
    char byte = 0;
    const ssize_t got = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return cut_ || got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

bool Exchange::send_all(std::string_view data) {
    const bool last = data.size() >= allowance_;
    data = data.substr(0, allowance_);
    while (!data.empty() && !cut_) {
        const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            cut_ = true;
            break;
        }
        data.remove_prefix(static_cast<std::size_t>(sent));
        if (allowance_ != std::string::npos) {
            allowance_ -= static_cast<std::size_t>(sent);
        }
    }
    if (last) {
        cut();
    }
    return !cut_;
}

struct HttpServer::Connection {
    UniqueFd fd;
    std::thread thread;
    bool done = false;
};

HttpServer::HttpServer(std::string path, std::string server_headers, Handler handler)
    : path_(std::move(path)),
      handler_(std::move(handler)),
      headers_(std::move(server_headers)),
      wake_(::eventfd(0, EFD_CLOEXEC)) {}

HttpServer::~HttpServer() {
    stop();
}

bool HttpServer::start() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) {
        return false;
    }
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::unlink(path_.c_str());
    if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), 128) != 0) {
        return false;
    }
    listener_ = std::move(fd);
    acceptor_ = std::thread([this, listener = listener_.get()] { accept_loop(listener); });
    return true;
}

void HttpServer::accept_loop(int listener) {
    while (true) {
        pollfd wait[2] = {{listener, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
        if (::poll(wait, 2, -1) < 0) {
            continue;
        }
        if (wait[1].revents != 0) {
            return;
        }
        UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        reap();
        if (!fd) {
            continue;
        }
        std::lock_guard lock(mutex_);
        Connection& connection = connections_.emplace_back();
        connection.fd = std::move(fd);
        connection.thread = std::thread([this, &connection] { serve(connection); });
    }
}

void HttpServer::serve(Connection& connection) {
    RequestReader reader(connection.fd.get());
    while (const auto request = reader.next()) {
        std::string headers;
        {
            std::lock_guard lock(mutex_);
            headers = headers_;
        }
        Exchange exchange(connection.fd.get(), headers);
        handler_(*request, exchange);
        if (exchange.streaming()) {
            exchange.end_stream();
        }
        if (!exchange.replied() || exchange.peer_gone()) {
            break;
        }
    }
    ::shutdown(connection.fd.get(), SHUT_RDWR);
    std::lock_guard lock(mutex_);
    connection.done = true;
}

void HttpServer::reap() {
    std::list<Connection> done;
    {
        std::lock_guard lock(mutex_);
        for (auto it = connections_.begin(); it != connections_.end();) {
            const auto next = std::next(it);
            if (it->done) {
                done.splice(done.end(), connections_, it);
            }
            it = next;
        }
    }
    for (Connection& connection : done) {
        connection.thread.join();
    }
}

void HttpServer::close_listener() {
    if (!acceptor_.joinable()) {
        return;
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t wrote = ::write(wake_.get(), &one, sizeof one);
    acceptor_.join();
    std::uint64_t drained = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &drained, sizeof drained);
    listener_.reset();
}

void HttpServer::cut_connections() {
    std::lock_guard lock(mutex_);
    for (Connection& connection : connections_) {
        ::shutdown(connection.fd.get(), SHUT_RDWR);
    }
}

void HttpServer::stop() {
    close_listener();
    cut_connections();
    for (Connection& connection : connections_) {
        connection.thread.join();
    }
    connections_.clear();
    ::unlink(path_.c_str());
}

void HttpServer::set_headers(std::string server_headers) {
    std::lock_guard lock(mutex_);
    headers_ = std::move(server_headers);
}

std::size_t HttpServer::connections() const {
    std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                  [](const Connection& c) { return !c.done; }));
}

}  // namespace podreeve::fakes
