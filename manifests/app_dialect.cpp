#include "manifests/app_dialect.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/conditions.h"
#include "manifests/mounts.h"
#include "manifests/names.h"
#include "manifests/place.h"
#include "manifests/ports.h"
#include "manifests/probes.h"
#include "manifests/quantity.h"
#include "manifests/words.h"
#include "quadlet/names.h"
#include "runtime/base/nearest.h"

namespace podreeve::manifests {
namespace {

constexpr std::int64_t kMaxGraceSeconds = 24 * 60 * 60;

// What in Kubernetes is a typed string is taken here as it stands: `version: 1.10` is "1.10".
constexpr Reading kAsWritten = Reading::Verbatim;

std::string read_id(const Place& place) {
    const auto id = place.required_text(kAsWritten);
    if (!id) {
        return {};
    }
    if (!is_label(*id)) {
        place.fail(fmt::format("'{}' cannot be an app's id", *id), std::string(kLabelRule));
        return {};
    }
    return *id;
}

void set_variable(const Place& place,
                  const std::string& name,
                  const std::string& value,
                  std::map<std::string, std::string>& out) {
    const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return c > ' ' && c < 0x7F && c != '=';
    });
    if (!good) {
        place.fail("the name before '=' is not the name of a variable");
    } else {
        out[name] = value;
    }
}

// ["K=V", …] or {K: V, …}
void read_environment(const Place& place, std::map<std::string, std::string>& out) {
    if (place.is_map()) {
        for (const auto& [name, value] : place.entries()) {
            const auto text =
                value.present() ? value.text(kAsWritten) : std::optional<std::string>("");
            if (text) {
                set_variable(value, name, *text, out);
            }
        }
        return;
    }
    for (const Place& item : place.items()) {
        const auto text = item.required_text(kAsWritten);
        const std::size_t equals = text ? text->find('=') : std::string::npos;
        if (text && equals == std::string::npos) {
            // The text is not shown: it may be a value, and that a secret.
            item.fail("must be NAME=VALUE");
        } else if (text) {
            set_variable(item, text->substr(0, equals), text->substr(equals + 1), out);
        }
    }
}

std::vector<std::string> read_words(const Place& place) {
    if (place.is_scalar()) {
        place.fail("must be a list of words; a shell's line is [\"sh\", \"-c\", \"…\"]");
        return {};
    }
    return place.texts(kAsWritten);
}

void read_container(const Place& place, ContainerSpec& out) {
    if (!place.require() || !place.check_fields(fields::kAppContainer)) {
        return;
    }
    if (const auto image = image_of(place["image"])) {
        out.image = *image;
    }
    out.entrypoint = read_words(place["entrypoint"]);
    out.entrypoint_set = !out.entrypoint.empty();
    out.command = read_words(place["command"]);
    out.command_set = !out.command.empty();
    read_environment(place["environment"], out.env);
}

void read_port(const Place& place, std::vector<Port>& out) {
    if (place.is_scalar()) {
        place.fail("must be a map", "{host: 8080, container: 80}");
        return;
    }
    if (!place.check_fields(fields::kAppPort)) {
        return;
    }
    if (!place["host"].require() || !place["container"].require()) {
        return;
    }
    Port port;
    port.host_port = static_cast<std::uint16_t>(place["host"].integer(1, 65535).value_or(0));
    port.container_port =
        static_cast<std::uint16_t>(place["container"].integer(1, 65535).value_or(0));
    port.protocol = place["protocol"].one_of({"tcp", "udp", "sctp"}).value_or("tcp");
    port.host_ip = read_host_ip(place["bind"]);
    out.push_back(std::move(port));
    check_port_is_free(place["host"], out);
}

void read_options(const Place& place, Mount& mount) {
    for (const Place& item : place.items()) {
        if (const auto option = item.required_text(kAsWritten)) {
            read_mount_option(item, *option, mount);
        }
    }
}

void read_volume_source(const Place& place, Mount& mount, AppSpec& app) {
    if (mount.kind == MountKind::Tmpfs) {
        if (place.present()) {
            place.fail_at_key("a tmpfs has no source");
        }
        return;
    }
    if (mount.kind == MountKind::Bind) {
        mount.source = place.absolute_path().value_or("");
        return;
    }
    const auto name = place.required_text(kAsWritten);
    if (name && !quadlet::is_podman_name(*name)) {
        place.fail(fmt::format("'{}' is not the name of a volume", *name),
                   "letters, digits, '_', '-' and '.', a letter or digit first");
        return;
    }
    mount.source = name.value_or("");
    const auto same = [&](const VolumeSpec& v) { return v.name == mount.source; };
    if (std::none_of(app.volumes.begin(), app.volumes.end(), same)) {
        VolumeSpec volume;
        volume.part = "volume/" + mount.source;
        volume.name = mount.source;
        app.volumes.push_back(std::move(volume));
    }
}

void read_volume(const Place& place, ContainerSpec& container, AppSpec& app) {
    if (!place.check_fields(fields::kAppVolume)) {
        return;
    }
    Mount mount;
    if (!place["type"].require()) {
        return;
    }
    const auto type = place["type"].one_of({"bind", "tmpfs", "volume"});
    if (!type) {
        return;
    }
    mount.kind = *type == "bind"    ? MountKind::Bind
                 : *type == "tmpfs" ? MountKind::Tmpfs
                                    : MountKind::Volume;
    read_volume_source(place["source"], mount, app);
    read_options(place["options"], mount);
    if (read_mount_target(place["target"], mount)) {
        container.mounts.push_back(std::move(mount));
        check_target_is_free(place["target"], container.mounts);
    }
}

void read_resources(const Place& place, Resources& out) {
    if (!place.check_fields(fields::kAppResources)) {
        return;
    }
    const Place cpu = place["cpu_limit"];
    if (const auto text = cpu.text(kAsWritten)) {
        out.cpu_milli_limit = parse_milli_quantity(*text);
        if (!out.cpu_milli_limit || *out.cpu_milli_limit == 0) {
            cpu.fail(fmt::format("'{}' is not an amount of cores", *text), "0.5, 500m, 2");
        }
    }
    const Place memory = place["memory_limit"];
    if (const auto text = memory.text(kAsWritten)) {
        out.memory_limit = parse_memory(*text);
        if (!out.memory_limit || *out.memory_limit == 0) {
            memory.fail(fmt::format("'{}' is not an amount of memory", *text), "64m, 256Mi, 1g");
        }
    }
}

void join_network(ContainerSpec& container, AppSpec& app) {
    container.networks.emplace_back(kSharedNetwork);
    container.network_aliases = {container.name};
    app.networks.push_back(
        {fmt::format("network/{}", kSharedNetwork), std::string(kSharedNetwork), true});
}

void read_life(const Place& place, ContainerSpec& container) {
    if (const auto word = place["restart"].one_of(kRestartWords)) {
        container.restart = restart_policy_of(*word);
    }
    if (const auto grace = place["stop_grace_secs"].integer(0, kMaxGraceSeconds)) {
        container.stop_grace = std::chrono::seconds(*grace);
    }
}

// `ready: port`: all TCP ports that the app publishes are open.
void read_ready(const Place& place, ContainerSpec& container) {
    const auto word = place.one_of(kReadyWords);
    if (!word || *word != kReadyByPort) {
        return;
    }
    if (container.health.readiness) {
        place.fail("cannot stand beside a readiness probe or health_check");
        return;
    }
    std::vector<std::uint16_t> ports;
    for (const Port& port : container.ports) {
        if (port.protocol == "tcp" &&
            std::find(ports.begin(), ports.end(), port.container_port) == ports.end()) {
            ports.push_back(port.container_port);
        }
    }
    if (ports.empty()) {
        place.fail("there is no TCP port in ports");
    } else {
        container.health.readiness = open_ports(std::move(ports));
    }
}

void read_health(const Place& place, ContainerSpec& container) {
    const Place health = place["health"];
    const Place check = place["health_check"];
    if (health.check_fields(fields::kAppHealth)) {
        const ProbeContext context{{}, container.env};
        container.health.liveness = read_probe(health["liveness"], ProbeUse::Liveness, context);
        container.health.readiness = read_probe(health["readiness"], ProbeUse::Readiness, context);
        container.health.startup = read_probe(health["startup"], ProbeUse::Startup, context);
    }
    if (check.present() && health["readiness"].present()) {
        check.fail_at_key("cannot stand beside health.readiness, which it is short for");
    } else if (auto probe = read_health_check(check)) {
        container.health.readiness = std::move(probe);
    }
    read_ready(place["ready"], container);
}

// What the app waits for, also one of its own companions by the name of its file.
void read_waits(const Place& place, AppSpec& app) {
    app.autostart = place["autostart"].boolean().value_or(true);
    for (const Place& item : place["depends_on"].items()) {
        const auto dependency = read_dependency(item, app.name);
        if (!dependency) {
            continue;
        }
        if (dependency->app == app.name && !dependency->companion.empty() &&
            app.find_companion(dependency->companion) == nullptr) {
            std::vector<std::string> names;
            for (const CompanionSpec& companion : app.companions) {
                names.push_back(companion.part);
            }
            item.fail(fmt::format("this app has no companion {}", dependency->companion),
                      fmt::format("{}", fmt::join(names, ", ")),
                      nearest_name(dependency->companion, names));
            continue;
        }
        add_dependency(item.is_map() && item["app"].present() ? item["app"] : item, *dependency,
                       app.depends_on);
    }
    app.conditions = read_conditions(place["conditions"]);
}

// Without a container there is nothing that its fields could be about.
void refuse_container_fields(const Place& place) {
    for (const char* field : {"environment", "health", "health_check", "ports", "ready",
                              "resources", "restart", "stop_grace_secs", "volumes"}) {
        if (place[field].present()) {
            place[field].fail_at_key("is about the container, and there is none",
                                     "container:, or the same in the companion's unit");
        }
    }
}

void read_own_container(const Place& place, AppSpec& app) {
    ContainerSpec container;
    container.part = app.name;
    container.name = app.name;
    container.hostname = app.name;
    read_environment(place["environment"], container.env);
    read_container(place["container"], container);
    for (const Place& item : place["ports"].items()) {
        read_port(item, container.ports);
    }
    for (const Place& item : place["volumes"].items()) {
        read_volume(item, container, app);
    }
    read_resources(place["resources"], container.resources);
    read_life(place, container);
    read_health(place, container);
    join_network(container, app);
    app.containers.push_back(std::move(container));
}

}  // namespace

AppSpec read_app_dialect(const Node& document,
                         const ManifestTexts& texts,
                         std::vector<Diagnostic>& diagnostics) {
    AppSpec app;
    app.dialect = Dialect::App;
    const Place root(document, "", diagnostics);
    root.check_fields(fields::kAppRoot);
    const Place place = root["app"];
    if (!place.require() || !place.check_fields(fields::kApp)) {
        return app;
    }
    app.name = read_id(place["id"]);
    app.display_name = place["name"].required_text(kAsWritten).value_or("");
    app.version = place["version"].required_text(kAsWritten).value_or("");
    place["description"].text(kAsWritten);
    app.companions = read_companions(place["companions"], app.name, texts, diagnostics);
    if (place["container"].present() || !place["companions"].present()) {
        read_own_container(place, app);
    } else {
        refuse_container_fields(place);
    }
    read_waits(place, app);
    return app;
}

}  // namespace podreeve::manifests
