#pragma once

#include <map>
#include <set>
#include <string>

#include "agent/plan/holdings.h"
#include "agent/plan/plan.h"

// A Kubernetes file under another name is another app with the same pods. podman renames no volume
// and changes no label, so an emptyDir keeps the label of the app that it was made for: whose it is
// now is told by who wants it.
namespace podreeve::plan {

// By the names of their volumes, the apps that have emptyDirs.
std::map<std::string, std::string> find_empty_dirs(const manifests::Desired& desired);

// Whose the emptyDirs are that are labelled with another app, by name: its that wants the volume
// while the app on the label does not; of none that wants it, its that had it last.
Holdings::Heirs find_heirs(const manifests::Desired& desired,
                           const observe::Observed& observed,
                           const Policy& policy);

// The apps on the labels of what it holds, but itself.
std::set<std::string> former_apps(const std::string& app, const AppHoldings& held);

}  // namespace podreeve::plan
