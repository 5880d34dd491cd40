#include "agent/handlers/sub_paths.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "runtime/base/mount_table.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::handlers {
namespace {

namespace fs = std::filesystem;

class SubPathsOnTheHost : public ::testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(top / "share/sub");
        fs::create_directories(top / "secret");
    }

    static manifests::Mount bind(const fs::path& source,
                                 const std::string& sub,
                                 const std::string& target = "/t") {
        manifests::Mount mount;
        mount.kind = manifests::MountKind::Bind;
        mount.source = source.string();
        mount.target = target;
        mount.sub_path = sub;
        return mount;
    }

    fakes::TempDir temp;
    fs::path top = temp.path();
    std::vector<std::string> notes;
    std::function<void(const std::string&)> note = [this](const std::string& text) {
        notes.push_back(text);
    };
};

TEST_F(SubPathsOnTheHost, AreRefusedAsLongAsTheyAreALink) {
    for (const WalkBy by : {WalkBy::Kernel, WalkBy::Steps}) {
        EXPECT_TRUE(check_sub_path(bind(top / "share", "sub"), by));
        fs::rename(top / "share/sub", top / "share/old");
        for (const fs::path& to : {fs::path("/"), top / "secret", fs::path("old")}) {
            fs::create_directory_symlink(to, top / "share/sub");
            const Status checked = check_sub_path(bind(top / "share", "sub"), by);
            ASSERT_FALSE(checked) << to;
            EXPECT_EQ(checked.error().code, Code::Denied);
            EXPECT_NE(checked.error().message.find("sub of " + (top / "share").string() + " at /t"),
                      std::string::npos)
                << checked.error().message;
            EXPECT_FALSE(check_sub_path(bind(top / "share", "sub/deeper"), by));
            fs::remove(top / "share/sub");
        }
        fs::rename(top / "share/old", top / "share/sub");
        EXPECT_TRUE(check_sub_path(bind(top / "share", "sub"), by))
            << "and is fine once it is back";
    }
}

TEST_F(SubPathsOnTheHost, OfBindMountsAloneAreLookedAt) {
    EXPECT_TRUE(check_sub_path(bind(top / "none", "")));
    manifests::Mount volume = bind("data", "none");
    volume.kind = manifests::MountKind::Volume;
    EXPECT_TRUE(check_sub_path(volume));
    const Status absent = check_sub_path(bind(top / "share", "none"));
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().code, Code::NotFound);
}

// The root of the process is a directory here, and what stands in it was "mounted" by its being
// that.
TEST_F(SubPathsOnTheHost, AreWhatWasMounted) {
    fs::create_directory_symlink("sub", top / "share/way");
    fs::create_directory_symlink("/way", top / "share/sub/round");
    fs::create_directory_symlink("../../../way", top / "share/out");
    for (const char* target : {"/sub", "/way", "sub", "/sub/round", "/out/../sub/.", "/out"}) {
        EXPECT_TRUE(check_mounted({bind(top / "share", "sub", target)}, top / "share", note))
            << target;
        EXPECT_TRUE(notes.empty()) << notes.front();
    }
}

TEST_F(SubPathsOnTheHost, ThatWereExchangedForTheMountAreTold) {
    const Status looked = check_mounted({bind(top / "share", "sub", "/secret")}, top, note);
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().code, Code::Denied);
    EXPECT_NE(looked.error().message.find("it was exchanged"), std::string::npos)
        << looked.error().message;
}

TEST_F(SubPathsOnTheHost, ThatAreLinksByTheTimeOfTheMountAreTold) {
    fs::remove(top / "share/sub");
    fs::create_directory_symlink(top / "secret", top / "share/sub");
    const Status looked = check_mounted({bind(top / "share", "sub", "/secret")}, top, note);
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().code, Code::Denied);
}

TEST_F(SubPathsOnTheHost, AreFoundInTheTableOfMountsWhereDirectoriesKeepTheAgentOut) {
    const UniqueFd wanted(::open((top / "share/sub").c_str(), O_PATH));
    const auto place = place_of_file(wanted.get());
    ASSERT_TRUE(place) << place.error().message;
    const auto mounted = [&](const std::string& path) {
        std::ofstream(top / "mountinfo")
            << "7 1 " << place->device << " " << path << " /data rw - ext4 x rw\n";
        return check_mounted({bind(top / "share", "sub", "/data")}, top / "root", note);
    };
    EXPECT_TRUE(mounted(place->path));
    const Status other = mounted("/etc");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Code::Denied);
    EXPECT_TRUE(notes.empty()) << notes.front();
}

TEST_F(SubPathsOnTheHost, ThatCannotBeLookedAtOnceMountedHaveToDoWithTheLookBefore) {
    EXPECT_TRUE(check_mounted({bind(top / "share", "sub", "/none")}, top, note));
    EXPECT_TRUE(check_mounted({bind(top / "share", "sub")}, top / "no-process", note));
    fs::create_directory_symlink("round", top / "round");
    EXPECT_TRUE(check_mounted({bind(top / "share", "sub", "/round")}, top, note));
    EXPECT_EQ(notes.size(), 3U) << "and it is told";
}

}  // namespace
}  // namespace podreeve::handlers
