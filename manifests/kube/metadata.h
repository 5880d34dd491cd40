#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

// podreeve's own settings, as podreeve.io/* annotations of a workload.
struct Settings {
    std::vector<Dependency> depends_on;
    std::vector<StartCondition> conditions;
    std::optional<bool> autostart;
    std::optional<RestartPolicy> restart;
    std::optional<bool> ready_by_port;
};

struct Metadata {
    std::string name;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;  // without podreeve's own
    Settings settings;
};

enum class MetadataOf {
    Workload,  // a Pod or Deployment: has a name, may carry settings
    Template,  // of a Deployment: needs no name, may carry settings
    Data,      // a ConfigMap, Secret or claim: has a name, no settings
};

// metadata, with what is wrong in it told. The name is empty when there is no usable one.
Metadata read_metadata(const Place& metadata, MetadataOf of);

// name -> value with every value a string, as labels, annotations and data have them.
std::map<std::string, std::string> read_string_map(const Place& map);

}  // namespace podreeve::manifests::kube
