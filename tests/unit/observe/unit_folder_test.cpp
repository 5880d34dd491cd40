#include "agent/observe/unit_folder.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "quadlet/stamp.h"

namespace podreeve::observe {
namespace {

namespace fs = std::filesystem;

const std::string kText = "[Container]\nImage=a\n";

class Folder : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/podreeve-units-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        root_ = name;
    }

    void TearDown() override { fs::remove_all(root_); }

    void write(const std::string& name, const std::string& text) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
    }

    fs::path root_;
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

TEST_F(Folder, ALinkIsNobodysOfOurs) {
    UnitFolder folder(root_);
    write("web/real", *quadlet::stamped(kText, "web", 7));
    fs::create_symlink(root_ / "web/real", root_ / "web/web.container");
    EXPECT_FALSE(folder.look(quadlet::kNewestRelease)->at("web").at("web.container").file.ours);
}

TEST_F(Folder, ThatCannotBeReadIsAnErrorAndNotEmpty) {
    UnitFolder folder(root_ / "file" / "below");
    write("file", "");
    EXPECT_TRUE(folder.look(quadlet::kNewestRelease));
    fs::create_symlink(root_ / "loop", root_ / "loop");
    EXPECT_FALSE(UnitFolder(root_ / "loop").look(quadlet::kNewestRelease));
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
