#include "agent/handlers/sub_paths.h"

#include <algorithm>
#include <memory>
#include <sys/stat.h>

#include <fmt/format.h>

#include "agent/handlers/host_paths.h"
#include "agent/handlers/start_stop.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/mount_table.h"
#include "runtime/base/mutex.h"

namespace podreeve::handlers {
namespace {

namespace fs = std::filesystem;

constexpr auto kInitTime = std::chrono::seconds(60);

bool is_sub_path(const manifests::Mount& mount) {
    return mount.kind == manifests::MountKind::Bind && !mount.sub_path.empty();
}

Error cannot_mount(const manifests::Mount& mount, Code code, const std::string& why) {
    return {code, fmt::format("cannot mount {} of {} at {}: {}{}", mount.sub_path, mount.source,
                              mount.target, why,
                              code == Code::Denied
                                  ? "; a container may have made it: put a directory in its place"
                                  : "")};
}

bool is_same_file(const UniqueFd& a, const UniqueFd& b) {
    struct stat one {
    }, other{};

    return ::fstat(a.get(), &one) == 0 && ::fstat(b.get(), &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

constexpr std::uintmax_t kLargestTable = 16 * 1024 * 1024;

// By the process's table of mounts, which no directory's mode hides. Nothing: it does not tell.
std::optional<bool> is_mounted(const UniqueFd& wanted,
                               const fs::path& process,
                               const std::string& target) {
    const auto table = read_file(process / "mountinfo", kLargestTable);
    const auto expected = place_of_file(wanted.get());
    if (!table || !expected) {
        return std::nullopt;
    }
    const auto mounted = place_of_mount(*table, target);
    return mounted ? std::optional(*mounted == *expected) : std::nullopt;
}

// What was found is what is told, whether or not the container can be taken down for it.
Status taken_down(Task& task, const std::string& id, Error found) {
    const auto stopped = task.world.podman.stop_container(id, 0, task.call());
    if (!stopped && stopped.error().code != Code::NotFound) {
        found.message +=
            fmt::format("; and the container, which has it mounted, cannot be stopped: {}",
                        stopped.error().message);
    }
    return found;
}

// One that does not answer is as good as exchanged: nobody has looked.
Status look_at_mounted(Task& task,
                       const std::vector<manifests::Mount>& mounts,
                       const fs::path& root) {
    const auto first = std::ranges::find_if(mounts, is_sub_path);
    const auto notes = std::make_shared<Guarded<std::vector<std::string>>>();
    Status looked = ask_host(task, first->source, [mounts, root, notes] {
        return check_mounted(mounts, root,
                             [notes](const std::string& text) { notes->lock()->push_back(text); });
    });
    const std::vector<std::string> so_far = *notes->lock();
    for (const std::string& text : so_far) {
        task.log(text);
    }
    return looked;
}

}  // namespace

Status check_sub_path(const manifests::Mount& mount, WalkBy by) {
    if (!is_sub_path(mount)) {
        return {};
    }
    const auto opened = open_beneath(mount.source, mount.sub_path, by);
    return opened ? Status{}
                  : Status(cannot_mount(mount, opened.error().code, opened.error().message));
}

Status check_sub_paths(const Task& task, const std::vector<manifests::Mount>& mounts) {
    for (const manifests::Mount& mount : mounts) {
        if (is_sub_path(mount)) {
            RETURN_IF_ERROR(
                ask_host(task, mount.source, [mount] { return check_sub_path(mount); }));
        }
    }
    return {};
}

bool has_sub_paths(const std::vector<manifests::Mount>& mounts) {
    return std::ranges::any_of(mounts, is_sub_path);
}

Status check_mounted(const std::vector<manifests::Mount>& mounts,
                     const fs::path& root,
                     const std::function<void(const std::string&)>& note) {
    for (const manifests::Mount& mount : mounts) {
        if (!is_sub_path(mount)) {
            continue;
        }
        const auto wanted = open_beneath(mount.source, mount.sub_path);
        if (!wanted) {
            return cannot_mount(mount, wanted.error().code, wanted.error().message);
        }
        const auto mounted = open_in_root(root, mount.target);
        const std::optional<bool> same =
            mounted ? is_same_file(*wanted, *mounted)
                    : is_mounted(*wanted, root.parent_path(), mount.target);
        if (!same) {
            note(fmt::format("what is mounted at {} could not be looked at: {}", mount.target,
                             mounted.error().message));
            continue;
        }
        if (!*same) {
            return cannot_mount(mount, Code::Denied,
                                "what was mounted there is something else: it was exchanged "
                                "meanwhile");
        }
    }
    return {};
}

Status mount_and_look(Task& task,
                      const std::string& id,
                      const std::vector<manifests::Mount>& mounts) {
    if (!has_sub_paths(mounts)) {
        return {};
    }
    if (const Status made = task.world.podman.init_container(id, task.call(kInitTime)); !made) {
        return refused(task, made.error());
    }
    ASSIGN_OR_RETURN(const auto ready, task.world.podman.inspect_container(id, task.call()));
    if (ready.summary.pid <= 0) {
        task.log("what is mounted could not be looked at: podman reports no process");
        return {};
    }
    const Status looked =
        look_at_mounted(task, mounts, task.world.proc / std::to_string(ready.summary.pid) / "root");
    return looked ? looked : taken_down(task, id, looked.error());
}

}  // namespace podreeve::handlers
