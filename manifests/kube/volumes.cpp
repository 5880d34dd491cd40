#include "manifests/kube/volumes.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/canonical.h"
#include "manifests/mounts.h"
#include "manifests/names.h"
#include "manifests/quantity.h"
#include "runtime/base/nearest.h"

namespace podreeve::manifests::kube {
namespace {

struct Context {
    const std::string& pod_name;
    const Objects& objects;
    AppSpec& app;
};

const VolumeSpec* find_by_name(const AppSpec& app, const std::string& name) {
    const auto found = std::find_if(app.volumes.begin(), app.volumes.end(),
                                    [&](const VolumeSpec& v) { return v.name == name; });
    return found == app.volumes.end() ? nullptr : &*found;
}

const char* words_of(VolumeOrigin origin) {
    switch (origin) {
        case VolumeOrigin::Claim:
            return "PersistentVolumeClaim";
        case VolumeOrigin::EmptyDir:
            return "emptyDir";
        case VolumeOrigin::ConfigMap:
            return "ConfigMap";
        case VolumeOrigin::Secret:
            return "Secret";
        case VolumeOrigin::Plain:
            break;
    }
    return "volume";
}

bool is_filled(const VolumeSpec& volume) {
    return volume.origin == VolumeOrigin::ConfigMap || volume.origin == VolumeOrigin::Secret;
}

// podman tells volumes apart by their names alone, and one of the two holds what nobody could bring
// back.
void refuse_clash(const Place& source, const VolumeSpec& taken, VolumeOrigin wanted) {
    source.fail(
        fmt::format("podman's volume {} would be this {} and also the {} of that name: one "
                    "of the two needs another name",
                    taken.name, words_of(wanted), words_of(taken.origin)));
}

// The podman volume with these files, or null when it cannot be had. kube play calls it after its
// ConfigMap or Secret, so that two mounts which choose other files of the same object would share
// and mix them; the second one gets a volume of its own.
const VolumeSpec* volume_with_files(const Place& source,
                                    Context& context,
                                    const std::string& object_name,
                                    const std::string& volume_name,
                                    VolumeOrigin origin,
                                    std::vector<VolumeFile> files) {
    const std::string own_name = fmt::format("{}-{}", context.pod_name, volume_name);
    std::string name = object_name;
    for (int tries = 1; const VolumeSpec* taken = find_by_name(context.app, name); ++tries) {
        if (!is_filled(*taken)) {
            refuse_clash(source, *taken, origin);
            return nullptr;
        }
        if (taken->origin == origin && taken->files == files) {
            return taken;
        }
        name = tries == 1 ? own_name : fmt::format("{}-{}", own_name, tries);
    }
    VolumeSpec volume;
    volume.part = "volume/" + name;
    volume.name = name;
    volume.origin = origin;
    volume.files = std::move(files);
    context.app.volumes.push_back(std::move(volume));
    return &context.app.volumes.back();
}

// A claim may be used by many pods; an emptyDir is one pod's.
void add_plain_volume(const Place& source,
                      Context& context,
                      const std::string& name,
                      VolumeOrigin origin) {
    if (const VolumeSpec* taken = find_by_name(context.app, name)) {
        if (origin != VolumeOrigin::Claim || taken->origin != VolumeOrigin::Claim) {
            refuse_clash(source, *taken, origin);
        }
        return;
    }
    VolumeSpec volume;
    volume.part = "volume/" + name;
    volume.name = name;
    volume.origin = origin;
    context.app.volumes.push_back(std::move(volume));
}

void read_empty_dir(const Place& source,
                    const std::string& name,
                    Context& context,
                    PodVolume& out) {
    if (source.node() != nullptr && !source.check_fields(fields::kEmptyDir)) {
        return;
    }
    const auto medium = source["medium"].one_of({"", "Memory"});
    const Place limit = source["sizeLimit"];
    const auto limit_text = limit.text(Reading::Verbatim);
    const auto bytes = limit_text ? parse_quantity(*limit_text) : std::nullopt;
    if (limit_text && !bytes) {
        limit.fail(fmt::format("'{}' is not a quantity", *limit_text), "64Mi, 1G, …");
    }
    if (medium && *medium == "Memory") {
        out.mount.kind = MountKind::Tmpfs;
        if (bytes) {
            out.mount.options.push_back(fmt::format("size={}", *bytes));
        }
        return;
    }
    if (limit.present()) {
        limit.fail_at_key("is supported only with medium: Memory");
    }
    // kube play names it after the volume alone, so that all pods with a volume "tmp" would share
    // one; the pod's name keeps them apart, as Kubernetes does.
    out.mount.source = fmt::format("{}-{}", context.pod_name, name);
    add_plain_volume(source, context, out.mount.source, VolumeOrigin::EmptyDir);
}

void read_host_path(const Place& source, PodVolume& out) {
    if (!source.check_fields(fields::kHostPath)) {
        return;
    }
    out.mount.kind = MountKind::Bind;
    if (const auto path = source["path"].absolute_path()) {
        out.mount.source = *path;
    }
    const Place type = source["type"];
    const auto word = type.text();
    if (word && (*word == "CharDevice" || *word == "BlockDevice")) {
        type.fail(fmt::format("{} is not supported yet", *word));
        return;
    }
    if (!type.one_of({"", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"})) {
        return;
    }
    if (*word == "DirectoryOrCreate") {
        out.mount.options.emplace_back(kOptionCreateDirectory);
    } else if (*word == "FileOrCreate") {
        out.mount.options.emplace_back(kOptionCreateFile);
    }
}

void read_claim_source(const Place& source, Context& context, PodVolume& out) {
    if (!source.check_fields(fields::kClaimSource)) {
        return;
    }
    const Place name = source["claimName"];
    const auto claim = name.required_text();
    out.mount.read_only = source["readOnly"].boolean().value_or(false);
    if (!claim) {
        return;
    }
    if (!is_subdomain(*claim)) {
        name.fail(fmt::format("'{}' is not a name", *claim), std::string(kSubdomainRule));
        return;
    }
    out.mount.source = *claim;
    add_plain_volume(name, context, *claim, VolumeOrigin::Claim);
}

void choose_file(const Place& item,
                 const DataObject& object,
                 bool optional,
                 std::uint32_t default_mode,
                 std::vector<VolumeFile>& files) {
    if (!item.check_fields(fields::kKeyToPath)) {
        return;
    }
    const auto key = item["key"].required_text();
    const auto path = item["path"].required_text();
    const std::uint32_t mode = item["mode"].file_mode().value_or(default_mode);
    if (path && !is_inner_path(*path)) {
        item["path"].fail(fmt::format("'{}' must be a relative path without '..'", *path));
        return;
    }
    if (!key || !path) {
        return;
    }
    const auto value = object.values.find(*key);
    if (value != object.values.end()) {
        files.push_back({*path, value->second, mode});
    } else if (!optional && !object.broken) {
        item["key"].fail(fmt::format("there is no key '{}'", *key));
    }
}

void sort_files(const Place& items, std::vector<VolumeFile>& files) {
    std::sort(files.begin(), files.end(),
              [](const VolumeFile& a, const VolumeFile& b) { return a.path < b.path; });
    const auto same = std::adjacent_find(
        files.begin(), files.end(),
        [](const VolumeFile& a, const VolumeFile& b) { return a.path == b.path; });
    if (same != files.end()) {
        items.fail(fmt::format("the path '{}' is there twice", same->path));
    }
}

// A ConfigMap's or Secret's values as files.
void read_files(const Place& source,
                const std::string& volume_name,
                Context& context,
                VolumeOrigin origin,
                PodVolume& out) {
    const bool secret = origin == VolumeOrigin::Secret;
    const Place name = source[secret ? "secretName" : "name"];
    const bool optional = source["optional"].boolean().value_or(false);
    const std::uint32_t mode = source["defaultMode"].file_mode().value_or(0644);
    const auto wanted = name.required_text();
    if (!wanted) {
        return;
    }
    const auto& known = secret ? context.objects.secrets : context.objects.config_maps;
    const auto object = known.find(*wanted);
    if (object == known.end()) {
        out.absent = optional;
        if (!optional) {
            name.fail(fmt::format("there is no {} {} in this file", secret ? "Secret" : "ConfigMap",
                                  *wanted));
        }
        return;
    }
    std::vector<VolumeFile> files;
    const Place items = source["items"];
    for (const Place& item : items.items()) {
        choose_file(item, object->second, optional, mode, files);
    }
    if (!items.present()) {
        for (const auto& [key, value] : object->second.values) {
            files.push_back({key, value, mode});
        }
    }
    sort_files(items, files);
    out.mount.content_digest = digest_of(files);
    const VolumeSpec* volume =
        volume_with_files(name, context, *wanted, volume_name, origin, std::move(files));
    out.mount.source = volume == nullptr ? *wanted : volume->name;
}

void read_source(const std::string& kind,
                 const Place& source,
                 const std::string& name,
                 Context& context,
                 PodVolume& out) {
    if (kind == "emptyDir") {
        read_empty_dir(source, name, context, out);
    } else if (!source.require()) {
        return;
    } else if (kind == "hostPath") {
        read_host_path(source, out);
    } else if (kind == "persistentVolumeClaim") {
        read_claim_source(source, context, out);
    } else if (kind == "configMap") {
        if (source.check_fields(fields::kConfigMapSource)) {
            read_files(source, name, context, VolumeOrigin::ConfigMap, out);
        }
    } else if (kind == "secret") {
        if (source.check_fields(fields::kSecretSource)) {
            read_files(source, name, context, VolumeOrigin::Secret, out);
        }
    }
}

void read_volume(const Place& volume, Context& context, PodVolumes& out) {
    if (!volume.check_fields(fields::kVolume)) {
        return;
    }
    const Place name_place = volume["name"];
    const auto name = name_place.required_text();
    if (!name) {
        return;
    }
    if (!is_label(*name)) {
        name_place.fail(fmt::format("'{}' is not a name", *name), std::string(kLabelRule));
    }
    if (out.contains(*name)) {
        name_place.fail(fmt::format("the volume {} is there twice", *name));
        return;
    }
    std::vector<std::string> kinds;
    bool other = false;
    for (const MapEntry& entry : volume.node()->entries) {
        if (entry.key != "name") {
            const bool known =
                std::find(fields::kVolume.supported.begin(), fields::kVolume.supported.end(),
                          entry.key) != fields::kVolume.supported.end();
            other = other || !known;
            if (known) {
                kinds.push_back(entry.key);
            }
        }
    }
    PodVolume found;
    found.broken = true;
    if (kinds.size() == 1 && is_label(*name)) {
        found.broken = false;
        read_source(kinds[0], volume[kinds[0]], *name, context, found);
    } else if (kinds.size() != 1 && !other) {
        volume.fail(kinds.empty() ? "says not what it is" : "can only be one thing",
                    "configMap, emptyDir, hostPath, persistentVolumeClaim, secret");
    }
    out.emplace(*name, std::move(found));
}

void read_propagation(const Place& place, Mount& mount) {
    const auto mode = place.one_of({"None", "HostToContainer", "Bidirectional"});
    if (mode) {
        mount.options.emplace_back(*mode == "None"              ? "private"
                                   : *mode == "HostToContainer" ? "rslave"
                                                                : "rshared");
    }
}

void read_mount(const Place& place, const PodVolumes& volumes, std::vector<Mount>& out) {
    if (!place.check_fields(fields::kVolumeMount)) {
        return;
    }
    const auto name = place["name"].required_text();
    const Place sub_path = place["subPath"];
    Mount mount;
    const auto volume = name ? volumes.find(*name) : volumes.end();
    if (volume != volumes.end()) {
        mount = volume->second.mount;
    } else if (name) {
        std::vector<std::string> known;
        for (const auto& [other, unused] : volumes) {
            known.push_back(other);
        }
        place["name"].fail(fmt::format("there is no volume {} in this pod", *name),
                           fmt::format("{}", fmt::join(known, ", ")), nearest_name(*name, known));
    }
    if (place["readOnly"].boolean().value_or(false)) {
        mount.read_only = true;
    }
    const bool has_target = read_mount_target(place["mountPath"], mount);
    read_propagation(place["mountPropagation"], mount);
    if (const auto path = sub_path.text()) {
        if (!path->empty() && !is_inner_path(*path)) {
            sub_path.fail(fmt::format("'{}' must be a relative path without '..'", *path));
        }
        if (!path->empty() && mount.kind == MountKind::Tmpfs) {
            sub_path.fail("a volume in memory has no paths inside it to begin with");
        }
        mount.sub_path = *path;
    }
    if (has_target && volume != volumes.end() && !volume->second.absent) {
        out.push_back(std::move(mount));
    }
}

}  // namespace

PodVolumes read_volumes(const Place& volumes,
                        const std::string& pod_name,
                        const Objects& objects,
                        AppSpec& app) {
    PodVolumes out;
    Context context{pod_name, objects, app};
    for (const Place& volume : volumes.items()) {
        read_volume(volume, context, out);
    }
    return out;
}

std::vector<Mount> read_mounts(const Place& mounts, const PodVolumes& volumes) {
    std::vector<Mount> out;
    for (const Place& mount : mounts.items()) {
        const std::size_t before = out.size();
        read_mount(mount, volumes, out);
        if (out.size() > before) {
            check_target_is_free(mount["mountPath"], out);
        }
    }
    return out;
}

}  // namespace podreeve::manifests::kube
