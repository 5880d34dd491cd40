#include "agent/supervise/decide/conditions.h"

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

using manifests::StartCondition;
using manifests::StartConditionKind;

Assessment of_service(const StartCondition& condition,
                      const std::map<std::string, DependencyStatus>& dependency_statuses) {
    const auto blocker = blocker_of({condition.subject, condition.is}, dependency_statuses);
    if (!blocker) {
        return {};
    }
    return {blocker->blocked ? ConditionOutcome::Failed : ConditionOutcome::Pending, blocker->text};
}

Assessment of_time(const StartCondition& condition, WallTime now) {
    const Result<WallTime> time = parse_rfc3339(condition.subject);
    if (!time) {
        return {ConditionOutcome::Failed, time.error().message};
    }
    return now >= *time ? Assessment{}
                        : Assessment{ConditionOutcome::Pending,
                                     fmt::format("waits for {}", manifests::to_text(condition))};
}

Assessment of_leaf(const StartCondition& condition, const WorldFacts& facts) {
    const auto fact = facts.find({condition.kind, condition.subject});
    if (fact == facts.end()) {
        return {ConditionOutcome::Pending,
                fmt::format("waits for {}", manifests::to_text(condition))};
    }
    Assessment found = fact->second;
    if (found.outcome != ConditionOutcome::Met) {
        const std::string detail = found.pending.empty() ? "" : fmt::format(" ({})", found.pending);
        found.pending = fmt::format("waits for {}{}", manifests::to_text(condition), detail);
    }
    return found;
}

void add(std::string& all, const std::string& one, const char* between) {
    all += (all.empty() ? "" : between) + one;
}

Assessment of_any(const StartCondition& condition,
                  const WorldFacts& facts,
                  const std::map<std::string, DependencyStatus>& dependency_statuses,
                  WallTime now) {
    Assessment any{ConditionOutcome::Failed, ""};
    for (const StartCondition& one : condition.of) {
        const Assessment found = assess(one, facts, dependency_statuses, now);
        if (found.outcome == ConditionOutcome::Met) {
            return {};
        }
        if (found.outcome == ConditionOutcome::Pending) {
            any.outcome = ConditionOutcome::Pending;
        }
        add(any.pending, found.pending, ", or ");
    }
    return any;
}

}  // namespace

Assessment assess(const StartCondition& condition,
                  const WorldFacts& facts,
                  const std::map<std::string, DependencyStatus>& dependency_statuses,
                  WallTime now) {
    switch (condition.kind) {
        case StartConditionKind::Service:
            return of_service(condition, dependency_statuses);
        case StartConditionKind::Time:
            return of_time(condition, now);
        case StartConditionKind::All:
            return assess(condition.of, facts, dependency_statuses, now);
        case StartConditionKind::Any:
            return of_any(condition, facts, dependency_statuses, now);
        case StartConditionKind::Path:
        case StartConditionKind::Port:
        case StartConditionKind::Network:
        case StartConditionKind::Image:
        case StartConditionKind::Unit:
            break;
    }
    return of_leaf(condition, facts);
}

Assessment assess(const std::vector<StartCondition>& conditions,
                  const WorldFacts& facts,
                  const std::map<std::string, DependencyStatus>& dependency_statuses,
                  WallTime now) {
    Assessment all;
    for (const StartCondition& one : conditions) {
        const Assessment found = assess(one, facts, dependency_statuses, now);
        if (found.outcome == ConditionOutcome::Met) {
            continue;
        }
        if (all.outcome != ConditionOutcome::Failed) {
            all.outcome = found.outcome;
        }
        add(all.pending, found.pending, "; ");
    }
    return all;
}

void collect_leaves(const std::vector<StartCondition>& conditions,
                    std::map<LeafKey, const StartCondition*>& out) {
    for (const StartCondition& one : conditions) {
        switch (one.kind) {
            case StartConditionKind::All:
            case StartConditionKind::Any:
                collect_leaves(one.of, out);
                break;
            case StartConditionKind::Service:
            case StartConditionKind::Time:
                break;
            case StartConditionKind::Path:
            case StartConditionKind::Port:
            case StartConditionKind::Network:
            case StartConditionKind::Image:
            case StartConditionKind::Unit:
                out.emplace(LeafKey{one.kind, one.subject}, &one);
                break;
        }
    }
}

std::optional<WallTime> next_time(const std::vector<StartCondition>& conditions, WallTime now) {
    std::optional<WallTime> next;
    const auto keep = [&](std::optional<WallTime> time) {
        if (time && *time > now && (!next || *time < *next)) {
            next = time;
        }
    };
    for (const StartCondition& one : conditions) {
        keep(next_time(one.of, now));
        if (one.kind == StartConditionKind::Time) {
            const Result<WallTime> time = parse_rfc3339(one.subject);
            keep(time ? std::optional<WallTime>(*time) : std::nullopt);
        }
    }
    return next;
}

void collect_services(const std::vector<manifests::StartCondition>& conditions,
                      std::vector<std::string>& out) {
    for (const manifests::StartCondition& one : conditions) {
        if (one.kind == manifests::StartConditionKind::Service) {
            out.push_back(one.subject);
        }
        collect_services(one.of, out);
    }
}

}  // namespace podreeve::supervise
