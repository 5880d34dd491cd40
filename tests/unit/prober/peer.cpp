#include "tests/unit/prober/peer.h"

#include <arpa/inet.h>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "runtime/prober/address.h"

namespace podreeve::prober {
namespace {

std::uint16_t port_of(int fd) {
    sockaddr_storage bytes{};
    socklen_t size = sizeof(bytes);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&bytes), &size), 0);
    return ntohs(reinterpret_cast<sockaddr_in*>(&bytes)->sin_port);
}

UniqueFd listen_on(const std::string& text, std::uint16_t& port) {
    const Address address = *parse_ip(text);
    UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd.get(), address.get(), address.size), 0) << text;
    EXPECT_EQ(::listen(fd.get(), 512), 0);
    port = port_of(fd.get());
    return fd;
}

struct Context {
    Context() {
        key = EVP_EC_gen("P-256");
        certificate = X509_new();
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_sign(certificate, key, EVP_sha256());
        context = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate(context, certificate);
        SSL_CTX_use_PrivateKey(context, key);
    }

    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    ~Context() {
        SSL_CTX_free(context);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }

    EVP_PKEY* key;
    X509* certificate;
    SSL_CTX* context;
};

}  // namespace

Peer::Peer(Script script, const std::string& address)
    : script_(std::move(script)), listener_(listen_on(address, port_)) {
    thread_ = std::thread([this] {
        begun_.count_down();
        serve();
    });
    begun_.wait();
}

Peer::~Peer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
}

void Peer::serve() {
    while (true) {
        const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd) {
            return;
        }
        script_(fd.get());
    }
}

std::string read_until(int fd, const std::string& text) {
    std::string out;
    char buffer[4096];
    while (out.find(text) == std::string::npos) {
        const ssize_t size = ::read(fd, buffer, sizeof(buffer));
        if (size <= 0) {
            break;
        }
        out.append(buffer, static_cast<std::size_t>(size));
    }
    return out;
}

bool write_all(int fd, const std::string& bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const ssize_t size = ::send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (size <= 0) {
            return false;
        }
        at += static_cast<std::size_t>(size);
    }
    return true;
}

Peer::Script answering(std::string bytes) {
    return [bytes = std::move(bytes)](int fd) {
        read_until(fd, "\r\n\r\n");
        write_all(fd, bytes);
    };
}

Peer::Script answering_in_tls(std::string bytes) {
    const auto context = std::make_shared<Context>();
    return [context, bytes = std::move(bytes)](int fd) {
        SSL* tls = SSL_new(context->context);
        SSL_set_fd(tls, fd);
        char buffer[4096];
        if (SSL_accept(tls) == 1 && SSL_read(tls, buffer, sizeof(buffer)) > 0) {
            SSL_write(tls, bytes.data(), static_cast<int>(bytes.size()));
            SSL_shutdown(tls);
        }
        SSL_free(tls);
    };
}

Peer::Script flooding(std::string bytes) {
    std::string many;
    while (many.size() < 65536) {
        many += bytes;
    }
    return [many = std::move(many)](int fd) {
        while (write_all(fd, many)) {
        }
    };
}

Peer::Script flooding_in_tls() {
    const auto context = std::make_shared<Context>();
    return [context](int fd) {
        SSL* tls = SSL_new(context->context);
        SSL_set_fd(tls, fd);
        bool goes_on = SSL_accept(tls) == 1;
        while (goes_on) {
            // OpenSSL takes a ticket for sent though nobody is there any more.
            pollfd other{fd, POLLRDHUP, 0};
            goes_on = ::poll(&other, 1, 0) == 0 && SSL_new_session_ticket(tls) == 1 &&
                      SSL_do_handshake(tls) == 1;
        }
        SSL_free(tls);
    };
}

Peer::Script silent() {
    return [](int fd) { read_until(fd, "never"); };
}

std::uint16_t closed_port() {
    std::uint16_t port = 0;
    listen_on("127.0.0.1", port).reset();
    return port;
}

}  // namespace podreeve::prober
