#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/loop/debounce.h"
#include "runtime/loop/loop.h"
#include "runtime/loop/watch_plan.h"

struct inotify_event;

namespace podreeve::loop {

// Says that something changed in a list of directories, which need not exist yet; see
// plan_watches() for what counts. Changes are gathered: `changed` is called 50 ms after the last of
// them, at most 500 ms after the first, with the watches already on what is there now, so that what
// it reads is either all there is or another call follows. It is not called for what is there at
// the start. Belongs to the loop thread; the loop must outlive it. A directory that cannot be
// watched is logged once, and what changes in it goes unseen.
class DirectoryWatch {
  public:
    static Result<std::unique_ptr<DirectoryWatch>> create(
        Loop& loop, std::vector<std::filesystem::path> directories, std::function<void()> changed);

  private:
    DirectoryWatch(Loop& loop,
                   std::vector<std::filesystem::path> directories,
                   std::function<void()> changed);
    Status start(Loop& loop);
    void sync();
    void apply(const WatchPlan& plan);
    int add(const std::string& path, const Interest& interest);
    void read_events();
    bool matters(const inotify_event& event);

    std::vector<std::filesystem::path> directories_;
    std::function<void()> changed_;
    Debounce debounce_;
    UniqueFd fd_;
    Watch watch_;
    std::map<int, Interest> watches_;  // by inotify's number
    std::set<std::string> complained_;
};

}  // namespace podreeve::loop
