#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runtime/base/clock.h"

// Requests and replies of podman's libpod REST API as values, across 4.3 … 5.8. Ids are full ids.
namespace podreeve::podman {

enum class ContainerState {
    Unknown,
    Configured,
    Created,
    Initialized,
    Running,
    Stopped,
    Paused,
    Exited,
    Removing,
    Stopping
};
enum class PodStatus { Unknown, Created, Running, Degraded, Stopped, Exited, Paused, Dead, Error };

ContainerState container_state_from(std::string_view text);
PodStatus pod_status_from(std::string_view text);
std::string_view to_string(ContainerState state);
std::string_view to_string(PodStatus status);

struct Version {
    int major = 0, minor = 0, patch = 0;
    friend auto operator<=>(const Version&, const Version&) = default;
};

struct PortMapping {
    std::string host_ip;
    std::uint16_t container_port = 0, host_port = 0;
    std::string protocol = "tcp";
};

// One row of GET containers/json.
struct ContainerSummary {
    std::string id;
    std::string name;
    std::string image;  // as it was asked for
    std::string image_id;
    ContainerState state = ContainerState::Unknown;
    std::string health;  // "", starting, healthy, unhealthy
    int exit_code = 0;
    std::int64_t pid = 0;
    std::string pod_id, pod_name;
    bool is_infra = false;
    bool auto_remove = false;
    std::map<std::string, std::string> labels;
    std::vector<std::string> networks;
    std::vector<std::string> mounts;                   // targets
    std::vector<PortMapping> ports;                    // published; of all members of a pod alike
    std::optional<WallTime> created, started, exited;  // whole seconds
};

// GET containers/{n}/json: the fields podreeve reads; raw keeps all the rest.
struct ContainerDetails {
    ContainerSummary summary;
    bool is_service = false;
    std::optional<WallTime> started, finished;  // nanoseconds
    std::map<std::string, std::string> annotations;
    std::int64_t conmon_pid = 0;
    std::string error;  // State.Error
    bool oom_killed = false;
};

// GET exec/{id}/json: a command that was run in a container.
struct ExecSession {
    bool running = false;
    int exit_code = 0;     // 0 while it runs; 137 when it was killed, 126 or 127 when it never ran
    std::int64_t pid = 0;  // while it runs
};

struct PodSummary {
    std::string id;
    std::string name;
    PodStatus status = PodStatus::Unknown;
    std::string infra_id;
    std::map<std::string, std::string> labels;

    struct Member {
        std::string id, name;
        ContainerState state = ContainerState::Unknown;
    };

    std::vector<Member> members;
    std::optional<WallTime> created;
};

struct ImageDetails {
    std::string id;
    std::string digest;
    std::vector<std::string> names;
    std::vector<std::string> entrypoint, command;
    std::map<std::string, std::string> labels;
};

struct VolumeDetails {
    std::string name, driver, mountpoint;
    std::map<std::string, std::string> labels, options;
    bool anonymous = false;
    std::string created;  // when, in podman's words: tells two of one name apart
};

struct NetworkDetails {
    std::string name, id, driver;
    bool dns_enabled = false;
    std::map<std::string, std::string> labels;
};

struct SecretDetails {
    std::string id, name;
    std::map<std::string, std::string> labels;
};

struct NamedVolume {
    std::string name, target, sub_path;
    std::vector<std::string> options;
};

struct OciMount {  // type bind or tmpfs
    std::string type, source, target;
    std::vector<std::string> options;
};

// POST containers/create. Only what is set is sent, and what makes podreeve the only one to watch
// the container: no health check of podman's, not even the image's, and no sd_notify. With a memory
// limit goes "no swap limit", as kube play has it.
struct ContainerCreate {
    std::string name, pod, image;
    std::optional<std::vector<std::string>> entrypoint, command;
    std::map<std::string, std::string> env;
    std::map<std::string, std::string> labels, annotations;
    std::string working_dir, user, hostname;
    std::vector<std::string> groups;
    bool terminal = false, stdin_open = false;
    std::vector<OciMount> mounts;
    std::vector<NamedVolume> volumes;
    std::vector<PortMapping> ports;
    std::map<std::string, std::vector<std::string>> networks;  // name -> aliases
    std::string netns;                                         // "", "host", "none", "bridge"
    std::optional<std::int64_t> memory_limit, memory_reservation;
    std::optional<std::int64_t> cpu_quota, cpu_period;
    std::optional<std::uint64_t> cpu_shares;
    std::vector<std::string> cap_add, cap_drop;
    std::optional<bool> privileged, read_only_root, no_new_privileges;
    std::vector<std::string> selinux_opts;
    std::string seccomp_profile;
    std::string init_container_type;  // "", once, always
    std::string restart_policy = "no";
    unsigned stop_timeout = 10;  // seconds
    // Sent as it is, over all the rest: for a field this struct does not know yet.
    std::map<std::string, std::string> extra_json;  // key -> JSON text
};

struct PodCreate {
    std::string name, hostname;
    std::map<std::string, std::string> labels;
    std::vector<PortMapping> ports;
    std::map<std::string, std::vector<std::string>> networks;
    std::string netns;  // "" or "host"
    std::string exit_policy = "continue";
    std::string service_container_id;            // full id
    std::vector<std::string> shared_namespaces;  // empty: podman's default
    bool host_pid = false, host_ipc = false;
    std::vector<std::string> hostadd;  // "name:address"
    std::vector<std::string> dns_server, dns_search, dns_option;
    std::map<std::string, std::string> sysctls;
    std::string restart_policy = "no";
    // Not sent: pods/create takes none. kube play puts a pod's annotations on each container.
    std::map<std::string, std::string> infra_annotations;
};

// One line of the events stream.
// The type of an event that stands for a line of podman's that could not be read, as where an
// image's labels make it longer than a line may be: something has happened.
inline constexpr const char* kUnreadableEvent = "unreadable";

struct PodmanEvent {
    std::string type;    // container, pod, image, volume, network, system; kUnreadableEvent
    std::string action;  // start, died, remove, …
    std::string id, name;
    std::map<std::string, std::string> attributes;
    std::int64_t time_nano = 0;
};

struct PlayReport {
    struct Pod {
        std::string id;
        std::vector<std::string> containers, init_containers, errors;
    };

    std::vector<Pod> pods;
    std::string service_container_id;
};

struct Info {
    std::string version, event_logger, cgroup_version, cgroup_manager, runtime;
    bool rootless = false;
    std::string graph_root, volume_path;
};

}  // namespace podreeve::podman
