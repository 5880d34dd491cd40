#include "agent/daemon/foreground.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "runtime/base/atomic_file.h"
#include "runtime/base/digest.h"

namespace podreeve::daemon {
namespace {

using supervise::AppStatus;
using supervise::PartStatus;
using supervise::ServiceState;

constexpr int kCannotRun = 1;

// Of the containers that have ended: 0 when all went well, else as the propagation says.
int exit_code_of(const AppStatus& app, Propagation propagation) {
    int first_failure = 0;
    bool all_failed = true;
    for (const PartStatus& part : app.parts) {
        if (part.kind != "container") {
            continue;
        }
        all_failed = all_failed && part.exit_code != 0;
        first_failure = first_failure == 0 ? part.exit_code : first_failure;
    }
    switch (propagation) {
        case Propagation::None:
            return 0;
        case Propagation::Any:
            return first_failure;
        case Propagation::All:
            return all_failed ? first_failure : 0;
    }
    return 0;
}

// Some part has failed and is not to be restarted, so that the app will not be whole again.
bool has_failed_for_good(const AppStatus& app) {
    const bool any_running = std::any_of(
        app.parts.begin(), app.parts.end(),
        [](const PartStatus& part) { return part.kind == "container" && part.state == "running"; });
    return app.state == ServiceState::Failed && app.change == 0 && !app.next_attempt &&
           !any_running;
}

bool has_failed_container(const AppStatus& app) {
    return std::ranges::any_of(app.parts, [](const PartStatus& part) {
        return part.kind == "container" && part.exit_code != 0;
    });
}

}  // namespace

std::optional<Propagation> propagation_from(const std::string& word) {
    if (word == "none") {
        return Propagation::None;
    }
    if (word == "any") {
        return Propagation::Any;
    }
    return word == "all" ? std::optional<Propagation>(Propagation::All) : std::nullopt;
}

Result<std::filesystem::path> stage_manifest(const std::filesystem::path& file, Config& config) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path whole = fs::canonical(file, error);
    if (error) {
        return errno_error(fmt::format("run {}", file.string()), error.value());
    }
    if (!fs::is_regular_file(whole, error)) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot run {}: it is not a regular file", file.string()));
    }
    const std::string key = sha256_hex(whole.string()).substr(0, kRunKeyDigits);
    const fs::path place = config.paths.state_dir / "run" / key;
    const fs::path manifests = place / "manifests";
    fs::create_directories(manifests, error);
    // Manifests with secrets are kept below, whatever the umask.
    fs::permissions(place, fs::perms::owner_all, error);
    const fs::path link = manifests / whole.filename();
    // What an earlier run left would be another app; what one that runs has is the same, and stays.
    for (const fs::path& other : entries_of(manifests)) {
        if (other != link || fs::read_symlink(other, error) != whole) {
            fs::remove_all(other, error);
        }
    }
    if (!fs::is_symlink(fs::symlink_status(link, error))) {
        fs::create_symlink(whole, link, error);
    }
    if (error) {
        return errno_error(fmt::format("make {}", link.string()), error.value());
    }
    config.paths.manifest_dirs = {manifests};
    config.paths.state_dir = place;
    // The directory is our own: what is gone from it we have removed.
    config.gone_after = Duration{};
    config.companions.takes_unnamed = false;
    // Its own unit stops it.
    config.stopped_by_host = false;
    return link;
}

ForegroundView view_of(const reconcile::PassReport& report, Propagation propagation) {
    ForegroundView view;
    if (!report.error.empty()) {
        return view;  // podman is not there: it is waited for
    }
    const auto& apps = report.overview.apps;
    view.gone = report.converged && apps.empty();
    if (apps.empty()) {
        return view;
    }
    const AppStatus& app = apps.front();
    view.up = supervise::holds(supervise::VirtualEvent::Up, app);
    if (app.generation == 0 && app.state == ServiceState::Failed) {
        view.exit_code = kCannotRun;  // no version of the manifest was ever good
        view.message = app.message;
    } else if (app.state == ServiceState::Finished && app.change == 0) {
        view.exit_code = exit_code_of(app, propagation);
    } else if (has_failed_for_good(app)) {
        // What failed without a container that says so (a conflict, a companion) is podreeve's.
        view.exit_code = has_failed_container(app) ? exit_code_of(app, propagation) : kCannotRun;
        view.message = app.message;
    }
    return view;
}

PodmanAway::Step PodmanAway::step(const std::string& error, SteadyTime now) {
    if (error.empty()) {
        since_ = now;
        is_reported_ = false;
        return Step::GoOn;
    }
    if (now - since_ >= kPatience) {
        return Step::GiveUp;
    }
    return std::exchange(is_reported_, true) ? Step::GoOn : Step::Report;
}

}  // namespace podreeve::daemon
