#include "agent/api/peer.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"
#include "tests/unit/api/caller.h"
#include "tests/unit/api/serving.h"

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

// Though the directory and the socket let them.
TEST(Peer, OfAnotherUserIsRefusedWhateverTheModes) {
    ASSERT_EQ(::geteuid(), 0U) << "needs root, who can be two users";
    const testing::Serving serving;
    for (const auto& step : {serving.directory, serving.socket.parent_path(), serving.socket}) {
        ASSERT_EQ(::chmod(step.c_str(), 0777), 0);
    }
    // The kernel tells of a connection who made it; of this thread alone.
    const auto connect_as = [&](uid_t user) {
        ::syscall(SYS_setresuid, -1, user, -1);
        testing::Caller caller(serving.socket);
        ::syscall(SYS_setresuid, -1, 0, -1);
        return caller;
    };
    for (const char* const target : {"/v1/apps", "/v1/events?follow=1", "/v1/nothing"}) {
        testing::Caller caller = connect_as(kSomebodyElse);
        ASSERT_TRUE(caller.connected());
        EXPECT_EQ(caller.get(target).status(), 403) << target;
    }
    testing::Caller caller = connect_as(kSomebodyElse);
    caller.say("POST /v1/reconcile HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(caller.status(), 403);
    EXPECT_EQ(connect_as(0).get("/v1/apps").status(), 200);
}

}  // namespace
}  // namespace podreeve::api
