#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "manifests/model.h"
#include "runtime/base/diagnostic.h"

namespace podreeve::manifests {

enum class FlawKind {
    Clash,              // a name, volume, secret or host port that an app before it has
    UnknownDependency,  // no manifest makes it
    Cycle,              // it waits, by way of others, for itself
};

struct Flaw {
    FlawKind kind;
    Diagnostic diagnostic;
};

using AppsByName = std::map<std::string, std::shared_ptr<const AppSpec>>;

// What is wrong between apps. order: all names in apps, those that win a clash first. known:
// further names that may be depended on, though they have no usable version.
std::map<std::string, std::vector<Flaw>> find_flaws(const AppsByName& apps,
                                                    const std::vector<std::string>& order,
                                                    const std::set<std::string>& known);

// Names of podman objects and host ports that one app uses twice.
std::vector<Diagnostic> find_clashes_within(const AppSpec& app);

}  // namespace podreeve::manifests
