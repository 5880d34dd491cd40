#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {
namespace {

// Sets a field only when there is something to say: podman's own default stands for all the rest.
template <class Value>
void put(Json& spec, const char* key, const Value& value) {
    if (!value.empty()) {
        spec[key] = value;
    }
}

template <class Value>
void put_optional(Json& spec, const char* key, const std::optional<Value>& value) {
    if (value) {
        spec[key] = *value;
    }
}

void put_flag(Json& spec, const char* key, bool value) {
    if (value) {
        spec[key] = true;
    }
}

void put_namespace(Json& spec, const char* key, const std::string& mode) {
    if (!mode.empty()) {
        spec[key] = {{"nsmode", mode}};
    }
}

void put_ports(Json& spec, const std::vector<PortMapping>& ports) {
    for (const PortMapping& port : ports) {
        Json row = {{"container_port", port.container_port},
                    {"host_port", port.host_port},
                    {"protocol", port.protocol}};
        put(row, "host_ip", port.host_ip);
        spec["portmappings"].push_back(std::move(row));
    }
}

void put_networks(Json& spec, const std::map<std::string, std::vector<std::string>>& networks) {
    for (const auto& [name, aliases] : networks) {
        Json options = Json::object();
        put(options, "aliases", aliases);
        spec["Networks"][name] = std::move(options);
    }
}

void put_mounts(Json& spec, const ContainerCreate& create) {
    for (const OciMount& mount : create.mounts) {
        Json row = {{"type", mount.type}, {"destination", mount.target}};
        put(row, "source", mount.source);
        put(row, "options", mount.options);
        spec["mounts"].push_back(std::move(row));
    }
    for (const NamedVolume& volume : create.volumes) {
        Json row = {{"Name", volume.name}, {"Dest", volume.target}};
        put(row, "Options", volume.options);
        put(row, "SubPath", volume.sub_path);
        spec["volumes"].push_back(std::move(row));
    }
}

void put_limits(Json& spec, const ContainerCreate& create) {
    Json memory = Json::object();
    put_optional(memory, "limit", create.memory_limit);
    put_optional(memory, "reservation", create.memory_reservation);
    if (create.memory_limit) {
        memory["swap"] = 0;  // else podman allows as much swap again, which kube play does not
    }
    Json cpu = Json::object();
    put_optional(cpu, "quota", create.cpu_quota);
    put_optional(cpu, "period", create.cpu_period);
    put_optional(cpu, "shares", create.cpu_shares);
    Json limits = Json::object();
    put(limits, "memory", memory);
    put(limits, "cpu", cpu);
    put(spec, "resource_limits", limits);
}

void put_security(Json& spec, const ContainerCreate& create) {
    put(spec, "cap_add", create.cap_add);
    put(spec, "cap_drop", create.cap_drop);
    put_optional(spec, "privileged", create.privileged);
    put_optional(spec, "read_only_filesystem", create.read_only_root);
    put_optional(spec, "no_new_privileges", create.no_new_privileges);
    put(spec, "selinux_opts", create.selinux_opts);
    put(spec, "seccomp_profile_path", create.seccomp_profile);
}

// podreeve alone watches its containers: an image's HEALTHCHECK must not make podman set up timers,
// and no container is to speak to the service manager of whoever started podman.
void put_supervision(Json& spec, const ContainerCreate& create) {
    spec["healthconfig"] = {{"Test", {"NONE"}}};
    spec["sdnotifyMode"] = "ignore";
    spec["stop_timeout"] = create.stop_timeout;
    put(spec, "restart_policy", create.restart_policy);
}

void put_process(Json& spec, const ContainerCreate& create) {
    put_optional(spec, "entrypoint", create.entrypoint);
    put_optional(spec, "command", create.command);
    put(spec, "env", create.env);
    put(spec, "work_dir", create.working_dir);
    put(spec, "user", create.user);
    put(spec, "groups", create.groups);
    put_flag(spec, "terminal", create.terminal);
    put_flag(spec, "stdin", create.stdin_open);
    put(spec, "init_container_type", create.init_container_type);
}

void put_extra(Json& spec, const std::map<std::string, std::string>& extra) {
    for (const auto& [key, text] : extra) {
        Json value = Json::parse(text, nullptr, false);
        if (!value.is_discarded()) {
            spec[key] = std::move(value);
        }
    }
}

}  // namespace

std::string write_container_create(const ContainerCreate& create) {
    Json spec = Json::object();
    put(spec, "name", create.name);
    put(spec, "pod", create.pod);
    put(spec, "image", create.image);
    put(spec, "hostname", create.hostname);
    put(spec, "labels", create.labels);
    put(spec, "annotations", create.annotations);
    put_process(spec, create);
    put_supervision(spec, create);
    put_mounts(spec, create);
    put_ports(spec, create.ports);
    put_networks(spec, create.networks);
    put_namespace(spec, "netns", create.netns);
    put_limits(spec, create);
    put_security(spec, create);
    put_extra(spec, create.extra_json);
    return json_text(spec);
}

std::string write_pod_create(const PodCreate& create) {
    Json spec = Json::object();
    put(spec, "name", create.name);
    put(spec, "hostname", create.hostname);
    put(spec, "labels", create.labels);
    put_ports(spec, create.ports);
    put_networks(spec, create.networks);
    put_namespace(spec, "netns", create.netns);
    put_namespace(spec, "pidns", create.host_pid ? "host" : "");
    put_namespace(spec, "ipcns", create.host_ipc ? "host" : "");
    put(spec, "exit_policy", create.exit_policy);
    put(spec, "restart_policy", create.restart_policy);
    put(spec, "serviceContainerID", create.service_container_id);
    put(spec, "shared_namespaces", create.shared_namespaces);
    put(spec, "hostadd", create.hostadd);
    put(spec, "dns_server", create.dns_server);
    put(spec, "dns_search", create.dns_search);
    put(spec, "dns_option", create.dns_option);
    put(spec, "sysctl", create.sysctls);
    return json_text(spec);
}

std::string write_volume_create(const VolumeDetails& volume) {
    Json spec = {{"Name", volume.name}};
    put(spec, "Driver", volume.driver);
    put(spec, "Label", volume.labels);
    put(spec, "Options", volume.options);
    return json_text(spec);
}

std::string write_network_create(const NetworkDetails& network) {
    Json spec = {{"name", network.name}, {"dns_enabled", network.dns_enabled}};
    put(spec, "driver", network.driver);
    put(spec, "labels", network.labels);
    return json_text(spec);
}

std::string write_text_map(const std::map<std::string, std::string>& map) {
    return json_text(Json(map));
}

}  // namespace podreeve::podman::wire
