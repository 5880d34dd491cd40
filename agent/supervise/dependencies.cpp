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
            return standing.state == ServiceState::Running;
        case DependencyKind::Finished:
            return finished;
        case DependencyKind::Failed:
            return standing.state == ServiceState::Failed;
    }
    return false;
}

}  // namespace

std::optional<std::string> unmet(const manifests::Dependency& dependency,
                                 const std::map<std::string, Standing>& standings) {
    const auto it = standings.find(dependency.app);
    if (it != standings.end() && is_met(dependency.is, it->second)) {
        return std::nullopt;
    }
    std::string text =
        fmt::format("{} to be {}", dependency.app, manifests::to_string(dependency.is));
    if (it == standings.end()) {
        return text + " (no manifest declares it)";
    }
    text += fmt::format(" ({} is {}", dependency.app, to_string(it->second.state));
    if (!it->second.message.empty()) {
        text += ": " + it->second.message;
    }
    return text + ")";
}

std::optional<std::string> unmet(const manifests::AppSpec& app,
                                 const std::map<std::string, Standing>& standings) {
    std::string all;
    for (const manifests::Dependency& dependency : app.depends_on) {
        if (const auto one = unmet(dependency, standings)) {
            all += (all.empty() ? "waits for " : ", ") + *one;
        }
    }
    if (all.empty()) {
        return std::nullopt;
    }
    return all;
}

}  // namespace podreeve::supervise
