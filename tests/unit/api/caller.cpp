#include "tests/unit/api/caller.h"

#include <array>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace podreeve::api::testing {

Caller::Caller(const std::filesystem::path& socket)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    connected_ =
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::pair<Caller, UniqueFd> Caller::pair() {
    std::array<int, 2> ends{};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data());
    return {Caller(UniqueFd(ends[0])), UniqueFd(ends[1])};
}

Caller& Caller::say(const std::string& bytes) {
    ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return *this;
}

Caller& Caller::get(const std::string& target) {
    return say("GET " + target + " HTTP/1.1\r\nHost: podreeve\r\n\r\n");
}

bool Caller::hear_more() {
    pollfd polled{socket_.get(), POLLIN, 0};
    if (::poll(&polled, 1, 10'000) <= 0) {
        return false;
    }
    std::array<char, 4096> piece{};
    const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    heard_.append(piece.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    return got > 0;
}

const std::string& Caller::hear(const std::string& text) {
    while (heard_.find(text) == std::string::npos && hear_more()) {
    }
    return heard_;
}

bool Caller::is_let_go() {
    while (hear_more()) {
    }
    pollfd polled{socket_.get(), POLLIN, 0};
    return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

int Caller::status() {
    const std::string& head = hear("\r\n\r\n");
    return head.size() > 12 ? std::atoi(head.c_str() + 9) : 0;
}

}  // namespace podreeve::api::testing
