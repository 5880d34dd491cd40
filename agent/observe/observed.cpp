#include "agent/observe/observed.h"

#include <algorithm>
#include <charconv>

namespace podreeve::observe {
namespace {

std::string value_of(const std::map<std::string, std::string>& labels, const char* key) {
    const auto it = labels.find(key);
    return it == labels.end() ? std::string() : it->second;
}

template <class Row>
const Row* find_named(const std::vector<Row>& rows, const std::string& name) {
    const auto it =
        std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
    return it == rows.end() ? nullptr : &*it;
}

}  // namespace

std::optional<Ownership> ownership(const std::map<std::string, std::string>& labels,
                                   const std::string& owner) {
    Ownership own;
    own.app = value_of(labels, kLabelApp);
    if (own.app.empty() || value_of(labels, kLabelOwner) != owner) {
        return std::nullopt;
    }
    own.part = value_of(labels, kLabelPart);
    own.role = value_of(labels, kLabelRole);
    own.spec = value_of(labels, kLabelSpec);
    const std::string generation = value_of(labels, kLabelGeneration);
    std::from_chars(generation.data(), generation.data() + generation.size(), own.generation);
    return own;
}

const podman::ContainerSummary* Observed::container_named(const std::string& name) const {
    return find_named(containers, name);
}

const podman::ContainerSummary* Observed::container_by_id(const std::string& id) const {
    const auto it = std::lower_bound(
        containers.begin(), containers.end(), id,
        [](const podman::ContainerSummary& row, const std::string& key) { return row.id < key; });
    return it == containers.end() || it->id != id ? nullptr : &*it;
}

const podman::PodSummary* Observed::pod_named(const std::string& name) const {
    return find_named(pods, name);
}

bool Observed::knows_companions(const std::string& app) const {
    return !companions_failed && (!companions || companions->knows(app));
}

std::string mount_point_of(const Mounts& mounts, std::string_view path) {
    std::string_view longest;
    for (const std::string& point : mounts.points) {
        const bool is_above =
            point == "/" ||
            (path.starts_with(point) && (path.size() == point.size() || path[point.size()] == '/'));
        if (is_above && point.size() > longest.size()) {
            longest = point;
        }
    }
    return std::string(longest);
}

}  // namespace podreeve::observe
