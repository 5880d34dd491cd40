#include "agent/daemon/once.h"

#include <fmt/format.h>

namespace podreeve::daemon {

std::optional<OnceOutcome> once_outcome(const reconcile::PassReport& report) {
    if (!report.error.empty()) {
        return OnceOutcome{1, report.error};
    }
    if (!report.converged) {
        return std::nullopt;
    }
    OnceOutcome outcome;
    for (const supervise::AppStatus& app : report.overview.apps) {
        const bool up = app.state == supervise::ServiceState::Running ||
                        app.state == supervise::ServiceState::Finished ||
                        app.state == supervise::ServiceState::Skipped;
        for (const supervise::StatusCondition& condition : app.conditions) {
            outcome.text +=
                fmt::format("{}: {}: {}\n", app.name, condition.type, condition.message);
        }
        if (!up && app.conditions.empty()) {
            outcome.text +=
                fmt::format("{}: {}: {}\n", app.name, to_string(app.state), app.message);
        }
        if (!up || !app.conditions.empty()) {
            outcome.exit_code = 1;
        }
    }
    return outcome;
}

}  // namespace podreeve::daemon
