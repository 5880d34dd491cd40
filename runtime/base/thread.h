#pragma once

#include <stop_token>
#include <thread>
#include <utility>

#include "runtime/base/contained.h"

// The top of every thread of ours: what the body throws ends there and is told to the journal,
// where it would have ended the process. A thread that cannot be begun throws std::system_error, as
// ever.
namespace podreeve {

template <class Body>
std::thread begin_thread(const char* what, Body body) {
    return std::thread([what, body = std::move(body)]() mutable noexcept {
        contained_or_logged(what, [&] { body(); });
    });
}

// The same of one that is told to stop and joined when its handle goes.
template <class Body>
std::jthread begin_stoppable(const char* what, Body body) {
    return std::jthread([what, body = std::move(body)](std::stop_token stop) mutable noexcept {
        contained_or_logged(what, [&] { body(std::move(stop)); });
    });
}

}  // namespace podreeve
