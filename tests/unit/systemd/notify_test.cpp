#include "runtime/systemd/notify.h"

#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::systemd {
namespace {

// systemd's end of the protocol.
class NotifySocketTest : public testing::Test {
  protected:
    void SetUp() override {
        fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const std::string name = "podreeve-notify-" + std::to_string(::getpid());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        name.copy(address.sun_path + 1, name.size());  // abstract: starts with a NUL
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    }

    void TearDown() override { ::unsetenv("NOTIFY_SOCKET"); }

    std::string take() {
        char buffer[512];
        const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, 0);
        return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string();
    }

    UniqueFd fd;
};

TEST_F(NotifySocketTest, CarriesEachStateInSystemdsWords) {
    EXPECT_TRUE(notify_ready());
    EXPECT_EQ(take(), "READY=1");
    EXPECT_TRUE(notify_status("3 of 4 apps up"));
    EXPECT_EQ(take(), "STATUS=3 of 4 apps up");
    EXPECT_TRUE(notify_stopping());
    EXPECT_EQ(take(), "STOPPING=1");
    EXPECT_TRUE(notify_watchdog());
    EXPECT_EQ(take(), "WATCHDOG=1");
    EXPECT_TRUE(notify_extend_timeout(std::chrono::milliseconds(1500)));
    EXPECT_EQ(take(), "EXTEND_TIMEOUT_USEC=1500000");
    EXPECT_EQ(take(), "");
}

TEST_F(NotifySocketTest, TellsWhenReloadingStarted) {
    const auto usec = [] {
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   SystemClock().steady_now().time_since_epoch())
            .count();
    };
    const auto before = usec();
    EXPECT_TRUE(notify_reloading());
    const std::string text = take();
    constexpr std::string_view kStart = "RELOADING=1\nMONOTONIC_USEC=";
    ASSERT_TRUE(text.starts_with(kStart)) << text;
    const auto reported = std::stoll(text.substr(kStart.size()));
    EXPECT_GE(reported, before);
    EXPECT_LE(reported, usec());
}

TEST_F(NotifySocketTest, TakesNoSecondAssignmentFromAStatus) {
    EXPECT_TRUE(notify_status("bad\nREADY=1\r"));
    EXPECT_EQ(take(), "STATUS=bad READY=1 ");
}

TEST_F(NotifySocketTest, SaysThatSystemdIsNotThere) {
    fd.reset();
    const Status reported = notify_ready();
    ASSERT_FALSE(reported);
    EXPECT_EQ(reported.error().code, Code::Unavailable);
}

TEST(Notify, DoesNothingWithoutSystemd) {
    ::unsetenv("NOTIFY_SOCKET");
    EXPECT_TRUE(notify_ready());
    EXPECT_TRUE(notify_status("up"));
    EXPECT_TRUE(notify_reloading());
    EXPECT_TRUE(notify_stopping());
    EXPECT_TRUE(notify_extend_timeout(std::chrono::seconds(1)));
}

}  // namespace
}  // namespace podreeve::systemd
