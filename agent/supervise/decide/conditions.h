#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/supervise/decide/dependencies.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"

// Start conditions as values: what holds, what is pending, and in which words. Pure: what has to be
// looked at outside (a path, a port, an image…) is looked at before, and handed in.
namespace podreeve::supervise {

enum class ConditionOutcome {
    Met,
    Pending,
    Failed,  // will not come by itself
};

struct Assessment {
    ConditionOutcome outcome = ConditionOutcome::Met;
    std::string pending;  // what is waited for, or what is wrong; empty when met
    friend bool operator==(const Assessment&, const Assessment&) = default;
};

// What a look outside found of one leaf, by (kind, subject). A leaf that was not looked at is
// pending.
using LeafKey = std::pair<manifests::StartConditionKind, std::string>;
using WorldFacts = std::map<LeafKey, Assessment>;

Assessment assess(const manifests::StartCondition& condition,
                  const WorldFacts& facts,
                  const std::map<std::string, DependencyStatus>& dependency_statuses,
                  WallTime now);

// All of them.
Assessment assess(const std::vector<manifests::StartCondition>& conditions,
                  const WorldFacts& facts,
                  const std::map<std::string, DependencyStatus>& dependency_statuses,
                  WallTime now);

// Those leaves in it that somebody has to look at outside.
void collect_leaves(const std::vector<manifests::StartCondition>& conditions,
                    std::map<LeafKey, const manifests::StartCondition*>& out);

// The apps that the conditions ask about.
void collect_services(const std::vector<manifests::StartCondition>& conditions,
                      std::vector<std::string>& out);

// The earliest time in it that has not come yet.
std::optional<WallTime> next_time(const std::vector<manifests::StartCondition>& conditions,
                                  WallTime now);

}  // namespace podreeve::supervise
