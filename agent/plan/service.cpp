#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/decision.h"
#include "agent/plan/labels.h"
#include "agent/plan/steps.h"

// The service container of an app with pods: first up, last down. Podman starts and removes a held
// one together with the pods that link to it; an ordinary one is the plan's own business.
namespace podreeve::plan {
namespace {

using podman::ContainerState;
using podman::ContainerSummary;

// One that podman holds carries no labels at all: none can be put on it.
bool is_held(const ContainerSummary& service) {
    return label(service.labels, kRole).empty();
}

const ContainerSummary* pick_service(const AppCase& app) {
    const std::string name = service_name(app.spec.name, app.policy.owner);
    for (const ContainerSummary* service : app.held.services) {
        if (service->name == name) {
            return service;
        }
    }
    return app.held.services.empty() ? nullptr : app.held.services.front();
}

// A pod that stays, or is only removed once the new ones are there, keeps a held one alive.
bool is_linked(const AppDecision& decision, const std::string& service) {
    const bool by_kept =
        std::any_of(decision.pods.begin(), decision.pods.end(), [&](const PodDecision& pod) {
            return pod.found != nullptr && !pod.unmakes() && service_of(*pod.found) == service;
        });
    return by_kept ||
           std::any_of(decision.surplus_pods.begin(), decision.surplus_pods.end(),
                       [&](const SurplusPod& row) { return service_of(*row.pod) == service; });
}

bool will_run(const PodDecision& pod) {
    switch (pod.decision) {
        case Decision::Create:
        case Decision::Replace:
        case Decision::Recreate:
        case Decision::Start:
            return true;
        case Decision::Keep:
            return pod.infra_runs;
        case Decision::Stop:
        case Decision::Withheld:
            return false;
    }
    return false;
}

bool can_be_started(ContainerState state) {
    return state == ContainerState::Exited || state == ContainerState::Stopped ||
           state == ContainerState::Created || state == ContainerState::Configured ||
           state == ContainerState::Initialized;
}

void evaluate_found(const AppCase& app_case, ServiceDecision& service, const AppDecision& app) {
    service.held = is_held(*service.found);
    const bool makes = std::any_of(app.pods.begin(), app.pods.end(),
                                   [](const PodDecision& pod) { return pod.makes(); });
    const bool runs = std::any_of(app.pods.begin(), app.pods.end(), will_run);
    const bool unsure = std::any_of(app.pods.begin(), app.pods.end(), [](const PodDecision& pod) {
        return pod.decision == Decision::Withheld;
    });
    if (makes && service.held && !is_linked(app, service.found->id)) {
        service.remove_first = true;
        service.create = true;
        service.reason = "podman removes it with its last pod";
    } else if (!service.held && is_stuck(app_case.app, *service.found)) {
        // A held one goes with the pods it was made for, which are made anew (pods.cpp).
        service.remove_first = true;
        service.create = true;
        service.reason = fmt::format("stuck in state {}", to_string(service.found->state));
    } else if (is_lost(app_case, *service.found)) {
        service.stop = true;
        service.reason = "its process is gone, and podman does not know";
    } else if (runs && can_be_started(service.found->state)) {
        service.start = true;
        service.reason = "it does not run, but its pods do";
    } else if (!runs && !unsure && service.found->state == ContainerState::Running) {
        service.stop = true;
        service.reason = "all its pods have finished";
    }
}

}  // namespace

std::string service_of(const AppCase& app, const ServiceDecision& service) {
    return service.found != nullptr && !service.create
               ? service.found->name
               : service_name(app.spec.name, app.policy.owner);
}

ServiceDecision evaluate_service(const AppCase& app, const AppDecision& decision) {
    ServiceDecision service;
    service.found = pick_service(app);
    service.held = app.observed.holds_service_containers;
    if (app.spec.pods.empty()) {
        service.remove = service.found != nullptr;
        service.held = service.remove && is_held(*service.found);
        service.reason = "no pod is wanted any more";
    } else if (service.found != nullptr) {
        evaluate_found(app, service, decision);
    } else {
        service.create =
            std::any_of(decision.pods.begin(), decision.pods.end(), [&](const PodDecision& pod) {
                return pod.makes() || (!service.held && will_run(pod));
            });
        service.reason = "absent";
    }
    return service;
}

}  // namespace podreeve::plan
