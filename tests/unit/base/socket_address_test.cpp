#include "runtime/base/socket_address.h"

#include <gtest/gtest.h>

namespace podreeve {
namespace {

TEST(SocketAddress, IsReadFromALiteral) {
    EXPECT_EQ(parse_ip("127.0.0.1")->family(), AF_INET);
    EXPECT_EQ(parse_ip("::1")->family(), AF_INET6);
    for (const char* text : {"", "localhost", "127.0.0", "1.2.3.4:80", "[::1]"}) {
        EXPECT_FALSE(parse_ip(text)) << text;
    }
}

TEST(SocketAddress, IsReadWithAPort) {
    EXPECT_EQ(parse_ip_and_port("127.0.0.1:80"), parse_ip("127.0.0.1")->with_port(80));
    EXPECT_EQ(parse_ip_and_port("[::1]:8080"), parse_ip("::1")->with_port(8080));
    for (const char* text : {"", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "db:80",
                             "127.0.0.1:65536", "127.0.0.1:80/"}) {
        EXPECT_FALSE(parse_ip_and_port(text)) << text;
    }
}

TEST(SocketAddress, DiffersByAddressAndPort) {
    const SocketAddress one = parse_ip("127.0.0.1")->with_port(1);
    EXPECT_FALSE(one == one.with_port(2));
    EXPECT_FALSE(one == parse_ip("127.0.0.2")->with_port(1));
    EXPECT_EQ(one.with_port(2).with_port(1), one);
}

}  // namespace
}  // namespace podreeve
