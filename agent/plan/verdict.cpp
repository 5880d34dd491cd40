#include "agent/plan/verdict.h"

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
    AppVerdict& verdict;

    void back_off(const std::string& part, const PartPolicy& hold) {
        verdict.conditions.push_back({"BackingOff", "StartHeldBack", hold.why, part});
    }

    void bar(const manifests::ContainerSpec& spec) {
        verdict.incomplete = true;
        verdict.conditions.push_back(
            {"Blocked", "ImageAbsent",
             fmt::format("image {} is not here and the pull policy is Never: load it, or let it be "
                         "pulled",
                         spec.image),
             spec.part});
    }

    void weigh(ContainerVerdict& container);
    void weigh(PodVerdict& pod);
    bool bar_members(PodVerdict& pod);
    bool hold_pod(PodVerdict& pod);
};

void Withholding::weigh(ContainerVerdict& container) {
    if (container.makes() && is_barred(app, *container.spec)) {
        container.verdict = Verdict::Withheld;
        bar(*container.spec);
        return;
    }
    // A new spec is a new chance: what the old one did says nothing of it.
    const bool starts = container.verdict == Verdict::Start ||
                        container.verdict == Verdict::Create ||
                        container.verdict == Verdict::Recreate;
    const PartPolicy* hold = starts ? hold_of(app.app, container.spec->part) : nullptr;
    if (hold != nullptr) {
        verdict.incomplete = verdict.incomplete || container.verdict == Verdict::Create;
        container.verdict = Verdict::Withheld;
        back_off(container.spec->part, *hold);
    }
}

bool Withholding::bar_members(PodVerdict& pod) {
    bool barred = false;
    for (const ContainerVerdict& member : pod.members) {
        if (pod.makes() && is_barred(app, *member.spec)) {
            bar(*member.spec);
            barred = true;
        }
    }
    return barred;
}

// A pod is held back by itself, or when each of its containers that would be started is.
bool Withholding::hold_pod(PodVerdict& pod) {
    if (const PartPolicy* hold = hold_of(app.app, pod.spec->part)) {
        back_off(pod.spec->part, *hold);
        return true;
    }
    std::vector<Condition> held;
    for (const ContainerVerdict& member : pod.members) {
        if (member.spec->role != ContainerRole::Workload || !member.will_run()) {
            continue;
        }
        const PartPolicy* hold = hold_of(app.app, member.spec->part);
        if (hold == nullptr) {
            return false;
        }
        held.push_back({"BackingOff", "StartHeldBack", hold->why, member.spec->part});
    }
    verdict.conditions.insert(verdict.conditions.end(), held.begin(), held.end());
    return !held.empty();
}

void Withholding::weigh(PodVerdict& pod) {
    const bool starts = pod.verdict == Verdict::Start || pod.verdict == Verdict::Create ||
                        pod.verdict == Verdict::Recreate;
    if (bar_members(pod) || (starts && hold_pod(pod))) {
        verdict.incomplete = verdict.incomplete || pod.verdict == Verdict::Create;
        pod.verdict = Verdict::Withheld;
        pod.members.clear();
        return;
    }
    if (pod.makes() || pod.start_whole) {
        return;
    }
    for (ContainerVerdict& member : pod.members) {
        weigh(member);
    }
}

// A service container that is stuck, and that the breaker leaves so.
void tell_held_service(const AppCase& app, AppVerdict& verdict) {
    const podman::ContainerSummary* found = verdict.service.found;
    const PartPolicy* hold = hold_of(app.app, kServicePart);
    if (found != nullptr && is_between_states(found->state) && hold != nullptr) {
        verdict.conditions.push_back({"BackingOff", "StartHeldBack", hold->why, kServicePart});
    }
}

// What is in a pod that goes, goes with it.
void drop_surplus_of_pods(AppVerdict& verdict) {
    std::set<std::string_view> going;
    for (const PodVerdict& pod : verdict.pods) {
        if (pod.unmakes()) {
            going.insert(pod.found->id);
        }
    }
    for (const SurplusPod& row : verdict.surplus_pods) {
        going.insert(row.pod->id);
    }
    if (!going.empty()) {
        std::erase_if(verdict.surplus, [&](const SurplusContainer& row) {
            return going.contains(row.container->pod_id);
        });
    }
}

}  // namespace

AppVerdict judge(const AppCase& app) {
    AppVerdict verdict;
    Matches matches = match_parts(app);
    Withholding withholding{app, verdict};
    for (std::size_t i = 0; i < app.spec.pods.size(); ++i) {
        verdict.pods.push_back(judge_pod(app, i, matches, verdict.conditions));
        withholding.weigh(verdict.pods.back());
    }
    for (std::size_t i = 0; i < app.spec.containers.size(); ++i) {
        if (app.spec.containers[i].pod.empty()) {
            verdict.alone.push_back(
                judge_container(app, i, matches.containers[i], verdict.conditions));
            withholding.weigh(verdict.alone.back());
        }
    }
    verdict.surplus_pods = std::move(matches.surplus_pods);
    verdict.surplus = std::move(matches.surplus);
    drop_surplus_of_pods(verdict);
    verdict.service = judge_service(app, verdict);
    tell_held_service(app, verdict);
    return verdict;
}

}  // namespace podreeve::plan
