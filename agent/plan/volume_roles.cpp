#include "agent/plan/volume_roles.h"

#include <fmt/format.h>

#include "agent/plan/holdings.h"
#include "agent/plan/labels.h"

namespace podreeve::plan {

using manifests::VolumeOrigin;

std::string_view volume_role(VolumeOrigin origin) {
    switch (origin) {
        case VolumeOrigin::Claim:
            return kRoleVolumeClaim;
        case VolumeOrigin::EmptyDir:
            return kRoleVolumeEmptyDir;
        case VolumeOrigin::ConfigMap:
            return kRoleVolumeConfigMap;
        case VolumeOrigin::Secret:
            return kRoleVolumeSecret;
        case VolumeOrigin::Plain:
            return kRoleVolumePlain;
    }
    return kRoleVolumePlain;
}

bool holds_data(std::string_view role) {
    return role == kRoleVolumeClaim || role == kRoleVolumePlain;
}

bool is_filled(std::string_view role) {
    return role == kRoleVolumeConfigMap || role == kRoleVolumeSecret;
}

std::string_view words_of_role(std::string_view role) {
    if (role == kRoleVolumeClaim) {
        return "a claim";
    }
    if (role == kRoleVolumePlain) {
        return "a plain volume";
    }
    if (role == kRoleVolumeEmptyDir) {
        return "an emptyDir";
    }
    if (role == kRoleVolumeConfigMap) {
        return "a ConfigMap";
    }
    return role == kRoleVolumeSecret ? "a Secret" : "not podreeve's";
}

// A claim may be somebody's, without any role, and one app's claim another's plain volume.
std::string role_difference(const std::map<std::string, std::string>& labels,
                            std::string_view wanted) {
    const std::string_view there = label(labels, kRole);
    const bool either = holds_data(wanted) && (there.empty() || holds_data(there));
    return there == wanted || either ? std::string()
                                     : fmt::format("is {}, and is wanted as {}",
                                                   words_of_role(there), words_of_role(wanted));
}

}  // namespace podreeve::plan
