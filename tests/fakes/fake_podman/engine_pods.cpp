#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "runtime/base/digest.h"
#include "tests/fakes/fake_podman/engine.h"

namespace podreeve::fakes {
namespace {

ordered_json report(const Pod& pod,
                    const std::string& asked,
                    const std::vector<std::string>& errors) {
    ordered_json errs = nullptr;
    if (!errors.empty()) {
        errs = errors;
    }
    return {{"Errs", errs}, {"Id", pod.id}, {"RawInput", asked}};
}

}  // namespace

Answer Engine::create_pod(json spec) {
    Pod pod;
    pod.id = new_id("pod");
    pod.name = spec.value("name", "nameless_" + pod.id.substr(0, 8));
    for (const auto& [id, other] : pods) {
        if (other.name == pod.name) {
            return error(
                409, "pod already exists",
                fmt::format("failed to make pod: adding pod to state: name \"{}\" is in use: pod "
                            "already exists",
                            pod.name));
        }
    }
    pod.service_id = spec.value("serviceContainerID", "");
    if (!pod.service_id.empty()) {
        Answer why;
        Container* service = container(pod.service_id, &why);
        if (service == nullptr) {
            return error(
                500, "no such container",
                fmt::format("failed to make pod: running pod create option: looking up service "
                            "container: {}",
                            why.body["message"].get<std::string>()));
        }
    }
    pod.created = clock.system_now();
    pod.sequence = ++sequence_;
    pod.lock_number = static_cast<unsigned>(pods.size());
    pod.spec = spec;
    const bool has_infra = !spec.value("no_infra", false);
    const json joined = spec.value("Networks", json::object());
    for (const auto& [network, options] : joined.items()) {
        if (networks.contains(network)) {
            continue;
        }
        if (version < podman::Version{5, 0, 0}) {
            pods.emplace(pod.id, pod);  // 4.3 leaves it behind, without an infra container
        }
        return error(
            500, "network not found",
            fmt::format(
                "failed to make pod: unable to find network with name or ID {}: network not found",
                network));
    }
    pods.emplace(pod.id, pod);
    if (const auto service = containers.find(pod.service_id); service != containers.end()) {
        service->second.service_pods.push_back(pod.id);
    }
    if (has_infra) {
        json infra = {{"name", pod.id.substr(0, 12) + "-infra"},
                      {"image", pause_image().names.front()},
                      {"pod", pod.id},
                      {"fake_infra", true},
                      {"labels", spec.value("labels", json::object())},
                      {"annotations", spec.value("infra_annotations", json::object())},
                      {"portmappings", spec.value("portmappings", json::array())},
                      {"Networks", spec.value("Networks", json::object())}};
        if (spec.contains("netns")) {
            infra["netns"] = spec["netns"];
        }
        pods[pod.id].infra_id = create_container(infra).body["Id"];
    }
    emit(pods[pod.id], "create");
    return ok({{"Id", pod.id}}, 201);
}

void Engine::revive_service(const Pod& pod) {
    const auto service = containers.find(pod.service_id);
    if (service != containers.end() && service->second.state != "running") {
        run(service->second);
    }
}

std::string Engine::run_init_containers(Pod& pod) {
    for (Container* init : members(pod)) {
        const std::string type = init->init_type();
        if (type.empty()) {
            continue;
        }
        const std::string id = init->id;
        if (const Answer started = start_container(*init); started.status >= 400) {
            return started.body["message"];
        }
        if (init->exit_code != 0) {
            return fmt::format("init container {} exited with code {}", id, init->exit_code);
        }
        if (type == "once") {
            drop_container(id);
        }
    }
    return "";
}

// What needs the infra container is not tried without it.
void Engine::add_dependents(std::vector<std::string>& errors, const Pod& pod) {
    for (const Container* member : members(pod)) {
        if (!member->infra && member->init_type().empty()) {
            errors.push_back(
                fmt::format("starting container {0}: a dependency of container {0} failed to "
                            "start: container state improper",
                            member->id));
        }
    }
}

Answer Engine::start_pod(Pod& pod, const std::string& asked) {
    if (pod_status(pod) == "Running") {
        return nothing(304);
    }
    if (!pod.service_id.empty() && !containers.contains(pod.service_id)) {
        return error(500, "no such container",
                     "getting pod's service container: no such container");
    }
    revive_service(pod);
    if (const std::string problem = run_init_containers(pod); !problem.empty()) {
        return error(500, problem, problem);
    }
    std::vector<std::string> errors;
    for (Container* member : members(pod)) {
        if (member->state == "running" || !member->init_type().empty()) {
            continue;
        }
        const std::string problem = run(*member);
        if (!problem.empty()) {
            errors.push_back(fmt::format("starting container {}: {}", member->id, problem));
        }
        if (!problem.empty() && member->infra) {
            add_dependents(errors, pod);
            break;
        }
    }
    if (errors.empty()) {
        emit(pod, "start");
    }
    return ok(report(pod, asked, errors), errors.empty() ? 200 : 409);
}

void Engine::stop_members(Pod& pod, std::optional<unsigned> grace) {
    std::vector<Container*> order = members(pod);
    if (version >= podman::Version{5, 5, 0}) {
        std::reverse(order.begin(), order.end());  // the infra container last
    }
    emit(pod, "stop");
    for (Container* member : order) {
        if (member->state == "running") {
            stop_container(*member, grace);
        }
    }
    emit(pod, "stop");
}

Answer Engine::stop_pod(Pod& pod, const std::string& asked, unsigned grace) {
    if (pod_status(pod) != "Running") {
        return nothing(304);
    }
    stop_members(pod, grace == 0 ? std::nullopt : std::optional(grace));
    queue_service_stop(pod);
    return ok(report(pod, asked, {}));
}

void Engine::queue_service_stop(const Pod& pod) {
    if (pod.service_id.empty()) {
        return;
    }
    work.push_back([this, id = pod.service_id] {
        const auto service = containers.find(id);
        if (service == containers.end() || !service->second.service ||
            service->second.state != "running") {
            return;
        }
        for (const std::string& pod_id : service->second.service_pods) {
            const auto linked = pods.find(pod_id);
            const std::string status = linked == pods.end() ? "Exited" : pod_status(linked->second);
            if (status != "Exited" && status != "Stopped" && status != "Error") {
                return;
            }
        }
        emit(service->second, "kill");
        service->second.stopped_by_user = true;
        exited(service->second, 0);
    });
}

void Engine::queue_service_removal(const Pod& pod) {
    if (pod.service_id.empty()) {
        return;
    }
    work.push_back([this, id = pod.service_id] {
        const auto service = containers.find(id);
        if (service == containers.end() || !service->second.service) {
            return;
        }
        for (const std::string& pod_id : service->second.service_pods) {
            if (pods.contains(pod_id)) {
                return;
            }
        }
        remove_container(id, true, false, false);
    });
}

Answer Engine::remove_pod(const std::string& who, bool force) {
    Answer why;
    Pod* found = pod(who, &why);
    if (found == nullptr) {
        return why;
    }
    const Pod gone = *found;
    for (const Container* member : members(gone)) {
        if (!force && !member->infra && member->state == "running") {
            return error(
                500, "container state improper",
                fmt::format("not all containers could be removed from pod {}: removing pod "
                            "containers: cannot remove container {} as it is running - running "
                            "or paused containers cannot be removed without force: container "
                            "state improper",
                            gone.id, member->id));
        }
    }
    ordered_json removed = ordered_json::object();
    for (Container* member : members(gone)) {
        stop_container(*member, std::nullopt);
        removed[member->id] = nullptr;
    }
    for (const auto& [id, nobody] : removed.items()) {
        drop_container(id);
    }
    emit(gone, "remove");
    pods.erase(gone.id);
    queue_service_removal(gone);
    changed.notify_all();
    return ok({{"RemovedCtrs", removed}, {"Err", nullptr}, {"Id", gone.id}});
}

Answer Engine::make_service_container(const std::string& yaml) {
    const json spec = {{"name", sha256_hex(yaml).substr(0, 12) + "-service"},
                       {"image", pause_image().names.front()},
                       {"netns", {{"nsmode", "none"}}},
                       {"read_only_filesystem", true},
                       {"fake_service", true}};
    return create_container(spec);
}

Volume& Engine::make_volume(const std::string& name) {
    const auto [it, is_new] = volumes.try_emplace(name);
    Volume& volume = it->second;
    if (is_new) {
        volume.name = name;
        volume.mountpoint = directory + "/volumes/" + name + "/_data";
        volume.created = clock.system_now();
        volume.lock_number = static_cast<unsigned>(volumes.size() + containers.size());
        std::filesystem::create_directories(volume.mountpoint);
        emit({"volume", "create", "", "", {{"name", name}}, 0});
    }
    return volume;
}

}  // namespace podreeve::fakes
