#pragma once

#include <map>
#include <string>
#include <vector>

#include "manifests/kube/objects.h"
#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

// A volume of a pod, as its containers mount it.
struct PodVolume {
    Mount mount;          // without target
    bool absent = false;  // optional and not there: its mounts are left out
    bool broken = false;  // told already
};

using PodVolumes = std::map<std::string, PodVolume>;

// spec.volumes. Podman volumes that have to be made for them are added to app, each once.
PodVolumes read_volumes(const Place& volumes,
                        const std::string& pod_name,
                        const Objects& objects,
                        AppSpec& app);

// volumeMounts of one container.
std::vector<Mount> read_mounts(const Place& mounts, const PodVolumes& volumes);

}  // namespace podreeve::manifests::kube
