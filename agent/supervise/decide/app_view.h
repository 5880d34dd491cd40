#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/plan.h"
#include "agent/supervise/decide/decide.h"
#include "agent/supervise/decide/derive.h"
#include "agent/supervise/decide/inputs.h"

namespace podreeve::supervise {

// All that the status of one app is made from.
struct AppView {
    std::string name;
    const manifests::AppSpec* spec = nullptr;  // in force; null: none, or the app is being removed
    const manifests::AppProblem* problem = nullptr;
    state::AppRecord record;
    AppMemory memory;
    Facts facts;
    std::vector<PartStatus> parts;
    std::vector<plan::Condition> conditions;
    std::vector<Blocker> blockers;
    std::vector<std::string> pending;
    std::optional<WallTime> next_attempt;
    PartReadiness readiness;
};

void take_counts(Facts& facts, const PartCounts& counts);
// Counts the parts and puts what they say into view.facts.
void take_counts(AppView& view, const ObservedIndex& index);

// What an app is viewed by.
struct ViewSources {
    const manifests::Desired& desired;
    const manifests::Desired& versions;  // in force
    const ObservedIndex& index;
    const StoredApps& stored;
    const ActiveChanges& active;
    const PartReadiness& readiness;
    const std::set<std::string>& crash_loops;
};

AppView view_of(const std::string& app, const ViewSources& sources);

// What its plan, its policy and its failures say.
void add_conditions(AppView& view,
                    const plan::AppPlan* planned,
                    const plan::AppPolicy* policy,
                    const PassMemory& memory);

// In words for people, by the wall clock.
std::string text_of(Failure failure, const WallShift& clock);

// "web.yaml:3:5: …" of the first error, and how many more there are.
std::string first_error(const manifests::AppProblem& problem);

// What an app without a usable name is shown as: its file.
std::string shown_name(const manifests::AppProblem& problem);

}  // namespace podreeve::supervise
