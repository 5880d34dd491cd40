#pragma once

#include <map>
#include <string>
#include <vector>

#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

// A ConfigMap or Secret, its values decoded. Those of a Secret are secret.
struct DataObject {
    std::map<std::string, std::string> values;
    bool secret = false;
    bool broken = false;  // told already; what refers to it is not told again
};

// The documents of one file that workloads refer to.
struct Objects {
    std::map<std::string, DataObject> config_maps;
    std::map<std::string, DataObject> secrets;
    std::map<std::string, VolumeSpec> claims;
};

// Each reads one document, adds it to objects and, where podman has an object for it, to app.
void read_config_map(const Place& document, Objects& objects);
void read_secret(const Place& document, Objects& objects, AppSpec& app);
void read_claim(const Place& document, Objects& objects, AppSpec& app);

}  // namespace podreeve::manifests::kube
