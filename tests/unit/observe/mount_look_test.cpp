#include "agent/observe/mount_look.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace podreeve::observe {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

class MountsOfAHost : public ::testing::Test {
  protected:
    MountsOfAHost() {
        fs::create_directories(temp.path() / "self");
        fs::create_directories(temp.path() / "disk/volumes/data/_data");
        fs::create_directory_symlink(temp.path() / "disk", temp.path() / "storage");
        std::ofstream(temp.path() / "self/mountinfo")
            << "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
            << "30 20 8:2 / " << (temp.path() / "disk").string() << " rw - ext4 /dev/sdb1 rw\n";
        add("data", (temp.path() / "storage/volumes/data/_data").string());
    }

    void add(const std::string& name, const std::string& mountpoint) {
        resources.volumes[name].name = name;
        resources.volumes[name].mountpoint = mountpoint;
    }

    fakes::TempDir temp;
    HostResources resources;
    MountLook look{temp.path(), seconds(5)};
};

TEST_F(MountsOfAHost, AVolumeIsWhereTheLinksInItsPathLead) {
    add("plugin", "");
    add("gone", (temp.path() / "nowhere/volumes/gone/_data").string());
    const auto mounts = look.look(resources);
    ASSERT_TRUE(mounts);
    const std::string disk = fs::canonical(temp.path() / "disk").string();
    ASSERT_EQ(mounts->volume_folders.size(), 1U);
    EXPECT_EQ(mounts->volume_folders.at("data"), disk + "/volumes");
    EXPECT_EQ(mount_point_of(*mounts, mounts->volume_folders.at("data")), disk);
}

TEST_F(MountsOfAHost, ATableThatCannotBeReadIsNothing) {
    fs::remove(temp.path() / "self/mountinfo");
    EXPECT_FALSE(look.look(resources));
}

}  // namespace
}  // namespace podreeve::observe
