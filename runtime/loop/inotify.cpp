#include "runtime/loop/inotify.h"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "runtime/base/contained.h"
#include "runtime/base/log.h"
#include "runtime/base/thread.h"

namespace podreeve::loop {
namespace {

constexpr Duration kQuiet = std::chrono::milliseconds(50);
constexpr Duration kLongest = std::chrono::milliseconds(500);

// More that cannot be decided on is taken for a change.
constexpr std::size_t kMostUndecided = 1000;

std::string internal_error(const std::string& thrown) {
    return "cannot watch directories: internal error: " + thrown;
}

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::create(
    Loop& loop,
    std::vector<std::filesystem::path> directories,
    std::function<void()> changed,
    std::function<void(const std::string& why)> blind,
    InotifyCalls calls) {
    for (const std::filesystem::path& directory : directories) {
        if (!directory.is_absolute()) {
            return fail(Code::InvalidArgument,
                        fmt::format("cannot watch '{}': not an absolute path", directory.string()));
        }
    }
    std::unique_ptr<DirectoryWatch> watch(new DirectoryWatch(
        loop, std::move(directories), std::move(changed), std::move(blind), std::move(calls)));
    if (watch->open()) {
        watch->take(watch->look_at_all());
    } else {
        watch->report_blind();
    }
    return watch;
}

DirectoryWatch::DirectoryWatch(Loop& loop,
                               std::vector<std::filesystem::path> directories,
                               std::function<void()> changed,
                               std::function<void(const std::string& why)> blind,
                               InotifyCalls calls)
    : loop_(loop),
      directories_(std::move(directories)),
      changed_(std::move(changed)),
      blind_(std::move(blind)),
      calls_(std::move(calls)),
      debounce_(loop,
                loop,
                kQuiet,
                kLongest,
                [this] {
                    change_seen_ = true;
                    begin_look();
                }),
      watched_(directories_.size()),
      hangs_(directories_.size()),
      patience_(calls_.patience, calls_.ask_again) {}

DirectoryWatch::~DirectoryWatch() {
    ends_ = true;
}

bool DirectoryWatch::open() {
    if (!fd_) {
        if (const auto thrown = contained([this] { no_instance_ = open_instance(); })) {
            no_instance_ = internal_error(*thrown);
        }
    }
    return fd_ != nullptr;
}

// Says why there is none.
std::string DirectoryWatch::open_instance() {
    UniqueFd fd(calls_.init());
    if (!fd) {
        return no_room(errno, "fs.inotify.max_user_instances (or the limit of open files)");
    }
    auto watch = loop_.watch_fd(fd.get(), EPOLLIN, [this](std::uint32_t) { read_events(); });
    if (!watch) {
        return watch.error().message;
    }
    fd_ = std::make_shared<const UniqueFd>(std::move(fd));
    watch_ = std::move(*watch);
    return "";
}

// One look at a time; what comes while it goes on is for another.
void DirectoryWatch::begin_look() {
    if (looking_) {
        look_again_ = true;
        return;
    }
    if (open() && begin_beside()) {
        return;
    }
    report_blind();
    if (std::exchange(change_seen_, false)) {
        changed_();
    }
}

bool DirectoryWatch::begin_beside() {
    const auto thrown = contained([this] {
        beside_ =
            begin_stoppable("watching directories", [this](std::stop_token) { look_beside(); });
    });
    looking_ = !thrown;
    no_thread_ = thrown ? internal_error(*thrown) : "";
    return looking_;
}

// Whoever waits for it has to hear of it, or nothing is looked at any more.
void DirectoryWatch::look_beside() {
    Looks looks;  // none: nobody has answered
    contained_or_logged("watching directories", [&] { looks = look_at_all(); });
    const auto report = [&] {
        loop_.post([this, here = std::weak_ptr(here_), looks] {
            if (!here.expired()) {
                take(looks);
            }
        });
    };
    if (!contained_or_logged("reporting what is watched", report)) {
        contained_or_logged("reporting what is watched", report);
    }
}

DirectoryWatch::Looks DirectoryWatch::look_at_all() const {
    Looks looks(directories_.size());
    for (std::size_t i = 0; i < looks.size() && !ends_; ++i) {
        const auto watched = std::make_shared<WatchedDirectory>();
        bool replied = false;
        const auto thrown = contained([&] {
            replied = patience_.run(directories_[i].string(),
                                    [watched, calls = calls_, fd = fd_, path = directories_[i]] {
                                        *watched = watch_directory(calls, fd->get(), path);
                                    });
        });
        if (thrown) {  // it is watched as it last was, and asked again
            looks[i] = watched_[i].value_or(WatchedDirectory{});
            looks[i]->no_room = internal_error(*thrown);
        } else if (replied) {
            looks[i] = std::move(*watched);
        }
    }
    return looks;
}

void DirectoryWatch::take(const Looks& looks) {
    looking_ = false;
    bool replies_again = false;
    for (std::size_t i = 0; i < hangs_.size(); ++i) {
        const bool replied = i < looks.size() && looks[i];
        replies_again = replies_again || (hangs_[i] && replied);
        hangs_[i] = !replied;
        if (replied) {
            watched_[i] = looks[i];
        }
    }
    const auto thrown = contained([this] {
        take_interests();
        report_unseen();
    });
    untaken_ = thrown ? internal_error(*thrown) : "";
    for (const Event& event : std::exchange(undecided_, {})) {
        if (matters(event)) {
            debounce_.touch();
        }
    }
    const bool sees_again = !reported_.empty() && trouble().empty();
    report_blind();
    if (std::exchange(change_seen_, false) || sees_again || replies_again) {
        changed_();
    }
    if (std::exchange(look_again_, false)) {
        change_seen_ = true;
        begin_look();
    }
}

void DirectoryWatch::take_interests() {
    std::map<int, Interest> next;
    std::set<int> numbers;
    for (const std::optional<WatchedDirectory>& watched : watched_) {
        if (watched) {
            numbers.insert(watched->numbers.begin(), watched->numbers.end());
            for (const auto& [number, interest] : watched->interests) {
                next[number].add(interest);  // one directory may be watched for several
            }
        }
    }
    for (const auto& [number, interest] : watches_) {
        numbers.insert(number);
    }
    for (const int number : numbers) {
        if (!next.contains(number)) {
            ::inotify_rm_watch(fd_->get(), number);
        }
    }
    watches_ = std::move(next);
}

void DirectoryWatch::report_unseen() {
    for (std::optional<WatchedDirectory>& watched : watched_) {
        if (!watched) {
            continue;
        }
        for (const auto& [path, why] : watched->unseen) {
            if (complained_.insert(path).second) {
                log::warn("{}; its changes are seen late", why);
            }
        }
    }
}

std::string DirectoryWatch::trouble() const {
    std::string why = !no_instance_.empty() ? no_instance_
                      : !no_thread_.empty() ? no_thread_
                                            : untaken_;
    for (std::size_t i = 0; i < watched_.size() && why.empty(); ++i) {
        if (hangs_[i]) {
            why = fmt::format("cannot watch {}: its file system does not answer",
                              directories_[i].string());
        } else if (watched_[i]) {
            why = watched_[i]->no_room;
        }
    }
    return why;
}

void DirectoryWatch::report_blind() {
    const std::string why = trouble();
    again_.reset();
    if (!why.empty()) {
        again_ = loop_.after(calls_.ask_again, [this] { begin_look(); });
    }
    if (why == reported_) {
        return;
    }
    reported_ = why;
    if (reported_.empty()) {
        log::info("directories are watched again");
    } else {
        log::warn("{}", reported_);
    }
    if (blind_) {
        blind_(reported_);
    }
}

void DirectoryWatch::read_events() {
    alignas(inotify_event) char buffer[16384];
    bool mattered = false;
    while (true) {
        const ssize_t size = ::read(fd_->get(), buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            break;
        }
        for (ssize_t at = 0; at < size;) {
            // The kernel pads each event so that the next one is aligned.
            const auto& raw = *reinterpret_cast<const inotify_event*>(buffer + at);
            const Event event{raw.wd, raw.mask, raw.len == 0 ? "" : raw.name};
            const bool matters_now = matters(event);
            mattered = mattered || matters_now;
            // What is watched by now is known when the look has ended.
            if (looking_ && !matters_now) {
                mattered = mattered || undecided_.size() == kMostUndecided;
                if (!mattered) {
                    undecided_.push_back(event);
                }
            }
            at += static_cast<ssize_t>(sizeof raw + raw.len);
        }
    }
    if (mattered) {
        debounce_.touch();
    }
}

bool DirectoryWatch::matters(const Event& event) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        return true;
    }
    const auto watch = watches_.find(event.number);
    if (watch == watches_.end()) {
        return false;
    }
    if ((event.mask & IN_IGNORED) != 0) {
        watches_.erase(watch);  // the kernel dropped it, and has said why before
        return false;
    }
    const Interest& interest = watch->second;
    const bool asked_for = (event.mask & (interest.mask | IN_UNMOUNT)) != 0;
    return asked_for &&
           (event.name.empty() || interest.all_names || interest.names.contains(event.name));
}

}  // namespace podreeve::loop
