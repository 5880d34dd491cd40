#include "runtime/base/room.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "runtime/base/error.h"

namespace podreeve {
namespace {

TEST(Room, IsToldByTheKernelsWords) {
    for (const int number : {ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM}) {
        EXPECT_TRUE(is_no_room(errno_error("write /x", number).message)) << number;
    }
    for (const int number : {ENOENT, EACCES, ECONNREFUSED, EIO, EEXIST, ETIMEDOUT}) {
        EXPECT_FALSE(is_no_room(errno_error("write /x", number).message)) << number;
    }
}

TEST(Room, IsToldByPodmansWords) {
    for (const char* said : {
             "cannot create container web: podman: mkdir /var/tmp/x: no space left on device",
             "creating lock file: open /run/lock: too many open files in system",
             "database or disk is full",
             "fork/exec /usr/bin/crun: cannot allocate memory",
         }) {
        EXPECT_TRUE(is_no_room(said)) << said;
    }
    EXPECT_FALSE(is_no_room(""));
    EXPECT_FALSE(is_no_room("cannot reach podman: Connection refused"));
}

}  // namespace
}  // namespace podreeve
