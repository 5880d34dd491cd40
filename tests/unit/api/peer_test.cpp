#include "agent/api/peer.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::api {
namespace {

constexpr uid_t kSomebodyElse = 54321;

// A socket that somebody of that uid has connected to and is gone since.
UniqueFd visited_by(uid_t visitor) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t size = sizeof(sa_family_t);  // the kernel chooses an abstract name
    const UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    size = sizeof address;
    ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
    EXPECT_EQ(::listen(listening.get(), 1), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        const bool there = ::setuid(visitor) == 0 &&
                           ::connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0;
        ::_exit(there ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    return UniqueFd(::accept(listening.get(), nullptr, nullptr));
}

TEST(Peer, IsWhoConnectedAlsoWhenTheProcessIsGone) {
    EXPECT_EQ(uid_of_peer(visited_by(::geteuid()).get()), ::geteuid());
    if (::geteuid() == 0) {
        EXPECT_EQ(uid_of_peer(visited_by(kSomebodyElse).get()), kSomebodyElse);
    }
}

TEST(Peer, OfWhatIsNoConnectedSocketIsNobody) {
    const UniqueFd lonely(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(uid_of_peer(lonely.get()), std::nullopt);
    EXPECT_EQ(uid_of_peer(STDIN_FILENO), std::nullopt);
    EXPECT_EQ(uid_of_peer(-1), std::nullopt);
}

TEST(Peer, OnlyTheSameUserAndRootMayConnect) {
    EXPECT_TRUE(may_connect(kSomebodyElse, kSomebodyElse));
    EXPECT_TRUE(may_connect(0, kSomebodyElse));
    EXPECT_FALSE(may_connect(kSomebodyElse + 1, kSomebodyElse));
    EXPECT_FALSE(may_connect(kSomebodyElse, 0));
    EXPECT_FALSE(may_connect(std::nullopt, 0));
    EXPECT_FALSE(may_connect(std::nullopt, static_cast<uid_t>(-1)));
}

}  // namespace
}  // namespace podreeve::api
