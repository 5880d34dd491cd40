#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runtime/base/clock.h"
#include "runtime/base/diagnostic.h"

// Desired state as plain, immutable values: what every dialect compiles to and what plan reads. No
// defaults are left open here: a dialect fills them in, so that equal meaning gives equal values.
namespace podreeve::manifests {

enum class RestartPolicy { Always, OnFailure, Never };
enum class PullPolicy { Always, IfNotPresent, Never };

// What a dependent waits for of another app.
enum class DependencyKind { Started, Healthy, Finished, Failed };

// What becomes of a dependent when what it waited for goes away later.
enum class LossPolicy {
    Stay,     // nothing
    Stop,     // down until the dependency is met again
    Restart,  // stays, and is restarted once the dependency has come back
};

struct Dependency {
    std::string app;  // in PodSpec::depends_on: the part of a pod
    DependencyKind is = DependencyKind::Started;
    SourcePosition position = {};  // where it was written, for messages
    LossPolicy policy = LossPolicy::Stay;
    // The file name of one of that app's companions: only that has to be so. Empty: the whole app.
    std::string companion = {};
    friend bool operator==(const Dependency&, const Dependency&) = default;
};

// A state of the world that has to be before an app is started. What it is about is in subject:
// an app, an absolute path, "host:port", "online", a time (RFC 3339), an image, a unit of systemd.
enum class StartConditionKind { Service, Path, Port, Network, Time, Image, Unit, All, Any };

struct StartCondition {
    StartConditionKind kind = StartConditionKind::All;
    std::string subject = {};
    DependencyKind is = DependencyKind::Started;  // of Service
    std::vector<StartCondition> of = {};          // of All and Any
    SourcePosition position = {};                 // where it was written, for messages
    friend bool operator==(const StartCondition&, const StartCondition&) = default;
};

struct Port {
    std::string host_ip;          // empty: all addresses
    std::uint16_t host_port = 0;  // 0: not published
    std::uint16_t container_port = 0;
    std::string protocol = "tcp";  // tcp, udp, sctp
    friend bool operator==(const Port&, const Port&) = default;
};

enum class MountKind { Volume, Bind, Tmpfs };

// Make the bind's source before it is mounted when it is missing: a directory with its parents
// (0755), or an empty file (0644). Kubernetes' DirectoryOrCreate and FileOrCreate.
inline constexpr std::string_view kOptionCreateDirectory = "podreeve:create-dir";
inline constexpr std::string_view kOptionCreateFile = "podreeve:create-file";

// The bridge that every app joins, so that all find one another by name; kube play's own.
inline constexpr std::string_view kSharedNetwork = "podman-default-kube-network";

struct Mount {
    MountKind kind = MountKind::Volume;
    std::string source;    // volume name or absolute host path; empty for tmpfs
    std::string target;    // absolute path in the container
    std::string sub_path;  // inside the volume or host path; empty: all of it
    bool read_only = false;
    // Further podman mount options, in order. Two are podreeve's own, which whoever makes the
    // container acts on and leaves out: kOptionCreateDirectory, kOptionCreateFile.
    std::vector<std::string> options;
    // Digest of the files podreeve puts into that volume: a new content is a new spec of its users.
    std::string content_digest;
    friend bool operator==(const Mount&, const Mount&) = default;
};

struct Resources {
    std::optional<std::int64_t> memory_limit;        // bytes
    std::optional<std::int64_t> memory_reservation;  // bytes
    std::optional<std::int64_t> cpu_milli_limit;     // thousandths of a core
    std::optional<std::int64_t> cpu_milli_request;
    friend bool operator==(const Resources&, const Resources&) = default;
};

struct Security {
    std::optional<std::string> user;  // "uid", "uid:gid"
    std::vector<std::int64_t> groups;
    std::vector<std::string> cap_add;
    std::vector<std::string> cap_drop;
    std::optional<bool> privileged;
    std::optional<bool> read_only_root;
    std::optional<bool> no_new_privileges;
    std::map<std::string, std::string> selinux;  // user, role, type, level
    std::string seccomp;                         // "unconfined", a path, or empty
    friend bool operator==(const Security&, const Security&) = default;
};

enum class ContainerRole { Workload, Init };

enum class ProbeKind { Http, Tcp, Grpc, Exec };

// A question put to a container again and again: Kubernetes' probe, with the names of ports
// resolved and its defaults.
struct Probe {
    ProbeKind kind = ProbeKind::Tcp;
    // Where it asks: one port, or with `ready: port` all that have to be open. None with exec.
    std::vector<std::uint16_t> ports;
    std::string host;  // an address as the container sees it; empty: the container itself
    std::string path;  // http: with the query
    bool tls = false;  // https; nobody asks whose certificate it is
    // http. Values may be secret: never print them.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string service;               // grpc; empty: the server as a whole
    std::vector<std::string> command;  // exec; may hold values of secret variables
    std::chrono::seconds initial_delay{0};
    std::chrono::seconds period{10};
    std::chrono::seconds timeout{1};
    int success_threshold = 1;
    int failure_threshold = 3;
    std::optional<std::chrono::seconds> stop_grace;  // of the stop that a failure leads to
    friend bool operator==(const Probe&, const Probe&) = default;
};

// What is done in a container before it is told to end.
struct PreStop {
    std::vector<std::string> command;  // run inside; empty: none
    std::optional<Probe> request;      // http or tcp: sent once, within its timeout
    std::chrono::seconds sleep{0};

    bool empty() const { return command.empty() && !request && sleep.count() == 0; }

    friend bool operator==(const PreStop&, const PreStop&) = default;
};

// How an app's health is told. Without readiness a container is ready once its process has lived
// for a second.
struct Health {
    std::optional<Probe> liveness, readiness, startup;

    bool empty() const { return !liveness && !readiness && !startup; }

    friend bool operator==(const Health&, const Health&) = default;
};

struct ContainerSpec {
    std::string part;  // unique in the app and stable: "web" or "pod/web"
    std::string name;  // podman's container name
    std::string pod;   // part of the pod it is in; empty: alone
    ContainerRole role = ContainerRole::Workload;
    std::string image;
    PullPolicy pull = PullPolicy::IfNotPresent;
    std::vector<std::string> entrypoint;  // empty: the image's
    bool entrypoint_set = false;
    std::vector<std::string> command;  // empty: the image's, unless an entrypoint is set
    bool command_set = false;
    // Values may be secret (secretKeyRef): never print them, never store them but for their hash.
    std::map<std::string, std::string> env;
    std::vector<std::string> secret_env;  // those in env whose value came from a Secret, sorted
    std::string working_dir;
    std::vector<Port> ports;  // of a container that stands alone; in a pod they are the pod's
    std::vector<Mount> mounts;
    Resources resources;
    Security security;
    std::string hostname;
    bool host_network = false;
    bool tty = false;
    bool stdin_open = false;
    std::map<std::string, std::string> labels;  // the person's; podreeve's own are added later
    std::map<std::string, std::string> annotations;
    std::vector<std::string> network_aliases;  // empty in a pod: they are the pod's
    std::vector<std::string> networks;         // names; empty in a pod or on the host network
    RestartPolicy restart = RestartPolicy::Always;
    std::chrono::seconds stop_grace{10};
    PreStop pre_stop;
    Health health;
    friend bool operator==(const ContainerSpec&, const ContainerSpec&) = default;
};

struct PodSpec {
    std::string part;  // unique in the app
    std::string name;  // podman's pod name
    std::string hostname;
    bool host_network = false;
    bool share_pid = false;  // shareProcessNamespace
    bool host_pid = false;
    bool host_ipc = false;
    std::vector<Port> ports;
    std::vector<std::string> networks;
    // Names the pod answers to on its networks, beside its own: those of its containers.
    std::vector<std::string> network_aliases;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;
    std::map<std::string, std::string> host_aliases;  // name -> address
    std::vector<std::string> dns_servers, dns_searches, dns_options;
    std::map<std::string, std::string> sysctls;
    std::vector<Dependency> depends_on;  // on other pods of the app
    friend bool operator==(const PodSpec&, const PodSpec&) = default;
};

// A file podreeve writes into a volume of ours (ConfigMap, Secret). content may be secret.
struct VolumeFile {
    std::string path;  // relative to the volume
    std::string content;
    std::uint32_t mode = 0644;
    friend bool operator==(const VolumeFile&, const VolumeFile&) = default;
};

enum class VolumeOrigin { Claim, EmptyDir, ConfigMap, Secret, Plain };

struct VolumeSpec {
    std::string part;
    std::string name;
    VolumeOrigin origin = VolumeOrigin::Plain;
    std::string driver;  // empty: local
    std::map<std::string, std::string> options;
    std::map<std::string, std::string> labels;
    std::vector<VolumeFile> files;  // sorted by path
    friend bool operator==(const VolumeSpec&, const VolumeSpec&) = default;
};

struct NetworkSpec {
    std::string part;
    std::string name;
    // A network that several apps and podman itself share: made when missing, never removed.
    bool shared = true;
    friend bool operator==(const NetworkSpec&, const NetworkSpec&) = default;
};

// A podman secret. data is secret.
struct SecretSpec {
    std::string part;
    std::string name;
    std::string data;
    std::map<std::string, std::string> labels;
    friend bool operator==(const SecretSpec&, const SecretSpec&) = default;
};

// What is done when a companion's unit file is newer than what runs of it.
enum class UnitRestart {
    Now,          // it is restarted
    OnNextStart,  // nothing: whoever starts it next starts the new one
    Report,       // nothing, and the app says so
};

// A file that is merged into a unit's own.
struct UnitDropIn {
    std::string name;  // "10-memory.conf"
    std::string text;
    friend bool operator==(const UnitDropIn&, const UnitDropIn&) = default;
};

// A Quadlet unit that is installed for the app and run by systemd.
struct CompanionSpec {
    std::string part;  // its file name, unique among all apps: "proxy.container"
    std::string text;  // as its person wrote it; may be secret, as those of the drop-ins
    std::vector<UnitDropIn> drop_ins;  // in the order in which they are merged
    // Of a template: which are to run, sorted. Empty: the template is only there to be used.
    std::vector<std::string> instances;
    UnitRestart restart = UnitRestart::Now;
    // Apps, also its own (then the containers and pods of it), and companions of its own app.
    std::vector<Dependency> depends_on;
    SourcePosition position = {};  // where it was written, for messages
    friend bool operator==(const CompanionSpec&, const CompanionSpec&) = default;
};

enum class Dialect { App, Kube, Quadlet };

// One app: everything that one manifest, with its drop-ins, asks for. Parts are in the order in
// which they have to be made.
struct AppSpec {
    std::string name;
    std::string display_name;
    std::string version;
    Dialect dialect = Dialect::App;
    std::string file;  // the manifest, as given to the source
    bool autostart = true;
    std::vector<Dependency> depends_on;
    std::vector<StartCondition> conditions;  // all of them
    std::vector<NetworkSpec> networks;
    std::vector<VolumeSpec> volumes;
    std::vector<SecretSpec> secrets;
    std::vector<PodSpec> pods;
    std::vector<ContainerSpec> containers;  // init containers before the workloads of their pod
    std::vector<CompanionSpec> companions;  // by part

    const ContainerSpec* find_container(const std::string& part) const;
    const PodSpec* find_pod(const std::string& part) const;
    const VolumeSpec* find_volume(const std::string& part) const;
    const CompanionSpec* find_companion(const std::string& part) const;
    friend bool operator==(const AppSpec&, const AppSpec&) = default;
};

// A manifest, or an app in it, that cannot be used, and why. Its last good version stays in force.
struct AppProblem {
    std::string app;  // empty: the file could not be told to belong to one
    std::string file;
    std::vector<Diagnostic> diagnostics;
    // It could be the manifest of an app of which none is known.
    bool could_be_any = false;
    friend bool operator==(const AppProblem&, const AppProblem&) = default;
};

// Why an app stays though its manifest is not to be seen.
struct HeldRemoval {
    std::string reason;   // CamelCase
    std::string message;  // and what ends it
    friend bool operator==(const HeldRemoval&, const HeldRemoval&) = default;
};

// All that the manifests say, at one moment.
struct Desired {
    std::map<std::string, std::shared_ptr<const AppSpec>> apps;
    std::vector<AppProblem> problems;
    // Of apps, those whose manifest is not to be seen, and that stay as they last were.
    std::map<std::string, HeldRemoval> held = {};
    // False when a manifest directory could not be read: then nothing is removed for its sake.
    bool complete = true;
    // But these: a person said that they go, whatever is not to be seen or broken.
    std::set<std::string> let_go = {};
    // When another look could find that a manifest is gone; nothing: all that is known is certain.
    std::optional<SteadyTime> look_again = std::nullopt;
    // The apps of which a version is kept. Of any other nobody knows whether a manifest ever asked
    // for it here; nothing: it was not looked at.
    std::optional<std::set<std::string>> remembered = std::nullopt;
};

// The hash that stands in io.podreeve.spec: SHA-256 over the canonical JSON of that part (env and
// file contents enter as they are; the hash is one-way). 16 hex digits are kept. Fields at their
// default are left out of it, so that a field a later release adds changes no hash. A container's
// pull and restart policy and its probes do not enter its own hash, only its app's: they change
// nothing about the container as podman made it; nor do what it does before it stops and what its
// pod waits for. Neither do file names and positions.
std::string spec_hash(const ContainerSpec& spec);
std::string spec_hash(const PodSpec& spec);
std::string spec_hash(const VolumeSpec& spec);
std::string spec_hash(const AppSpec& spec);

// The hash of an app's companions alone; empty when it has none. All of each enters: its texts, its
// instances, its policy and what it depends on.
std::string companions_hash(const AppSpec& spec);

// Canonical JSON of an app for people and for --json, with secret values replaced by "<secret>".
nlohmann::json to_redacted_json(const AppSpec& spec);
// The values of its Secrets, the files made of them and the variables that come from them. For
// without_secrets(); neither to be printed nor to be stored.
std::vector<std::string> secret_values(const AppSpec& spec);
// What podman, the runtime or a probe said, without them. spec may be null.
std::string without_secrets_of(const AppSpec* spec, const std::string& text);
// Whether that hides anything: such a version's text is not kept longer than it may be needed.
bool holds_secrets(const AppSpec& spec);

std::string_view to_string(DependencyKind kind);
std::string_view to_string(LossPolicy policy);
std::string_view to_string(UnitRestart policy);       // "now", "on-next-start", "report"
std::string_view to_string(StartConditionKind kind);  // "path", "port", … the word in a manifest
// "path /mnt/data to exist", "any of (…)".
std::string to_text(const StartCondition& condition);
std::string_view to_string(RestartPolicy policy);
std::string_view to_string(PullPolicy policy);

}  // namespace podreeve::manifests
