#include "agent/plan/decision.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "agent/plan/steps.h"

// What the policy and missing images hold back of what the judges found.
namespace podreeve::plan {
namespace {

using manifests::ContainerRole;

struct Withholding {
    const AppCase& app;
    AppDecision& decision;

    void back_off(const std::string& part, const PartPolicy& hold) {
        decision.conditions.push_back({"BackingOff", "StartHeldBack", hold.why, part});
    }

    void bar(const manifests::ContainerSpec& spec) {
        decision.incomplete = true;
        decision.conditions.push_back(
            {"Blocked", "ImageAbsent",
             fmt::format("image {} is not here and the pull policy is Never: load it, or let it be "
                         "pulled",
                         spec.image),
             spec.part});
    }

    void evaluate(ContainerDecision& container);
    void evaluate(PodDecision& pod);
    bool bar_members(PodDecision& pod);
    bool hold_pod(PodDecision& pod);
};

void Withholding::evaluate(ContainerDecision& container) {
    if (container.makes() && is_barred(app, *container.spec)) {
        container.decision = Decision::Withheld;
        bar(*container.spec);
        return;
    }
    // A new spec is a new chance: what the old one did says nothing of it.
    const bool starts = container.decision == Decision::Start ||
                        container.decision == Decision::Create ||
                        container.decision == Decision::Recreate;
    const PartPolicy* hold = starts ? hold_of(app.app, container.spec->part) : nullptr;
    if (hold != nullptr) {
        decision.incomplete = decision.incomplete || container.decision == Decision::Create;
        container.decision = Decision::Withheld;
        back_off(container.spec->part, *hold);
    }
}

bool Withholding::bar_members(PodDecision& pod) {
    bool barred = false;
    for (const ContainerDecision& member : pod.members) {
        if (pod.makes() && is_barred(app, *member.spec)) {
            bar(*member.spec);
            barred = true;
        }
    }
    return barred;
}

// A pod is held back by itself, or when each of its containers that would be started is.
bool Withholding::hold_pod(PodDecision& pod) {
    if (const PartPolicy* hold = hold_of(app.app, pod.spec->part)) {
        back_off(pod.spec->part, *hold);
        return true;
    }
    std::vector<Condition> held;
    for (const ContainerDecision& member : pod.members) {
        if (member.spec->role != ContainerRole::Workload || !member.will_run()) {
            continue;
        }
        const PartPolicy* hold = hold_of(app.app, member.spec->part);
        if (hold == nullptr) {
            return false;
        }
        held.push_back({"BackingOff", "StartHeldBack", hold->why, member.spec->part});
    }
    decision.conditions.insert(decision.conditions.end(), held.begin(), held.end());
    return !held.empty();
}

void Withholding::evaluate(PodDecision& pod) {
    const bool starts = pod.decision == Decision::Start || pod.decision == Decision::Create ||
                        pod.decision == Decision::Recreate;
    if (bar_members(pod) || (starts && hold_pod(pod))) {
        decision.incomplete = decision.incomplete || pod.decision == Decision::Create;
        pod.decision = Decision::Withheld;
        pod.members.clear();
        return;
    }
    if (pod.makes() || pod.start_whole) {
        return;
    }
    for (ContainerDecision& member : pod.members) {
        evaluate(member);
    }
}

// A service container that is stuck, and that the breaker leaves so.
void report_held_service(const AppCase& app, AppDecision& decision) {
    const podman::ContainerSummary* found = decision.service.found;
    const PartPolicy* hold = hold_of(app.app, kServicePart);
    if (found != nullptr && is_between_states(found->state) && hold != nullptr) {
        decision.conditions.push_back({"BackingOff", "StartHeldBack", hold->why, kServicePart});
    }
}

// What is in a pod that goes, goes with it.
void drop_surplus_of_pods(AppDecision& decision) {
    std::set<std::string_view> going;
    for (const PodDecision& pod : decision.pods) {
        if (pod.unmakes()) {
            going.insert(pod.found->id);
        }
    }
    for (const SurplusPod& row : decision.surplus_pods) {
        going.insert(row.pod->id);
    }
    if (!going.empty()) {
        std::erase_if(decision.surplus, [&](const SurplusContainer& row) {
            return going.contains(row.container->pod_id);
        });
    }
}

}  // namespace

AppDecision evaluate(const AppCase& app) {
    AppDecision decision;
    Matches matches = match_parts(app);
    Withholding withholding{app, decision};
    for (std::size_t i = 0; i < app.spec.pods.size(); ++i) {
        decision.pods.push_back(evaluate_pod(app, i, matches, decision.conditions));
        withholding.evaluate(decision.pods.back());
    }
    for (std::size_t i = 0; i < app.spec.containers.size(); ++i) {
        if (app.spec.containers[i].pod.empty()) {
            decision.alone.push_back(
                evaluate_container(app, i, matches.containers[i], decision.conditions));
            withholding.evaluate(decision.alone.back());
        }
    }
    decision.surplus_pods = std::move(matches.surplus_pods);
    decision.surplus = std::move(matches.surplus);
    drop_surplus_of_pods(decision);
    decision.service = evaluate_service(app, decision);
    report_held_service(app, decision);
    return decision;
}

}  // namespace podreeve::plan
