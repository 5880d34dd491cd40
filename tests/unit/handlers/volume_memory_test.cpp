#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "agent/handlers/volume_files.h"
#include "tests/fakes/scarce_memory.h"
#include "tests/fakes/temp_dir.h"

// What a container may have made in a volume, by the million, is never held in memory as a whole.
namespace podreeve::handlers {
namespace {

namespace fs = std::filesystem;

class VolumeFilesInMemory : public ::testing::Test {
  protected:
    // The names of a quarter of them are more than any one piece of memory may hold.
    static void fill(const fs::path& directory) {
        fs::create_directories(directory);
        for (int i = 0; i < 5000; ++i) {
            std::ofstream(directory / std::to_string(i));
        }
    }

    void expect_removed_in_pieces(unsigned count) {
        Result<FilesWritten> files = FilesWritten{};
        {
            const fakes::ScarceMemory scarce(1250 * sizeof(std::string));
            files = write_files(root, {{"way/a", "one", 0644}});
        }
        EXPECT_EQ(fakes::ScarceMemory::refused(), 0U);
        ASSERT_TRUE(files) << files.error().message;
        EXPECT_EQ(files->removed, count);
    }

    fakes::TempDir temp;
    fs::path root = temp.path();
};

TEST_F(VolumeFilesInMemory, ManyUnwantedOnesAreListedInPieces) {
    fill(root);
    expect_removed_in_pieces(5000);
}

TEST_F(VolumeFilesInMemory, ManyInADirectoryThatIsRemovedAreListedInPieces) {
    fill(root / "tree");
    expect_removed_in_pieces(1);
}

TEST_F(VolumeFilesInMemory, ManyInTheWayOfAWantedOneAreListedInPieces) {
    fill(root / "way" / "a");
    expect_removed_in_pieces(0);
}

}  // namespace
}  // namespace podreeve::handlers
