#include "manifests/kube/pod.h"

#include <algorithm>

#include <fmt/format.h>

#include "manifests/kube/containers.h"
#include "manifests/kube/security.h"
#include "manifests/kube/volumes.h"
#include "manifests/names.h"
#include "manifests/ports.h"

namespace podreeve::manifests::kube {
namespace {

constexpr std::int64_t kMaxGraceSeconds = 24 * 60 * 60;

void read_host_aliases(const Place& list, PodSpec& pod) {
    for (const Place& item : list.items()) {
        if (!item.check_fields(fields::kHostAlias)) {
            continue;
        }
        const Place ip = item["ip"];
        const auto address = ip.required_text(Reading::Verbatim);
        if (address && !is_ip_address(*address)) {
            ip.fail(fmt::format("'{}' is not an IP address", *address));
        }
        for (const Place& name : item["hostnames"].items()) {
            const auto text = name.required_text();
            if (text && address &&
                pod.host_aliases.emplace(*text, *address).first->second != *address) {
                name.fail(fmt::format("the host {} has another address above", *text));
            }
        }
    }
}

void read_dns(const Place& config, PodSpec& pod) {
    if (!config.check_fields(fields::kDnsConfig)) {
        return;
    }
    for (const Place& server : config["nameservers"].items()) {
        const auto text = server.required_text(Reading::Verbatim);
        if (text && !is_ip_address(*text)) {
            server.fail(fmt::format("'{}' is not an IP address", *text));
        } else if (text) {
            pod.dns_servers.push_back(*text);
        }
    }
    pod.dns_searches = config["searches"].texts();
    for (const Place& option : config["options"].items()) {
        if (!option.check_fields(fields::kDnsOption)) {
            continue;
        }
        const auto name = option["name"].required_text();
        const auto value = option["value"].text(Reading::Verbatim);
        if (name) {
            pod.dns_options.push_back(value ? fmt::format("{}:{}", *name, *value) : *name);
        }
    }
}

// Fields that say what is so anyway: right as that, and an error when they ask for more.
void check_fixed_fields(const Place& spec) {
    if (spec["automountServiceAccountToken"].boolean().value_or(false)) {
        spec["automountServiceAccountToken"].fail("there are no service accounts here", "false");
    }
    if (spec["enableServiceLinks"].boolean().value_or(false)) {
        spec["enableServiceLinks"].fail("there are no services here", "false");
    }
    spec["dnsPolicy"].one_of({"ClusterFirst", "Default"});
}

void read_namespaces(const Place& spec, PodSpec& pod) {
    pod.host_network = spec["hostNetwork"].boolean().value_or(false);
    pod.share_pid = spec["shareProcessNamespace"].boolean().value_or(false);
    pod.host_pid = spec["hostPID"].boolean().value_or(false);
    pod.host_ipc = spec["hostIPC"].boolean().value_or(false);
    if (pod.host_pid && pod.share_pid) {
        spec["shareProcessNamespace"].fail("cannot stand beside hostPID");
    }
    const Place hostname = spec["hostname"];
    const auto text = hostname.text();
    if (text && !text->empty() && !is_label(*text)) {
        hostname.fail(fmt::format("'{}' is not a host name", *text), std::string(kLabelRule));
    }
    // On the host's network the host's name counts, as with kube play.
    pod.hostname = pod.host_network ? "" : text && !text->empty() ? *text : pod.name;
}

RestartPolicy read_restart(const Place& spec, const Metadata& metadata) {
    const auto word = spec["restartPolicy"].one_of({"Always", "OnFailure", "Never"});
    if (metadata.settings.restart) {
        return *metadata.settings.restart;
    }
    if (!word || *word == "Always") {
        return RestartPolicy::Always;
    }
    return *word == "Never" ? RestartPolicy::Never : RestartPolicy::OnFailure;
}

void join_network(PodSpec& pod, AppSpec& app) {
    if (pod.host_network) {
        return;
    }
    pod.networks.emplace_back(kSharedNetwork);
    if (app.networks.empty()) {
        app.networks.push_back(
            {fmt::format("network/{}", kSharedNetwork), std::string(kSharedNetwork), true});
    }
}

void read_containers(const Place& spec, const PodContext& context, PodSpec& pod, AppSpec& app) {
    std::vector<ContainerSpec> containers;
    for (const Place& place : spec["initContainers"].items()) {
        read_container(place, ContainerRole::Init, context, containers, pod.ports);
    }
    const Place list = spec["containers"];
    if (list.require() && list.is_list() && list.node()->items.empty()) {
        list.fail("must hold a container");
    }
    for (const Place& place : list.items()) {
        read_container(place, ContainerRole::Workload, context, containers, pod.ports);
        const auto name = place.is_map() ? place.node()->find("name") : nullptr;
        if (name != nullptr && !pod.host_network) {
            pod.network_aliases.push_back(name->value->text);
        }
    }
    const auto is_probed = [](const ContainerSpec& c) { return c.health.readiness.has_value(); };
    if (context.ready_by_port && std::none_of(containers.begin(), containers.end(), is_probed)) {
        list.fail("podreeve.io/ready: port asks for a container with a TCP port");
    }
    std::move(containers.begin(), containers.end(), std::back_inserter(app.containers));
}

}  // namespace

void read_pod_spec(const Place& spec,
                   const std::string& pod_name,
                   const Metadata& metadata,
                   const Objects& objects,
                   AppSpec& app) {
    if (!spec.require() || !spec.check_fields(fields::kPodSpec)) {
        return;
    }
    PodSpec pod;
    pod.part = pod_name;
    pod.name = pod_name;
    pod.labels = metadata.labels;
    read_namespaces(spec, pod);
    join_network(pod, app);
    read_host_aliases(spec["hostAliases"], pod);
    read_dns(spec["dnsConfig"], pod);
    check_fixed_fields(spec);
    const Place security = spec["securityContext"];
    check_pod_security(security);
    pod.sysctls = read_sysctls(security);
    const auto grace = spec["terminationGracePeriodSeconds"].integer(0, kMaxGraceSeconds);
    const PodVolumes volumes = read_volumes(spec["volumes"], pod_name, objects, app);
    const PodContext context{pod_name,
                             metadata,
                             objects,
                             volumes,
                             security,
                             read_restart(spec, metadata),
                             std::chrono::seconds(grace.value_or(10)),
                             pod.host_network,
                             metadata.settings.ready_by_port.value_or(false)};
    read_containers(spec, context, pod, app);
    app.pods.push_back(std::move(pod));
}

}  // namespace podreeve::manifests::kube
