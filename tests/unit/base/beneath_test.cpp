#include "runtime/base/beneath.h"

#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace podreeve {
namespace {

namespace fs = std::filesystem;

class Beneath : public testing::TestWithParam<WalkBy> {
  protected:
    void SetUp() override {
        root = top / "share";
        fs::create_directories(root / "a/b");
        fs::create_directories(top / "outside/b");
        std::ofstream(root / "a/file") << "x";
        fs::create_directory_symlink(top / "outside", root / "out");
        fs::create_directory_symlink("../outside", root / "up");
        fs::create_directory_symlink("a", root / "inside");
        fs::create_directory_symlink("/", root / "a/slash");
        fs::create_directory_symlink(root, top / "link-to-share");
    }

    fakes::TempDir temp;
    fs::path top = temp.path(), root;
};

TEST_P(Beneath, OnlyWhatIsReallyThereIsReached) {
    struct Row {
        const char* sub;
        bool opens;
        Code code = Code::Internal;
    };

    for (const Row& row :
         {Row{"a", true}, Row{"a/b", true}, Row{"a/./b", true}, Row{"a//b/", true},
          Row{"a/file", true}, Row{"out", false, Code::Denied}, Row{"out/b", false, Code::Denied},
          Row{"up/b", false, Code::Denied}, Row{"inside", false, Code::Denied},
          Row{"inside/b", false, Code::Denied}, Row{"a/slash", false, Code::Denied},
          Row{"a/slash/etc", false, Code::Denied}, Row{"../outside", false, Code::Denied},
          Row{"/etc", false, Code::Denied}, Row{"a/none", false, Code::NotFound},
          Row{"none/b", false, Code::NotFound}}) {
        const auto opened = open_beneath(root, row.sub, GetParam());
        EXPECT_EQ(opened.has_value(), row.opens) << row.sub;
        if (!opened && !row.opens) {
            EXPECT_EQ(opened.error().code, row.code) << row.sub << opened.error().message;
        }
    }
}

TEST_P(Beneath, WhatIsOpenedIsWhatWasMeant) {
    struct stat meant {
    }, opened{};

    ASSERT_EQ(::stat((root / "a/b").c_str(), &meant), 0);
    const auto fd = open_beneath(top / "link-to-share", "a/b", GetParam());
    ASSERT_TRUE(fd) << "the root's own links are its owner's";
    ASSERT_EQ(::fstat(fd->get(), &opened), 0);
    EXPECT_EQ(opened.st_ino, meant.st_ino);
}

INSTANTIATE_TEST_SUITE_P(Both, Beneath, testing::Values(WalkBy::Kernel, WalkBy::Steps));

}  // namespace
}  // namespace podreeve
