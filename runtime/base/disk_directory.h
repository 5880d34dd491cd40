#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "runtime/base/disk_waits.h"

namespace podreeve {

// A directory of the agent's own, on a disk that may not answer (disk_waits.h). Its path is had
// only by who says that they use it now, and whoever does is told to those who watch over the disk:
// so nothing that is done there can be forgotten to be told. Any thread.
class DiskDirectory {
  public:
    // disk: null: nobody watches over it. It outlives the directory.
    DiskDirectory(std::filesystem::path path = {}, DiskWaits* disk = nullptr)
        : path_(std::move(path)), disk_(disk) {}

    // While one lives, somebody waits for the disk.
    class Use {
      public:
        const std::filesystem::path& path() const { return path_; }

        std::filesystem::path operator/(const std::filesystem::path& name) const {
            return path_ / name;
        }

      private:
        friend class DiskDirectory;

        Use(const std::filesystem::path& path, DiskWaits* disk) : path_(path) {
            if (disk != nullptr) {
                wait_.emplace(disk->begin());
            }
        }

        const std::filesystem::path& path_;
        std::optional<DiskWaits::Wait> wait_;
    };

    // Not to outlive the directory.
    [[nodiscard]] Use use() const { return {path_, disk_}; }

    // There is none: the path is empty.
    bool is_none() const { return path_.empty(); }

  private:
    std::filesystem::path path_;
    DiskWaits* disk_;
};

}  // namespace podreeve
