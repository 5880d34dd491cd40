#include "agent/supervise/conditions.h"

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

using manifests::StartCondition;
using Kind = manifests::StartConditionKind;

Assessment of_service(const StartCondition& condition,
                      const std::map<std::string, Standing>& standings) {
    const auto blocker = blocker_of({condition.subject, condition.is}, standings);
    if (!blocker) {
        return {};
    }
    return {blocker->blocked ? Outcome::Failed : Outcome::Pending, blocker->text};
}

Assessment of_time(const StartCondition& condition, WallTime now) {
    const Result<WallTime> time = parse_rfc3339(condition.subject);
    if (!time) {
        return {Outcome::Failed, time.error().message};
    }
    return now >= *time ? Assessment{}
                        : Assessment{Outcome::Pending,
                                     fmt::format("waits for {}", manifests::to_text(condition))};
}

Assessment of_leaf(const StartCondition& condition, const WorldFacts& facts) {
    const auto fact = facts.find({condition.kind, condition.subject});
    if (fact == facts.end()) {
        return {Outcome::Pending, fmt::format("waits for {}", manifests::to_text(condition))};
    }
    Assessment found = fact->second;
    if (found.outcome != Outcome::Met) {
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
                  const std::map<std::string, Standing>& standings,
                  WallTime now) {
    Assessment any{Outcome::Failed, ""};
    for (const StartCondition& one : condition.of) {
        const Assessment found = assess(one, facts, standings, now);
        if (found.outcome == Outcome::Met) {
            return {};
        }
        if (found.outcome == Outcome::Pending) {
            any.outcome = Outcome::Pending;
        }
        add(any.pending, found.pending, ", or ");
    }
    return any;
}

}  // namespace

Assessment assess(const StartCondition& condition,
                  const WorldFacts& facts,
                  const std::map<std::string, Standing>& standings,
                  WallTime now) {
    switch (condition.kind) {
        case Kind::Service:
            return of_service(condition, standings);
        case Kind::Time:
            return of_time(condition, now);
        case Kind::All:
            return assess(condition.of, facts, standings, now);
        case Kind::Any:
            return of_any(condition, facts, standings, now);
        case Kind::Path:
        case Kind::Port:
        case Kind::Network:
        case Kind::Image:
        case Kind::Unit:
            break;
    }
    return of_leaf(condition, facts);
}

Assessment assess(const std::vector<StartCondition>& conditions,
                  const WorldFacts& facts,
                  const std::map<std::string, Standing>& standings,
                  WallTime now) {
    Assessment all;
    for (const StartCondition& one : conditions) {
        const Assessment found = assess(one, facts, standings, now);
        if (found.outcome == Outcome::Met) {
            continue;
        }
        if (all.outcome != Outcome::Failed) {
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
            case Kind::All:
            case Kind::Any:
                collect_leaves(one.of, out);
                break;
            case Kind::Service:
            case Kind::Time:
                break;
            case Kind::Path:
            case Kind::Port:
            case Kind::Network:
            case Kind::Image:
            case Kind::Unit:
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
        if (one.kind == Kind::Time) {
            const Result<WallTime> time = parse_rfc3339(one.subject);
            keep(time ? std::optional<WallTime>(*time) : std::nullopt);
        }
    }
    return next;
}

}  // namespace podreeve::supervise
