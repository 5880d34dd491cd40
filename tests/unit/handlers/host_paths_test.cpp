#include "agent/handlers/host_paths.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace podreeve::handlers {
namespace {

namespace fs = std::filesystem;

class HostPaths : public ::testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(top / "share/sub");
        fs::create_directories(top / "secret");
    }

    static manifests::Mount bind(const fs::path& source, std::vector<std::string> options) {
        manifests::Mount mount;
        mount.kind = manifests::MountKind::Bind;
        mount.source = source.string();
        mount.target = "/t";
        mount.options = std::move(options);
        return mount;
    }

    static manifests::Mount made(const fs::path& source) {
        return bind(source, {std::string(manifests::kOptionCreateDirectory)});
    }

    fakes::TempDir temp;
    fs::path top = temp.path();
};

TEST_F(HostPaths, AreMadeWithTheirParents) {
    for (const MadeBy by : {MadeBy::User, MadeBy::Root}) {
        EXPECT_TRUE(make_host_path(made(top / "share/a/b"), by));
        EXPECT_TRUE(fs::is_directory(top / "share/a/b"));
        EXPECT_TRUE(make_host_path(made(top / "share/a/b"), by)) << "twice is once";
        fs::remove_all(top / "share/a");
        const auto file = bind(top / "share/file", {std::string(manifests::kOptionCreateFile)});
        EXPECT_TRUE(make_host_path(file, by));
        EXPECT_TRUE(fs::is_regular_file(top / "share/file"));
        EXPECT_TRUE(make_host_path(file, by)) << "twice is once";
        fs::remove(top / "share/file");
        EXPECT_FALSE(make_host_path(
            bind(top / "none/file", {std::string(manifests::kOptionCreateFile)}), by));
    }
}

TEST_F(HostPaths, AreMadeForAnyUserWhateverTheUmask) {
    const auto mode = [](const fs::path& path) { return fs::status(path).permissions(); };
    const mode_t before = ::umask(0077);
    for (const MadeBy by : {MadeBy::User, MadeBy::Root}) {
        EXPECT_TRUE(make_host_path(made(top / "share/a/b"), by));
        const auto file = bind(top / "share/a/f", {std::string(manifests::kOptionCreateFile)});
        EXPECT_TRUE(make_host_path(file, by));
        EXPECT_EQ(mode(top / "share/a"), fs::perms(0755));
        EXPECT_EQ(mode(top / "share/a/b"), fs::perms(0755));
        EXPECT_EQ(mode(top / "share/a/f"), fs::perms(0644));
        fs::remove_all(top / "share/a");
    }
    ::umask(before);
}

TEST_F(HostPaths, ThatAreThereKeepTheirMode) {
    fs::permissions(top / "secret", fs::perms::owner_all);
    EXPECT_TRUE(make_host_path(made(top / "secret/"), MadeBy::User));
    EXPECT_TRUE(make_host_path(made(top / "secret/"), MadeBy::Root));
    EXPECT_EQ(fs::status(top / "secret").permissions(), fs::perms::owner_all);
}

TEST_F(HostPaths, RootMakesNothingBeyondALinkThatAContainerMayHavePlanted) {
    fs::create_directory_symlink(top / "secret", top / "share/link");
    const Status refused = make_host_path(made(top / "share/link/x/y"), MadeBy::Root);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Denied);
    EXPECT_NE(refused.error().message.find((top / "share/link").string() + " is a link"),
              std::string::npos)
        << refused.error().message;
    EXPECT_FALSE(make_host_path(
        bind(top / "share/link/file", {std::string(manifests::kOptionCreateFile)}), MadeBy::Root));
    EXPECT_TRUE(fs::is_empty(top / "secret"));
    fs::create_directory_symlink(top / "secret/made", top / "share/dangling");
    EXPECT_FALSE(make_host_path(made(top / "share/dangling"), MadeBy::Root));
    EXPECT_TRUE(fs::is_empty(top / "secret"));
    EXPECT_TRUE(make_host_path(made(top / "share/link"), MadeBy::Root))
        << "what is there is not made";
    EXPECT_TRUE(make_host_path(made(top / "share/link/x/y"), MadeBy::User));
    EXPECT_TRUE(fs::is_directory(top / "secret/x/y")) << "the user's own links are the user's";
}

// A link that goes with the test.
class Link {
  public:
    Link(const fs::path& to, fs::path at) : at_(std::move(at)) {
        fs::create_directory_symlink(to, at_);
    }

    ~Link() { fs::remove(at_); }

    const fs::path& at() const { return at_; }

  private:
    fs::path at_;
};

TEST_F(HostPaths, RootMakesNothingBeyondALinkInADirectoryThatMayBeShared) {
    const Link planted(top / "secret", "/tmp/" + top.filename().string() + "-link");
    const Status refused = make_host_path(made(planted.at() / "x"), MadeBy::Root);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Denied);
    EXPECT_NE(refused.error().message.find(planted.at().string() + " is a link"), std::string::npos)
        << refused.error().message;
    EXPECT_FALSE(make_host_path(
        bind(planted.at() / "file", {std::string(manifests::kOptionCreateFile)}), MadeBy::Root));
    EXPECT_TRUE(fs::is_empty(top / "secret"));
    EXPECT_TRUE(make_host_path(made(planted.at() / "x"), MadeBy::User));
}

TEST_F(HostPaths, RootFollowsTheLinksOfTheHostsOwner) {
    ASSERT_EQ(::geteuid(), 0U) << "needs root, who may make links there";
    for (const char* place : {"/var/", "/"}) {
        const Link own(top / "secret", place + top.filename().string());
        EXPECT_TRUE(make_host_path(made(own.at() / "x"), MadeBy::Root)) << place;
        EXPECT_TRUE(fs::is_directory(top / "secret/x")) << place;
        fs::remove_all(top / "secret/x");
    }
}

}  // namespace
}  // namespace podreeve::handlers
