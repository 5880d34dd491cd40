#include "tests/unit/http/scripted_server.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace podreeve::http {
namespace {

std::size_t content_length(const std::string& head) {
    const auto at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
}

UniqueFd listen_on(const std::string& path) {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const auto* raw = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    if (bind(fd.get(), raw, sizeof(address)) != 0 || listen(fd.get(), 64) != 0) {
        std::abort();
    }
    return fd;
}

}  // namespace

std::optional<std::string> Connection::read_request() {
    for (;;) {
        const auto end = rest_.find("\r\n\r\n");
        if (end != std::string::npos) {
            const std::size_t whole = end + 4 + content_length(rest_.substr(0, end));
            if (rest_.size() >= whole) {
                std::string request = rest_.substr(0, whole);
                rest_.erase(0, whole);
                return request;
            }
        }
        char buffer[65536];
        const ssize_t got = read(fd_, buffer, sizeof(buffer));
        if (got <= 0) {
            return std::nullopt;
        }
        rest_.append(buffer, static_cast<std::size_t>(got));
    }
}

bool Connection::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void Connection::reply(std::string_view body, std::string_view status) {
    write("HTTP/1.1 " + std::string(status) +
          "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\n\r\n" + std::string(body));
}

void Connection::wait_for_close() {
    char buffer[4096];
    while (read(fd_, buffer, sizeof(buffer)) > 0) {
    }
}

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)),
      listener_(listen_on(path())),
      acceptor_([this] { accept_all(); }) {}

ScriptedServer::~ScriptedServer() {
    shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    {
        const std::lock_guard lock(mutex_);
        for (const int fd : open_) {
            shutdown(fd, SHUT_RDWR);
        }
    }
    for (std::thread& handler : handlers_) {
        handler.join();
    }
}

void ScriptedServer::accept_all() {
    for (;;) {
        const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        const unsigned number = connections_++;
        const std::lock_guard lock(mutex_);
        open_.push_back(fd);
        handlers_.emplace_back([this, fd, number] {
            Connection connection(fd, number);
            script_(connection);
            const std::lock_guard inner(mutex_);
            open_.erase(std::find(open_.begin(), open_.end(), fd));
            close(fd);
        });
    }
}

}  // namespace podreeve::http
