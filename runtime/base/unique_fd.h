#pragma once

#include <dirent.h>
#include <memory>
#include <utility>

namespace podreeve {

// Owns a file descriptor and closes it.
class UniqueFd {
  public:
    UniqueFd() = default;

    explicit UniqueFd(int fd) : fd_(fd) {}

    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) {
            reset(std::exchange(other.fd_, -1));
        }
        return *this;
    }

    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;

    ~UniqueFd() { reset(); }

    int get() const { return fd_; }

    explicit operator bool() const { return fd_ >= 0; }

    int release() { return std::exchange(fd_, -1); }

    void reset(int fd = -1);

  private:
    int fd_ = -1;
};

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// An open directory, as opendir(3) gives it.
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

}  // namespace podreeve
