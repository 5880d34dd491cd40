#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/patience.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/loop/debounce.h"
#include "runtime/loop/loop.h"
#include "runtime/loop/watch_look.h"

namespace podreeve::loop {

// Says that something changed in a list of directories, which need not exist yet; see
// plan_watches() for what counts. Changes are gathered: `changed` is called 50 ms after the last of
// them, at most 500 ms after the first, with the watches already on what is there now, so that what
// it reads is either all there is or another call follows. It is not called for what is there at
// the start. Belongs to the loop thread; the loop must outlive it. A directory that cannot be
// watched is logged once, and what changes in it goes unseen.
//
// Where the kernel has no room for what is to be watched, changes go unseen too: `blind` is told
// why, and what gives it room, and it is asked again and again. Once there is, `blind` is told "",
// and `changed` called for what went unseen. create() may call `blind` already.
//
// File systems are asked on a thread beside, each directory for two seconds at most. One that does
// not answer is watched as it last was, `blind` is told, and it is asked again; the others go on.
// create() waits for them all that long, and so does the end for one that is being asked.
class DirectoryWatch {
  public:
    static Result<std::unique_ptr<DirectoryWatch>> create(
        Loop& loop,
        std::vector<std::filesystem::path> directories,
        std::function<void()> changed,
        std::function<void(const std::string& why)> blind = nullptr,
        InotifyCalls calls = InotifyCalls::of_the_kernel());

    ~DirectoryWatch();

  private:
    DirectoryWatch(Loop& loop,
                   std::vector<std::filesystem::path> directories,
                   std::function<void()> changed,
                   std::function<void(const std::string& why)> blind,
                   InotifyCalls calls);
    // What became of the directories, by their place in the list; nothing: one has not answered.
    using Looks = std::vector<std::optional<WatchedDirectory>>;

    // Of an event that may matter once it is known what is watched.
    struct Event {
        int number = 0;
        std::uint32_t mask = 0;
        std::string name;
    };

    bool open();
    std::string open_instance();
    void begin_look();
    bool begin_beside();
    void look_beside();
    Looks look_at_all() const;
    void take(const Looks& looks);
    void take_interests();
    void report_unseen();
    std::string trouble() const;
    void report_blind();
    void read_events();
    bool matters(const Event& event);

    Loop& loop_;
    const std::vector<std::filesystem::path> directories_;
    std::function<void()> changed_;
    std::function<void(const std::string&)> blind_;
    const InotifyCalls calls_;
    Debounce debounce_;
    TimerHandle again_;
    std::string no_instance_;             // why there is no descriptor
    std::string no_thread_, untaken_;     // why the last look was not made, or not taken
    std::string reported_;                // why it is blind
    std::shared_ptr<const UniqueFd> fd_;  // shared with those who hang
    Watch watch_;
    Looks watched_;                    // by directory, as of its last answer
    std::vector<bool> hangs_;          // by directory
    std::map<int, Interest> watches_;  // by inotify's number
    std::set<std::string> complained_;
    bool looking_ = false;          // the thread beside is
    bool look_again_ = false;       // once it has
    bool change_seen_ = false;      // to be told with the next look
    std::vector<Event> undecided_;  // since the look has begun
    const std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  // for what is posted
    std::atomic<bool> ends_ = false;
    mutable Patience patience_;
    std::jthread beside_;  // last: it uses what is above
};

}  // namespace podreeve::loop
