#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/decision.h"
#include "agent/plan/labels.h"

namespace podreeve::plan {
namespace {

using manifests::ContainerRole;
using podman::ContainerState;
using podman::ContainerSummary;
using podman::PodStatus;
using podman::PodSummary;

bool is_whole(const ContainerSummary& container) {
    return container.state == ContainerState::Running || container.state == ContainerState::Paused;
}

// An init container is gone once it has run well, so that one which is there has not, or failed.
bool has_init_to_run(const ContainerDecision& member) {
    if (member.spec->role != ContainerRole::Init || member.found == nullptr) {
        return false;
    }
    const Revival again = revival(*member.found, manifests::RestartPolicy::OnFailure, WallTime{});
    return again.start;
}

bool is_workload(const ContainerDecision& member) {
    return member.spec->role == ContainerRole::Workload;
}

std::string why_stuck(const PodSummary& pod, const ContainerSummary* infra) {
    const bool down = infra == nullptr || infra->state == ContainerState::Exited ||
                      infra->state == ContainerState::Stopped;
    return down ? "podman cannot start it any more"
                : fmt::format("stuck in state {}", to_string(pod.status));
}

struct Evaluator {
    const AppCase& app;
    PodDecision& pod;
    std::vector<Condition>& conditions;
    bool has_surplus = false;

    void recreate(Decision decision, std::string why, std::string reason) {
        pod.decision = decision;
        pod.why = std::move(why);
        pod.reason = std::move(reason);
    }

    void leave(const char* type, const char* reason, std::string message) {
        pod.decision = Decision::Withheld;
        conditions.push_back({type, reason, std::move(message), pod.spec->part});
    }

    const ContainerSummary* infra() const { return app.all.container_by_id(pod.found->infra_id); }

    // What says that the pod as a whole cannot stay; false when it can.
    bool evaluate_whole();
    bool evaluate_infra(const ContainerSummary& infra);
    void leave_between_states(const ContainerSummary& infra);
    bool evaluate_service(const std::string_view id);
    bool spare_paused(std::string what);
    bool differs() const;

    // A person's update wakes what is paused; a repair does not.
    bool brings_version() const {
        return app.app.deployed_spec && *app.app.deployed_spec != app.hashes.app;
    }

    void evaluate_members(const Matches& matches);
    void evaluate_start();
    void start_down(bool finished_ones);
};

bool Evaluator::evaluate_whole() {
    const PodSummary& found = *pod.found;
    const ContainerSummary* own_infra = infra();
    if (app.app.stuck.contains(found.id) || app.app.stuck.contains(found.name)) {
        if (!spare_paused("is stuck")) {
            recreate(Decision::Recreate, "stuck", why_stuck(found, own_infra));
        }
        return true;
    }
    if (own_infra != nullptr && evaluate_infra(*own_infra)) {
        return true;
    }
    if (const std::string unknown = unknown_member(app, found); !unknown.empty()) {
        leave(
            "Unknown", "StateUnknown",
            fmt::format("podman cannot say in what state {} is; its pod is left alone until it can",
                        unknown));
        return true;
    }
    if (differs()) {
        recreate(Decision::Replace, "replaced", "spec differs");
        return true;
    }
    if (own_infra == nullptr) {
        if (!spare_paused("has lost its infra container")) {
            recreate(Decision::Recreate, "broken", "its infra container is gone");
        }
        return true;
    }
    return evaluate_service(service_of(found));
}

bool Evaluator::differs() const {
    return label(pod.found->labels, kSpec) != pod.hash;
}

// What podman links a pod to is never another one: with its service container a pod is made anew.
bool Evaluator::evaluate_service(const std::string_view id) {
    if (!app.observed.holds_service_containers || id.empty()) {
        return false;
    }
    const ContainerSummary* service = app.all.container_by_id(id);
    if (service != nullptr && !is_stuck(app.app, *service)) {
        return false;
    }
    if (!spare_paused("has lost its service container")) {
        recreate(Decision::Recreate, "service",
                 service == nullptr ? "its service container is gone"
                                    : fmt::format("its service container is stuck in state {}",
                                                  to_string(service->state)));
    }
    return true;
}

// A repair takes nothing down in which somebody has paused something.
bool Evaluator::spare_paused(std::string what) {
    for (const PodSummary::Member& member : pod.found->members) {
        if (member.state == ContainerState::Paused) {
            leave("Paused", "PausedByHand",
                  fmt::format("pod {0} {1}, and is left as it is while {2} is paused: 'podman "
                              "unpause {2}', or `podreeve restart {3}`, lets it be mended",
                              pod.spec->name, what, member.name, app.spec.name));
            return true;
        }
    }
    return false;
}

void Evaluator::leave_between_states(const ContainerSummary& infra) {
    if (const PartPolicy* hold = hold_of(app.app, pod.spec->part)) {
        leave("BackingOff", "StartHeldBack", hold->why);
    } else {
        leave("Transitioning", "BetweenStates",
              fmt::format("pod {} is {}; it is recreated if it stays so", pod.spec->name,
                          to_string(infra.state)));
    }
}

bool Evaluator::evaluate_infra(const ContainerSummary& infra) {
    if (is_stuck(app.app, infra)) {
        recreate(Decision::Recreate, "stuck",
                 fmt::format("its infra container is stuck in state {}", to_string(infra.state)));
        return true;
    }
    if (infra.state == ContainerState::Unknown) {
        leave(
            "Unknown", "StateUnknown",
            fmt::format("podman cannot say in what state pod {} is; it is left alone until it can",
                        pod.spec->name));
        return true;
    }
    if (is_between_states(infra.state)) {
        leave_between_states(infra);
        return true;
    }
    if (infra.state == ContainerState::Paused && !brings_version()) {
        leave("Paused", "PausedByHand",
              fmt::format("pod {0} is paused; 'podman pod unpause {0}' lets it go on",
                          pod.spec->name));
        return true;
    }
    if (infra.state == ContainerState::Paused) {
        recreate(Decision::Replace, "replaced",
                 differs() ? "spec differs" : "a new version, and the pod is paused");
        return true;
    }
    pod.infra_runs = infra.state == ContainerState::Running && !is_lost(app, infra);
    return false;
}

void Evaluator::evaluate_members(const Matches& matches) {
    const bool recreated = pod.makes();
    const bool never_ran = !recreated && pod.found->status == PodStatus::Created;
    for (std::size_t i = 0; i < app.spec.containers.size(); ++i) {
        const manifests::ContainerSpec& spec = app.spec.containers[i];
        if (spec.pod != pod.spec->part) {
            continue;
        }
        const bool init = spec.role == ContainerRole::Init;
        const ContainerSummary* found = recreated ? nullptr : matches.containers[i];
        if (pod.decision == Decision::Withheld ||
            (init && found == nullptr && !recreated && !never_ran)) {
            continue;
        }
        ContainerDecision member = evaluate_container(app, i, found, conditions);
        if (init && found != nullptr) {
            // It runs when its pod is started, and never by itself.
            member.decision = Decision::Keep;
        }
        pod.members.push_back(std::move(member));
    }
}

// The pod stays; how do its containers get going?
void Evaluator::evaluate_start() {
    const auto any = [this](auto&& test) {
        return std::any_of(pod.members.begin(), pod.members.end(), test);
    };
    const bool init_runs =
        any([](const ContainerDecision& m) { return !is_workload(m) && m.runs(); });
    if (init_runs) {
        for (ContainerDecision& member : pod.members) {
            member.decision = Decision::Keep;
        }
        return;
    }
    const bool wanted =
        any([](const ContainerDecision& m) { return is_workload(m) && m.will_run(); });
    const bool finished =
        any([](const ContainerDecision& m) { return is_workload(m) && m.finished; });
    if (pod.found->status == PodStatus::Created || any(has_init_to_run)) {
        if (has_surplus ||
            any([](const ContainerDecision& m) { return m.decision == Decision::Replace; })) {
            recreate(Decision::Replace, "replaced", "spec differs, and it never got going");
            return;
        }
        if (wanted || any(has_init_to_run)) {
            pod.decision = Decision::Start;
            pod.start_whole = true;
            pod.reason = any(has_init_to_run) ? "its init containers have not run to their end"
                                              : "made, but never started";
        }
    } else if (wanted && !pod.infra_runs) {
        if (spare_paused("is down")) {
            pod.members.clear();
            return;
        }
        start_down(finished);
    } else if (!wanted && finished && pod.infra_runs &&
               !any([](const ContainerDecision& m) { return is_workload(m) && !m.finished; })) {
        pod.decision = Decision::Stop;
        pod.reason = "all its containers have finished";
    }
}

// start-pod starts whatever is in the pod, also what has finished for good or is only kept to fall
// back on: then the wanted ones are started one by one.
void Evaluator::start_down(bool finished_ones) {
    pod.decision = Decision::Start;
    const ContainerSummary* own_infra = infra();
    const bool lost = own_infra != nullptr && is_lost(app, *own_infra);
    pod.reason = lost ? "its infra container's process is gone, and podman does not know"
                      : fmt::format("pod is {}", to_string(pod.found->status));
    pod.stop_first = lost;
    pod.start_whole = !finished_ones && !has_surplus;
    for (ContainerDecision& member : pod.members) {
        if (!is_workload(member)) {
            continue;
        }
        pod.stop_first = pod.stop_first || (member.found != nullptr && is_whole(*member.found));
        const bool ended = member.decision == Decision::Stop && is_lost(app, *member.found);
        if (ended || (member.decision == Decision::Keep && member.runs())) {
            member.decision = Decision::Start;
            member.reason = "its pod's namespaces are gone";
        }
        const bool odd =
            member.decision == Decision::Replace || member.decision == Decision::Withheld ||
            (member.decision != Decision::Create && hold_of(app.app, member.spec->part) != nullptr);
        pod.start_whole = pod.start_whole && !odd;
    }
}

}  // namespace

std::string unknown_member(const AppCase& app, const PodSummary& pod) {
    for (const PodSummary::Member& member : pod.members) {
        const ContainerSummary* container = app.all.container_by_id(member.id);
        if (container != nullptr && container->state == ContainerState::Unknown) {
            return container->name;
        }
    }
    return {};
}

std::string_view service_of(const PodSummary& pod) {
    return label(pod.labels, kService);
}

PodDecision evaluate_pod(const AppCase& app,
                         std::size_t index,
                         const Matches& matches,
                         std::vector<Condition>& conditions) {
    PodDecision pod;
    pod.spec = &app.spec.pods[index];
    pod.hash = app.hashes.pods[index];
    pod.found = matches.pods[index];
    Evaluator evaluate{app, pod, conditions};
    if (pod.found == nullptr) {
        evaluate.recreate(Decision::Create, "", "absent");
    } else if (!evaluate.evaluate_whole()) {
        evaluate.has_surplus = std::any_of(
            matches.surplus.begin(), matches.surplus.end(),
            [&](const SurplusContainer& row) { return row.container->pod_id == pod.found->id; });
        evaluate.evaluate_members(matches);
        evaluate.evaluate_start();
        if (!pod.makes()) {
            return pod;
        }
        pod.members.clear();
    }
    evaluate.evaluate_members(matches);
    return pod;
}

}  // namespace podreeve::plan
