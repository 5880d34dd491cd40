#include "agent/handlers/mounted_volumes.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/ownership.h"
#include "agent/observe/observed.h"
#include "agent/plan/volume_roles.h"
#include "runtime/base/shell_word.h"

namespace podreeve::handlers {

namespace {

constexpr const char* kSeen = "volumes_seen";  // container -> volume -> which one it was

// Tells a volume from a later one of its name: podman changes neither of the two.
std::string mark_of(const podman::VolumeDetails& volume) {
    const auto owner = volume.labels.find(observe::kLabelOwner);
    return fmt::format("{} {}", volume.created, owner == volume.labels.end() ? "-" : owner->second);
}

std::map<std::string, std::string> seen_before(const Task& task, const std::string& container) {
    const auto member = [](const nlohmann::json& in, const std::string& key) {
        return in.is_object() ? in.value(key, nlohmann::json()) : nlohmann::json();
    };
    const nlohmann::json marks = member(member(task.context.data(), kSeen), container);
    std::map<std::string, std::string> seen;
    for (const auto& [name, mark] : marks.items()) {
        if (mark.is_string()) {
            seen.emplace(name, mark.get<std::string>());
        }
    }
    return seen;
}

const manifests::VolumeSpec* volume_of(const manifests::AppSpec& app,
                                       const manifests::Mount& mount) {
    const auto it = std::ranges::find_if(app.volumes, [&](const manifests::VolumeSpec& volume) {
        return mount.kind == manifests::MountKind::Volume && volume.name == mount.source;
    });
    return it == app.volumes.end() ? nullptr : &*it;
}

Result<std::string> look_at(const Task& task,
                            const manifests::VolumeSpec& volume,
                            const std::string& container) {
    ASSIGN_OR_RETURN(const auto found, find_volume(task, volume.name));
    if (!found) {
        return fail(Code::NotFound, fmt::format("cannot create container {}: volume {} is gone; "
                                                "the next pass makes it again",
                                                container, volume.name));
    }
    const std::string_view role = plan::volume_role(volume.origin);
    if (!plan::holds_data(role) && !is_ours(task, *found)) {
        return not_ours(task, "volume", volume.name);
    }
    if (const std::string differs = plan::role_difference(found->labels, role); !differs.empty()) {
        return other_role(volume.name, differs);
    }
    return mark_of(*found);
}

// As podman makes one for a container: no driver, option or label that anybody has given.
bool is_bare(const podman::VolumeDetails& volume) {
    return volume.labels.empty() && volume.options.empty() &&
           (volume.driver.empty() || volume.driver == "local");
}

// Why it cannot be removed as podman's own; empty: it can.
std::string doubt(const std::vector<podman::VolumeDetails>& all,
                  const podman::VolumeDetails& volume) {
    if (!is_bare(volume)) {
        return "it has labels, options or a driver, as podman gives none";
    }
    std::error_code error;
    if (!std::filesystem::is_empty(volume.mountpoint, error)) {
        return error ? "it cannot be read: " + error.message() : "it is not empty";
    }
    // Podman takes the beginning of a name for it, once the volume itself is gone.
    const auto longer = std::ranges::find_if(all, [&](const podman::VolumeDetails& other) {
        return other.name != volume.name && other.name.starts_with(volume.name);
    });
    return longer == all.end() ? "" : fmt::format("podman might remove {} for it", longer->name);
}

// What became of the one that stands in the place of another.
std::string remove_if_podmans(const Task& task, const std::string& name) {
    const auto left = [&](const std::string& why) {
        return fmt::format(
            "the one that is there now is left, since {}; when nothing in it is "
            "needed, remove it with `podman volume rm {}`",
            why, shell_word(name));
    };
    const auto all = task.world.podman.list_volumes(task.call());
    if (!all) {
        return left(all.error().message);
    }
    const auto found = std::ranges::find(*all, name, &podman::VolumeDetails::name);
    if (found == all->end()) {
        return "there is none now";
    }
    if (const std::string why = doubt(*all, *found); !why.empty()) {
        return left(why);
    }
    const Status removed = task.world.podman.remove_volume(name, task.call());
    return removed ? "the empty one that podman put in its place is removed"
                   : left(removed.error().message);
}

// Those in whose place there is another one, or none.
Result<std::vector<std::string>> exchanged(const Task& task, const std::string& container) {
    std::vector<std::string> names;
    for (const auto& [name, mark] : seen_before(task, container)) {
        ASSIGN_OR_RETURN(const auto found, find_volume(task, name));
        if (!found || mark_of(*found) != mark) {
            names.push_back(name);
        }
    }
    return names;
}

std::string remove_podmans(const Task& task, const std::vector<std::string>& names) {
    std::vector<std::string> said;
    for (const std::string& name : names) {
        said.push_back(fmt::format("volume {} went away meanwhile, and {}", name,
                                   remove_if_podmans(task, name)));
    }
    return fmt::format("{}", fmt::join(said, "; "));
}

}  // namespace

Status look_at_volumes(Task& task,
                       const manifests::AppSpec& app,
                       const manifests::ContainerSpec& spec) {
    nlohmann::json seen = nlohmann::json::object();
    for (const manifests::Mount& mount : spec.mounts) {
        if (const manifests::VolumeSpec* volume = volume_of(app, mount)) {
            ASSIGN_OR_RETURN(seen[volume->name], look_at(task, *volume, spec.name));
        }
    }
    return seen.empty() ? Status() : task.context.save({{kSeen, {{spec.name, std::move(seen)}}}});
}

Status check_volumes(Task& task, const manifests::ContainerSpec& spec, const std::string& id) {
    ASSIGN_OR_RETURN(const auto names, exchanged(task, spec.name));
    if (names.empty()) {
        return {};
    }
    if (!id.empty()) {
        RETURN_IF_ERROR(task.world.podman.remove_container(id, by_force(), task.call()));
    }
    return fail(Code::Conflict, fmt::format("cannot create container {}: {}", spec.name,
                                            remove_podmans(task, names)));
}

void clear_volumes(Task& task, const manifests::ContainerSpec& spec) {
    const auto names = exchanged(task, spec.name);
    if (!names) {
        task.log(names.error().message);
    } else if (!names->empty()) {
        task.log(remove_podmans(task, *names));
    }
}

}  // namespace podreeve::handlers
