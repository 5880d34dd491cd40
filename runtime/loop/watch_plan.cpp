#include "runtime/loop/watch_plan.h"

#include <deque>
#include <optional>
#include <sys/inotify.h>
#include <system_error>

namespace podreeve::loop {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kSelf = IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kAppears = kSelf | IN_CREATE | IN_MOVED_TO;
constexpr std::uint32_t kLink = kAppears | IN_MOVED_FROM | IN_DELETE;
// Not IN_MODIFY: a file that is being written is read when its writer closes it.
constexpr std::uint32_t kContents = kLink | IN_CLOSE_WRITE | IN_ATTRIB;

// As many links as the kernel follows in one path.
constexpr int kMaxLinks = 40;

class Tracer {
  public:
    explicit Tracer(WatchPlan& plan) : plan_(plan) {}

    // Follows path component by component, as the kernel does, and asks for a watch on each step;
    // the directory it ends in, if it ends in one.
    std::optional<fs::path> trace(const fs::path& path) {
        rest_.assign(path.begin(), path.end());
        here_ = "/";
        links_left_ = kMaxLinks;
        while (!rest_.empty()) {
            const fs::path name = rest_.front();
            rest_.pop_front();
            if (!step(name)) {
                return std::nullopt;
            }
        }
        return here_;
    }

  private:
    void ask(std::uint32_t mask, const fs::path& name) {
        plan_[here_.string()].add({mask, false, {name.string()}});
    }

    bool step(const fs::path& name) {
        if (name.empty() || name == "." || name == "/") {
            return true;
        }
        if (name == "..") {
            here_ = here_.parent_path();
            return true;
        }
        const fs::path full = here_ / name;
        std::error_code error;
        const fs::file_status status = fs::symlink_status(full, error);
        if (fs::is_symlink(status)) {
            return follow(full, name);
        }
        if (!fs::is_directory(status)) {
            ask(fs::exists(status) ? kContents : kAppears, name);
            return false;
        }
        ask(kSelf | IN_ATTRIB, name);  // may it still be entered?
        plan_[full.string()].add({kSelf, false, {}});
        here_ = full;
        return true;
    }

    bool follow(const fs::path& link, const fs::path& name) {
        ask(kLink, name);
        std::error_code error;
        const fs::path target = fs::read_symlink(link, error);
        if (error || --links_left_ < 0) {
            return false;
        }
        if (target.is_absolute()) {
            here_ = "/";
        }
        rest_.insert(rest_.begin(), target.begin(), target.end());
        return true;
    }

    WatchPlan& plan_;
    std::deque<fs::path> rest_;
    fs::path here_;
    int links_left_ = 0;
};

void plan_contents(WatchPlan& plan, const fs::path& directory, bool with_drop_ins) {
    plan[directory.string()].add({kContents, true, {}});
    std::error_code error;
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        std::error_code ignored;
        const bool drop_in = with_drop_ins && entry->path().extension() == ".d";
        if (!drop_in && !entry->is_symlink(ignored)) {
            continue;
        }
        const auto inside = Tracer(plan).trace(entry->path());
        if (inside && drop_in) {
            plan_contents(plan, *inside, false);
        }
    }
}

}  // namespace

void Interest::add(const Interest& other) {
    mask |= other.mask;
    all_names = all_names || other.all_names;
    names.insert(other.names.begin(), other.names.end());
}

WatchPlan plan_watches(const std::vector<std::filesystem::path>& directories) {
    WatchPlan plan;
    for (const fs::path& path : directories) {
        if (const auto directory = Tracer(plan).trace(path)) {
            plan_contents(plan, *directory, true);
        }
    }
    return plan;
}

}  // namespace podreeve::loop
