#include "agent/supervise/decide/app_view.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

const manifests::AppProblem* problem_of(const manifests::Desired& desired, const std::string& app) {
    for (const manifests::AppProblem& problem : desired.problems) {
        if (shown_name(problem) == app) {
            return &problem;
        }
    }
    return nullptr;
}

// Of the parts that are held back, one.
std::string why_held(const plan::AppPolicy& policy) {
    std::string why;
    for (const auto* parts : {&policy.parts, &policy.companions.parts}) {
        for (const auto& [part, held] : *parts) {
            why = held.hold_start ? held.why : why;
        }
    }
    for (const auto& [service, resting] : policy.companions.resting) {
        why = resting;
    }
    return why;
}

// Also while it is the version before that is planned for, whose state is told.
void report_conflict(AppView& view, const Failure& failure) {
    const bool reported = std::any_of(view.conditions.begin(), view.conditions.end(),
                                      [](const auto& one) { return one.type == "Conflict"; });
    view.facts.failure = failure.message;
    if (!reported) {
        view.conditions.push_back({"Conflict", "VersionHeldBack",
                                   failure.message + "; the version before is kept up", ""});
    }
}

}  // namespace

std::string first_error(const manifests::AppProblem& problem) {
    std::string text;
    std::size_t errors = 0;
    for (const Diagnostic& diagnostic : problem.diagnostics) {
        if (diagnostic.severity == Severity::Error && ++errors == 1) {
            text = to_text(diagnostic);
        }
    }
    return errors > 1 ? fmt::format("{} (and {} more)", text, errors - 1) : text;
}

std::string shown_name(const manifests::AppProblem& problem) {
    return problem.app.empty() ? problem.file : problem.app;
}

void take_counts(Facts& facts, const PartCounts& counts) {
    facts.any_running = counts.any_running;
    facts.up = counts.up;
    facts.ready = counts.ready;
    facts.unhealthy = counts.unhealthy;
    facts.not_ready = counts.not_ready;
    facts.total = counts.total;
    facts.finished_well = counts.finished_well;
    facts.failed_for_good = counts.failed_for_good;
}

void take_counts(AppView& view, const ObservedIndex& index) {
    view.parts = list_parts(view.name, view.spec, index, view.memory, view.readiness);
    take_counts(view.facts, count_parts(view.parts, view.spec));
}

AppView view_of(const std::string& app, const ViewSources& sources) {
    AppView view;
    view.name = app;
    view.readiness = sources.readiness;
    const auto version = sources.versions.apps.find(app);
    view.spec = version == sources.versions.apps.end() ? nullptr : version->second.get();
    view.problem = problem_of(sources.desired, app);
    if (const auto stored = sources.stored.find(app); stored != sources.stored.end()) {
        view.record = stored->second.record;
        view.memory = stored->second.memory;
    }
    view.facts.has_spec = view.spec != nullptr;
    view.facts.desired = view.spec != nullptr || view.problem != nullptr;
    view.facts.stopped = view.record.stopped;
    view.facts.autostart_off = view.record.stopped && view.memory.autostart_off;
    view.facts.manifest_error = view.problem == nullptr ? "" : first_error(*view.problem);
    for (const std::string& subject : {app, plan::companions_of(app)}) {
        const auto change = sources.active.find(subject);
        if (!view.facts.change && change != sources.active.end()) {
            view.facts.change = change->second;
        }
    }
    view.facts.has_companions = view.spec != nullptr && !view.spec->companions.empty();
    view.facts.crash_loop = sources.crash_loops.contains(app);
    take_counts(view, sources.index);
    return view;
}

std::string text_of(Failure failure, const WallShift& clock) {
    failure.until = clock.shown(failure.until);
    return to_text(failure);
}

void add_conditions(AppView& view,
                    const plan::AppPlan* planned,
                    const plan::AppPolicy* policy,
                    const PassMemory& memory) {
    const std::vector<Failure> failed = memory.failures.of(view.name);
    const bool kept_up = std::ranges::any_of(
        failed, [](const Failure& failure) { return failure.kind == kConflictKind; });
    if (planned != nullptr) {
        view.conditions = planned->conditions;
        for (const plan::Condition& condition : planned->conditions) {
            if (condition.type == "RemovalHeld") {
                view.facts.removal_held = condition.message;
            }
            if (condition.reason == plan::kStorageNotMounted && view.facts.hold.empty()) {
                view.facts.hold = condition.message;
            }
            if (condition.type == "Conflict" && view.facts.conflict.empty() && !kept_up) {
                view.facts.conflict = condition.message;
            }
        }
    }
    if (policy != nullptr && policy->hold_start && view.facts.hold.empty()) {
        view.facts.hold = policy->why;
    }
    if (policy != nullptr) {
        view.facts.backing_off = why_held(*policy);
    }
    for (const Failure& failure : failed) {
        if (failure.kind == kConflictKind) {
            report_conflict(view, failure);
            continue;
        }
        view.facts.failure = text_of(failure, memory.clock);
        view.conditions.push_back({"DeployFailed", "ChangeFailed", view.facts.failure, ""});
    }
}

}  // namespace podreeve::supervise
