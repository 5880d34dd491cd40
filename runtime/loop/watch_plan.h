#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace podreeve::loop {

// What is asked of the watch on one directory: inotify's event mask, and the names it is about.
// Events about the directory itself always count.
struct Interest {
    std::uint32_t mask = 0;
    bool all_names = false;
    std::set<std::string> names;

    void add(const Interest& other);
    friend bool operator==(const Interest&, const Interest&) = default;
};

// The directories to watch, by their path without links.
using WatchPlan = std::map<std::string, Interest>;

// What must be watched so that no change in what one reads from the directories goes unseen, as
// the file system is at this moment: their contents, the contents of their `*.d` subdirectories,
// every link on the way and what it leads to, the renaming of every directory above, and where one
// of them does not exist, the appearing of its next component in the nearest directory that does.
// What cannot be read is left out. The paths must be absolute.
WatchPlan plan_watches(const std::vector<std::filesystem::path>& directories);

}  // namespace podreeve::loop
