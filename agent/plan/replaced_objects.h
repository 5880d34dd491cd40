#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/decision.h"
#include "agent/plan/prepare.h"
#include "agent/plan/step_graph.h"

namespace podreeve::plan {

// What is there and has to give way: stopped and retained before its successor is made, so that an
// undo finds it, and removed only once everything new has started.
class OldObjects {
  public:
    OldObjects(const AppCase& app,
               const AppDecision& decision,
               StepGraph& graph,
               const Preparation& ready,
               bool deploy)
        : app_(app), decision_(decision), graph_(graph), ready_(ready), deploy_(deploy) {}

    void take_down();
    // after: the last of all starts, in a deploy.
    void clear_away(const After& after);

    std::size_t stop_pod(const PodDecision& pod, const std::string& reason);

    void note_started(const std::string& part, std::size_t step) { started_[part] = {step}; }

    // What has to be done before that part is made, or an object of that name.
    After cleared(const std::string& part) const;
    After freed(const std::string& name) const;

    const After& removed_pods() const { return removed_pods_; }

  private:
    struct Pending {
        const podman::ContainerSummary* container;
        std::string name, why, reason, part;
        After after;
    };

    struct PendingPod {
        const SurplusPod* row;
        After after;
    };

    void collect_names();
    bool is_in_the_way(const podman::PodSummary& pod) const;
    void take_down(const PodDecision& pod);
    void take_down(const SurplusPod& row);
    void take_down(const ContainerDecision& container);
    void take_down(const SurplusContainer& row);
    void retire(const podman::ContainerSummary& container,
                const manifests::ContainerSpec* spec,
                Pending pending);
    std::size_t remove(const podman::ContainerSummary& container,
                       const std::string& name,
                       const std::string& part,
                       const std::string& why,
                       const std::string& reason,
                       const After& after);
    std::size_t remove(const podman::PodSummary& pod,
                       const std::string& part,
                       const std::string& why,
                       const std::string& reason,
                       const After& after);
    After before(const manifests::ContainerSpec* spec) const;

    const AppCase& app_;
    const AppDecision& decision_;
    StepGraph& graph_;
    const Preparation& ready_;
    bool deploy_;
    std::set<std::string_view> needed_;               // names of what will be made
    std::map<std::string, After> cleared_, started_;  // by part
    std::map<std::string, After> freed_;              // by name
    std::vector<Pending> pending_;
    std::vector<PendingPod> pending_pods_;
    After removed_pods_;
};

// A pod has anything that runs, so that it has to be stopped before it goes.
bool is_up(const podman::PodSummary& pod);
bool is_up(const podman::ContainerSummary& container);

std::size_t remove_volume(const podman::VolumeDetails& volume,
                          const std::string& reason,
                          StepGraph& graph,
                          const After& after);
std::size_t remove_secret(const podman::SecretDetails& secret,
                          const std::string& reason,
                          StepGraph& graph,
                          const After& after);

}  // namespace podreeve::plan
