#include <algorithm>
#include <filesystem>
#include <regex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/fakes/fake_podman/engine.h"

namespace podreeve::fakes {
namespace {

constexpr const char* kNoCommand =
    "no command or entrypoint provided, and no CMD or ENTRYPOINT from image";
constexpr const char* kBadName = "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument";

bool good_name(const std::string& name) {
    static const std::regex pattern("[a-zA-Z0-9][a-zA-Z0-9_.-]*");
    return std::regex_match(name, pattern);
}

Answer improper(const std::string& message) {
    return error(500, "container state improper", message + ": container state improper");
}

struct HostPort {
    std::string ip, protocol;
    int host = 0, container = 0;
};

std::vector<HostPort> host_ports(const json& spec) {
    std::vector<HostPort> ports;
    for (const json& mapping : spec.value("portmappings", json::array())) {
        const int range = std::max(1, mapping.value("range", 1));
        for (int i = 0; i < range && mapping.value("host_port", 0) != 0; ++i) {
            ports.push_back({mapping.value("host_ip", ""), mapping.value("protocol", "tcp"),
                             mapping.value("host_port", 0) + i,
                             mapping.value("container_port", 0) + i});
        }
    }
    return ports;
}

bool everywhere(const std::string& ip) {
    return ip.empty() || ip == "0.0.0.0" || ip == "::";
}

bool clash(const HostPort& a, const HostPort& b) {
    return a.host == b.host && a.protocol == b.protocol &&
           (a.ip == b.ip || everywhere(a.ip) || everywhere(b.ip));
}

// What the network's setup says: pasta and rootlessport word it differently.
std::string clash_text(const HostPort& port, bool bridge, const podman::Version& version) {
    if (bridge || version < podman::Version{5, 0, 0}) {
        return fmt::format("rootlessport listen {} {}:{}: bind: address already in use",
                           port.protocol, everywhere(port.ip) ? "0.0.0.0" : port.ip, port.host);
    }
    return fmt::format(
        "pasta failed with exit code 1:\nFailed to bind port {0} (Address already in use) for "
        "option '-{1} "
        "{0}-{0}:{2}-{2}'\n",
        port.host, port.protocol == "udp" ? "u" : "t", port.container);
}

}  // namespace

Answer Engine::complete_spec(json& spec, Container& container) {
    const std::string asked = spec.value("image", "");
    if (asked.empty()) {
        return error(500, "invalid argument",
                     "must set root filesystem source to either image or rootfs: invalid argument");
    }
    const Image* found = image(asked);
    if (found == nullptr) {
        const bool old = version < podman::Version{5, 0, 0};
        return error(old ? 500 : 404, "image not known",
                     fmt::format("{}{}: image not known", old ? "" : "no such image: ", asked));
    }
    container.image = found->names.empty() ? asked : found->names.front();
    container.image_id = found->id;
    container.image_digest = found->digest;
    if (spec.find("entrypoint") == spec.end() && !found->entrypoint.empty()) {
        spec["entrypoint"] = found->entrypoint;
        spec["entrypoint_of_image"] = true;
    }
    if (strings(spec, "command").empty() && !found->command.empty()) {
        spec["command"] = found->command;
    }
    if (command_line(spec).empty() && version < podman::Version{5, 0, 0}) {
        return error(500, kNoCommand, kNoCommand);
    }
    json labels = found->labels;
    labels.update(spec.value("labels", json::object()));
    spec["labels"] = labels;
    return ok({});
}

Answer Engine::create_container(json spec) {
    Container container;
    if (Answer bad = complete_spec(spec, container); bad.status != 200) {
        return bad;
    }
    const json joined = spec.value("Networks", json::object());
    for (const auto& [network, options] : joined.items()) {
        if (!networks.contains(network)) {
            return error(500, "network not found",
                         fmt::format("unable to find network with name or ID {}: network not found",
                                     network));
        }
    }
    if (const std::string in = spec.value("pod", ""); !in.empty()) {
        Answer why;
        const Pod* found = pod(in, &why);
        if (found == nullptr) {
            why.status = 500;
            why.body["response"] = 500;
            return why;
        }
        container.pod_id = found->id;
    }
    for (const json& mount : spec.value("mounts", json::array())) {
        const std::string source = mount.value("source", "");
        if (mount.value("type", "bind") == "bind" && !std::filesystem::exists(source)) {
            return error(500, "no such file or directory",
                         fmt::format("statfs {}: no such file or directory", source));
        }
    }
    container.id = new_id("container");
    container.name = spec.value("name", "nameless_" + container.id.substr(0, 8));
    if (!good_name(container.name)) {
        return error(500, "invalid argument",
                     fmt::format("running container create option: {}", kBadName));
    }
    const auto holds_name = [&](const auto& entry) { return entry.second.name == container.name; };
    if (const auto taken = std::find_if(containers.begin(), containers.end(), holds_name);
        taken != containers.end()) {
        return error(
            500, "that name is already in use",
            fmt::format("creating container storage: the container name \"{}\" is already in "
                        "use by {}. You have to remove that container to be able to reuse that "
                        "name: that name is already in use",
                        container.name, taken->second.id));
    }
    for (const json& volume : spec.value("volumes", json::array())) {
        Volume& used = make_volume(volume.value("Name", ""));
        used.anonymous = used.anonymous || volume.value("IsAnonymous", false);
    }
    container.created = clock.system_now();
    container.sequence = ++sequence_;
    container.lock_number = static_cast<unsigned>(containers.size());
    container.infra = spec.value("fake_infra", false);
    container.service = spec.value("fake_service", false);
    container.spec = std::move(spec);
    const Container& stored = containers.emplace(container.id, container).first->second;
    emit(stored, "create");
    return ok({{"Id", stored.id}, {"Warnings", ordered_json::array()}}, 201);
}

std::string Engine::port_clash(const Container& container) {
    for (const HostPort& wanted : host_ports(container.spec)) {
        const bool bridge = !container.spec.value("Networks", json::object()).empty();
        for (const auto& [id, other] : containers) {
            const std::vector<HostPort> taken = host_ports(other.spec);
            if (id != container.id && other.state == "running" &&
                std::any_of(taken.begin(), taken.end(),
                            [&](const HostPort& port) { return clash(port, wanted); })) {
                return clash_text(wanted, bridge, version);
            }
        }
        if (foreign_ports.contains(wanted.host)) {
            return clash_text(wanted, bridge, version);
        }
    }
    return "";
}

std::string Engine::run(Container& container) {
    const Program program = program_for(container);
    std::string problem = port_clash(container);
    if (problem.empty()) {
        problem = command_line(container.spec).empty() ? kNoCommand : program.start_error;
    }
    if (!problem.empty()) {
        container.error = version.major < 5 ? "" : problem;
        queue_exit_policy(container);
        return problem;
    }
    make_ready(container);
    container.state = "running";
    container.started = clock.system_now();
    container.stopped_by_user = container.zombie = false;
    container.error.clear();
    emit(container, "start");
    for (const Program::Line& line : program.output) {
        container.log.push_back({line, clock.system_now()});
    }
    if (program.exits) {
        exited(container, *program.exits);
    }
    return "";
}

// Its process is there and waits to be started.
void Engine::make_ready(Container& container) {
    if (container.state == "initialized") {
        return;
    }
    emit(container, "init");
    container.state = "initialized";
    container.exit_code = 0;
    container.pid = next_pid_++;
    container.conmon_pid = next_pid_++;
    show(container);
}

std::string Engine::run_infra_of(const Container& container) {
    if (const auto in = pods.find(container.pod_id); in != pods.end() && !container.infra) {
        const auto infra = containers.find(in->second.infra_id);
        if (infra != containers.end() && infra->second.state != "running") {
            return run(infra->second);
        }
    }
    return "";
}

Answer Engine::init_container(Container& container) {
    if (container.state == "running" || container.state == "initialized") {
        return nothing(304);
    }
    if (const std::string problem = run_infra_of(container); !problem.empty()) {
        return error(500, problem, problem);
    }
    make_ready(container);
    return nothing(204);
}

Answer Engine::start_container(Container& container) {
    if (container.state == "running") {
        container.error = fmt::format("container {}: container is running", container.id);
        return nothing(304);
    }
    std::string problem = run_infra_of(container);
    if (problem.empty()) {
        problem = run(container);
    }
    if (problem.empty()) {
        return nothing(204);
    }
    const auto cause = problem.find(": OCI runtime");
    return error(500, cause == problem.npos ? problem : problem.substr(cause + 2), problem);
}

void Engine::show(const Container& container) {
    if (proc != nullptr) {
        proc->add_container(container.pid, container.id);
        proc->add_conmon(container.conmon_pid, container.id);
    }
}

void Engine::hide(const Container& container) {
    if (proc != nullptr && container.pid > 0) {
        proc->remove(container.pid);
        proc->remove(container.conmon_pid);
    }
}

void Engine::exited(Container& container, int exit_code) {
    container.state = "exited";
    container.exit_code = exit_code;
    container.finished = clock.system_now();
    hide(container);
    container.pid = container.conmon_pid = 0;
    emit(container, "died");
    emit(container, "cleanup");
    queue_exit_policy(container);
}

void Engine::queue_exit_policy(const Container& over) {
    const auto in = pods.find(over.pod_id);
    if (in == pods.end() || over.infra || in->second.spec.value("exit_policy", "") != "stop") {
        return;
    }
    for (const Container* member : members(in->second)) {
        const bool counts = !member->infra && member->id != over.id;
        if (counts ? member->state != "exited" : member->infra && member->state != "running") {
            return;
        }
    }
    work.push_back([this, id = in->second.id] {
        if (const auto found = pods.find(id); found != pods.end()) {
            stop_members(found->second, std::nullopt);
            queue_service_stop(found->second);
        }
    });
}

Answer Engine::pause_container(Container& container, bool pause) {
    const char* const wanted = pause ? "running" : "paused";
    if (container.state != wanted) {
        return improper(fmt::format("\"{}\" is {}", container.id,
                                    pause ? "already paused" : "not paused, can't unpause"));
    }
    container.state = pause ? "paused" : "running";
    emit(container, pause ? "pause" : "unpause");
    return nothing(204);
}

Answer Engine::stop_container(Container& container, std::optional<unsigned> grace) {
    if (container.state == "exited" || container.state == "stopped") {
        return nothing(304);
    }
    if (container.zombie) {
        return stop_zombie(container);
    }
    if (container.state == "paused") {
        return improper(
            fmt::format("container {} is running or paused, refusing to clean up", container.id));
    }
    if (container.state != "running" && container.state != "initialized") {
        return nothing(204);
    }
    container.stopped_by_user = true;
    const bool patient = grace.value_or(container.spec.value("stop_timeout", 10U)) > 0;
    const Program program = program_for(container);
    exited(container, patient ? program.on_term.value_or(137) : 137);
    return nothing(204);
}

Answer Engine::stop_zombie(Container& container) {
    if (version < podman::Version{5, 0, 0}) {
        container.state = "stopping";
        return nothing(204);
    }
    container.zombie = false;
    exited(container, -1);
    const std::string cause =
        "conmon exited prematurely, exit code could not be retrieved: internal libpod error";
    return error(500, "internal libpod error", fmt::format("container {} {}", container.id, cause));
}

std::vector<std::string> Engine::dependents_of(const Container& container) {
    std::vector<std::string> out;
    for (const auto& [id, other] : containers) {
        for (const std::string& needed : strings(other.spec, "dependencyContainers")) {
            if (needed == container.id || needed == container.name) {
                out.push_back(id);
            }
        }
    }
    return out;
}

Answer Engine::kill_container(Container& container, const std::string& signal) {
    if (container.state != "running" || container.zombie) {
        return error(
            409, "container state improper",
            fmt::format("can only kill running containers. {} is in state {}: container state "
                        "improper",
                        container.id, container.state));
    }
    std::string name = signal.starts_with("SIG") ? signal.substr(3) : signal;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    emit(container, "kill");
    const std::optional<int> on_term = program_for(container).on_term;
    if (name == "KILL" || name == "9") {
        exited(container, 137);
    } else if ((name == "TERM" || name == "15" || name == "INT" || name == "2") && on_term) {
        exited(container, *on_term);
    }
    return nothing(204);
}

Answer Engine::rename_container(Container& container, const std::string& name) {
    if (!good_name(name)) {
        return error(500, "invalid argument", kBadName);
    }
    for (const auto& [id, other] : containers) {
        if (other.name == name && id != container.id) {
            const std::string cause = "UNIQUE constraint failed: ContainerConfig.Name";
            return error(
                500, cause,
                fmt::format("renaming container {0}: updating container config table with new "
                            "configuration for container {0}: {1}",
                            container.id, cause));
        }
    }
    container.name = name;
    emit(container, "rename");
    return nothing(204);
}

void Engine::drop_container(const std::string& id) {
    const auto it = containers.find(id);
    if (it == containers.end()) {
        return;
    }
    emit(it->second, "remove");
    containers.erase(it);
    changed.notify_all();
}

Answer Engine::remove_container(const std::string& who, bool force, bool depend, bool volumes_too) {
    Answer why;
    Container* found = container(who, &why);
    if (found == nullptr) {
        if (why.body["cause"] == "no such container") {
            why.body["message"] =
                fmt::format("no container with ID or name \"{}\" found: no such container", who);
        } else {
            why.status = 500;
            why.body["response"] = 500;
        }
        return why;
    }
    const std::string id = found->id;
    if (found->infra) {
        const std::string message = fmt::format(
            "container {} is the infra container of pod {} and cannot be removed without removing "
            "the pod",
            id, found->pod_id);
        return error(500, message, message);
    }
    std::vector<std::string> served = found->service_pods;
    std::erase_if(served, [&](const std::string& pod) { return !pods.contains(pod); });
    if (!served.empty() && !depend) {
        const std::string message = fmt::format(
            "container {} is the service container of pod(s) {} and cannot be removed without "
            "removing the "
            "pod(s)",
            id, fmt::join(served, ","));
        return error(500, message, message);
    }
    if (found->state == "running" && !force && served.empty()) {
        return error(
            500, "container state improper",
            fmt::format("cannot remove container {} as it is running - running or paused "
                        "containers cannot be removed without force: container state improper",
                        id));
    }
    const std::vector<std::string> dependents = dependents_of(*found);
    if (!dependents.empty() && !depend) {
        return error(
            500, "container already exists",
            fmt::format(
                "container {} has dependent containers which must be removed before it: {}: "
                "container already exists",
                id, fmt::join(dependents, ", ")));
    }
    for (const std::string& dependent : dependents) {
        remove_container(dependent, true, true, volumes_too);
    }
    for (const std::string& served_pod : served) {
        remove_pod(served_pod, true);
    }
    if (const auto still = containers.find(id); still != containers.end()) {
        const Answer stopped = stop_container(still->second, std::nullopt);
        if (stopped.status == 500 && version < podman::Version{5, 5, 0}) {
            return stopped;
        }
        const json used = still->second.spec.value("volumes", json::array());
        drop_container(id);
        for (const json& volume : used) {
            const auto it = volumes.find(volume.value("Name", ""));
            if (volumes_too && it != volumes.end() && it->second.anonymous) {
                std::filesystem::remove_all(it->second.mountpoint);
                volumes.erase(it);
            }
        }
    }
    return ok(ordered_json::array({{{"Id", id}}}));
}

}  // namespace podreeve::fakes
