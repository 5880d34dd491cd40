#include "runtime/prober/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>

#include <climits>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace podreeve::prober {

namespace {

// Of one connection: an answer, its certificates and whatever else TLS says.
constexpr std::size_t kMostTls = 256 * 1024;

}  // namespace

// The socket as OpenSSL sees it. Left to itself OpenSSL reads until a message of ours is whole, and
// what a server says before that has no end.
struct SocketMethod {
    static int read(BIO* bio, char* into, int size) {
        auto& channel = *static_cast<Channel*>(::BIO_get_data(bio));
        ::BIO_clear_retry_flags(bio);
        if (channel.budget_ == nullptr || *channel.budget_ == 0) {
            ::BIO_set_retry_read(bio);
            return -1;
        }
        if (channel.heard_ >= kMostTls) {
            return -1;
        }
        const std::size_t most = std::min(static_cast<std::size_t>(size), *channel.budget_);
        const ssize_t got = ::recv(channel.fd(), into, most, 0);
        if (got > 0) {
            *channel.budget_ -= static_cast<std::size_t>(got);
            channel.heard_ += static_cast<std::size_t>(got);
        } else if (got < 0 && errno == EAGAIN) {
            ::BIO_set_retry_read(bio);
        }
        return static_cast<int>(got);
    }

    static int write(BIO* bio, const char* bytes, int size) {
        const auto& channel = *static_cast<Channel*>(::BIO_get_data(bio));
        ::BIO_clear_retry_flags(bio);
        const ssize_t sent =
            ::send(channel.fd(), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            ::BIO_set_retry_write(bio);
        }
        return static_cast<int>(sent);
    }

    static long control(BIO*, int command, long, void*) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }
};

TlsContext::TlsContext() : context_(nullptr), socket_method_(nullptr) {
    // Its configuration file is out of our reach.
    ::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    context_ = ::SSL_CTX_new(::TLS_client_method());
    socket_method_ = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (socket_method_ != nullptr) {
        ::BIO_meth_set_read(socket_method_, SocketMethod::read);
        ::BIO_meth_set_write(socket_method_, SocketMethod::write);
        ::BIO_meth_set_ctrl(socket_method_, SocketMethod::control);
    }
    if (context_ != nullptr) {
        ::SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
        // Old servers count too: what is asked is whether they live. But no group whose size the
        // server chooses: one key of 8192 bits costs as much as a thousand probes.
        ::SSL_CTX_set_security_level(context_, 0);
        ::SSL_CTX_set_cipher_list(context_, "DEFAULT:!kDHE:@SECLEVEL=0");
        ::SSL_CTX_set1_groups_list(context_, "X25519:P-256:P-384:P-521");
        ::SSL_CTX_set_mode(context_,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
}

TlsContext::~TlsContext() {
    ::SSL_CTX_free(context_);
    ::BIO_meth_free(socket_method_);
}

Channel::~Channel() {
    if (tls_ != nullptr) {
        ::SSL_shutdown(tls_);
        ::SSL_free(tls_);
        ::ERR_clear_error();
    }
}

IoStep Channel::tls_step(int result) const {
    if (result > 0) {
        return IoStep::Done;
    }
    switch (::SSL_get_error(tls_, result)) {
        case SSL_ERROR_WANT_READ:
            return IoStep::WantRead;
        case SSL_ERROR_WANT_WRITE:
            return IoStep::WantWrite;
        case SSL_ERROR_ZERO_RETURN:
            return IoStep::Closed;
        default:
            return IoStep::Failed;
    }
}

bool Channel::begin_tls(TlsContext& tls) {
    if (tls.context_ == nullptr || tls.socket_method_ == nullptr) {
        return false;
    }
    tls_ = ::SSL_new(tls.context_);
    BIO* bio = tls_ == nullptr ? nullptr : ::BIO_new(tls.socket_method_);
    if (bio == nullptr) {
        return false;
    }
    ::BIO_set_data(bio, this);
    ::BIO_set_init(bio, 1);
    ::SSL_set_bio(tls_, bio, bio);
    return true;
}

IoStep Channel::shake_hands(TlsContext& tls, std::size_t& budget) {
    ::ERR_clear_error();
    if (tls_ == nullptr && !begin_tls(tls)) {
        return IoStep::Failed;
    }
    budget_ = &budget;
    const IoStep step = tls_step(::SSL_connect(tls_));
    budget_ = nullptr;
    return step;
}

IoStep Channel::write(std::string& pending, std::size_t& budget) {
    while (!pending.empty()) {
        if (tls_ != nullptr) {
            ::ERR_clear_error();
            const auto size = static_cast<int>(std::min<std::size_t>(pending.size(), INT_MAX));
            budget_ = &budget;
            const int sent = ::SSL_write(tls_, pending.data(), size);
            budget_ = nullptr;
            if (sent <= 0) {
                return tls_step(sent);
            }
            pending.erase(0, static_cast<std::size_t>(sent));
            continue;
        }
        const ssize_t sent = ::send(socket_.get(), pending.data(), pending.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN ? IoStep::WantWrite : IoStep::Failed;
        }
        pending.erase(0, static_cast<std::size_t>(sent));
    }
    return IoStep::Done;
}

IoStep Channel::read(std::string& into, std::size_t& budget) {
    std::array<char, 16384> buffer;
    if (tls_ != nullptr) {
        ::ERR_clear_error();
        budget_ = &budget;
        const int got = ::SSL_read(tls_, buffer.data(), static_cast<int>(buffer.size()));
        budget_ = nullptr;
        if (got <= 0) {
            // Many servers just hang up instead of saying good-bye: what came before counts.
            const IoStep step = tls_step(got);
            return step == IoStep::Failed ? IoStep::Closed : step;
        }
        into.append(buffer.data(), static_cast<std::size_t>(got));
        return IoStep::Done;
    }
    if (budget == 0) {
        return IoStep::WantRead;
    }
    const ssize_t got = ::recv(socket_.get(), buffer.data(), std::min(buffer.size(), budget), 0);
    budget -= got > 0 ? static_cast<std::size_t>(got) : 0;
    if (got == 0) {
        return IoStep::Closed;
    }
    if (got < 0) {
        return errno == EAGAIN ? IoStep::WantRead : IoStep::Failed;
    }
    into.append(buffer.data(), static_cast<std::size_t>(got));
    return IoStep::Done;
}

}  // namespace podreeve::prober
