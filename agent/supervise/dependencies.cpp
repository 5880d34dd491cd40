#include "agent/supervise/dependencies.h"

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

bool is_met(manifests::DependencyKind kind, const Standing& standing) {
    using manifests::DependencyKind;
    const bool finished = standing.state == ServiceState::Finished && !standing.stopped;
    switch (kind) {
        case DependencyKind::Started:
            return standing.state == ServiceState::Running || finished;
        case DependencyKind::Healthy:
            return standing.state == ServiceState::Running && standing.healthy;
        case DependencyKind::Finished:
            return finished;
        case DependencyKind::Failed:
            return standing.state == ServiceState::Failed;
    }
    return false;
}

bool is_stuck(const Standing& standing) {
    return standing.state == ServiceState::Failed || standing.state == ServiceState::CrashLoop ||
           standing.state == ServiceState::Skipped || standing.stopped;
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

std::string describe(const Standing& standing) {
    return standing.message.empty() ? fmt::format("is {}", to_string(standing.state))
                                    : standing.message;
}

// Of what it is, in words.
const std::string& name_of(const manifests::Dependency& dependency) {
    return dependency.companion.empty() ? dependency.app : dependency.companion;
}

Blocker waiting(const manifests::Dependency& dependency, const Standing& standing) {
    const std::string& name = name_of(dependency);
    Blocker blocker{dependency.app,
                    std::string(manifests::to_string(dependency.is)),
                    false,
                    name,
                    describe(standing),
                    ""};
    if (standing.blocker) {
        blocker.root = standing.blocker->root;
        blocker.reason = standing.blocker->reason;
    }
    const char* unhealthy =
        standing.state == ServiceState::Running && !standing.healthy ? " but not ready" : "";
    blocker.text = fmt::format("waits for {} to be {} ({} is {}{}{}{})", name, blocker.is, name,
                               to_string(standing.state), unhealthy,
                               standing.message.empty() ? "" : ": ", standing.message);
    return blocker;
}

}  // namespace

std::string standing_key(const std::string& app, const std::string& companion) {
    return app + "/" + companion;
}

manifests::Dependency of_own_containers(manifests::Dependency dependency, const std::string& app) {
    if (dependency.app == app && dependency.companion.empty()) {
        dependency.app = standing_key(app, kOwnContainers);
    }
    return dependency;
}

std::optional<Blocker> blocker_of(const manifests::Dependency& dependency,
                                  const std::map<std::string, Standing>& standings) {
    const auto it = standings.find(dependency.companion.empty()
                                       ? dependency.app
                                       : standing_key(dependency.app, dependency.companion));
    if (it == standings.end()) {
        return blocked(dependency, dependency.app, "no manifest declares it");
    }
    const Standing& standing = it->second;
    if (is_met(dependency.is, standing)) {
        return std::nullopt;
    }
    if (standing.blocker && standing.blocker->blocked) {
        return blocked(dependency, standing.blocker->root, standing.blocker->reason);
    }
    if (is_stuck(standing)) {
        return blocked(dependency, name_of(dependency), describe(standing));
    }
    return waiting(dependency, standing);
}

std::vector<Blocker> blockers_of(const manifests::AppSpec& app,
                                 const std::map<std::string, Standing>& standings) {
    std::vector<Blocker> blockers;
    for (const manifests::Dependency& dependency : app.depends_on) {
        if (auto blocker = blocker_of(dependency, standings)) {
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
