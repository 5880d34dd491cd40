#include "manifests/canonical.h"

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

#include "runtime/base/digest.h"
#include "runtime/base/json_text.h"

// The canonical form is part of what is stored: it decides over io.podreeve.spec on every object.
// A key is only ever added, and only with a default that is left out; tests hold golden hashes.
namespace podreeve::manifests {
namespace {

using nlohmann::json;

constexpr std::size_t kHashDigits = 16;

std::string hash_of(const std::string& bytes) {
    return sha256_hex(bytes).substr(0, kHashDigits);
}

// Leaves out what is at its default, so that a new field does not change old hashes.
template <class T>
void put(json& out, const char* key, const T& value, const T& unless = T{}) {
    if (value != unless) {
        out[key] = value;
    }
}

template <class T>
void put(json& out, const char* key, const std::optional<T>& value) {
    if (value) {
        out[key] = *value;
    }
}

const char* word(MountKind kind) {
    return kind == MountKind::Volume ? "volume" : kind == MountKind::Bind ? "bind" : "tmpfs";
}

const char* word(VolumeOrigin origin) {
    switch (origin) {
        case VolumeOrigin::Claim:
            return "claim";
        case VolumeOrigin::EmptyDir:
            return "empty-dir";
        case VolumeOrigin::ConfigMap:
            return "config-map";
        case VolumeOrigin::Secret:
            return "secret";
        case VolumeOrigin::Plain:
            return "plain";
    }
    return "plain";
}

const char* word(Dialect dialect) {
    return dialect == Dialect::App ? "app" : dialect == Dialect::Kube ? "kube" : "quadlet";
}

json to_json(const std::vector<Port>& ports) {
    json out = json::array();
    for (const Port& port : ports) {
        json item = {{"container", port.container_port}};
        put(item, "host", port.host_port);
        put(item, "ip", port.host_ip);
        put(item, "protocol", port.protocol, std::string("tcp"));
        out.push_back(std::move(item));
    }
    return out;
}

json to_json(const std::vector<Mount>& mounts) {
    json out = json::array();
    for (const Mount& mount : mounts) {
        json item = {{"kind", word(mount.kind)}, {"target", mount.target}};
        put(item, "source", mount.source);
        put(item, "sub_path", mount.sub_path);
        put(item, "read_only", mount.read_only);
        put(item, "options", mount.options);
        put(item, "content", mount.content_digest);
        out.push_back(std::move(item));
    }
    return out;
}

json to_json(const Resources& resources) {
    json out = json::object();
    put(out, "memory_limit", resources.memory_limit);
    put(out, "memory_reservation", resources.memory_reservation);
    put(out, "cpu_milli_limit", resources.cpu_milli_limit);
    put(out, "cpu_milli_request", resources.cpu_milli_request);
    return out;
}

json to_json(const Security& security) {
    json out = json::object();
    put(out, "user", security.user);
    put(out, "groups", security.groups);
    put(out, "cap_add", security.cap_add);
    put(out, "cap_drop", security.cap_drop);
    put(out, "privileged", security.privileged);
    put(out, "read_only_root", security.read_only_root);
    put(out, "no_new_privileges", security.no_new_privileges);
    put(out, "selinux", security.selinux);
    put(out, "seccomp", security.seccomp);
    return out;
}

void put_list(json& out, const char* key, json value) {
    if (!value.empty()) {
        out[key] = std::move(value);
    }
}

json to_json(const ContainerSpec& spec) {
    json out = {{"part", spec.part}, {"name", spec.name}, {"image", spec.image}};
    put(out, "pod", spec.pod);
    put(out, "init", spec.role == ContainerRole::Init);
    put(out, "entrypoint", spec.entrypoint);
    put(out, "entrypoint_set", spec.entrypoint_set);
    put(out, "command", spec.command);
    put(out, "command_set", spec.command_set);
    put(out, "env", spec.env);
    put(out, "working_dir", spec.working_dir);
    put_list(out, "ports", to_json(spec.ports));
    put_list(out, "mounts", to_json(spec.mounts));
    put_list(out, "resources", to_json(spec.resources));
    put_list(out, "security", to_json(spec.security));
    put(out, "hostname", spec.hostname);
    put(out, "host_network", spec.host_network);
    put(out, "tty", spec.tty);
    put(out, "stdin", spec.stdin_open);
    put(out, "labels", spec.labels);
    put(out, "annotations", spec.annotations);
    put(out, "network_aliases", spec.network_aliases);
    put(out, "networks", spec.networks);
    put(out, "stop_grace", std::int64_t{spec.stop_grace.count()}, std::int64_t{10});
    return out;
}

json to_json(const PodSpec& spec) {
    json out = {{"part", spec.part}, {"name", spec.name}};
    put(out, "hostname", spec.hostname);
    put(out, "host_network", spec.host_network);
    put(out, "share_pid", spec.share_pid);
    put(out, "host_pid", spec.host_pid);
    put(out, "host_ipc", spec.host_ipc);
    put_list(out, "ports", to_json(spec.ports));
    put(out, "networks", spec.networks);
    put(out, "network_aliases", spec.network_aliases);
    put(out, "labels", spec.labels);
    put(out, "annotations", spec.annotations);
    put(out, "host_aliases", spec.host_aliases);
    put(out, "dns_servers", spec.dns_servers);
    put(out, "dns_searches", spec.dns_searches);
    put(out, "dns_options", spec.dns_options);
    put(out, "sysctls", spec.sysctls);
    return out;
}

// Contents enter as digests: they may be binary, and large.
json to_json(const std::vector<VolumeFile>& files) {
    json out = json::array();
    for (const VolumeFile& file : files) {
        out.push_back(
            {{"path", file.path}, {"mode", file.mode}, {"content", sha256_hex(file.content)}});
    }
    return out;
}

json to_json(const VolumeSpec& spec) {
    json out = {{"part", spec.part}, {"name", spec.name}, {"origin", word(spec.origin)}};
    put(out, "driver", spec.driver);
    put(out, "options", spec.options);
    put(out, "labels", spec.labels);
    put_list(out, "files", to_json(spec.files));
    return out;
}

json to_json(const SecretSpec& spec) {
    json out = {{"part", spec.part}, {"name", spec.name}, {"data", sha256_hex(spec.data)}};
    put(out, "labels", spec.labels);
    return out;
}

template <class Spec>
json list_of(const std::vector<Spec>& specs) {
    json out = json::array();
    for (const Spec& spec : specs) {
        out.push_back(to_json(spec));
    }
    return out;
}

json to_json(const std::vector<Dependency>& dependencies) {
    json out = json::array();
    for (const Dependency& dependency : dependencies) {
        json item = {{"app", dependency.app}, {"is", to_string(dependency.is)}};
        put(item, "policy", std::string(to_string(dependency.policy)), std::string("stay"));
        put(item, "companion", dependency.companion);
        out.push_back(std::move(item));
    }
    return out;
}

json to_json(const std::vector<StartCondition>& conditions) {
    json out = json::array();
    for (const StartCondition& condition : conditions) {
        json item = {{"kind", to_string(condition.kind)}};
        put(item, "subject", condition.subject);
        put(item, "is", std::string(to_string(condition.is)), std::string("started"));
        put_list(item, "of", to_json(condition.of));
        out.push_back(std::move(item));
    }
    return out;
}

json pods_with_policies(const std::vector<PodSpec>& pods) {
    json out = json::array();
    for (const PodSpec& pod : pods) {
        json item = to_json(pod);
        put_list(item, "depends_on", to_json(pod.depends_on));
        out.push_back(std::move(item));
    }
    return out;
}

const char* word(ProbeKind kind) {
    switch (kind) {
        case ProbeKind::Http:
            return "http";
        case ProbeKind::Tcp:
            return "tcp";
        case ProbeKind::Grpc:
            return "grpc";
        case ProbeKind::Exec:
            return "exec";
    }
    return "tcp";
}

json to_json(const Probe& probe) {
    const Probe unset;
    json out = {{"kind", word(probe.kind)}};
    put(out, "ports", probe.ports);
    put(out, "host", probe.host);
    put(out, "path", probe.path);
    put(out, "tls", probe.tls);
    for (const auto& [name, value] : probe.headers) {
        out["headers"].push_back({{"name", name}, {"value", value}});
    }
    put(out, "service", probe.service);
    put(out, "command", probe.command);
    put(out, "initial_delay", std::int64_t{probe.initial_delay.count()});
    put(out, "period", std::int64_t{probe.period.count()}, std::int64_t{unset.period.count()});
    put(out, "timeout", std::int64_t{probe.timeout.count()}, std::int64_t{unset.timeout.count()});
    put(out, "success_threshold", probe.success_threshold, unset.success_threshold);
    put(out, "failure_threshold", probe.failure_threshold, unset.failure_threshold);
    if (probe.stop_grace) {
        out["stop_grace"] = std::int64_t{probe.stop_grace->count()};
    }
    return out;
}

json to_json(const Health& health) {
    json out = json::object();
    for (const auto& [name, probe] :
         {std::pair{"liveness", &health.liveness}, std::pair{"readiness", &health.readiness},
          std::pair{"startup", &health.startup}}) {
        if (*probe) {
            out[name] = to_json(**probe);
        }
    }
    return out;
}

json containers_with_policies(const std::vector<ContainerSpec>& containers) {
    json out = json::array();
    for (const ContainerSpec& container : containers) {
        json item = to_json(container);
        put(item, "pull", std::string(to_string(container.pull)), std::string("if-not-present"));
        put(item, "restart", std::string(to_string(container.restart)), std::string("always"));
        put_list(item, "health", to_json(container.health));
        put(item, "pre_stop_command", container.pre_stop.command);
        if (container.pre_stop.request) {
            item["pre_stop_request"] = to_json(*container.pre_stop.request);
        }
        put(item, "pre_stop_sleep", std::int64_t{container.pre_stop.sleep.count()});
        out.push_back(std::move(item));
    }
    return out;
}

json to_json(const std::vector<CompanionSpec>& companions) {
    json out = json::array();
    for (const CompanionSpec& companion : companions) {
        json item = {{"part", companion.part}, {"text", sha256_hex(companion.text)}};
        for (const UnitDropIn& drop_in : companion.drop_ins) {
            item["drop_ins"].push_back(
                {{"name", drop_in.name}, {"text", sha256_hex(drop_in.text)}});
        }
        put(item, "instances", companion.instances);
        put(item, "restart", std::string(to_string(companion.restart)), std::string("now"));
        put_list(item, "depends_on", to_json(companion.depends_on));
        out.push_back(std::move(item));
    }
    return out;
}

json to_json(const AppSpec& spec) {
    json out = {{"name", spec.name}};
    put(out, "display_name", spec.display_name);
    put(out, "version", spec.version);
    put(out, "autostart", spec.autostart, true);
    put_list(out, "depends_on", to_json(spec.depends_on));
    put_list(out, "conditions", to_json(spec.conditions));
    json networks = json::array();
    for (const NetworkSpec& network : spec.networks) {
        networks.push_back({{"name", network.name}, {"shared", network.shared}});
    }
    put_list(out, "networks", std::move(networks));
    put_list(out, "volumes", list_of(spec.volumes));
    put_list(out, "secrets", list_of(spec.secrets));
    put_list(out, "pods", pods_with_policies(spec.pods));
    put_list(out, "containers", containers_with_policies(spec.containers));
    put_list(out, "companions", to_json(spec.companions));
    return out;
}

}  // namespace

std::string digest_of(const std::vector<VolumeFile>& files) {
    return hash_of(json_text(to_json(files)));
}

std::string spec_hash(const ContainerSpec& spec) {
    return hash_of(json_text(to_json(spec)));
}

std::string spec_hash(const PodSpec& spec) {
    return hash_of(json_text(to_json(spec)));
}

std::string spec_hash(const VolumeSpec& spec) {
    return hash_of(json_text(to_json(spec)));
}

std::string spec_hash(const AppSpec& spec) {
    return hash_of(json_text(to_json(spec)));
}

std::string companions_hash(const AppSpec& spec) {
    return spec.companions.empty() ? "" : hash_of(json_text(to_json(spec.companions)));
}

namespace {

constexpr const char* kHidden = "<secret>";

// A variable written in the clear whose name says that its value is none of anybody's business.
bool sounds_secret(const std::string& name) {
    std::string upper;
    for (const char c : name) {
        upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    for (const char* part : {"PASS", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE", "APIKEY",
                             "API_KEY", "ACCESS_KEY", "AUTH_KEY", "ENCRYPTION_KEY"}) {
        if (upper.find(part) != std::string::npos) {
            return true;
        }
    }
    return false;
}

void hide_in(std::string& text, const std::string& secret) {
    for (std::size_t at = text.find(secret); at != std::string::npos;
         at = text.find(secret, at + std::string_view(kHidden).size())) {
        text.replace(at, secret.size(), kHidden);
    }
}

// What is asked before a stop is sent as a probe is.
std::vector<Probe*> probes_of(ContainerSpec& spec) {
    std::vector<Probe*> out;
    for (std::optional<Probe>* probe : {&spec.health.liveness, &spec.health.readiness,
                                        &spec.health.startup, &spec.pre_stop.request}) {
        if (*probe) {
            out.push_back(&**probe);
        }
    }
    return out;
}

// Where the password of "scheme://user:password@host" stands in text, from a place on.
struct Credentials {
    std::size_t begin = std::string::npos, end = 0;

    bool none() const { return begin == std::string::npos; }
};

Credentials credentials_in(const std::string& text, std::size_t from) {
    for (std::size_t at = text.find("://", from); at != std::string::npos;
         at = text.find("://", at + 1)) {
        const std::size_t begin = at + 3;
        const std::size_t end = std::min(text.find_first_of("/?# \t\n\"'", begin), text.size());
        const std::size_t sign = text.substr(0, end).rfind('@');
        const std::size_t colon = text.find(':', begin);
        if (sign != std::string::npos && sign > begin && colon < sign && colon + 1 < sign) {
            return {colon + 1, sign};
        }
    }
    return {};
}

bool holds_credentials(const std::string& text) {
    return !credentials_in(text, 0).none();
}

void hide_credentials(std::string& text) {
    for (Credentials at = credentials_in(text, 0); !at.none();
         at = credentials_in(text, at.begin + std::string_view(kHidden).size())) {
        text.replace(at.begin, at.end - at.begin, kHidden);
    }
}

// "/up?token=…" shows its path: what is asked for may be a key to the door.
void hide_query(std::string& path) {
    if (const std::size_t query = path.find('?'); query != std::string::npos) {
        path.replace(query + 1, std::string::npos, kHidden);
    }
}

// Every word of a container's that may hold the value of a variable.
std::vector<std::string*> words_of(ContainerSpec& spec) {
    std::vector<std::string*> out;
    const auto add = [&](std::vector<std::string>& texts) {
        for (std::string& text : texts) {
            out.push_back(&text);
        }
    };
    add(spec.entrypoint);
    add(spec.command);
    add(spec.pre_stop.command);
    for (Probe* probe : probes_of(spec)) {
        add(probe->command);
        out.push_back(&probe->path);
        out.push_back(&probe->service);
    }
    return out;
}

// A secret variable may have gone into the words of a command through $(NAME).
void hide_secrets(ContainerSpec& spec) {
    std::vector<std::string> secrets;
    for (auto& [name, value] : spec.env) {
        const bool from_secret = std::find(spec.secret_env.begin(), spec.secret_env.end(), name) !=
                                 spec.secret_env.end();
        if (!from_secret && !sounds_secret(name)) {
            continue;
        }
        if (!value.empty()) {
            secrets.push_back(value);
        }
        value = kHidden;
    }
    // The longest first, or the rest of one that holds another would stay.
    std::sort(secrets.begin(), secrets.end(),
              [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
    for (std::string* text : words_of(spec)) {
        for (const std::string& secret : secrets) {
            hide_in(*text, secret);
        }
        hide_credentials(*text);
    }
    for (auto& [name, value] : spec.env) {
        hide_credentials(value);
    }
}

// A header that a probe sends is often a key to the door.
void hide_headers(ContainerSpec& spec) {
    for (Probe* probe : probes_of(spec)) {
        hide_query(probe->path);
        for (auto& [name, value] : probe->headers) {
            value = kHidden;
        }
    }
}

// A digest of a short secret can be turned back by trying.
void hide_digests(const AppSpec& spec, json& out) {
    for (std::size_t i = 0; i < spec.companions.size(); ++i) {
        json& companion = out["companions"][i];
        companion["text"] = kHidden;
        for (std::size_t d = 0; d < spec.companions[i].drop_ins.size(); ++d) {
            companion["drop_ins"][d]["text"] = kHidden;
        }
    }
    for (std::size_t i = 0; i < spec.containers.size(); ++i) {
        const std::vector<Mount>& mounts = spec.containers[i].mounts;
        for (std::size_t m = 0; m < mounts.size(); ++m) {
            const VolumeSpec* volume = spec.find_volume("volume/" + mounts[m].source);
            if (volume != nullptr && volume->origin == VolumeOrigin::Secret) {
                out["containers"][i]["mounts"][m]["content"] = kHidden;
            }
        }
    }
}

json redacted_volume(const VolumeSpec& volume) {
    json out = to_json(volume);
    json files = json::array();
    for (const VolumeFile& file : volume.files) {
        const bool secret = volume.origin == VolumeOrigin::Secret;
        // Binary content is shown as its size: it would be no JSON.
        json item = {{"path", file.path}, {"mode", file.mode}, {"bytes", file.content.size()}};
        item["content"] = secret ? kHidden : sha256_hex(file.content).substr(0, kHashDigits);
        files.push_back(std::move(item));
    }
    put_list(out, "files", std::move(files));
    return out;
}

}  // namespace

json to_redacted_json(const AppSpec& spec) {
    AppSpec shown = spec;
    for (ContainerSpec& container : shown.containers) {
        hide_secrets(container);
        hide_headers(container);
    }
    json out = to_json(shown);
    out["dialect"] = word(spec.dialect);
    out["file"] = spec.file;
    out["autostart"] = spec.autostart;
    if (!spec.volumes.empty()) {
        out["volumes"] = json::array();
        for (const VolumeSpec& volume : spec.volumes) {
            out["volumes"].push_back(redacted_volume(volume));
        }
    }
    hide_digests(spec, out);
    if (!spec.secrets.empty()) {
        for (json& secret : out["secrets"]) {
            secret["data"] = kHidden;
        }
    }
    return out;
}

bool holds_secrets(const AppSpec& spec) {
    const auto is_secret_bearing = [](const ContainerSpec& container) {
        return !container.secret_env.empty() ||
               std::ranges::any_of(container.env, [](const auto& row) {
                   return sounds_secret(row.first) || holds_credentials(row.second);
               });
    };
    return !spec.secrets.empty() || std::ranges::any_of(spec.containers, is_secret_bearing) ||
           std::ranges::any_of(spec.volumes, [](const VolumeSpec& volume) {
               return volume.origin == VolumeOrigin::Secret;
           });
}

}  // namespace podreeve::manifests
