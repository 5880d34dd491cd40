#include "agent/plan/heirs.h"

#include <algorithm>

#include "agent/plan/labels.h"
#include "agent/plan/steps.h"

namespace podreeve::plan {
namespace {

using manifests::VolumeOrigin;
using manifests::VolumeSpec;

std::string last_holder(const Policy& policy, const std::string& former) {
    const auto found = std::ranges::find_if(
        policy.apps, [&](const auto& row) { return row.second.former.contains(former); });
    return found == policy.apps.end() ? "" : found->first;
}

}  // namespace

std::map<std::string, std::string> find_empty_dirs(const manifests::Desired& desired) {
    std::map<std::string, std::string> wanted;
    for (const auto& [app, spec] : desired.apps) {
        for (const VolumeSpec& volume : spec->volumes) {
            if (volume.origin == VolumeOrigin::EmptyDir) {
                wanted.emplace(volume.name, app);
            }
        }
    }
    return wanted;
}

Holdings::Heirs find_heirs(const manifests::Desired& desired,
                           const observe::Observed& observed,
                           const Policy& policy) {
    Holdings::Heirs heirs;
    if (!observed.resources) {
        return heirs;
    }
    std::map<std::string, std::string> wanted = find_empty_dirs(desired);
    wanted.insert(policy.empty_dirs.begin(), policy.empty_dirs.end());
    for (const auto& [name, volume] : observed.resources->volumes) {
        if (!is_ours(volume.labels, policy.owner) ||
            label(volume.labels, kRole) != kRoleVolumeEmptyDir) {
            continue;
        }
        const std::string labelled(label(volume.labels, kApp));
        const auto by_want = wanted.find(name);
        std::string heir =
            by_want != wanted.end() ? by_want->second : last_holder(policy, labelled);
        if (!heir.empty() && heir != labelled) {
            heirs.emplace(name, std::move(heir));
        }
    }
    return heirs;
}

std::set<std::string> former_apps(const std::string& app, const AppHoldings& held) {
    std::set<std::string> former;
    for (const podman::VolumeDetails* volume : held.volumes) {
        if (const std::string_view labelled = label(volume->labels, kApp); labelled != app) {
            former.emplace(labelled);
        }
    }
    return former;
}

}  // namespace podreeve::plan
