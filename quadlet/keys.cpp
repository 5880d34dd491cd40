#include "quadlet/keys.h"

#include <algorithm>

namespace podreeve::quadlet {

std::span<const Key> keys_of(UnitType type) {
    switch (type) {
        case UnitType::Container:
            return container_keys();
        case UnitType::Pod:
            return pod_keys();
        case UnitType::Kube:
            return kube_keys();
        case UnitType::Volume:
            return volume_keys();
        case UnitType::Network:
            return network_keys();
        case UnitType::Image:
            return image_keys();
        case UnitType::Build:
            return build_keys();
    }
    return {};
}

const Key* find_key(UnitType type, std::string_view name) {
    const std::span<const Key> keys = keys_of(type);
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
    return found == keys.end() ? nullptr : &*found;
}

PodmanRelease first_release(UnitType type) {
    switch (type) {
        case UnitType::Image:
            return {4, 8, 0};
        case UnitType::Pod:
            return {5, 0, 0};
        case UnitType::Build:
            return {5, 2, 0};
        default:
            return kFirstRelease;
    }
}

}  // namespace podreeve::quadlet
