#include "agent/handlers/create_body.h"

#include <algorithm>

namespace podreeve::handlers {

namespace {

constexpr std::int64_t kCpuPeriod = 100'000;  // microseconds, as kube play takes it

Labels merged(Labels labels, const Labels& ours) {
    for (const auto& [key, value] : ours) {
        labels[key] = value;
    }
    return labels;
}

bool is_own_option(const std::string& option) {
    return option == manifests::kOptionCreateDirectory || option == manifests::kOptionCreateFile;
}

std::vector<std::string> mount_options(const manifests::Mount& mount) {
    std::vector<std::string> options;
    std::copy_if(mount.options.begin(), mount.options.end(), std::back_inserter(options),
                 [](const std::string& option) { return !is_own_option(option); });
    return options;
}

bool has_option(const std::vector<std::string>& options, const char* option) {
    return std::find(options.begin(), options.end(), option) != options.end();
}

std::string bind_source(const manifests::Mount& mount) {
    return mount.sub_path.empty() ? mount.source : mount.source + "/" + mount.sub_path;
}

// The options in the words, and where, kube play puts them.
void add_mount(podman::ContainerCreate& body, const manifests::Mount& mount) {
    std::vector<std::string> options = mount_options(mount);
    if (mount.kind == manifests::MountKind::Volume) {
        if (mount.read_only) {
            options.emplace_back("ro");
        }
        body.volumes.push_back({mount.source, mount.target, mount.sub_path, std::move(options)});
        return;
    }
    const bool bind = mount.kind == manifests::MountKind::Bind;
    if (bind && !has_option(options, "rbind") && !has_option(options, "bind")) {
        options.insert(options.begin(), "rbind");
    }
    options.emplace_back(mount.read_only ? "ro" : "rw");
    if (bind) {
        body.mounts.push_back({"bind", bind_source(mount), mount.target, std::move(options)});
    } else {
        body.mounts.push_back({"tmpfs", "", mount.target, std::move(options)});
    }
}

std::vector<podman::PortMapping> published(const std::vector<manifests::Port>& ports) {
    std::vector<podman::PortMapping> mappings;
    for (const manifests::Port& port : ports) {
        if (port.host_port != 0) {
            mappings.push_back({port.host_ip, port.container_port, port.host_port, port.protocol});
        }
    }
    return mappings;
}

void add_resources(podman::ContainerCreate& body, const manifests::Resources& resources) {
    body.memory_limit = resources.memory_limit;
    body.memory_reservation = resources.memory_reservation;
    if (resources.cpu_milli_limit) {
        body.cpu_period = kCpuPeriod;
        body.cpu_quota = *resources.cpu_milli_limit * (kCpuPeriod / 1000);
    }
}

void add_security(podman::ContainerCreate& body, const manifests::Security& security) {
    body.user = security.user.value_or("");
    for (const std::int64_t group : security.groups) {
        body.groups.push_back(std::to_string(group));
    }
    body.cap_add = security.cap_add;
    body.cap_drop = security.cap_drop;
    body.privileged = security.privileged;
    body.read_only_root = security.read_only_root;
    body.no_new_privileges = security.no_new_privileges;
    for (const auto& [key, value] : security.selinux) {
        body.selinux_opts.push_back(key + ":" + value);
    }
    body.seccomp_profile = security.seccomp;
}

void add_network(podman::ContainerCreate& body, const manifests::ContainerSpec& spec) {
    body.hostname = spec.hostname;
    body.ports = published(spec.ports);
    if (spec.host_network) {
        body.netns = "host";
        return;
    }
    for (const std::string& network : spec.networks) {
        body.networks[network] = spec.network_aliases;
    }
    body.netns = spec.networks.empty() ? "" : "bridge";
}

// What the image says of command and entrypoint counts only where the manifest is silent; an
// entrypoint of its own makes the image's command void, as in Kubernetes.
void add_command(podman::ContainerCreate& body, const manifests::ContainerSpec& spec) {
    if (spec.entrypoint_set) {
        body.entrypoint = spec.entrypoint;
    }
    if (spec.command_set) {
        body.command = spec.command;
    } else if (spec.entrypoint_set) {
        body.command = std::vector<std::string>();
    }
}

}  // namespace

podman::ContainerCreate container_body(const manifests::ContainerSpec& spec,
                                       const std::string& pod,
                                       const Labels& labels) {
    podman::ContainerCreate body;
    body.name = spec.name;
    body.pod = pod;
    body.image = spec.image;
    add_command(body, spec);
    body.env = spec.env;
    body.labels = merged(spec.labels, labels);
    body.annotations = spec.annotations;
    body.working_dir = spec.working_dir;
    body.terminal = spec.tty;
    body.stdin_open = spec.stdin_open;
    for (const manifests::Mount& mount : spec.mounts) {
        add_mount(body, mount);
    }
    if (pod.empty()) {
        add_network(body, spec);
    }
    add_resources(body, spec.resources);
    add_security(body, spec.security);
    body.init_container_type = spec.role == manifests::ContainerRole::Init ? "once" : "";
    // REST's default adds the user to the image's /etc/passwd; kube play does not.
    body.extra_json["manage_password"] = "false";
    body.stop_timeout = static_cast<unsigned>(std::max<std::int64_t>(0, spec.stop_grace.count()));
    return body;
}

podman::PodCreate pod_body(const manifests::PodSpec& spec,
                           const std::string& service,
                           const Labels& labels) {
    podman::PodCreate body;
    body.name = spec.name;
    body.hostname = spec.hostname;
    body.labels = merged(spec.labels, labels);
    body.ports = published(spec.ports);
    if (spec.host_network) {
        body.netns = "host";
    } else {
        for (const std::string& network : spec.networks) {
            body.networks[network] = spec.network_aliases;
        }
        body.netns = spec.networks.empty() ? "" : "bridge";
    }
    body.service_container_id = service;
    body.host_pid = spec.host_pid;
    body.host_ipc = spec.host_ipc;
    if (spec.share_pid) {
        body.shared_namespaces = {"ipc", "net", "uts", "pid"};
    }
    for (const auto& [name, address] : spec.host_aliases) {
        body.hostadd.push_back(name + ":" + address);
    }
    body.dns_server = spec.dns_servers;
    body.dns_search = spec.dns_searches;
    body.dns_option = spec.dns_options;
    body.sysctls = spec.sysctls;
    body.infra_annotations = spec.annotations;
    return body;
}

namespace {

// A claim and a plain volume hold people's data and outlive everything.
bool goes_with_its_app(manifests::VolumeOrigin origin) {
    return origin == manifests::VolumeOrigin::EmptyDir ||
           origin == manifests::VolumeOrigin::ConfigMap ||
           origin == manifests::VolumeOrigin::Secret;
}

}  // namespace

podman::VolumeDetails volume_body(const manifests::VolumeSpec& spec, const Labels& labels) {
    podman::VolumeDetails body;
    body.name = spec.name;
    body.driver = spec.driver;
    body.labels = merged(spec.labels, labels);
    body.options = spec.options;
    const auto owner = labels.find(observe::kLabelOwner);
    if (goes_with_its_app(spec.origin) && owner != labels.end()) {
        body.labels[observe::kLabelVolume] = owner->second + "/" + spec.name;
    }
    const bool filled = spec.origin == manifests::VolumeOrigin::ConfigMap ||
                        spec.origin == manifests::VolumeOrigin::Secret;
    // Else the first container to mount it would get it as its own, and the agent, who is that
    // root, could not write there any more.
    if (filled) {
        body.options["o"] = "uid=0,gid=0";
    }
    return body;
}

}  // namespace podreeve::handlers
