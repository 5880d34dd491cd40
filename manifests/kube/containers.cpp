#include "manifests/kube/containers.h"

#include <algorithm>

#include <fmt/format.h>

#include "manifests/expand.h"
#include "manifests/kube/env.h"
#include "manifests/kube/resources.h"
#include "manifests/kube/security.h"
#include "manifests/names.h"
#include "manifests/ports.h"
#include "manifests/probes.h"
#include "manifests/words.h"

namespace podreeve::manifests::kube {
namespace {

std::optional<Port> read_port(const Place& place, bool host_network) {
    if (!place.check_fields(fields::kPort)) {
        return std::nullopt;
    }
    place["name"].text();
    Port port;
    const auto host = place["hostPort"].integer(0, 65535);
    const auto inner = place["containerPort"].integer(1, 65535);
    if (!inner && !place["containerPort"].present() && host.value_or(0) == 0) {
        place["containerPort"].require();
        return std::nullopt;
    }
    port.host_port = static_cast<std::uint16_t>(host.value_or(0));
    port.container_port = static_cast<std::uint16_t>(inner.value_or(host.value_or(0)));
    if (const auto protocol = place["protocol"].one_of({"TCP", "UDP", "SCTP"})) {
        port.protocol = *protocol == "UDP" ? "udp" : *protocol == "SCTP" ? "sctp" : "tcp";
    }
    port.host_ip = read_host_ip(place["hostIP"]);
    if (host_network && port.host_port != 0 && port.host_port != port.container_port) {
        place["hostPort"].fail("must be the containerPort on the host's network");
    }
    return port;
}

// The ports a container says it listens on, published or not.
struct DeclaredPorts {
    std::map<std::string, std::uint16_t> by_name;
    std::vector<std::uint16_t> tcp;
};

void note_port(const Place& place, const Port& port, DeclaredPorts& declared) {
    if (const Place name = place["name"]; name.is_scalar() && !name.node()->text.empty()) {
        if (!declared.by_name.emplace(name.node()->text, port.container_port).second) {
            name.fail(fmt::format("the port {} is there twice", name.node()->text));
        }
    }
    const auto known = std::find(declared.tcp.begin(), declared.tcp.end(), port.container_port);
    if (port.protocol == "tcp" && known == declared.tcp.end()) {
        declared.tcp.push_back(port.container_port);
    }
}

void read_ports(const Place& list,
                bool host_network,
                std::vector<Port>& out,
                DeclaredPorts& declared) {
    for (const Place& place : list.items()) {
        const auto port = read_port(place, host_network);
        if (port) {
            note_port(place, *port, declared);
        }
        // What is not published needs nothing made: all of a pod's ports are open inside it.
        if (!port || port->host_port == 0 || host_network) {
            continue;
        }
        out.push_back(*port);
        check_port_is_free(place["hostPort"], out);
    }
}

std::vector<std::string> read_words(const Place& list,
                                    const std::map<std::string, std::string>& env) {
    std::vector<std::string> out;
    for (const std::string& word : list.texts()) {
        out.push_back(expand_variables(word, env));
    }
    return out;
}

void read_image(const Place& place, ContainerSpec& out) {
    if (const auto image = image_of(place["image"])) {
        out.image = *image;
    }
    out.pull = default_pull_policy(out.image);
    if (const auto policy = place["imagePullPolicy"].one_of({"Always", "IfNotPresent", "Never"})) {
        out.pull = *policy == "Always"  ? PullPolicy::Always
                   : *policy == "Never" ? PullPolicy::Never
                                        : PullPolicy::IfNotPresent;
    }
}

void read_process(const Place& place, const PodContext& pod, ContainerSpec& out) {
    ContainerEnvironment environment = read_environment(place, pod.name, pod.metadata, pod.objects);
    out.entrypoint = read_words(place["command"], environment.values);
    out.entrypoint_set = !out.entrypoint.empty();
    out.command = read_words(place["args"], environment.values);
    out.command_set = !out.command.empty();
    out.env = std::move(environment.values);
    out.secret_env.assign(environment.secret.begin(), environment.secret.end());
    if (place["workingDir"].present()) {
        out.working_dir = place["workingDir"].absolute_path().value_or("");
    }
    out.tty = place["tty"].boolean().value_or(false);
    out.stdin_open = place["stdin"].boolean().value_or(false);
}

// Kubernetes takes what preStop needs from the grace, so it can have no more than that.
void read_pre_stop(const Place& hook,
                   const PodContext& pod,
                   const DeclaredPorts& declared,
                   ContainerSpec& out) {
    const Place exec = hook["exec"], sleep = hook["sleep"];
    const ProbeContext context{declared.by_name, out.env};
    if (hook.entries().size() != 1) {
        hook.fail("must hold one of exec, httpGet, sleep and tcpSocket");
        return;
    }
    if (exec.present() && exec.check_fields(fields::kLifecycleExec)) {
        exec["command"].require();
        out.pre_stop.command = read_words(exec["command"], out.env);
    }
    if (sleep.present() && sleep.check_fields(fields::kLifecycleSleep)) {
        sleep["seconds"].require();
        const auto seconds = sleep["seconds"].integer(0, pod.stop_grace.count());
        out.pre_stop.sleep = std::chrono::seconds(seconds.value_or(0));
    }
    if (hook["httpGet"].present()) {
        out.pre_stop.request = read_http_get(hook["httpGet"], context);
    }
    if (hook["tcpSocket"].present()) {
        out.pre_stop.request = read_tcp_socket(hook["tcpSocket"], context);
    }
    if (out.pre_stop.request) {
        out.pre_stop.request->timeout = std::max(pod.stop_grace, std::chrono::seconds(1));
    }
}

void read_lifecycle(const Place& place,
                    const PodContext& pod,
                    const DeclaredPorts& declared,
                    ContainerSpec& out) {
    const Place hook = place["preStop"];
    if (place.check_fields(fields::kLifecycle) && hook.present() &&
        hook.check_fields(fields::kLifecycleHandler)) {
        read_pre_stop(hook, pod, declared, out);
    }
}

void read_name(const Place& place,
               const PodContext& pod,
               std::vector<ContainerSpec>& containers,
               ContainerSpec& out) {
    const auto name = place.required_text();
    if (!name) {
        return;
    }
    if (!is_label(*name)) {
        place.fail(fmt::format("'{}' is not a name", *name), std::string(kLabelRule));
        return;
    }
    out.part = fmt::format("{}/{}", pod.name, *name);
    out.name = fmt::format("{}-{}", pod.name, *name);
    const auto same = [&](const ContainerSpec& c) { return c.part == out.part; };
    if (std::any_of(containers.begin(), containers.end(), same)) {
        place.fail(fmt::format("the container {} is there twice", *name));
    }
}

constexpr std::pair<const char*, ProbeUse> kProbes[] = {{"livenessProbe", ProbeUse::Liveness},
                                                        {"readinessProbe", ProbeUse::Readiness},
                                                        {"startupProbe", ProbeUse::Startup}};

void refuse_probes(const Place& place) {
    for (const auto& [field, use] : kProbes) {
        if (place[field].present()) {
            place[field].fail_at_key("an init container has no probes: it is done when it ends");
        }
    }
}

Health read_health(const Place& place,
                   bool ready_by_port,
                   const DeclaredPorts& declared,
                   const std::map<std::string, std::string>& env) {
    const ProbeContext context{declared.by_name, env};
    Health out;
    out.liveness = read_probe(place["livenessProbe"], ProbeUse::Liveness, context);
    out.readiness = read_probe(place["readinessProbe"], ProbeUse::Readiness, context);
    out.startup = read_probe(place["startupProbe"], ProbeUse::Startup, context);
    if (ready_by_port && !place["readinessProbe"].present() && !declared.tcp.empty()) {
        out.readiness = open_ports(declared.tcp);
    }
    return out;
}

RestartPolicy restart_of(ContainerRole role, RestartPolicy of_pod) {
    if (role == ContainerRole::Workload || of_pod == RestartPolicy::Never) {
        return of_pod;
    }
    return RestartPolicy::OnFailure;  // an init container runs until it has succeeded, once
}

}  // namespace

void read_container(const Place& place,
                    ContainerRole role,
                    const PodContext& pod,
                    std::vector<ContainerSpec>& containers,
                    std::vector<Port>& ports) {
    const bool init = role == ContainerRole::Init;
    if (!place.check_fields(init ? fields::kInitContainer : fields::kContainer)) {
        return;
    }
    ContainerSpec out;
    out.pod = pod.name;
    out.role = role;
    read_name(place["name"], pod, containers, out);
    read_image(place, out);
    read_process(place, pod, out);
    std::vector<Port> unpublished;  // an init container's are gone before anybody could call
    DeclaredPorts declared;
    read_ports(place["ports"], pod.host_network, init ? unpublished : ports, declared);
    out.mounts = read_mounts(place["volumeMounts"], pod.volumes);
    out.resources = read_resources(place["resources"]);
    out.security = read_security(place["securityContext"], pod.security);
    out.labels = pod.metadata.labels;
    out.annotations = pod.metadata.annotations;
    out.restart = restart_of(role, pod.restart);
    out.stop_grace = pod.stop_grace;
    if (!init) {
        read_lifecycle(place["lifecycle"], pod, declared, out);
        out.health = read_health(place, pod.ready_by_port, declared, out.env);
    } else if (place["lifecycle"].present()) {
        place["lifecycle"].fail_at_key("an init container has no lifecycle");
    }
    if (init) {
        refuse_probes(place);
    }
    containers.push_back(std::move(out));
}

}  // namespace podreeve::manifests::kube
