#include "agent/api/connection.h"

#include <array>
#include <cerrno>
#include <sys/socket.h>

namespace podreeve::api {
namespace {

bool is_only_busy(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Got read_some(Connection& connection) {
    std::array<char, 4096> piece{};
    const ssize_t got = ::recv(connection.socket.get(), piece.data(), piece.size(), 0);
    if (got > 0) {
        connection.input.append(piece.data(), static_cast<std::size_t>(got));
        return Got::Bytes;
    }
    return got < 0 && is_only_busy(errno) ? Got::Nothing : Got::End;
}

bool send_some(const Connection& connection, std::string& bytes) {
    std::size_t sent = 0;
    bool alive = true;
    while (sent < bytes.size()) {
        const ssize_t took =
            ::send(connection.socket.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (took <= 0) {
            alive = took < 0 && is_only_busy(errno);
            break;
        }
        sent += static_cast<std::size_t>(took);
    }
    bytes.erase(0, sent);
    return alive;
}

}  // namespace podreeve::api
