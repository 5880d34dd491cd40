#pragma once

#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/observe/observed.h"
#include "runtime/base/result.h"
#include "runtime/podman/client.h"

// Reads podman into one snapshot. Blocks on podman, so never on the loop thread; any other may
// call.
namespace podreeve::observe {

// One list call each for containers and pods. An error of either is an error of the whole: what is
// unknown must not pass for absent. Where the two lists do not fit each other they are read once
// more, and apps that still do not fit are noted as in motion.
Result<Observed> observe(podman::Client& client,
                         const std::string& owner,
                         WallTime now,
                         std::stop_token stop);

// Adds what a plan asked for: all volumes, networks and secrets, and of these images whether they
// are here. observed is as it was when this fails.
Status add_resources(Observed& observed,
                     podman::Client& client,
                     const std::set<std::string>& images,
                     std::stop_token stop);

// -- the parts of it that need no podman

struct Listings {
    std::function<Result<std::vector<podman::ContainerSummary>>()> containers;
    std::function<Result<std::vector<podman::PodSummary>>()> pods;
};

// Reads both lists, again when they do not fit, sorts them and tells the service containers.
Result<Observed> observe(const Listings& listings, const std::string& owner, WallTime now);

// The apps of ours of which the two lists cannot be of one moment, and what is missing: every pod
// that a container names has to be there, and every member that a pod names.
std::map<std::string, std::string> misfits(const Observed& observed, const std::string& owner);

// Which containers are service containers of ours. No label can be put on one that podman holds: it
// is told by the pods that link to it. Before there are any it is nobody's: the step that makes it
// knows it by its id, and a later one makes it anew.
std::map<std::string, std::string> find_services(const Observed& observed,
                                                 const std::string& owner);

}  // namespace podreeve::observe
