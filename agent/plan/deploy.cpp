#include "agent/plan/deploy.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/prepare.h"
#include "agent/plan/replaced_objects.h"
#include "agent/plan/steps.h"

namespace podreeve::plan {
namespace {

using manifests::ContainerRole;
using nlohmann::json;
using podman::ContainerSummary;

std::string_view role_of(const manifests::ContainerSpec& spec) {
    return spec.role == ContainerRole::Init ? "init" : "workload";
}

// Old down, service up, new made, new started, old cleared away, written down: the steps of one
// app, so far as a decision asks for them.
class Rollout {
  public:
    Rollout(const AppCase& app, const AppDecision& decision, bool deploy, StepGraph& graph)
        : app_(app),
          decision_(decision),
          deploy_(deploy),
          graph_(graph),
          ready_(app, decision, graph, deploy),
          old_(app, decision, graph, ready_, deploy) {}

    void write();

  private:
    void raise_service();
    void make_pod(const PodDecision& pod);
    void make_container(const ContainerDecision& container, const PodDecision* pod);
    void start_pod(const PodDecision& pod);
    void start_members(const PodDecision& pod, After after);
    void start_alone(const ContainerDecision& container);
    std::size_t start_container(const ContainerDecision& container,
                                const PodDecision* pod,
                                After after);
    void stop_finished(const PodDecision& pod);
    void stop_unhealthy(const ContainerDecision& container);
    void give_name_back(const ContainerDecision& container);
    void lower_service();
    void drop_stale();
    void mark();

    After started(std::size_t step, const std::string& part);
    After made(const std::string& part) const;
    std::string service() const;
    bool starts_service_itself() const;

    const AppCase& app_;
    const AppDecision& decision_;
    bool deploy_;
    StepGraph& graph_;
    Preparation ready_;
    OldObjects old_;
    std::map<std::string, After> made_;  // by part
    After service_made_, service_up_;
    After last_start_;  // in a deploy one starts after the other, in the order of the spec
    After stops_;
};

std::string Rollout::service() const {
    return app_.spec.pods.empty() ? std::string() : service_of(app_, decision_.service);
}

After Rollout::made(const std::string& part) const {
    const auto it = made_.find(part);
    return it == made_.end() ? After{} : it->second;
}

After Rollout::started(std::size_t step, const std::string& part) {
    old_.note_started(part, step);
    if (deploy_) {
        last_start_ = {step};
    }
    return {step};
}

// start-pod of a held one's pods starts it by itself; a pod that already runs does not.
bool Rollout::starts_service_itself() const {
    const auto needs = [](const PodDecision& pod) {
        return (pod.decision == Decision::Keep && pod.infra_runs) ||
               (pod.decision == Decision::Start && !pod.start_whole);
    };
    return !decision_.service.held ||
           std::any_of(decision_.pods.begin(), decision_.pods.end(), needs);
}

void Rollout::raise_service() {
    const ServiceDecision& service = decision_.service;
    const std::string name = service_of(app_, service);
    After after = deploy_ ? ready_.gate() : After{};
    if (service.remove_first) {
        after = {graph_.add({StepKind::RemoveService, kServicePart, service.found->name,
                             service.found->id, service.reason},
                            {{"held", service.held}}, after + old_.removed_pods())};
    }
    if (service.create) {
        service_made_ = {graph_.add(
            {StepKind::CreateService, kServicePart, name, "", "absent", "remove it"},
            {{"held", service.held}, {"labels", labels_of(app_, kServicePart, kRoleService, "")}},
            after)};
    }
    const bool starts = service.start || (service.create && !service.held);
    if (starts && starts_service_itself()) {
        service_up_ = {graph_.add(
            {StepKind::StartContainer, kServicePart, name, service.create ? "" : service.found->id,
             service.create ? "made for the pods" : service.reason, "stop it"},
            {{"pod", ""}, {"role", kRoleService}}, service_made_ + after)};
    }
}

void Rollout::make_pod(const PodDecision& pod) {
    if (pod.makes()) {
        const std::size_t step = graph_.add(
            {StepKind::CreatePod, pod.spec->part, pod.spec->name, "", pod.reason, "remove the pod"},
            {{"held", decision_.service.held},
             {"service", service()},
             {"labels", labels_of(app_, *pod.spec, pod.hash)}},
            ready_.before(*pod.spec) + old_.cleared(pod.spec->part) + old_.freed(pod.spec->name) +
                service_made_);
        made_[pod.spec->part] = {step};
    }
    for (const ContainerDecision& member : pod.members) {
        make_container(member, &pod);
        give_name_back(member);
    }
}

void Rollout::make_container(const ContainerDecision& container, const PodDecision* pod) {
    if (!container.makes()) {
        return;
    }
    const manifests::ContainerSpec& spec = *container.spec;
    After after = ready_.before(spec) + old_.cleared(spec.part) + old_.freed(spec.name);
    if (pod != nullptr && pod->makes()) {
        after = after + made(pod->spec->part);
    }
    const std::size_t step =
        graph_.add({StepKind::CreateContainer, spec.part, spec.name, "",
                    pod != nullptr && pod->makes() ? "its pod is made" : container.reason,
                    "remove the container"},
                   {{"pod", pod == nullptr ? "" : pod->spec->name},
                    {"role", role_of(spec)},
                    {"image", spec.image},
                    {"labels", labels_of(app_, spec, container.hash)}},
                   after);
    made_[spec.part] = {step};
}

std::size_t Rollout::start_container(const ContainerDecision& container,
                                     const PodDecision* pod,
                                     After after) {
    const manifests::ContainerSpec& spec = *container.spec;
    const bool fresh = container.makes();
    return graph_.add({StepKind::StartContainer, spec.part, spec.name,
                       fresh ? "" : container.found->id, container.reason, "stop it"},
                      {{"pod", pod == nullptr ? "" : pod->spec->name}, {"role", "workload"}},
                      std::move(after) + made(spec.part) + old_.cleared(spec.part) + last_start_);
}

void Rollout::start_pod(const PodDecision& pod) {
    if (!pod.makes() && pod.decision != Decision::Start) {
        start_members(pod, {});
        return;
    }
    After after = service_up_ + made(pod.spec->part);
    if (pod.stop_first) {
        after = after + After{old_.stop_pod(pod, "its infra container does not run")};
    }
    if (!pod.makes() && !pod.start_whole) {
        start_members(pod, after);
        return;
    }
    json names = json::array();
    for (const ContainerDecision& member : pod.members) {
        after = after + made(member.spec->part);
        if (member.spec->role == ContainerRole::Workload && !member.finished) {
            names.push_back(member.spec->name);
        }
    }
    const std::size_t step = graph_.add(
        {StepKind::StartPod, pod.spec->part, pod.spec->name, pod.makes() ? "" : pod.found->id,
         pod.reason, "stop the pod"},
        {{"service", service()}, {"held", decision_.service.held}, {"containers", names}},
        after + last_start_);
    started(step, pod.spec->part);
    for (const ContainerDecision& member : pod.members) {
        old_.note_started(member.spec->part, step);
    }
}

// In a pod that is down the first start raises the infra container, so the others wait for it.
void Rollout::start_members(const PodDecision& pod, After after) {
    const bool down = pod.decision == Decision::Start;
    for (const ContainerDecision& member : pod.members) {
        const bool wanted = member.makes() || member.decision == Decision::Start;
        if (!wanted || member.spec->role == ContainerRole::Init) {
            continue;
        }
        const After step = started(start_container(member, &pod, after), member.spec->part);
        if (down) {
            after = step;
        }
    }
}

void Rollout::start_alone(const ContainerDecision& container) {
    if (container.makes() || container.decision == Decision::Start) {
        started(start_container(container, nullptr, {}), container.spec->part);
    }
}

void Rollout::stop_unhealthy(const ContainerDecision& container) {
    if (container.decision != Decision::Stop) {
        return;
    }
    const manifests::ContainerSpec& spec = *container.spec;
    const std::int64_t grace = container.stop_grace.value_or(spec.stop_grace.count());
    stops_.push_back(graph_.add({StepKind::StopContainer, spec.part, container.found->name,
                                 container.found->id, container.reason, "start it"},
                                {{"role", role_of(spec)}, {"grace", grace}}, {}));
}

// First of all: what else is done to it acts on its id and says its name.
void Rollout::give_name_back(const ContainerDecision& container) {
    if (!container.gets_name_back()) {
        return;
    }
    const manifests::ContainerSpec& spec = *container.spec;
    made_[spec.part] = {graph_.add(
        {StepKind::RenameContainer, spec.part, spec.name, container.found->id,
         fmt::format("it is called {}, and is to be {}", container.found->name, spec.name)},
        {}, old_.cleared(spec.part) + old_.freed(spec.name))};
}

void Rollout::stop_finished(const PodDecision& pod) {
    if (pod.decision == Decision::Stop) {
        stops_.push_back(old_.stop_pod(pod, pod.reason));
    }
}

void Rollout::lower_service() {
    const ServiceDecision& service = decision_.service;
    if (service.stop) {
        graph_.add({StepKind::StopContainer, kServicePart, service.found->name, service.found->id,
                    service.reason, "start it"},
                   {{"role", kRoleService}}, stops_);
    }
    if (service.remove) {
        graph_.add({StepKind::RemoveService, kServicePart, service.found->name, service.found->id,
                    service.reason},
                   {{"held", service.held}}, old_.removed_pods() + last_start_);
    }
}

// Volumes and secrets that the new spec does not name any more, and that hold nothing but what a
// manifest said.
void Rollout::drop_stale() {
    if (!deploy_ || decision_.incomplete) {
        return;
    }
    std::set<std::string_view> named;
    for (const manifests::VolumeSpec& volume : app_.spec.volumes) {
        named.insert(volume.name);
    }
    const After after = graph_.ends();
    for (const podman::VolumeDetails* volume : app_.held.volumes) {
        if (!named.contains(volume->name) && !app_.policy.empty_dirs.contains(volume->name)) {
            remove_volume(*volume, "not in the manifest any more", graph_, after);
        }
    }
    named.clear();
    for (const manifests::SecretSpec& secret : app_.spec.secrets) {
        named.insert(secret.name);
    }
    for (const podman::SecretDetails* secret : app_.held.secrets) {
        if (!named.contains(secret->name)) {
            remove_secret(*secret, "not in the manifest any more", graph_, after);
        }
    }
}

void Rollout::mark() {
    if (deploy_ && !decision_.incomplete) {
        graph_.add({StepKind::MarkDeployed, "", app_.spec.name, "",
                    fmt::format("generation {} is in place", app_.generation),
                    "write down what was deployed before"},
                   {{"spec", app_.hashes.app}, {"generation", app_.generation}}, graph_.ends());
    }
}

void Rollout::write() {
    old_.take_down();
    raise_service();
    for (const PodDecision& pod : decision_.pods) {
        make_pod(pod);
    }
    for (const ContainerDecision& container : decision_.alone) {
        make_container(container, nullptr);
        give_name_back(container);
    }
    for (const PodDecision& pod : decision_.pods) {
        start_pod(pod);
        stop_finished(pod);
        for (const ContainerDecision& member : pod.members) {
            stop_unhealthy(member);
        }
    }
    for (const ContainerDecision& container : decision_.alone) {
        start_alone(container);
        stop_unhealthy(container);
    }
    graph_.set_clearing(true);
    old_.clear_away(last_start_);
    lower_service();
    drop_stale();
    graph_.set_clearing(false);
    mark();
}

}  // namespace

void carry_out(const AppCase& app, const AppDecision& decision, bool deploy, StepGraph& graph) {
    Rollout(app, decision, deploy, graph).write();
}

bool has_work(const AppDecision& decision) {
    const auto acts = [](const auto& part) {
        return part.decision != Decision::Keep && part.decision != Decision::Withheld;
    };
    const auto touches = [&](const ContainerDecision& part) {
        return acts(part) || part.gets_name_back();
    };
    const ServiceDecision& service = decision.service;
    return !decision.surplus.empty() || !decision.surplus_pods.empty() || service.create ||
           service.start || service.stop || service.remove ||
           std::any_of(decision.alone.begin(), decision.alone.end(), touches) ||
           std::any_of(decision.pods.begin(), decision.pods.end(), [&](const PodDecision& pod) {
               return acts(pod) || std::any_of(pod.members.begin(), pod.members.end(), touches);
           });
}

}  // namespace podreeve::plan
