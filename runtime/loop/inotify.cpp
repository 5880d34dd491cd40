#include "runtime/loop/inotify.h"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/log.h"

namespace podreeve::loop {
namespace {

constexpr Duration kQuiet = std::chrono::milliseconds(50);
constexpr Duration kLongest = std::chrono::milliseconds(500);

// A tree that changes faster than it can be looked at is watched as it was last seen; its next
// event starts this again.
constexpr int kMaxRounds = 8;

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::create(
    Loop& loop, std::vector<std::filesystem::path> directories, std::function<void()> changed) {
    for (const std::filesystem::path& directory : directories) {
        if (!directory.is_absolute()) {
            return fail(Code::InvalidArgument,
                        fmt::format("cannot watch '{}': not an absolute path", directory.string()));
        }
    }
    std::unique_ptr<DirectoryWatch> watch(
        new DirectoryWatch(loop, std::move(directories), std::move(changed)));
    RETURN_IF_ERROR(watch->start(loop));
    return watch;
}

DirectoryWatch::DirectoryWatch(Loop& loop,
                               std::vector<std::filesystem::path> directories,
                               std::function<void()> changed)
    : directories_(std::move(directories)),
      changed_(std::move(changed)),
      debounce_(loop, loop, kQuiet, kLongest, [this] {
          sync();
          changed_();
      }) {}

Status DirectoryWatch::start(Loop& loop) {
    fd_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd_) {
        return errno_error("watch directories (is fs.inotify.max_user_instances too low?)", errno);
    }
    ASSIGN_OR_RETURN(watch_,
                     loop.watch_fd(fd_.get(), EPOLLIN, [this](std::uint32_t) { read_events(); }));
    sync();
    return {};
}

// Between looking and watching, things may move; so it looks again until nothing has.
void DirectoryWatch::sync() {
    WatchPlan plan = plan_watches(directories_);
    for (int round = 0; round < kMaxRounds; ++round) {
        apply(plan);
        WatchPlan now = plan_watches(directories_);
        if (now == plan) {
            return;
        }
        plan = std::move(now);
    }
}

// Watches are asked for again even where the plan is the old one: another directory may stand at
// the same path.
void DirectoryWatch::apply(const WatchPlan& plan) {
    std::map<int, Interest> next;
    for (const auto& [path, interest] : plan) {
        const int number = add(path, interest);
        if (number < 0) {
            continue;
        }
        Interest& known = next[number];
        const bool twice = known.mask != 0;  // one directory under two paths, by a bind mount
        known.add(interest);
        if (twice) {
            add(path, known);
        }
    }
    for (const auto& [number, interest] : watches_) {
        if (!next.contains(number)) {
            ::inotify_rm_watch(fd_.get(), number);
        }
    }
    watches_ = std::move(next);
}

int DirectoryWatch::add(const std::string& path, const Interest& interest) {
    const int number =
        ::inotify_add_watch(fd_.get(), path.c_str(), interest.mask | IN_ONLYDIR | IN_EXCL_UNLINK);
    const int error = errno;
    // One that has just gone is found missing by the next look. A directory above that may only be
    // passed through cannot be watched, which costs no more than seeing it renamed.
    const bool expected = error == ENOENT || error == ENOTDIR || interest.names.empty();
    if (number < 0 && (!expected || interest.all_names) && complained_.insert(path).second) {
        log::warn("{}; its changes are seen late",
                  errno_error(fmt::format("watch {}", path), error).message);
    }
    return number;
}

void DirectoryWatch::read_events() {
    alignas(inotify_event) char buffer[16384];
    bool mattered = false;
    while (true) {
        const ssize_t size = ::read(fd_.get(), buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            break;
        }
        for (ssize_t at = 0; at < size;) {
            // The kernel pads each event so that the next one is aligned.
            const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
            mattered = matters(event) || mattered;
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
    if (mattered) {
        debounce_.touch();
    }
}

bool DirectoryWatch::matters(const inotify_event& event) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        return true;
    }
    const auto watch = watches_.find(event.wd);
    if (watch == watches_.end()) {
        return false;
    }
    if ((event.mask & IN_IGNORED) != 0) {
        watches_.erase(watch);  // the kernel dropped it, and has said why before
        return false;
    }
    return event.len == 0 || watch->second.all_names || watch->second.names.contains(event.name);
}

}  // namespace podreeve::loop
