#include "runtime/base/mount_table.h"

#include <fcntl.h>
#include <fstream>

#include <gtest/gtest.h>

#include "runtime/base/atomic_file.h"
#include "runtime/base/unique_fd.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve {
namespace {

constexpr const char* kTable =
    "36 35 98:0 / / rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
    "37 36 98:1 /home/app/my\\040data /data rw - btrfs /dev/sda1 rw\n"
    "38 36 98:2 /first /cover rw - ext4 /dev/sda2 rw\n"
    "39 38 98:3 /second /cover rw - ext4 /dev/sda3 rw\n"
    "40 36 98:4 /odd\\134040 /a\\011b rw - ext4 /dev/sda4 rw\n"
    "no row\n"
    "41 36 98:5 /cut";

TEST(MountTable, TellsWhatIsMountedAtATarget) {
    const struct {
        const char* target;
        std::optional<FileSystemPlace> place;
    } kRows[] = {
        {"/", FileSystemPlace{"98:0", "/"}},
        {"/data", FileSystemPlace{"98:1", "/home/app/my data"}},
        {"/cover", FileSystemPlace{"98:3", "/second"}},
        {"/a\tb", FileSystemPlace{"98:4", "/odd\\040"}},
        {"/dat", std::nullopt},
        {"", std::nullopt},
    };

    for (const auto& row : kRows) {
        EXPECT_EQ(place_of_mount(kTable, row.target), row.place) << row.target;
    }
    EXPECT_EQ(place_of_mount("", "/"), std::nullopt);
}

TEST(MountTable, ListsWhereSomethingIsMounted) {
    EXPECT_EQ(mount_points(kTable),
              (std::vector<std::string>{"/", "/data", "/cover", "/cover", "/a\tb"}));
    EXPECT_TRUE(mount_points("").empty());
}

TEST(MountTable, TellsWhereAnOpenFileStands) {
    const fakes::TempDir temp;
    const std::filesystem::path& top = temp.path();
    std::filesystem::create_directories(top / "data/sub");
    const UniqueFd data(::open((top / "data").c_str(), O_PATH));
    const UniqueFd sub(::open((top / "data/sub").c_str(), O_PATH));
    const auto place = place_of_file(data.get());
    ASSERT_TRUE(place) << place.error().message;
    EXPECT_TRUE(place->path.ends_with("/data")) << place->path;
    EXPECT_EQ(place_of_file(sub.get())->path, place->path + "/sub");
    EXPECT_EQ(place_of_file(sub.get())->device, place->device);
    const UniqueFd root(::open("/", O_PATH));
    const auto table = read_file("/proc/self/mountinfo", 1 << 24);
    ASSERT_TRUE(table);
    EXPECT_EQ(*place_of_file(root.get()), *place_of_mount(*table, "/"));
    EXPECT_FALSE(place_of_file(-1));
}

}  // namespace
}  // namespace podreeve
