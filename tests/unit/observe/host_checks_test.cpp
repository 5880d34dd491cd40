#include "agent/observe/host_checks.h"

#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::observe {
namespace {

TEST(Surroundings, APortTakesConnectionsWhileSomebodyListens) {
    const SocketAddress any = *parse_ip_and_port("127.0.0.1:0");
    UniqueFd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(server.get(), any.get(), any.size), 0);
    SocketAddress bound = any;
    ASSERT_EQ(::getsockname(server.get(), reinterpret_cast<sockaddr*>(&bound.bytes), &bound.size),
              0);
    const Status refused = takes_connections(bound, std::chrono::seconds(5));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "Connection refused");
    ASSERT_EQ(::listen(server.get(), 4), 0);
    EXPECT_TRUE(takes_connections(bound, std::chrono::seconds(5)));
}

}  // namespace
}  // namespace podreeve::observe
