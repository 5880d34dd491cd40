#include "agent/daemon/ended_runs.h"

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <set>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "agent/daemon/foreground.h"
#include "agent/observe/observed.h"
#include "agent/state/state_directory.h"
#include "quadlet/stamp.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/log.h"

namespace podreeve::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kAskPodman{3};
constexpr const char* kOwner = "owner";
constexpr std::uintmax_t kMostUnitBytes = 4 * 1024 * 1024;

// A place at which no agent is, and none comes while this is held.
struct Claimed {
    fs::path place;
    UniqueFd lock;
    std::string owner;  // empty: it has none, and so made nothing
};

// The owners of what podman has, and of the unit files that are installed.
struct Owners {
    std::set<std::string> of_more, of_volumes;
};

template <class Rows>
void note_owners(const Rows& rows, std::set<std::string>& owners) {
    for (const auto& row : rows) {
        const auto label = row.labels.find(observe::kLabelOwner);
        if (label != row.labels.end()) {
            owners.insert(label->second);
        }
    }
}

// Quadlet's containers do not say whose they are, their unit files do. Nothing: not all of the
// folder can be read.
std::optional<std::set<std::string>> owners_of_units(const fs::path& folder) {
    std::set<std::string> owners;
    std::error_code error;
    if (folder.empty() || !fs::exists(folder, error)) {
        return error ? std::nullopt : std::optional(owners);
    }
    for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        if (!at->is_regular_file(error)) {
            continue;
        }
        const auto text = read_file(at->path(), kMostUnitBytes);
        const Result<std::optional<quadlet::Stamp>> stamp =
            text ? quadlet::read_stamp(*text) : std::nullopt;
        const bool is_gone = !text && text.error().code == Code::NotFound;
        if ((!text && !is_gone) || !stamp) {
            return std::nullopt;  // it could be anybody's
        }
        if (*stamp) {
            owners.insert((*stamp)->owner);
        }
    }
    return error ? std::nullopt : std::optional(owners);
}

Result<Owners> owners_in(podman::Client& podman, const fs::path& units, std::stop_token stop) {
    const podman::CallOptions call{kAskPodman, std::move(stop)};
    auto of_units = owners_of_units(units);
    if (!of_units) {
        return fail(Code::Unavailable, fmt::format("cannot read {}", units.string()));
    }
    Owners owners{std::move(*of_units), {}};
    ASSIGN_OR_RETURN(const auto containers, podman.list_containers(call));
    note_owners(containers, owners.of_more);
    ASSIGN_OR_RETURN(const auto pods, podman.list_pods(call));
    note_owners(pods, owners.of_more);
    ASSIGN_OR_RETURN(const auto secrets, podman.list_secrets(call));
    note_owners(secrets, owners.of_more);
    ASSIGN_OR_RETURN(const auto volumes, podman.list_volumes(call));
    note_owners(volumes, owners.of_volumes);
    return owners;
}

// Nothing: an agent is at it, or it cannot be read.
std::optional<Claimed> claim(const fs::path& place) {
    Claimed claimed{
        place, UniqueFd(::open((place / "lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)), ""};
    const bool never_run = !claimed.lock && errno == ENOENT;
    if (!never_run && (!claimed.lock || ::flock(claimed.lock.get(), LOCK_EX | LOCK_NB) != 0)) {
        return std::nullopt;
    }
    auto owner = read_file(place / kOwner, 1024);
    if (!owner && owner.error().code != Code::NotFound) {
        return std::nullopt;
    }
    claimed.owner = owner ? owner->substr(0, owner->find('\n')) : "";
    return claimed;
}

// What can be removed is. There may be secrets in what cannot, so that it is told.
void remove_or_report(const fs::path& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) {
        log::warn("cannot remove {}, which a run has left: {}", path.string(), error.message());
    }
}

void clear(const Claimed& claimed, const Owners& owners) {
    if (owners.of_more.contains(claimed.owner)) {
        return;
    }
    if (!owners.of_volumes.contains(claimed.owner)) {
        remove_or_report(claimed.place);
        return;
    }
    for (const fs::path& path : entries_of(claimed.place)) {
        if (path != claimed.place / kOwner) {
            remove_or_report(path);
        }
    }
}

// The folder of the runs, in a state directory that is the agent's alone. Manifests with secrets
// are kept below, whatever the umask; what is a link there, or somebody else's, is not ours to
// take.
Result<UniqueFd> open_runs(const fs::path& runs) {
    RETURN_IF_ERROR(state::make_private_directory(runs.parent_path()));

    struct stat info {};

    const bool made = ::mkdir(runs.c_str(), 0700) == 0 || errno == EEXIST;
    UniqueFd fd(made ? ::open(runs.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1);
    if (!fd || ::fstat(fd.get(), &info) != 0) {
        return errno_error(fmt::format("open the directory {}", runs.string()), errno);
    }
    if (info.st_uid != ::geteuid() || ::fchmod(fd.get(), 0700) != 0) {
        return fail(Code::Denied, fmt::format("cannot use {}: it belongs to user {}", runs.string(),
                                              info.st_uid));
    }
    return fd;
}

bool is_place(const fs::path& path) {
    std::error_code error;
    const std::string name = path.filename().string();
    return name.size() == kRunKeyDigits &&
           name.find_first_not_of("0123456789abcdef") == std::string::npos &&
           fs::is_directory(fs::symlink_status(path, error));
}

}  // namespace

Result<UniqueFd> lock_runs(const fs::path& runs, bool wait) {
    ASSIGN_OR_RETURN(const UniqueFd directory, open_runs(runs));
    const fs::path file = runs / "lock";
    UniqueFd fd(::openat(directory.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        return errno_error(fmt::format("open {}", file.string()), errno);
    }
    while (::flock(fd.get(), LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
        if (errno != EINTR) {
            return errno_error(fmt::format("lock {}", file.string()), errno);
        }
    }
    return fd;
}

void clear_runs(const std::vector<fs::path>& places,
                podman::Client& podman,
                const fs::path& units,
                std::stop_token stop) {
    std::vector<Claimed> claims;
    for (const fs::path& place : places) {
        if (auto claimed = claim(place)) {
            claims.push_back(std::move(*claimed));
        }
    }
    if (claims.empty()) {
        return;
    }
    // After the claims: what a run makes before it is killed is seen.
    const Result<Owners> owners = owners_in(podman, units, std::move(stop));
    if (!owners) {
        log::debug("what ended runs have left stays: {}", owners.error().message);
        return;
    }
    for (const Claimed& claimed : claims) {
        clear(claimed, *owners);
    }
}

void clear_ended_runs(const fs::path& runs,
                      podman::Client& podman,
                      const fs::path& units,
                      std::stop_token stop) {
    std::vector<fs::path> places = entries_of(runs);
    std::erase_if(places, [](const fs::path& path) { return !is_place(path); });
    if (places.empty() || stop.stop_requested()) {
        return;
    }
    const auto lock = lock_runs(runs, false);
    if (!lock) {
        return;
    }
    clear_runs(places, podman, units, std::move(stop));
}

}  // namespace podreeve::daemon
