#include "manifests/model.h"

#include <algorithm>

namespace podreeve::manifests {
namespace {

template <class Part>
const Part* find_part(const std::vector<Part>& parts, const std::string& name) {
    const auto found = std::find_if(parts.begin(), parts.end(),
                                    [&](const Part& part) { return part.part == name; });
    return found == parts.end() ? nullptr : &*found;
}

}  // namespace

const ContainerSpec* AppSpec::find_container(const std::string& part) const {
    return find_part(containers, part);
}

const PodSpec* AppSpec::find_pod(const std::string& part) const {
    return find_part(pods, part);
}

const VolumeSpec* AppSpec::find_volume(const std::string& part) const {
    return find_part(volumes, part);
}

std::string_view to_string(DependencyKind kind) {
    switch (kind) {
        case DependencyKind::Started:
            return "started";
        case DependencyKind::Healthy:
            return "healthy";
        case DependencyKind::Finished:
            return "finished";
        case DependencyKind::Failed:
            return "failed";
    }
    return "started";
}

std::string_view to_string(RestartPolicy policy) {
    switch (policy) {
        case RestartPolicy::Always:
            return "always";
        case RestartPolicy::OnFailure:
            return "on-failure";
        case RestartPolicy::Never:
            return "never";
    }
    return "always";
}

std::string_view to_string(PullPolicy policy) {
    switch (policy) {
        case PullPolicy::Always:
            return "always";
        case PullPolicy::IfNotPresent:
            return "if-not-present";
        case PullPolicy::Never:
            return "never";
    }
    return "if-not-present";
}

}  // namespace podreeve::manifests
