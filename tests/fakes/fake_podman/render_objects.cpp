#include <fmt/format.h>

#include "tests/fakes/fake_podman/render.h"

namespace podreeve::fakes {
namespace {

ordered_json map_or_null(const std::map<std::string, std::string>& map) {
    return map.empty() ? ordered_json(nullptr) : ordered_json(map);
}

ordered_json list_or_null(const std::vector<std::string>& list) {
    return list.empty() ? ordered_json(nullptr) : ordered_json(list);
}

}  // namespace

ordered_json render_image_row(const Image& image) {
    return {{"Id", image.id},
            {"ParentId", ""},
            {"RepoTags", list_or_null(image.names)},
            {"Created",
             std::chrono::duration_cast<std::chrono::seconds>(image.created.time_since_epoch())
                 .count()},
            {"Size", 2171971},
            {"SharedSize", 0},
            {"VirtualSize", 2171971},
            {"Labels", map_or_null(image.labels)},
            {"Containers", 0},
            {"Digest", image.digest},
            {"Names", list_or_null(image.names)}};
}

ordered_json render_image(const Image& image) {
    ordered_json config = ordered_json::object();
    if (!image.env.empty()) {
        config["Env"] = image.env;
    }
    if (!image.entrypoint.empty()) {
        config["Entrypoint"] = image.entrypoint;
    }
    if (!image.command.empty()) {
        config["Cmd"] = image.command;
    }
    if (!image.labels.empty()) {
        config["Labels"] = image.labels;
    }
    return {{"Id", image.id},
            {"Digest", image.digest},
            {"RepoTags", image.names},
            {"RepoDigests", ordered_json::array()},
            {"Parent", ""},
            {"Comment", ""},
            {"Created", go_time(image.created)},
            {"Config", config},
            {"Version", ""},
            {"Author", ""},
            {"Architecture", "amd64"},
            {"Os", "linux"},
            {"Size", 2171971},
            {"VirtualSize", 2171971},
            {"Labels", map_or_null(image.labels)},
            {"Annotations", ordered_json::object()},
            {"ManifestType", "application/vnd.oci.image.manifest.v1+json"},
            {"User", ""},
            {"NamesHistory", list_or_null(image.names)}};
}

ordered_json render_volume(const Engine& engine, const Volume& volume) {
    ordered_json out = {{"Name", volume.name},
                        {"Driver", volume.driver},
                        {"Mountpoint", volume.mountpoint},
                        {"CreatedAt", go_time(volume.created)},
                        {"Labels", volume.labels},
                        {"Scope", "local"},
                        {"Options", volume.options}};
    if (volume.anonymous) {
        out["Anonymous"] = true;
    }
    out["MountCount"] = 0;
    out["NeedsCopyUp"] = true;
    out["NeedsChown"] = true;
    if (engine.version >= podman::Version{5, 0, 0}) {
        out["LockNumber"] = volume.lock_number;
    }
    return out;
}

ordered_json render_network(const Network& network) {
    ordered_json out = {{"name", network.name},
                        {"id", network.id},
                        {"driver", network.driver},
                        {"network_interface", network.interface},
                        {"created", go_time(network.created)},
                        {"subnets",
                         {{{"subnet", fmt::format("10.{}.0.0/24", network.subnet)},
                           {"gateway", fmt::format("10.{}.0.1", network.subnet)}}}},
                        {"ipv6_enabled", false},
                        {"internal", network.internal},
                        {"dns_enabled", network.dns_enabled}};
    if (!network.labels.empty()) {
        out["labels"] = network.labels;
    }
    out["ipam_options"] = {{"driver", "host-local"}};
    return out;
}

ordered_json render_secret(const Engine& engine, const Secret& secret, bool show) {
    ordered_json spec = {
        {"Name", secret.name},
        {"Driver", {{"Name", "file"}, {"Options", {{"path", engine.directory + "/secrets"}}}}}};
    // 4.3 takes labels in the request and drops them.
    const bool keeps = engine.version >= podman::Version{4, 7, 0};
    spec["Labels"] = keeps ? map_or_null(secret.labels) : ordered_json(nullptr);
    ordered_json out = {{"ID", secret.id},
                        {"CreatedAt", go_time(secret.created)},
                        {"UpdatedAt", go_time(secret.created)},
                        {"Spec", spec}};
    if (show) {
        out["SecretData"] = secret.data;
    }
    return out;
}

ordered_json render_event(const EventRecord& event) {
    ordered_json out = {{"status", event.action}};
    if (!event.id.empty()) {
        out["id"] = event.id;
    }
    if (!event.from.empty()) {
        out["from"] = event.from;
    }
    out["Type"] = event.type;
    out["Action"] = event.action;
    out["Actor"] = {{"ID", event.id}, {"Attributes", event.attributes}};
    out["scope"] = "local";
    out["time"] = event.time_nano / 1'000'000'000;
    out["timeNano"] = event.time_nano;
    return out;
}

ordered_json render_info(Engine& engine) {
    const std::string version = version_text(engine.version);
    return {
        {"host",
         {{"arch", "amd64"},
          {"cgroupManager", "systemd"},
          {"cgroupVersion", "v2"},
          {"databaseBackend", engine.version < podman::Version{4, 8, 0} ? "boltdb" : "sqlite"},
          {"eventLogger", "journald"},
          {"freeLocks", 2048 - engine.containers.size()},
          {"hostname", "fake"},
          {"logDriver", "journald"},
          {"networkBackend", "netavark"},
          {"ociRuntime", {{"name", "crun"}, {"path", "/usr/bin/crun"}}},
          {"os", "linux"},
          {"serviceIsRemote", false},
          {"security", {{"rootless", true}, {"seccompEnabled", true}, {"selinuxEnabled", false}}}}},
        {"store",
         {{"containerStore", {{"number", engine.containers.size()}}},
          {"graphDriverName", "overlay"},
          {"graphRoot", engine.directory},
          {"runRoot", engine.directory + "/run"},
          {"volumePath", engine.directory + "/volumes"}}},
        {"registries", ordered_json::object()},
        {"plugins", {{"volume", {"local"}}, {"network", {"bridge", "macvlan", "ipvlan"}}}},
        {"version",
         {{"APIVersion", version},
          {"Version", version},
          {"OsArch", "linux/amd64"},
          {"Os", "linux"}}}};
}

ordered_json render_version(const Engine& engine) {
    const std::string version = version_text(engine.version);
    ordered_json details = {{"APIVersion", version}, {"MinAPIVersion", "4.0.0"}, {"Os", "linux"}};
    return {
        {"Platform", {{"Name", "linux/amd64/debian"}}},
        {"Components", {{{"Name", "Podman Engine"}, {"Version", version}, {"Details", details}}}},
        {"Version", version},
        {"ApiVersion", "1.41"},
        {"MinAPIVersion", "1.24"},
        {"Os", "linux"},
        {"Arch", "amd64"}};
}

}  // namespace podreeve::fakes
