#include "runtime/base/unique_fd.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve {
namespace {

int open_null() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

TEST(UniqueFd, ClosesWhatItOwns) {
    int raw = -1;
    {
        const UniqueFd fd(open_null());
        raw = fd.get();
        EXPECT_TRUE(is_open(raw));
    }
    EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFd, HandsOverOnMove) {
    UniqueFd a(open_null());
    const int raw = a.get();
    UniqueFd b(std::move(a));
    UniqueFd c(open_null());
    const int replaced = c.get();
    c = std::move(b);
    EXPECT_EQ(c.get(), raw);
    EXPECT_TRUE(is_open(raw));
    EXPECT_FALSE(is_open(replaced));
    auto& same = c;
    c = std::move(same);
    EXPECT_TRUE(is_open(raw));
}

TEST(UniqueFd, IsEmptyWithoutADescriptor) {
    UniqueFd fd;
    EXPECT_FALSE(fd);
    EXPECT_EQ(fd.release(), -1);
    fd.reset(open_null());
    EXPECT_TRUE(fd);
    const int raw = fd.release();
    EXPECT_FALSE(fd);
    EXPECT_TRUE(is_open(raw));
    ::close(raw);
}

}  // namespace
}  // namespace podreeve
