#include "runtime/base/trust.h"

#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace podreeve {
namespace {

namespace fs = std::filesystem;

class Trust : public testing::Test {
  protected:
    void SetUp() override {
        accounts = {root / "passwd", root / "group"};
        std::ofstream(accounts.passwd) << "root:x:0:0:root:/root:/bin/sh\n"
                                          "ann:x:1000:1000::/home/ann:/bin/sh\n"
                                          "bob:x:1001:1001::/home/bob:/bin/sh\n"
                                          "eve:x:1002:100::/home/eve:/bin/sh\n"
                                          "fay:x:1003:100::/home/fay:/bin/sh\n"
                                          "gus:x:1004:1004::/home/gus:/bin/sh\n"
                                          "broken\n";
        std::ofstream(accounts.group) << "root:x:0:\nusers:x:100:\nann:x:1000:\n"
                                         "bob:x:1001:bob,eve\nstaff:x:50:ann\n"
                                         "gus:x:1004:gus\nbroken\n";
    }

    std::string distrust(uid_t user, gid_t group, mode_t mode, const char* path = "/srv/apps") {
        struct stat info {};

        info.st_uid = user;
        info.st_gid = group;
        info.st_mode = mode;
        return distrust_of(info, 1000, path, accounts);
    }

    fakes::TempDir temp;
    fs::path root = temp.path();
    Accounts accounts;
};

TEST_F(Trust, AGroupIsPrivateWhenNobodyElseIsInIt) {
    struct Row {
        uid_t user;
        gid_t group;
        bool is_private;
        const char* why;
    };

    for (const Row& row :
         {Row{1000, 1000, true, "its own, without members"},
          Row{1004, 1004, true, "its own, in which it is named itself"}, Row{0, 0, true, "root's"},
          Row{1001, 1001, false, "another is in it"},
          Row{1002, 100, false, "it is another's first group, too"},
          Row{1000, 50, false, "a member, but not its own"}, Row{1000, 1001, false, "another's"},
          Row{1000, 77, false, "unknown"}, Row{77, 77, false, "an unknown user"}}) {
        EXPECT_EQ(is_private_group(row.user, row.group, accounts), row.is_private) << row.why;
    }
    EXPECT_FALSE(is_private_group(1000, 1000, {root / "none", accounts.group}));
    EXPECT_FALSE(is_private_group(1000, 1000, {accounts.passwd, root / "none"}));
}

TEST_F(Trust, WhatOthersCanChangeIsNamedWithTheCommandThatEndsIt) {
    EXPECT_EQ(distrust(1000, 1000, 0755), "");
    EXPECT_EQ(distrust(1000, 1000, 0775), "") << "the owner's own group";
    EXPECT_EQ(distrust(0, 0, 0775), "");
    EXPECT_EQ(distrust(1000, 50, 0755), "");
    EXPECT_EQ(distrust(1000, 50, 0775), "may be written by others: run 'chmod g-w /srv/apps'");
    EXPECT_EQ(distrust(1000, 50, 0777), "may be written by others: run 'chmod go-w /srv/apps'");
    EXPECT_EQ(distrust(1000, 1000, 0777), "may be written by others: run 'chmod o-w /srv/apps'");
    EXPECT_EQ(distrust(0, 0, 01777), "may be written by others: run 'chmod o-w /srv/apps'")
        << "in /tmp others cannot remove, but add";
    EXPECT_EQ(distrust(1001, 1001, 0700),
              "belongs to user 1001 and not to user 1000 or root: run 'chown 1000 /srv/apps'");
    EXPECT_EQ(distrust(1000, 1000, 0777, "/my apps/$x"),
              "may be written by others: run 'chmod o-w \"/my apps/\\$x\"'");
}

TEST_F(Trust, AFileIsReadOnlyWhenItIsTrusted) {
    const fs::path file = root / "file";
    std::ofstream(file) << "words";
    fs::permissions(file, fs::perms(0644));
    EXPECT_EQ(read_trusted_file(file, 100, ::geteuid()).value_or(""), "words");
    fs::permissions(file, fs::perms(0646));
    const auto read = read_trusted_file(file, 100, ::geteuid());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::Denied);
    EXPECT_EQ(read.error().message, "cannot use " + file.string() +
                                        ": it may be written by others: run 'chmod o-w " +
                                        file.string() + "'");
    EXPECT_EQ(read_trusted_file(root / "none", 100, 0).error().code, Code::NotFound);
}

}  // namespace
}  // namespace podreeve
