#include "manifests/kube/containers.h"

#include <algorithm>

#include <fmt/format.h>

#include "manifests/expand.h"
#include "manifests/kube/env.h"
#include "manifests/kube/resources.h"
#include "manifests/kube/security.h"
#include "manifests/names.h"
#include "manifests/ports.h"
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

void read_ports(const Place& list, bool host_network, std::vector<Port>& out) {
    for (const Place& place : list.items()) {
        const auto port = read_port(place, host_network);
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
    Environment environment = read_environment(place, pod.name, pod.metadata, pod.objects);
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
    read_ports(place["ports"], pod.host_network, init ? unpublished : ports);
    out.mounts = read_mounts(place["volumeMounts"], pod.volumes);
    out.resources = read_resources(place["resources"]);
    out.security = read_security(place["securityContext"], pod.security);
    out.labels = pod.metadata.labels;
    out.annotations = pod.metadata.annotations;
    out.restart = restart_of(role, pod.restart);
    out.stop_grace = pod.stop_grace;
    containers.push_back(std::move(out));
}

}  // namespace podreeve::manifests::kube
