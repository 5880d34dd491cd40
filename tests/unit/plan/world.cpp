#include "tests/unit/plan/world.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/observe/observer.h"
#include "agent/plan/steps.h"

namespace podreeve::plan::test {
namespace {

using nlohmann::json;
using podman::ContainerState;
using podman::ContainerSummary;
using podman::PodStatus;
using podman::PodSummary;

[[noreturn]] void refuse(const std::string& what) {
    throw std::runtime_error(what);
}

bool runs(const ContainerSummary& container) {
    return container.state == ContainerState::Running || container.state == ContainerState::Paused;
}

void stop(ContainerSummary& container) {
    if (runs(container)) {
        container.state = ContainerState::Exited;
        container.exit_code = 0;
        container.exited = kNow;
    }
}

// As podman tells it: of all members but the init containers.
PodStatus status_of(const std::vector<ContainerState>& states) {
    const auto count = [&](ContainerState state) {
        return static_cast<std::size_t>(std::count(states.begin(), states.end(), state));
    };
    const std::size_t running = count(ContainerState::Running);
    if (running == states.size()) {
        return PodStatus::Running;
    }
    if (running > 0) {
        return PodStatus::Degraded;
    }
    if (count(ContainerState::Created) == states.size()) {
        return PodStatus::Created;
    }
    return count(ContainerState::Exited) == states.size() ? PodStatus::Exited : PodStatus::Stopped;
}

}  // namespace

Policy policy() {
    Policy policy;
    policy.owner = kOwner;
    policy.owner_file = "/state/owner";
    policy.now = kNow;
    return policy;
}

std::string World::new_id() {
    return fmt::format("{:012x}{:052x}", next_id_++, 0xabcdef);
}

observe::Observed World::observe(bool resources) const {
    observe::Observed observed;
    observed.at = kNow;
    observed.podman_version = {5, 4, 2};
    observed.holds_service_containers = holds_;
    for (const auto& [id, container] : containers_) {
        observed.containers.push_back(container);
    }
    for (const auto& [id, pod] : pods_) {
        PodSummary row = pod;
        std::vector<ContainerState> states;
        for (const ContainerSummary& container : observed.containers) {
            if (container.pod_id == id) {
                row.members.push_back({container.id, container.name, container.state});
                if (!inits_.contains(container.id)) {
                    states.push_back(container.state);
                }
            }
        }
        if (row.status == PodStatus::Unknown) {
            row.status = status_of(states);
        }
        observed.pods.push_back(row);
    }
    observed.services = observe::find_services(observed, kOwner);
    if (resources) {
        observed.resources = observe::HostResources{volumes_, networks_, secrets_, {}};
        for (const std::string& image : images_) {
            observed.resources->images[image] = true;
        }
    }
    return observed;
}

void World::require_free(const std::string& name) const {
    if (has_container(name) || has_pod(name)) {
        refuse("name in use: " + name);
    }
}

ContainerSummary& World::container(const std::string& name) {
    for (auto& [id, row] : containers_) {
        if (row.name == name) {
            return row;
        }
    }
    refuse("no such container: " + name);
}

PodSummary& World::pod(const std::string& name) {
    for (auto& [id, row] : pods_) {
        if (row.name == name) {
            return row;
        }
    }
    refuse("no such pod: " + name);
}

bool World::has_container(const std::string& name) const {
    return std::any_of(containers_.begin(), containers_.end(),
                       [&](const auto& row) { return row.second.name == name; });
}

bool World::has_pod(const std::string& name) const {
    return std::any_of(pods_.begin(), pods_.end(),
                       [&](const auto& row) { return row.second.name == name; });
}

PodSummary* World::pod_by_id(const std::string& id) {
    const auto it = pods_.find(id);
    return it == pods_.end() ? nullptr : &it->second;
}

ContainerSummary& World::add_container(const std::string& name,
                                       const std::map<std::string, std::string>& labels) {
    require_free(name);
    ContainerSummary row;
    row.id = new_id();
    row.name = name;
    row.labels = labels;
    row.state = ContainerState::Created;
    row.created = kNow - std::chrono::hours(1);
    return containers_[row.id] = row;
}

PodSummary& World::add_pod(const std::string& name,
                           const std::map<std::string, std::string>& labels) {
    require_free(name);
    PodSummary row;
    row.id = new_id();
    row.name = name;
    row.labels = labels;
    row.created = kNow - std::chrono::hours(1);
    ContainerSummary& infra = add_container(row.id.substr(0, 12) + "-infra", labels);
    infra.pod_id = row.id;
    infra.pod_name = name;
    infra.is_infra = true;
    row.infra_id = infra.id;
    return pods_[row.id] = row;
}

void World::end_container(const std::string& name, int code) {
    ContainerSummary& row = container(name);
    row.state = ContainerState::Exited;
    row.exit_code = code;
    row.exited = kNow - std::chrono::seconds(2);
}

void World::remove_container(const std::string& name) {
    containers_.erase(container(name).id);
}

bool World::is_linked(const std::string& service) const {
    return std::any_of(links_.begin(), links_.end(),
                       [&](const auto& row) { return row.second == service; });
}

bool World::is_down(const PodSummary& pod) const {
    return std::none_of(containers_.begin(), containers_.end(), [&](const auto& row) {
        return row.second.pod_id == pod.id && runs(row.second);
    });
}

void World::remove_pod(const std::string& name) {
    const std::string id = pod(name).id;
    std::erase_if(containers_, [&](const auto& row) { return row.second.pod_id == id; });
    pods_.erase(id);
    const auto link = links_.find(id);
    if (link == links_.end()) {
        return;
    }
    const std::string service = link->second;
    links_.erase(link);
    if (!is_linked(service)) {
        containers_.erase(service);
    }
}

void World::start(ContainerSummary& container) {
    if (container.pod_id.empty() || container.is_infra) {
        container.state = ContainerState::Running;
        container.started = kNow - std::chrono::hours(1);
        return;
    }
    PodSummary* pod = pod_by_id(container.pod_id);
    ContainerSummary& infra = containers_.at(pod->infra_id);
    infra.state = ContainerState::Running;
    container.state = ContainerState::Running;
    container.started = kNow - std::chrono::hours(1);
}

void World::start_pod(PodSummary& pod) {
    if (const auto link = links_.find(pod.id); link != links_.end()) {
        start(containers_.at(link->second));
    }
    std::vector<std::string> ran;
    for (auto& [id, row] : containers_) {
        if (row.pod_id != pod.id) {
            continue;
        }
        if (inits_.contains(id)) {
            ran.push_back(id);
        } else if (row.state != ContainerState::Running) {
            start(row);
        }
    }
    for (const std::string& id : ran) {
        containers_.erase(id);
        inits_.erase(id);
    }
}

void World::stop_pod(PodSummary& pod) {
    for (auto& [id, row] : containers_) {
        if (row.pod_id == pod.id) {
            stop(row);
        }
    }
    const auto link = links_.find(pod.id);
    if (link == links_.end()) {
        return;
    }
    const bool all_down = std::all_of(links_.begin(), links_.end(), [&](const auto& row) {
        return row.second != link->second || is_down(pods_.at(row.first));
    });
    if (all_down) {
        stop(containers_.at(link->second));
    }
}

ContainerSummary& World::find(const Step& step) {
    if (step.id.empty()) {
        return container(step.object);
    }
    const auto it = containers_.find(step.id);
    if (it == containers_.end()) {
        refuse(fmt::format("{} {}: no such container", to_string(step.kind), step.object));
    }
    if (it->second.name != step.object && step.kind != StepKind::RenameContainer) {
        refuse(
            fmt::format("{}: {} is called {}", to_string(step.kind), step.object, it->second.name));
    }
    return it->second;
}

PodSummary& World::find_pod(const Step& step) {
    PodSummary& row = pod(step.object);
    if (!step.id.empty() && row.id != step.id) {
        refuse(fmt::format("{} {}: another pod has that name", to_string(step.kind), step.object));
    }
    return row;
}

void World::create_service(const Step& step, const json& details) {
    if (!details.at("held").get<bool>()) {
        add_container(step.object, details.at("labels"));
        return;
    }
    ContainerSummary& service = add_container(step.object, {});
    service.image = "localhost/podman-pause:5.4.2";
    const std::string id = service.id;
    const std::string app = details.at("labels").at(observe::kLabelApp);
    PodSummary& stub = add_pod(app + "-stub", {{observe::kLabelApp, app},
                                               {observe::kLabelOwner, kOwner},
                                               {observe::kLabelRole, kRoleStub},
                                               {observe::kLabelPart, kStubPart},
                                               {observe::kLabelService, id}});
    links_[stub.id] = id;
}

void World::create_pod(const Step& step, const json& details) {
    std::map<std::string, std::string> labels = details.at("labels");
    const std::string service = details.at("service");
    std::string service_id;
    if (!service.empty()) {
        service_id = container(service).id;
        labels[observe::kLabelService] = service_id;
    }
    PodSummary& made = add_pod(step.object, labels);
    made.created = kNow;
    if (details.at("held").get<bool>() && !service.empty()) {
        links_[made.id] = service_id;
    }
    const std::string stub = labels.at(observe::kLabelApp) + "-stub";
    if (has_pod(stub)) {
        remove_pod(stub);
    }
}

void World::create_container(const Step& step, const json& details) {
    ContainerSummary& made = add_container(step.object, details.at("labels"));
    made.image = details.at("image");
    made.created = kNow;
    const std::string in = details.at("pod");
    if (!in.empty()) {
        made.pod_id = pod(in).id;
        made.pod_name = in;
    }
    if (details.at("role") == "init") {
        inits_.insert(made.id);
    }
    if (!images_.contains(made.image)) {
        refuse("no such image: " + made.image);
    }
}

void World::run_container_step(const Step& step, const json& details) {
    if (step.kind == StepKind::RemoveContainer && !containers_.contains(step.id)) {
        return;
    }
    ContainerSummary& row = find(step);
    switch (step.kind) {
        case StepKind::StartContainer:
            start(row);
            return;
        case StepKind::StopContainer:
            stop(row);
            return;
        case StepKind::RetainContainer:
            if (runs(row)) {
                refuse("retained while it runs: " + row.name);
            }
            require_free(details.at("retained"));
            row.name = details.at("retained");
            return;
        case StepKind::RenameContainer:
            require_free(step.object);
            row.name = step.object;
            return;
        default:
            if (is_linked(row.id)) {
                refuse("is the service container of a pod: " + row.name);
            }
            containers_.erase(step.id);
            return;
    }
}

void World::run_resource_step(const Step& step, const json& details) {
    switch (step.kind) {
        case StepKind::PullImage:
            images_.insert(step.object);
            return;
        case StepKind::EnsureNetwork:
            networks_[step.object].name = step.object;
            return;
        case StepKind::CreateVolume:
            volumes_[step.object].name = step.object;
            volumes_[step.object].labels = details.at("labels");
            return;
        case StepKind::WriteVolumeFiles:
            volumes_.at(step.object);
            return;
        case StepKind::CreateSecret:
            secrets_[step.object] = {new_id(), step.object, details.at("labels")};
            return;
        case StepKind::RemoveSecret:
            secrets_.erase(step.object);
            return;
        case StepKind::RemoveVolume:
            volumes_.erase(step.object);
            return;
        default:
            return;
    }
}

void World::run(const Step& step) {
    const json details = json::parse(step.details);
    switch (step.kind) {
        case StepKind::CreateService:
            return create_service(step, details);
        case StepKind::CreatePod:
            return create_pod(step, details);
        case StepKind::CreateContainer:
            return create_container(step, details);
        case StepKind::StartPod:
            return start_pod(find_pod(step));
        case StepKind::StopPod:
            return stop_pod(find_pod(step));
        case StepKind::RemovePod:
            find_pod(step);
            return remove_pod(step.object);
        case StepKind::RemoveService:
            if (is_linked(step.id)) {
                refuse("service container still has pods: " + step.object);
            }
            containers_.erase(step.id);
            return;
        case StepKind::StartContainer:
        case StepKind::StopContainer:
        case StepKind::RetainContainer:
        case StepKind::RenameContainer:
        case StepKind::RemoveContainer:
            return run_container_step(step, details);
        case StepKind::MarkDeployed:
            deployed_[step.object] = details.at("spec");
            return;
        default:
            return run_resource_step(step, details);
    }
}

void World::run(const AppPlan& plan, const std::function<std::size_t(std::size_t)>& pick) {
    std::vector<bool> done(plan.steps.size(), false);
    for (std::size_t count = 0; count < plan.steps.size(); ++count) {
        std::vector<std::size_t> next;
        for (std::size_t i = 0; i < plan.steps.size(); ++i) {
            const auto& after = plan.steps[i].after;
            if (!done[i] && std::all_of(after.begin(), after.end(),
                                        [&](std::size_t before) { return done[before]; })) {
                next.push_back(i);
            }
        }
        if (next.empty()) {
            refuse("steps wait for one another");
        }
        const std::size_t chosen = next[pick(next.size())];
        run(plan.steps[chosen]);
        done[chosen] = true;
    }
}

void World::run(const AppPlan& plan) {
    run(plan, [](std::size_t) { return std::size_t{0}; });
}

std::set<std::string> World::volumes() const {
    std::set<std::string> names;
    for (const auto& [name, row] : volumes_) {
        names.insert(name);
    }
    return names;
}

}  // namespace podreeve::plan::test
