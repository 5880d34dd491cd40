#include "agent/daemon/once.h"

#include <fmt/format.h>

namespace podreeve::daemon {

std::optional<OnceVerdict> once_verdict(const reconcile::PassReport& report) {
    if (!report.error.empty()) {
        return OnceVerdict{1, report.error};
    }
    if (!report.settled) {
        return std::nullopt;
    }
    OnceVerdict verdict;
    for (const supervise::AppStatus& app : report.overview.apps) {
        const bool up = app.state == supervise::ServiceState::Running ||
                        app.state == supervise::ServiceState::Finished ||
                        app.state == supervise::ServiceState::Skipped;
        for (const supervise::StatusCondition& condition : app.conditions) {
            verdict.text +=
                fmt::format("{}: {}: {}\n", app.name, condition.type, condition.message);
        }
        if (!up && app.conditions.empty()) {
            verdict.text +=
                fmt::format("{}: {}: {}\n", app.name, to_string(app.state), app.message);
        }
        if (!up || !app.conditions.empty()) {
            verdict.exit_code = 1;
        }
    }
    return verdict;
}

}  // namespace podreeve::daemon
