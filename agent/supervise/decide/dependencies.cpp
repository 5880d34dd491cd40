#include "agent/supervise/decide/dependencies.h"

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

bool is_met(manifests::DependencyKind kind, const DependencyStatus& status) {
    using manifests::DependencyKind;
    const bool finished = status.state == ServiceState::Finished && !status.stopped;
    switch (kind) {
        case DependencyKind::Started:
            return status.state == ServiceState::Running || finished;
        case DependencyKind::Healthy:
            return status.state == ServiceState::Running && status.healthy;
        case DependencyKind::Finished:
            return finished;
        case DependencyKind::Failed:
            return status.state == ServiceState::Failed;
    }
    return false;
}

bool is_stuck(const DependencyStatus& status) {
    return status.state == ServiceState::Failed || status.state == ServiceState::CrashLoop ||
           status.state == ServiceState::Skipped || status.stopped;
}

Blocker blocked(const manifests::Dependency& dependency, std::string root, std::string reason) {
    Blocker blocker{dependency.app,
                    std::string(manifests::to_string(dependency.is)),
                    true,
                    std::move(root),
                    std::move(reason),
                    ""};
    blocker.text = fmt::format("blocked by {}: {}", blocker.root, blocker.reason);
    return blocker;
}

std::string describe(const DependencyStatus& status) {
    return status.message.empty() ? fmt::format("is {}", to_string(status.state)) : status.message;
}

// Of what it is, in words.
const std::string& name_of(const manifests::Dependency& dependency) {
    return dependency.companion.empty() ? dependency.app : dependency.companion;
}

Blocker waiting(const manifests::Dependency& dependency, const DependencyStatus& status) {
    const std::string& name = name_of(dependency);
    Blocker blocker{dependency.app,
                    std::string(manifests::to_string(dependency.is)),
                    false,
                    name,
                    describe(status),
                    ""};
    if (status.blocker) {
        blocker.root = status.blocker->root;
        blocker.reason = status.blocker->reason;
    }
    const char* unhealthy =
        status.state == ServiceState::Running && !status.healthy ? " but not ready" : "";
    blocker.text = fmt::format("waits for {} to be {} ({} is {}{}{}{})", name, blocker.is, name,
                               to_string(status.state), unhealthy,
                               status.message.empty() ? "" : ": ", status.message);
    return blocker;
}

}  // namespace

std::string dependency_key(const std::string& app, const std::string& companion) {
    return app + "/" + companion;
}

manifests::Dependency of_own_containers(manifests::Dependency dependency, const std::string& app) {
    if (dependency.app == app && dependency.companion.empty()) {
        dependency.app = dependency_key(app, kOwnContainers);
    }
    return dependency;
}

std::optional<Blocker> blocker_of(
    const manifests::Dependency& dependency,
    const std::map<std::string, DependencyStatus>& dependency_statuses) {
    const auto it = dependency_statuses.find(
        dependency.companion.empty() ? dependency.app
                                     : dependency_key(dependency.app, dependency.companion));
    if (it == dependency_statuses.end()) {
        return blocked(dependency, dependency.app, "no manifest declares it");
    }
    const DependencyStatus& status = it->second;
    if (is_met(dependency.is, status)) {
        return std::nullopt;
    }
    if (status.blocker && status.blocker->blocked) {
        return blocked(dependency, status.blocker->root, status.blocker->reason);
    }
    if (is_stuck(status)) {
        return blocked(dependency, name_of(dependency), describe(status));
    }
    return waiting(dependency, status);
}

std::vector<Blocker> blockers_of(
    const manifests::AppSpec& app,
    const std::map<std::string, DependencyStatus>& dependency_statuses) {
    std::vector<Blocker> blockers;
    for (const manifests::Dependency& dependency : app.depends_on) {
        if (auto blocker = blocker_of(dependency, dependency_statuses)) {
            blockers.push_back(std::move(*blocker));
        }
    }
    return blockers;
}

std::string to_text(const std::vector<Blocker>& blockers) {
    std::string text;
    for (const Blocker& blocker : blockers) {
        // The same root is told once.
        if (text.find(blocker.text) == std::string::npos) {
            text += (text.empty() ? "" : "; ") + blocker.text;
        }
    }
    return text;
}

}  // namespace podreeve::supervise
