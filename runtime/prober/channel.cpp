#include "runtime/prober/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>

#include <climits>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace podreeve::prober {

TlsContext::TlsContext() : context_(::SSL_CTX_new(::TLS_client_method())) {
    if (context_ != nullptr) {
        ::SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
        // Old servers count too: what is asked is whether they live.
        ::SSL_CTX_set_security_level(context_, 0);
        ::SSL_CTX_set_mode(context_,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
}

TlsContext::~TlsContext() {
    ::SSL_CTX_free(context_);
}

Channel::~Channel() {
    if (tls_ != nullptr) {
        ::SSL_shutdown(tls_);
        ::SSL_free(tls_);
        ::ERR_clear_error();
    }
}

Step Channel::tls_step(int result) const {
    if (result > 0) {
        return Step::Done;
    }
    switch (::SSL_get_error(tls_, result)) {
        case SSL_ERROR_WANT_READ:
            return Step::WantRead;
        case SSL_ERROR_WANT_WRITE:
            return Step::WantWrite;
        case SSL_ERROR_ZERO_RETURN:
            return Step::Closed;
        default:
            return Step::Failed;
    }
}

Step Channel::shake_hands(TlsContext& tls) {
    ::ERR_clear_error();
    if (tls_ == nullptr) {
        tls_ = tls.context_ == nullptr ? nullptr : ::SSL_new(tls.context_);
        if (tls_ == nullptr || ::SSL_set_fd(tls_, socket_.get()) != 1) {
            return Step::Failed;
        }
    }
    return tls_step(::SSL_connect(tls_));
}

Step Channel::write(std::string& pending) {
    while (!pending.empty()) {
        if (tls_ != nullptr) {
            ::ERR_clear_error();
            const auto size = static_cast<int>(std::min<std::size_t>(pending.size(), INT_MAX));
            const int sent = ::SSL_write(tls_, pending.data(), size);
            if (sent <= 0) {
                return tls_step(sent);
            }
            pending.erase(0, static_cast<std::size_t>(sent));
            continue;
        }
        const ssize_t sent = ::send(socket_.get(), pending.data(), pending.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN ? Step::WantWrite : Step::Failed;
        }
        pending.erase(0, static_cast<std::size_t>(sent));
    }
    return Step::Done;
}

Step Channel::read(std::string& into) {
    std::array<char, 16384> buffer;
    if (tls_ != nullptr) {
        ::ERR_clear_error();
        const int got = ::SSL_read(tls_, buffer.data(), static_cast<int>(buffer.size()));
        if (got <= 0) {
            // Many servers just hang up instead of saying good-bye: what came before counts.
            const Step step = tls_step(got);
            return step == Step::Failed ? Step::Closed : step;
        }
        into.append(buffer.data(), static_cast<std::size_t>(got));
        return Step::Done;
    }
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got == 0) {
        return Step::Closed;
    }
    if (got < 0) {
        return errno == EAGAIN ? Step::WantRead : Step::Failed;
    }
    into.append(buffer.data(), static_cast<std::size_t>(got));
    return Step::Done;
}

}  // namespace podreeve::prober
