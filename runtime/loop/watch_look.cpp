#include "runtime/loop/watch_look.h"

#include <cerrno>
#include <sys/inotify.h>

#include <fmt/format.h>

#include "runtime/base/error.h"

namespace podreeve::loop {
namespace {

// A tree that changes faster than it can be looked at is watched as it was last seen; its next
// event starts this again.
constexpr int kMaxRounds = 8;

void add(const InotifyCalls& calls,
         int fd,
         const std::string& path,
         const Interest& interest,
         WatchedDirectory& out) {
    const int number =
        calls.add(fd, path.c_str(), interest.mask | IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD);
    const int error = errno;
    if (number >= 0) {
        out.interests[number].add(interest);
        out.numbers.insert(number);
        return;
    }
    if (error == ENOSPC || error == ENOMEM) {
        out.no_room = no_room(error, "fs.inotify.max_user_watches");
        return;
    }
    // One that has just gone is found missing by the next look. A directory above that may only be
    // passed through cannot be watched, which costs no more than seeing it renamed.
    const bool expected = error == ENOENT || error == ENOTDIR || interest.names.empty();
    if (!expected || interest.all_names) {
        out.unseen[path] = errno_error(fmt::format("watch {}", path), error).message;
    }
}

}  // namespace

InotifyCalls InotifyCalls::of_the_kernel() {
    return {[] { return ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK); },
            [](int fd, const char* path, std::uint32_t mask) {
                return ::inotify_add_watch(fd, path, mask);
            },
            [](const std::filesystem::path& directory) { return plan_watches({directory}); }};
}

std::string no_room(int error, const char* limit) {
    return error == EMFILE || error == ENOSPC
               ? fmt::format("cannot watch directories: {} is used up; have root raise it", limit)
               : errno_error("watch directories", error).message;
}

// Watches are asked for again even where the plan is the old one: another directory may stand at
// the same path. Between looking and watching, things may move; so it looks again until nothing
// has.
WatchedDirectory watch_directory(const InotifyCalls& calls,
                                 int fd,
                                 const std::filesystem::path& directory) {
    WatchedDirectory out;
    WatchPlan plan = calls.plan(directory);
    for (int round = 0; round < kMaxRounds; ++round) {
        out.interests.clear();
        out.no_room.clear();
        for (const auto& [path, interest] : plan) {
            add(calls, fd, path, interest, out);
        }
        WatchPlan now = calls.plan(directory);
        if (now == plan) {
            break;
        }
        plan = std::move(now);
    }
    return out;
}

}  // namespace podreeve::loop
