#include "tests/fakes/fake_podman/render.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace podreeve::fakes {
namespace {

constexpr std::int64_t kNoTime = -62135596800;  // the year 1 as Go counts

std::int64_t seconds_of(const std::optional<WallTime>& time) {
    return time ? std::chrono::duration_cast<std::chrono::seconds>(time->time_since_epoch()).count()
                : kNoTime;
}

ordered_json or_null(const ordered_json& value) {
    return value.empty() ? ordered_json(nullptr) : value;
}

std::vector<std::string> network_names(const json& spec) {
    std::vector<std::string> names;
    const json joined = spec.value("Networks", json::object());
    for (const auto& [name, options] : joined.items()) {
        names.push_back(name);
    }
    return names;
}

// A member of a pod has the ports and the networks of its infra container.
const json& net_spec(const Engine& engine, const Container& container) {
    const auto pod = engine.pods.find(container.pod_id);
    if (pod == engine.pods.end() || container.infra) {
        return container.spec;
    }
    const auto infra = engine.containers.find(pod->second.infra_id);
    return infra == engine.containers.end() ? container.spec : infra->second.spec;
}

ordered_json ports_of(const json& spec) {
    ordered_json ports = ordered_json::array();
    for (const json& mapping : spec.value("portmappings", json::array())) {
        ports.push_back({{"host_ip", mapping.value("host_ip", "")},
                         {"container_port", mapping.value("container_port", 0)},
                         {"host_port", mapping.value("host_port", 0)},
                         {"range", std::max(1, mapping.value("range", 1))},
                         {"protocol", mapping.value("protocol", "tcp")}});
    }
    return or_null(ports);
}

ordered_json bindings_of(const json& spec) {
    ordered_json bindings = ordered_json::object();
    for (const json& mapping : spec.value("portmappings", json::array())) {
        const std::string key = fmt::format("{}/{}", mapping.value("container_port", 0),
                                            mapping.value("protocol", "tcp"));
        const std::string ip = mapping.value("host_ip", "");
        bindings[key].push_back({{"HostIp", ip.empty() ? "0.0.0.0" : ip},
                                 {"HostPort", std::to_string(mapping.value("host_port", 0))}});
    }
    return bindings;
}

ordered_json mount_targets(const json& spec) {
    ordered_json targets = ordered_json::array();
    for (const json& mount : spec.value("mounts", json::array())) {
        targets.push_back(mount.value("destination", ""));
    }
    for (const json& volume : spec.value("volumes", json::array())) {
        targets.push_back(volume.value("Dest", ""));
    }
    return targets;
}

bool writable(const std::vector<std::string>& options) {
    return std::find(options.begin(), options.end(), "ro") == options.end();
}

ordered_json mounts_of(const Engine& engine, const json& spec) {
    ordered_json mounts = ordered_json::array();
    const auto add = [&](const std::string& name, const std::string& source,
                         const std::string& target, const std::vector<std::string>& options) {
        ordered_json mount = {{"Type", name.empty() ? "bind" : "volume"}};
        if (!name.empty()) {
            mount["Name"] = name;
        }
        mount["Source"] = source;
        mount["Destination"] = target;
        mount["Driver"] = name.empty() ? "" : "local";
        mount["Mode"] = "";
        mount["Options"] = options;
        mount["RW"] = writable(options);
        mount["Propagation"] = "rprivate";
        mounts.push_back(mount);
    };
    for (const json& volume : spec.value("volumes", json::array())) {
        const auto known = engine.volumes.find(volume.value("Name", ""));
        const std::string source = known == engine.volumes.end() ? "" : known->second.mountpoint;
        add(volume.value("Name", ""), source, volume.value("Dest", ""), strings(volume, "Options"));
    }
    for (const json& mount : spec.value("mounts", json::array())) {
        if (mount.value("type", "bind") == "bind") {
            add("", mount.value("source", ""), mount.value("destination", ""),
                strings(mount, "options"));
        }
    }
    return mounts;
}

ordered_json state_of(const Container& container) {
    const bool running = container.state == "running";
    ordered_json state = {{"OciVersion", "1.2.0"}, {"Status", container.state},
                          {"Running", running},    {"Paused", false},
                          {"Restarting", false},   {"OOMKilled", false},
                          {"Dead", false},         {"Pid", container.pid}};
    if (running) {
        state["ConmonPid"] = container.conmon_pid;
    }
    state["ExitCode"] = container.exit_code;
    state["Error"] = container.error;
    state["StartedAt"] = go_time(container.started);
    state["FinishedAt"] = go_time(container.finished);
    state["CheckpointedAt"] = go_time(std::nullopt);
    state["RestoredAt"] = go_time(std::nullopt);
    if (container.stopped_by_user) {
        state["StoppedByUser"] = true;
    }
    return state;
}

ordered_json env_of(const json& spec) {
    ordered_json env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "container=podman"};
    const json variables = spec.value("env", json::object());
    for (const auto& [name, value] : variables.items()) {
        env.push_back(name + "=" + value.get<std::string>());
    }
    return env;
}

ordered_json config_of(const Engine& engine, const Container& container, bool v4_shape) {
    const json& spec = container.spec;
    const std::vector<std::string> entrypoint = strings(spec, "entrypoint");
    ordered_json shown_entrypoint = or_null(entrypoint);
    std::string joined;
    for (const std::string& word : entrypoint) {
        joined += (joined.empty() ? "" : " ") + word;
    }
    const std::string hostname = spec.value("hostname", container.id.substr(0, 12));
    ordered_json config = {{"Hostname", hostname},
                           {"Domainname", ""},
                           {"User", spec.value("user", "")},
                           {"AttachStdin", false},
                           {"AttachStdout", false},
                           {"AttachStderr", false},
                           {"Tty", spec.value("terminal", false)},
                           {"OpenStdin", spec.value("stdin", false)},
                           {"StdinOnce", false},
                           {"Env", env_of(spec)},
                           {"Cmd", or_null(strings(spec, "command"))},
                           {"Image", container.image},
                           {"Volumes", nullptr},
                           {"WorkingDir", spec.value("work_dir", "/")}};
    config["Entrypoint"] = v4_shape ? ordered_json(joined) : shown_entrypoint;
    config["OnBuild"] = nullptr;
    config["Labels"] = or_null(spec.value("labels", ordered_json::object()));
    config["Annotations"] = or_null(spec.value("annotations", ordered_json::object()));
    config["StopSignal"] = v4_shape ? ordered_json(15) : ordered_json("SIGTERM");
    config["Umask"] = "0022";
    config["Timeout"] = 0;
    config["StopTimeout"] = spec.value("stop_timeout", 10);
    config["Passwd"] = true;
    (void)engine;
    return config;
}

std::string network_mode(const Engine& engine, const Container& container) {
    const auto pod = engine.pods.find(container.pod_id);
    if (pod != engine.pods.end() && !container.infra && !pod->second.infra_id.empty()) {
        return "container:" + pod->second.infra_id;
    }
    const std::string mode = container.spec.value("netns", json::object()).value("nsmode", "");
    if (!mode.empty()) {
        return mode;
    }
    if (!network_names(container.spec).empty()) {
        return "bridge";
    }
    return engine.version < podman::Version{5, 0, 0} ? "slirp4netns" : "pasta";
}

ordered_json host_config_of(const Engine& engine, const Container& container) {
    const json& spec = container.spec;
    const json limits = spec.value("resource_limits", json::object());
    const json memory = limits.value("memory", json::object());
    const json cpu = limits.value("cpu", json::object());
    ordered_json binds = ordered_json::array();
    for (const json& mount : spec.value("mounts", json::array())) {
        if (mount.value("type", "bind") == "bind") {
            binds.push_back(mount.value("source", "") + ":" + mount.value("destination", "") +
                            ":rprivate,rbind");
        }
    }
    return {
        {"Binds", binds},
        {"NetworkMode", network_mode(engine, container)},
        {"PortBindings", bindings_of(spec)},
        {"RestartPolicy", {{"Name", spec.value("restart_policy", "no")}, {"MaximumRetryCount", 0}}},
        {"AutoRemove", spec.value("remove", false)},
        {"CapAdd", strings(spec, "cap_add")},
        {"CapDrop", strings(spec, "cap_drop")},
        {"GroupAdd", strings(spec, "groups")},
        {"Privileged", spec.value("privileged", false)},
        {"ReadonlyRootfs", spec.value("read_only_filesystem", false)},
        {"CpuShares", cpu.value("shares", 0)},
        {"Memory", memory.value("limit", std::int64_t{0})},
        {"CpuPeriod", cpu.value("period", 0)},
        {"CpuQuota", cpu.value("quota", 0)},
        {"MemoryReservation", memory.value("reservation", std::int64_t{0})}};
}

}  // namespace

std::string version_text(const podman::Version& version) {
    return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

std::string go_time(const std::optional<WallTime>& time) {
    if (!time) {
        return "0001-01-01T00:00:00Z";
    }
    const std::int64_t nanos = time->time_since_epoch().count();
    const std::time_t seconds = nanos / 1'000'000'000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::string fraction = fmt::format(".{:09}", nanos % 1'000'000'000);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return std::string(text) + (fraction == "." ? "" : fraction) + "Z";
}

ordered_json render_container_row(Engine& engine, const Container& container) {
    const json& net = net_spec(engine, container);
    const auto pod = engine.pods.find(container.pod_id);
    const bool exited = container.state == "exited";
    ordered_json mounts = mount_targets(container.spec);
    return {{"AutoRemove", container.spec.value("remove", false)},
            {"Command", or_null(strings(container.spec, "command"))},
            {"Created", go_time(container.created)},
            {"CreatedAt", ""},
            {"CIDFile", ""},
            {"Exited", exited},
            {"ExitedAt", seconds_of(container.finished)},
            {"ExitCode", container.exit_code},
            {"ExposedPorts", nullptr},
            {"Id", container.id},
            {"Image", container.image},
            {"ImageID", container.image_id},
            {"IsInfra", container.infra},
            {"Labels", or_null(container.spec.value("labels", ordered_json::object()))},
            {"Mounts", mounts},
            {"Names", {container.name}},
            {"Namespaces", ordered_json::object()},
            {"Networks", container.infra || container.pod_id.empty() ? network_names(net)
                                                                     : std::vector<std::string>()},
            {"Pid", container.pid},
            {"Pod", container.pod_id},
            {"PodName", pod == engine.pods.end() ? "" : pod->second.name},
            {"Ports", ports_of(net)},
            {"Restarts", 0},
            {"Size", nullptr},
            {"StartedAt", seconds_of(container.started)},
            {"State", container.state},
            {"Status", ""}};
}

ordered_json render_container(Engine& engine, const Container& container, bool v4_shape) {
    const std::vector<std::string> line = command_line(container.spec);
    const auto pod = engine.pods.find(container.pod_id);
    ordered_json dependencies = ordered_json::array();
    if (pod != engine.pods.end() && !container.infra && !pod->second.infra_id.empty()) {
        dependencies.push_back(pod->second.infra_id);
    }
    ordered_json networks = ordered_json::object();
    for (const std::string& name : network_names(container.spec)) {
        networks[name] = {
            {"NetworkID", name},
            {"Aliases", container.spec["Networks"][name].value("aliases", json::array())}};
    }
    ordered_json out = {
        {"Id", container.id},
        {"Created", go_time(container.created)},
        {"Path", line.empty() ? "" : line.front()},
        {"Args", line.empty() ? line : std::vector<std::string>(line.begin() + 1, line.end())},
        {"State", state_of(container)},
        {"Image", container.image_id},
        {"ImageDigest", container.image_digest},
        {"ImageName", container.image},
        {"Rootfs", ""},
        {"Pod", container.pod_id},
        {"Name", container.name},
        {"RestartCount", 0},
        {"Driver", "overlay"},
        {"ExecIDs", ordered_json::array()},
        {"Mounts", mounts_of(engine, container.spec)},
        {"Dependencies", dependencies},
        {"NetworkSettings",
         {{"Ports", bindings_of(net_spec(engine, container))}, {"Networks", networks}}},
        {"Namespace", ""},
        {"IsInfra", container.infra}};
    out["IsService"] = container.service;
    if (engine.version >= podman::Version{4, 6, 0}) {
        out["KubeExitCodePropagation"] = container.service ? "none" : "invalid";
    }
    out["lockNumber"] = container.lock_number;
    out["Config"] = config_of(engine, container, v4_shape);
    out["HostConfig"] = host_config_of(engine, container);
    return out;
}

ordered_json render_pod_row(Engine& engine, const Pod& pod) {
    ordered_json members = ordered_json::array();
    for (const Container* member : engine.members(pod)) {
        members.push_back({{"Id", member->id},
                           {"Names", member->name},
                           {"Status", member->state},
                           {"RestartCount", 0}});
    }
    return {{"Cgroup", "user.slice"},
            {"Containers", members},
            {"Created", go_time(pod.created)},
            {"Id", pod.id},
            {"InfraId", pod.infra_id},
            {"Name", pod.name},
            {"Namespace", ""},
            {"Networks", network_names(pod.spec)},
            {"Status", engine.pod_status(pod)},
            {"Labels", pod.spec.value("labels", ordered_json::object())}};
}

ordered_json render_pod(Engine& engine, const Pod& pod) {
    ordered_json members = ordered_json::array();
    for (const Container* member : engine.members(pod)) {
        members.push_back({{"Id", member->id}, {"Name", member->name}, {"State", member->state}});
    }
    return {
        {"Id", pod.id},
        {"Name", pod.name},
        {"Created", go_time(pod.created)},
        {"ExitPolicy", pod.spec.value("exit_policy", "continue")},
        {"State", engine.pod_status(pod)},
        {"Hostname", pod.spec.value("hostname", "")},
        {"Labels", pod.spec.value("labels", ordered_json::object())},
        {"CreateCgroup", true},
        {"CgroupParent", "user.slice"},
        {"CreateInfra", !pod.infra_id.empty()},
        {"InfraContainerID", pod.infra_id},
        {"InfraConfig",
         {{"PortBindings", bindings_of(pod.spec)},
          {"HostNetwork", pod.spec.value("netns", json::object()).value("nsmode", "") == "host"}}},
        {"SharedNamespaces", {"ipc", "net", "uts"}},
        {"NumContainers", members.size()},
        {"Containers", members},
        {"RestartPolicy", pod.spec.value("restart_policy", "no")},
        {"LockNumber", pod.lock_number}};
}

}  // namespace podreeve::fakes
