#pragma once

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::api {

// Ends the poll() of a thread from any other, also when it is told before it polls.
class Wake {
  public:
    void notify() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);
    }

    // For the thread that polls fd(), before it looks at what it was told of.
    void take() {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = ::read(fd_.get(), &count, sizeof count);
    }

    int fd() const { return fd_.get(); }

  private:
    UniqueFd fd_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

}  // namespace podreeve::api
