#pragma once

#include <filesystem>

namespace podreeve::fakes {

// A private directory of a new name, which goes with this object and with all that is in it by
// then, also what a test has made unreadable. What uses it is to be gone before: let it be the
// first member. A name short enough for sockets; std::runtime_error when it cannot be made.
class TempDir {
  public:
    explicit TempDir(const std::filesystem::path& parent = "/tmp");
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace podreeve::fakes
