#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/loop/watch_plan.h"

namespace podreeve::loop {

// How the kernel is asked, for how long, and how soon again when it has had no room or has not
// answered. A test has it refuse, or hang.
struct InotifyCalls {
    std::function<int()> init;  // as inotify_init1(2)
    std::function<int(int fd, const char* path, std::uint32_t mask)>
        add;  // as inotify_add_watch(2)
    std::function<WatchPlan(const std::filesystem::path& directory)> plan;  // as plan_watches()
    Duration ask_again = std::chrono::seconds(30);
    Duration patience = std::chrono::seconds(2);

    static InotifyCalls of_the_kernel();
};

// What is watched for one of the directories.
struct WatchedDirectory {
    std::map<int, Interest> interests;          // by inotify's number
    std::set<int> numbers;                      // of all watches that were asked for on the way
    std::string no_room;                        // why the kernel has none for more, or empty
    std::map<std::string, std::string> unseen;  // by path: why it cannot be watched
};

// Looks at the directory and asks for watches, until both agree. It may hang where file systems do.
// Masks are only added to: watches are shared with what is watched for other directories.
WatchedDirectory watch_directory(const InotifyCalls& calls,
                                 int fd,
                                 const std::filesystem::path& directory);

// Says which limit it is; the kernel's own words for it are of files and devices.
std::string no_room(int error, const char* limit);

}  // namespace podreeve::loop
