#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/plan/hashes.h"
#include "agent/plan/holdings.h"
#include "agent/plan/plan.h"

// What is to become of each part of one app, before any step is written: judged part by part in
// containers.cpp, pods.cpp and service.cpp, put into an order in deploy.cpp. Everything points into
// the inputs of diff().
namespace podreeve::plan {

// All that judging one app may look at.
struct AppCase {
    const manifests::AppSpec& spec;
    const SpecHashes& hashes;
    const AppHoldings& held;
    const Holdings& all;
    const observe::Observed& observed;
    const Policy& policy;
    const AppPolicy& app;
    std::int64_t generation;
};

enum class Decision {
    Keep,
    Start,
    Stop,      // a pod whose containers have all finished, a container that is unhealthy
    Create,    // absent
    Replace,   // spec differs
    Recreate,  // broken beyond starting
    Withheld   // something would be done, but not now; a condition says why
};

struct ContainerDecision {
    const manifests::ContainerSpec* spec = nullptr;
    std::string_view hash;
    const podman::ContainerSummary* found = nullptr;
    Decision decision = Decision::Keep;
    std::string reason;
    bool finished = false;                   // ended and not to be started again
    bool renamed = false;                    // by somebody: it is as specified but for its name
    std::optional<std::int64_t> stop_grace;  // of Stop; nothing: the spec's

    bool makes() const {
        return decision == Decision::Create || decision == Decision::Replace ||
               decision == Decision::Recreate;
    }

    // It will run once the decision is carried out.
    bool will_run() const { return makes() || decision == Decision::Start || runs(); }

    bool runs() const {
        return found != nullptr && found->state == podman::ContainerState::Running;
    }

    // One that is replaced gets out of the way by its id, whatever it is called.
    bool gets_name_back() const { return renamed && !makes() && decision != Decision::Withheld; }
};

struct PodDecision {
    const manifests::PodSpec* spec = nullptr;
    std::string_view hash;
    const podman::PodSummary* found = nullptr;
    Decision decision = Decision::Keep;
    std::string why;  // of remove-pod, when it is made anew
    std::string reason;
    // Also of one that is made anew: then each is Create.
    std::vector<ContainerDecision> members;
    bool stop_first = false;   // its namespaces are gone while members still run
    bool start_whole = false;  // by start-pod; else member by member
    bool infra_runs = false;

    bool makes() const {
        return decision == Decision::Create || decision == Decision::Replace ||
               decision == Decision::Recreate;
    }

    bool unmakes() const { return found != nullptr && makes(); }
};

// One of ours that has no place in the spec.
struct SurplusContainer {
    const podman::ContainerSummary* container = nullptr;
    std::string why;  // retained, unwanted, duplicate
};

struct SurplusPod {
    const podman::PodSummary* pod = nullptr;
    std::string why;  // unwanted, duplicate, stub
};

struct ServiceDecision {
    const podman::ContainerSummary* found = nullptr;
    bool held = false;
    bool remove_first = false;  // a held one without pods: podman removes it, some time soon
    bool create = false;
    bool start = false;
    bool stop = false;
    bool remove = false;  // not wanted any more
    std::string reason;
};

struct AppDecision {
    std::vector<PodDecision> pods;
    std::vector<ContainerDecision> alone;
    std::vector<SurplusPod> surplus_pods;
    std::vector<SurplusContainer> surplus;
    ServiceDecision service;
    std::vector<Condition> conditions;
    bool incomplete = false;  // something that the spec asks for is withheld
};

AppDecision evaluate(const AppCase& app);

// -- the judges

// Objects by the parts they are labelled with; indexes are those of the spec.
struct Matches {
    std::vector<const podman::PodSummary*> pods;
    std::vector<const podman::ContainerSummary*> containers;
    std::vector<SurplusPod> surplus_pods;
    std::vector<SurplusContainer> surplus;
};

Matches match_parts(const AppCase& app);

ContainerDecision evaluate_container(const AppCase& app,
                                     std::size_t index,
                                     const podman::ContainerSummary* found,
                                     std::vector<Condition>& conditions);
PodDecision evaluate_pod(const AppCase& app,
                         std::size_t index,
                         const Matches& matches,
                         std::vector<Condition>& conditions);
ServiceDecision evaluate_service(const AppCase& app, const AppDecision& decision);

// Whether a container that does not run is to be started again, and why.
struct Revival {
    bool start = false;
    bool finished = false;
    std::string reason;
};

// podman puts everything that ran when the host went down into "exited" with the exit code of
// nothing; only the missing end tells.
bool was_cut_off(const podman::ContainerSummary& container);

Revival revival(const podman::ContainerSummary& container,
                manifests::RestartPolicy policy,
                WallTime now);

bool is_between_states(podman::ContainerState state);  // stopping, removing
// podman calls it running, and it is not there any more.
bool is_lost(const AppCase& app, const podman::ContainerSummary& container);
bool is_stuck(const AppPolicy& app, const podman::ContainerSummary& container);
// Null while nothing holds that part back.
const PartPolicy* hold_of(const AppPolicy& app, const std::string& part);
// The image cannot be had: not here, and not to be pulled.
bool is_barred(const AppCase& app, const manifests::ContainerSpec& spec);
// A member of which podman cannot say how it is, by name; empty when there is none.
std::string unknown_member(const AppCase& app, const podman::PodSummary& pod);
// How the app's service container is called once the plan is carried out.
std::string service_of(const AppCase& app, const ServiceDecision& service);
// The service container that a pod says it belongs to, or empty.
std::string_view service_of(const podman::PodSummary& pod);

}  // namespace podreeve::plan
