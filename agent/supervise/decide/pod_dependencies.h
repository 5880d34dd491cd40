#pragma once

#include <string>
#include <vector>

#include "agent/supervise/decide/parts.h"
#include "agent/supervise/decide/shutdown_order.h"

// The pods of one app that depend on each other: pure, over what is known of their parts. A pod
// that is there and down is held until those it needs are as they have to be, so that the change
// that mends those never waits for it. Policies are those between apps (shutdown_order.h): `stop`
// takes a pod down with what it needs, dependents first, and `restart` once that was restarted.
namespace podreeve::supervise {

// Which pod of the same app is still waited for, in words; empty: none.
std::string waits_within(const manifests::AppSpec& spec,
                         const manifests::PodSpec& pod,
                         const std::vector<PartStatus>& parts);

// How the pods stand, by part, for going_down() and stops_that_wait().
DownTable pod_table(const manifests::AppSpec& spec,
                    const std::vector<PartStatus>& parts,
                    const ObservedIndex& index,
                    const RunStarts& run_starts);

}  // namespace podreeve::supervise
