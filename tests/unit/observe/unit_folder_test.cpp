#include "agent/observe/unit_folder.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "quadlet/stamp.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::observe {
namespace {

namespace fs = std::filesystem;

const std::string kText = "[Container]\nImage=a\n";

class Folder : public testing::Test {
  protected:
    void write(const std::string& name, const std::string& text) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
    }

    fakes::TempDir temp_;
    fs::path root_ = temp_.path();
};

TEST_F(Folder, ThatIsNotThereHoldsNothing) {
    EXPECT_TRUE(UnitFolder("/nonexistent/podreeve").look(quadlet::kNewestRelease)->empty());
}

TEST_F(Folder, TellsWhatIsInstalledAndWhetherSomebodyHasEditedIt) {
    UnitFolder folder(root_);
    write("web/web.container", *quadlet::stamped(kText, "web", 7));
    write("web/web.container.d/90-podreeve.conf",
          *quadlet::stamped("[X-Instances]\nNames=a b\n", "web", 7));
    write("web/job@.container", *quadlet::stamped(kText + "ServiceName=work@\n", "web", 2));
    write("web/README", "no unit");
    const auto seen = *folder.look(quadlet::kNewestRelease);
    ASSERT_EQ(seen.size(), 1U);
    const InstalledUnits& units = seen.at("web");
    ASSERT_EQ(units.size(), 2U);
    const InstalledUnit& web = units.at("web.container");
    EXPECT_TRUE(web.file.ours);
    EXPECT_TRUE(web.file.untouched);
    EXPECT_EQ(web.file.generation, 7U);
    EXPECT_EQ(web.service, "web.service");
    EXPECT_EQ(web.instances, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(web.drop_ins.size(), 1U);
    EXPECT_TRUE(units.at("job@.container").templated);
    std::ofstream(root_ / "web/web.container", std::ios::app) << "#\n";
    EXPECT_FALSE(
        folder.look(quadlet::kNewestRelease)->at("web").at("web.container").file.untouched);
    write("web/web.container", kText);
    EXPECT_FALSE(folder.look(quadlet::kNewestRelease)->at("web").at("web.container").file.ours);
}

TEST_F(Folder, TellsTheFilesOfAnotherAgentFromItsOwn) {
    UnitFolder folder(root_, {"0123456789abcdef", false});
    write("web/web.container", *quadlet::stamped(kText, "web", 7, "0123456789abcdef"));
    write("db/db.container", *quadlet::stamped(kText, "db", 7, "fedcba9876543210"));
    write("old/old.container", *quadlet::stamped(kText, "old", 7));
    const auto seen = *folder.look(quadlet::kNewestRelease);
    EXPECT_TRUE(seen.at("web").at("web.container").file.ours);
    EXPECT_FALSE(seen.at("db").at("db.container").file.ours);
    EXPECT_FALSE(seen.at("old").at("old.container").file.ours);
}

TEST_F(Folder, ALinkIsNobodysOfOurs) {
    UnitFolder folder(root_);
    write("web/real", *quadlet::stamped(kText, "web", 7));
    fs::create_symlink(root_ / "web/real", root_ / "web/web.container");
    EXPECT_FALSE(folder.look(quadlet::kNewestRelease)->at("web").at("web.container").file.ours);
}

TEST_F(Folder, ThatCannotBeReadIsAnErrorAndNotEmpty) {
    write("file", "");
    for (const char* name : {"file", "file/below"}) {
        EXPECT_FALSE(UnitFolder(root_ / name).look(quadlet::kNewestRelease)) << name;
    }
    write("README", "no app");
    EXPECT_TRUE(UnitFolder(root_).look(quadlet::kNewestRelease));
    fs::create_symlink(root_ / "loop", root_ / "loop");
    EXPECT_FALSE(UnitFolder(root_ / "loop").look(quadlet::kNewestRelease));
}

// Its file system hangs until it is let go.
class HungFolder : public Folder {
  protected:
    HungFolder() {
        write("web/web.container", *quadlet::stamped(kText, "web", 7));
        EXPECT_TRUE(folder.look(quadlet::kNewestRelease)->contains("web"));
        const auto begun = std::make_shared<std::atomic<bool>>(false);
        while (!*begun) {  // one that is not begun in time is dropped
            EXPECT_FALSE(patience->run(root_.string(), [open = open, passed = passed, begun] {
                *begun = true;
                open.wait();
                passed->set_value();
            }));
        }
    }

    ~HungFolder() override {
        if (!let_go) {
            opened.set_value();
        }
    }

    std::promise<void> opened;
    std::shared_future<void> open = opened.get_future().share();
    std::shared_ptr<std::promise<void>> passed = std::make_shared<std::promise<void>>();
    bool let_go = false;
    std::shared_ptr<Patience> patience =
        std::make_shared<Patience>(std::chrono::milliseconds(500), std::chrono::hours(1));
    UnitFolder folder{root_, {}, patience};
};

TEST_F(HungFolder, IsAnErrorAndNotEmptyUntilItAnswersAgain) {
    const auto hung = folder.look(quadlet::kNewestRelease);
    ASSERT_FALSE(hung);
    EXPECT_NE(hung.error().message.find("does not answer"), std::string::npos);
    let_go = true;
    opened.set_value();
    passed->get_future().wait();
    auto seen = folder.look(quadlet::kNewestRelease);
    while (!seen) {  // the thread notes its end a moment later
        std::this_thread::yield();
        seen = folder.look(quadlet::kNewestRelease);
    }
    EXPECT_TRUE(seen->contains("web"));
    EXPECT_FALSE(folder.has_changed()) << "it is as it was before";
}

// As root no mode keeps a file from being read; one that is far too long does.
TEST_F(Folder, WithOneFileThatCannotBeReadKnowsThoseOfTheOtherApps) {
    UnitFolder folder(root_);
    write("web/web.container", *quadlet::stamped(kText, "web", 7));
    write("db/db.container", std::string(5 * 1024 * 1024, '#'));
    const auto seen = folder.look(quadlet::kNewestRelease);
    ASSERT_TRUE(seen);
    EXPECT_TRUE(seen->contains("web"));
    EXPECT_FALSE(seen->contains("db"));
    ASSERT_EQ(folder.unreadable().size(), 1U);
    EXPECT_NE(folder.unreadable().at("db").find("db.container"), std::string::npos);
    write("db/db.container", kText);
    EXPECT_TRUE(folder.look(quadlet::kNewestRelease)->contains("db"));
    EXPECT_TRUE(folder.unreadable().empty());
}

}  // namespace
}  // namespace podreeve::observe
