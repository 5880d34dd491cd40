#pragma once

#include <cstdint>
#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/unique_fd.h"

namespace podreeve::prober {

// A server on one address of this machine, on a port of its own; the script has each connection in
// turn, on the server's thread.
class Peer {
  public:
    using Script = std::function<void(int fd)>;

    explicit Peer(Script script, const std::string& address = "127.0.0.1");
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    std::uint16_t port() const { return port_; }

  private:
    void serve();

    Script script_;
    std::uint16_t port_ = 0;
    UniqueFd listener_;
    // So that no thread is just beginning, with the lock of the allocator, when a test forks.
    std::latch begun_{1};
    std::thread thread_;
};

// Reads until text is in what came, or the end; what came.
std::string read_until(int fd, const std::string& text);
// False when the other side has gone.
bool write_all(int fd, const std::string& bytes);

// Answers every request with these bytes.
Peer::Script answering(std::string bytes);
// The same behind a TLS handshake with a certificate nobody has signed.
Peer::Script answering_in_tls(std::string bytes);
// Goes on saying these bytes until the other side goes.
Peer::Script flooding(std::string bytes);
// Behind a TLS handshake says no more than one new session ticket after the other.
Peer::Script flooding_in_tls();
// Says nothing until the other side goes.
Peer::Script silent();

// A port on which nobody listens.
std::uint16_t closed_port();

}  // namespace podreeve::prober
