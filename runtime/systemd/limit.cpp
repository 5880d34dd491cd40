#include "runtime/systemd/limit.h"

#include <algorithm>
#include <sys/eventfd.h>

#include <fmt/format.h>

namespace podreeve::systemd {

Limit::Limit(const Call& call) : end_(SystemClock().steady_now() + call.timeout), stop_(call.stop) {
    if (stop_.stop_possible()) {
        stopped_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        on_stop_.emplace(stop_, [fd = stopped_.get()] { ::eventfd_write(fd, 1); });
    }
}

std::optional<Error> Limit::over(const std::string& what) const {
    if (stop_.stop_requested()) {
        return Error{Code::Cancelled, fmt::format("cannot {}: stopped", what)};
    }
    if (milliseconds_left() == 0) {
        return Error{Code::Timeout, fmt::format("cannot {}: no answer in time", what)};
    }
    return std::nullopt;
}

int Limit::milliseconds_left() const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end_ - SystemClock().steady_now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 24 * 3600 * 1000));
}

}  // namespace podreeve::systemd
