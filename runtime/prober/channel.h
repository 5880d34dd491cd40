#pragma once

#include <memory>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

// Of OpenSSL, whose headers stay out of this one.
struct bio_method_st;
struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace podreeve::prober {

// How far a step on a socket that does not block came.
enum class IoStep { Done, WantRead, WantWrite, Closed, Failed };

// TLS as the kubelet's probes have it: any certificate will do. One for the process; making it
// costs milliseconds and memory, so nobody does before the first https question.
class TlsContext {
  public:
    TlsContext();
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

  private:
    friend class Channel;
    ssl_ctx_st* context_;
    bio_method_st* socket_method_;
};

// A connection on its way to being open, then open: plain, or TLS.
class Channel {
  public:
    explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    int fd() const { return socket_.get(); }

    // Of a plain one, which is of no use afterwards; empty: it cannot be had.
    UniqueFd take_socket() { return tls_ == nullptr ? std::move(socket_) : UniqueFd(); }

    // What it hears from the other side, handshakes and all that is in no message included, is
    // taken off the budget; with none left, WantRead.
    //
    // Speaks TLS from now on.
    IoStep shake_hands(TlsContext& tls, std::size_t& budget);
    IoStep write(std::string& pending,
                 std::size_t& budget);  // takes what was written off its front
    IoStep read(std::string& into,
                std::size_t& budget);  // Done: something was added; Closed: the end

  private:
    friend struct SocketMethod;
    IoStep tls_step(int result) const;
    bool begin_tls(TlsContext& tls);

    UniqueFd socket_;
    ssl_st* tls_ = nullptr;
    std::size_t* budget_ = nullptr;  // of the call that is under way; TLS
    std::size_t heard_ = 0;          // TLS, all in all
};

}  // namespace podreeve::prober
