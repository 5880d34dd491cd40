#include <algorithm>

#include <fmt/format.h>

#include "quadlet/check.h"
#include "quadlet/mount.h"
#include "quadlet/names.h"

namespace podreeve::quadlet {
namespace {

// A look at the unit's own section.
struct Own {
    const Unit& unit;

    std::string value(std::string_view key) const {
        return unit.value(unit.section(), key).value_or("");
    }

    bool has(std::string_view key) const { return !value(key).empty(); }

    std::size_t count(std::string_view key) const { return unit.list(unit.section(), key).size(); }
};

void require(const Own& own, std::string_view key, Findings& findings) {
    if (!own.has(key)) {
        findings.at(key, "has to be set");
    }
}

void check_service_name(const Own& own, Findings& findings) {
    const Setting* setting = own.unit.find(own.unit.section(), "ServiceName");
    if (setting == nullptr) {
        return;
    }
    const std::string name = own.value("ServiceName");
    if (name.empty() || name.find_first_of("/% ") != std::string::npos ||
        name.ends_with(".service")) {
        findings.at_value(*setting, fmt::format("'{}' cannot name a service", name)).allowed =
            "a name without .service, specifiers and slashes";
    }
}

void check_resource_name(const Own& own, Findings& findings) {
    for (const char* key : {"ContainerName", "PodName", "VolumeName", "NetworkName"}) {
        const Setting* setting = own.unit.find(own.unit.section(), key);
        const std::string name = own.value(key);
        // A specifier of systemd is not known yet.
        if (setting != nullptr && !name.empty() && name.find('%') == std::string::npos &&
            !is_podman_name(name)) {
            findings.at_value(*setting, fmt::format("'{}' is no name for podman", name)).allowed =
                "letters, digits, '_', '.', '-', a letter or a digit first";
        }
    }
}

// What [Service] must not say, since the generator refuses it or the service could not work.
void check_service_section(const Unit& unit, Findings& findings) {
    const bool runs = unit.type() == UnitType::Container || unit.type() == UnitType::Kube;
    const Setting* type = unit.find("Service", "Type");
    if (runs && type != nullptr && type->entry.value != "notify" &&
        type->entry.value != "oneshot") {
        findings.at_value(*type, fmt::format("'{}' does not go with Quadlet", type->entry.value))
            .allowed = "notify, oneshot";
    }
    const Setting* restart = unit.find("Service", "Restart");
    if (type != nullptr && type->entry.value == "oneshot" && restart != nullptr &&
        (restart->entry.value == "always" || restart->entry.value == "on-success")) {
        findings
            .at_value(*restart, fmt::format("systemd does not take '{}' with Type=oneshot",
                                            restart->entry.value))
            .allowed = "no, on-failure, on-abnormal, on-abort, on-watchdog";
    }
    const Setting* mode = unit.find("Service", "KillMode");
    if (runs && mode != nullptr && mode->entry.value != "mixed" &&
        mode->entry.value != "control-group") {
        findings.at_value(*mode, fmt::format("'{}' does not go with Quadlet", mode->entry.value))
            .allowed = "mixed, control-group";
    }
    for (const std::string_view key : {"User", "Group", "DynamicUser"}) {
        if (const Setting* setting = unit.find("Service", key)) {
            findings.at_key(*setting, "podman cannot run under it; see rootless units").severity =
                Severity::Warning;
        }
    }
}

void check_mappings(const Own& own, Findings& findings) {
    const bool maps = own.has("UserNS") || own.count("UIDMap") > 0 || own.count("GIDMap") > 0 ||
                      own.has("SubUIDMap") || own.has("SubGIDMap");
    const std::string remap = own.value("RemapUsers");
    const bool remaps = own.count("RemapUid") > 0 || own.count("RemapGid") > 0;
    if (maps && (remaps || !remap.empty())) {
        findings.at(remap.empty() ? "RemapUid" : "RemapUsers",
                    "the deprecated Remap keys do not go with UserNS=, UIDMap= and the like");
    } else if (remap.empty() && remaps) {
        findings.at(own.count("RemapUid") > 0 ? "RemapUid" : "RemapGid", "needs RemapUsers=");
    } else if (remap == "keep-id") {
        for (const std::string_view key : {"RemapUid", "RemapGid"}) {
            if (own.unit.words(own.unit.section(), key).size() > 1) {
                findings.at(key, "one value at the most with RemapUsers=keep-id");
            }
        }
    }
}

void check_mounts(const Unit& unit, const PodmanRelease& podman, Findings& findings) {
    for (const Setting* setting : unit.assignments("Container", "Mount")) {
        for (const std::string& text : mount_texts(*setting)) {
            const auto mount = parse_mount(text);
            if (!mount) {
                findings.at_value(*setting, mount.error().message);
            } else if (mount->wants_source && mount->source.empty() &&
                       (mount->type != "volume" || podman < kMountWithoutSource)) {
                findings.at_value(*setting,
                                  fmt::format("a mount of type {} needs source=", mount->type));
            } else if (mount->type == "artifact" && mount->source.ends_with(".artifact")) {
                findings.at_value(*setting, "podreeve knows no .artifact units");
            }
        }
    }
}

void check_container(const Own& own, const PodmanRelease& podman, Findings& findings) {
    if (!own.has("Image") && !own.has("Rootfs")) {
        findings.at("Image", "has to be set, or Rootfs=");
    }
    if (own.has("Image") && own.has("Rootfs")) {
        findings.at("Rootfs", "does not go with Image=");
    }
    if (own.has("Group") && !own.has("User")) {
        findings.at("Group", "needs User=");
    }
    if (own.has("ReloadSignal") && own.count("ReloadCmd") > 0) {
        findings.at("ReloadSignal", "does not go with ReloadCmd=");
    }
    if (own.has("Pod") && !own.value("Pod").ends_with(".pod")) {
        findings.at("Pod", fmt::format("'{}' is not a Quadlet unit", own.value("Pod"))).allowed =
            "NAME.pod";
    }
    check_mappings(own, findings);
    check_mounts(own.unit, podman, findings);
}

void check_kube(const Own& own, const PodmanRelease& podman, Findings& findings) {
    const std::vector<std::string> files = own.unit.words("Kube", "Yaml");
    if (files.empty()) {
        findings.at("Yaml", "has to be set");
    }
    if (files.size() > 1 && podman < kSeveralYamls) {
        findings.at("Yaml", fmt::format("several files need podman {}", to_text(kSeveralYamls)));
    }
    if (files.size() > 1 && own.value("SetWorkingDirectory") == "yaml") {
        findings.at("SetWorkingDirectory", "does not go with several files in Yaml=");
    }
    check_mappings(own, findings);
}

void check_volume(const Own& own, Findings& findings) {
    if (own.value("Driver") == "image") {
        require(own, "Image", findings);
        return;
    }
    for (const std::string_view key : {"Type", "Options"}) {
        if (own.has(key) && !own.has("Device")) {
            findings.at(key, "needs Device=");
        }
    }
}

void check_network(const Own& own, Findings& findings) {
    for (const std::string_view key : {"Gateway", "IPRange"}) {
        if (own.count(key) > own.count("Subnet")) {
            findings.at(key, "needs a Subnet= each");
        }
    }
}

void check_build(const Own& own, Findings& findings) {
    require(own, "ImageTag", findings);
    const std::string file = own.value("File");
    const std::string folder = own.value("SetWorkingDirectory");
    const bool working = own.unit.value("Service", "WorkingDirectory").value_or("") != "";
    const bool url = file.find("://") != std::string::npos || file.starts_with("github.com/");
    if (file.empty() && folder.empty() && !working) {
        findings.at("SetWorkingDirectory", "has to be set, or File=");
    } else if (folder == "file" && file.empty()) {
        findings.at("SetWorkingDirectory", "'file' needs File=");
    } else if (folder == "yaml") {
        findings.at("SetWorkingDirectory", "'yaml' is for .kube files").allowed =
            "file, unit, a path, a URL";
    } else if (!file.empty() && file.front() != '/' && !url && folder.empty() && !working) {
        findings.at("File", "a relative path needs SetWorkingDirectory=");
    }
}

}  // namespace

void check_combinations(const Unit& unit, const PodmanRelease& podman, Findings& findings) {
    const Own own{unit};
    check_service_name(own, findings);
    check_resource_name(own, findings);
    check_service_section(unit, findings);
    switch (unit.type()) {
        case UnitType::Container:
            return check_container(own, podman, findings);
        case UnitType::Pod:
            return check_mappings(own, findings);
        case UnitType::Kube:
            return check_kube(own, podman, findings);
        case UnitType::Volume:
            return check_volume(own, findings);
        case UnitType::Network:
            return check_network(own, findings);
        case UnitType::Image:
            return require(own, "Image", findings);
        case UnitType::Build:
            return check_build(own, findings);
    }
}

}  // namespace podreeve::quadlet
