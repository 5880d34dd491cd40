#include "agent/observe/processes.h"

#include <unistd.h>
#include <unordered_set>

namespace podreeve::observe {
namespace {

using podman::ContainerState;
using podman::ContainerSummary;
using process::Presence;

// In each pass only some are compared in whole: reading what /proc says of thousands would cost
// more than podman's list, and a pid is not given out again within a few passes.
constexpr std::size_t kWholePerPass = 32;

std::vector<const ContainerSummary*> ours_that_run(const Observed& observed,
                                                   const std::string& owner) {
    std::unordered_set<std::string_view> pods;
    for (const podman::PodSummary& pod : observed.pods) {
        if (ownership(pod.labels, owner)) {
            pods.insert(pod.id);
        }
    }
    std::vector<const ContainerSummary*> ours;
    for (const ContainerSummary& container : observed.containers) {
        const bool mine = ownership(container.labels, owner).has_value() ||
                          observed.services.contains(container.id) ||
                          (container.is_infra && pods.contains(container.pod_id));
        if (mine && container.state == ContainerState::Running && container.pid > 0) {
            ours.push_back(&container);
        }
    }
    return ours;
}

}  // namespace

// By its pid alone, unless it is seen first or its turn has come.
Presence ProcessWatch::look_at(const ContainerSummary& container, Known& known, bool whole) {
    const auto pid = static_cast<pid_t>(container.pid);
    const auto run = known.runs.find(container.id);
    if (run != known.runs.end() && run->second.pid == pid) {
        const bool gone = ::access((proc_ / std::to_string(pid)).c_str(), F_OK) != 0;
        return whole || gone ? process::look_for(run->second, proc_) : Presence::There;
    }
    const Presence presence = process::belongs_to(pid, container.id, proc_);
    if (presence == Presence::There) {
        if (auto identity = process::identify(pid, proc_)) {
            known.runs[container.id] = std::move(*identity);
            known.sees = true;
        }
    }
    return presence;
}

bool ProcessWatch::is_lost(const ContainerSummary& container, const Inspect& inspect) const {
    const auto now = inspect(container.id);
    return now && now->summary.state == ContainerState::Running &&
           now->summary.pid == container.pid && now->conmon_pid > 0 &&
           process::belongs_to(static_cast<pid_t>(now->conmon_pid), container.id, proc_) ==
               Presence::Gone;
}

std::set<std::string> ProcessWatch::lost(const Observed& observed,
                                         const std::string& owner,
                                         const Inspect& inspect) {
    const std::vector<const ContainerSummary*> running = ours_that_run(observed, owner);
    std::vector<const ContainerSummary*> gone;
    {
        auto known = known_.lock();
        std::unordered_set<std::string_view> ids;
        for (std::size_t i = 0; i < running.size(); ++i) {
            ids.insert(running[i]->id);
            const std::size_t place = (i + running.size() - known->turn) % running.size();
            if (look_at(*running[i], *known, place < kWholePerPass) == Presence::Gone) {
                gone.push_back(running[i]);
            }
        }
        known->turn = running.empty() ? 0 : (known->turn + kWholePerPass) % running.size();
        std::erase_if(known->runs, [&](const auto& row) { return !ids.contains(row.first); });
        // Who never saw any of podman's processes may well be looking in the wrong place.
        if (!known->sees) {
            gone.clear();
        }
    }
    std::set<std::string> lost;
    for (const ContainerSummary* container : gone) {
        if (is_lost(*container, inspect)) {
            lost.insert(container->id);
        }
    }
    return lost;
}

}  // namespace podreeve::observe
