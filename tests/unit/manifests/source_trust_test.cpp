#include <sys/fsuid.h>

#include "tests/unit/manifests/source_fixture.h"

// Directories that others could change, or that cannot be searched, say nothing of what is gone.
namespace podreeve::manifests {
namespace {

using std::chrono::minutes;

// Root may search what it likes; the checks of files go by this identity of the thread.
class AsNobody {
  public:
    AsNobody() : before_(::setfsuid(::geteuid() == 0 ? 65534 : ::geteuid())) {}

    ~AsNobody() { ::setfsuid(static_cast<uid_t>(before_)); }

  private:
    int before_;
};

// Who may write there can remove an app, mask it, or put another in its place.
TEST_F(Removal, ADirectoryThatOthersMayWriteSaysNothing) {
    write_apps({"db", "web"});
    const std::string reported = fmt::format("|a: may be written by others: run 'chmod o-w a'");
    ::chmod((root_ / "a").c_str(), 0757);
    remove("a/web.yaml");
    write("a/evil.yaml", app_text("evil"));
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    EXPECT_EQ(problems(), Words{reported});
    EXPECT_FALSE(desired_.complete);
    EXPECT_EQ(held(), (Words{"db DirectoryOutOfSight", "web DirectoryOutOfSight"}));
    ::chmod((root_ / "a").c_str(), 0755);
    remove("a/evil.yaml");
    EXPECT_EQ(apps_later(), Words{"db"});
    EXPECT_EQ(problems(), Words{});
}

// Another directory could stand in its place, with older manifests of the same owner's.
TEST_F(Removal, ADirectoryBelowOneThatOthersMayWriteSaysNothing) {
    write_apps({"db", "web"});
    ::chmod(root_.c_str(), 0757);
    remove("a/web.yaml");
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    ASSERT_EQ(desired_.problems.size(), 2U) << "both directories lie below it";
    EXPECT_NE(to_text(desired_.problems[0].diagnostics[0])
                  .find(fmt::format("lies below {}, which may be written by others: run 'chmod "
                                    "o-w {}'",
                                    root_.string(), root_.string())),
              std::string::npos);
    ::chmod(root_.c_str(), 01757);
    EXPECT_EQ(apps_later(), Words{"db"}) << "as below /tmp: nobody may rename what is another's";
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Removal, ALinkThatOthersMayReplaceSaysNothing) {
    write_apps({"db"});
    fs::create_directories(root_ / "open");
    fs::create_directory_symlink("../a", root_ / "open/apps");
    directories_ = {root_ / "open/apps"};
    open();
    EXPECT_EQ(apps(), Words{"db"});
    EXPECT_EQ(problems(), Words{});
    ::chmod((root_ / "open").c_str(), 0757);
    open();
    apps();
    EXPECT_EQ(problems(), Words{"|open/apps: lies below open, which may be written by others: run "
                                "'chmod o-w open'"});
}

TEST_F(Removal, ADirectoryOfAnotherUserSaysNothing) {
    write_apps({"db", "web"});
    // Root can give a directory away; anybody else can only be another than the one who may own it.
    const uid_t writer = ::getuid() == 0 ? 4242 : ::getuid();
    ASSERT_EQ(::chown((root_ / "a").c_str(), writer, static_cast<gid_t>(-1)), 0);
    source_ = std::make_unique<ManifestSource>(SourceConfig{.directories = {root_ / "a"},
                                                            .accepted_dir = root_ / "accepted",
                                                            .owner = writer + 1,
                                                            .clock = nullptr,
                                                            .looks = looks_,
                                                            .boot_id = boot_,
                                                            .volatile_below = root_ / "run"});
    remove("a/web.yaml");
    EXPECT_EQ(apps_later(), (Words{"db", "web"})) << "their last good versions hold";
    EXPECT_EQ(problems(), Words{fmt::format("|a: belongs to user {} and not to user {} or root: "
                                            "run 'chown {} a'",
                                            writer, writer + 1, writer + 1)});
}

TEST_F(Removal, ADropInFolderThatOthersMayWriteLeavesWhatHolds) {
    write("a/web.yaml", app_text("web"));
    write("a/web.yaml.d/10-image.yaml", "app: {container: {image: 'a:2'}}");
    names();
    ::chmod((root_ / "a/web.yaml.d").c_str(), 0757);
    write("a/web.yaml.d/20-image.yaml", "app: {container: {image: 'evil:1'}}");
    EXPECT_EQ(names_later(), Words{"web=a:2"});
    EXPECT_EQ(problems(),
              Words{"web|a/web.yaml.d: may be written by others: run 'chmod o-w a/web.yaml.d'"});
}

TEST_F(Removal, ADirectoryThatCannotBeSearchedSaysNothing) {
    write_apps({"db", "web"});
    ::chmod((root_ / "a").c_str(), 0644);
    ::chmod(root_.c_str(), 0755);
    {
        const AsNobody nobody;
        EXPECT_EQ(apps_later(minutes(20)), (Words{"db", "web"}));
    }
    EXPECT_EQ(problems(), Words{"|a: cannot be read: Permission denied"});
    EXPECT_EQ(held(), (Words{"db DirectoryOutOfSight", "web DirectoryOutOfSight"}));
    ::chmod((root_ / "a").c_str(), 0755);
    EXPECT_EQ(apps(), (Words{"db", "web"}));
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Removal, ADropInThatCannotBeReachedLeavesWhatHolds) {
    write("a/web.yaml", app_text("web"));
    write("a/web.yaml.d/10-image.yaml", "app: {container: {image: 'a:2'}}");
    names();
    ::chmod((root_ / "a/web.yaml.d").c_str(), 0644);
    ::chmod(root_.c_str(), 0755);
    {
        const AsNobody nobody;
        EXPECT_EQ(names_later(), Words{"web=a:2"});
    }
    ASSERT_EQ(problems().size(), 1U);
    EXPECT_EQ(problems()[0], "web|a/web.yaml.d: cannot be read: Permission denied");
    ::chmod((root_ / "a/web.yaml.d").c_str(), 0755);
    EXPECT_EQ(names(), Words{"web=a:2"});
    EXPECT_EQ(problems(), Words{});
}

}  // namespace
}  // namespace podreeve::manifests
