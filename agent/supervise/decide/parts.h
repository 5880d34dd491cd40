#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/observe/observed.h"
#include "agent/supervise/decide/memory.h"
#include "agent/supervise/status.h"
#include "manifests/model.h"

namespace podreeve::supervise {

// Our objects in one snapshot, found by name and by app. Points into the snapshot, which must
// outlive it.
class ObservedIndex {
  public:
    ObservedIndex(const observe::Observed& observed, const std::string& owner);

    const podman::ContainerSummary* container(const std::string& name) const;
    const podman::ContainerSummary* container_by_id(const std::string& id) const;
    const podman::PodSummary* pod(const std::string& name) const;
    // Service containers, which no list of parts holds.
    const std::vector<const podman::ContainerSummary*>& services_of(const std::string& app) const;
    const std::vector<const podman::ContainerSummary*>& containers_of(const std::string& app) const;
    // A container that this service runs and that is paused; null: none is.
    const podman::ContainerSummary* paused_of(const std::string& service) const;
    std::vector<std::string> apps() const;  // those that own a container, a pod or a unit, sorted

    const std::string& owner() const { return owner_; }

    // Null: there are none, or nobody has looked.
    const observe::Companions* companions() const { return companions_; }

  private:
    void note_paused(const podman::ContainerSummary& container);

    std::unordered_map<std::string_view, const podman::ContainerSummary*> containers_;
    std::unordered_map<std::string, const podman::ContainerSummary*> paused_;  // by service
    std::unordered_map<std::string_view, const podman::PodSummary*> pods_;
    std::unordered_map<std::string, std::vector<const podman::ContainerSummary*>> by_app_;
    std::unordered_map<std::string, std::vector<const podman::ContainerSummary*>> services_;
    std::unordered_map<std::string, bool> apps_;
    const observe::Companions* companions_ = nullptr;
    const observe::Observed* observed_ = nullptr;
    std::string owner_;
};

// What is known of the readiness of a container that runs. Without probes it is ready.
struct PartHealth {
    bool ready = true;
    std::string word;     // "", starting, healthy, unhealthy
    std::string message;  // why it is not ready
};

using PartReadiness = std::function<PartHealth(
    const std::string& app, const manifests::ContainerSpec&, const podman::ContainerSummary&)>;

// What is remembered of the health of that run; null: nothing, or it has no probes.
const RunHealth* remembered(const AppMemory& memory,
                            const manifests::ContainerSpec& spec,
                            const podman::ContainerSummary& container);

// How many containers an app has and how many are as they should be.
struct PartCounts {
    std::size_t total = 0, up = 0, ready = 0, finished_well = 0, failed_for_good = 0;
    std::size_t unknown = 0;   // that podman or systemd say nothing of: up as far as anybody knows
    bool any_running = false;  // or paused
    bool unhealthy = false;    // one's probes say so, and not only that it is starting
    std::string not_ready;     // who is up and not ready, and why
};

// The parts of an app as status shows them. spec may be null: then what is observed is listed.
std::vector<PartStatus> list_parts(const std::string& app,
                                   const manifests::AppSpec* spec,
                                   const ObservedIndex& index,
                                   const AppMemory& memory,
                                   const PartReadiness& readiness = nullptr);

// When a run of a container was started: as podman says, by the wall clock of that moment, and by
// the clock that decides; nothing: what podman says lay ahead when the run was first seen.
struct RunStart {
    WallTime said{};
    std::optional<WallTime> known{};
};

using RunStarts = std::unordered_map<std::string, RunStart>;  // by container id

// When its containers, or those of one pod, were started: the last of all, and the first of those
// that run (seconds since 1970; 0: none).
struct StartTimes {
    std::int64_t last = 0, first = 0;
};

StartTimes start_times(const manifests::AppSpec& spec,
                       const ObservedIndex& index,
                       const RunStarts& starts,
                       const std::optional<std::string>& pod = {});

PartCounts count_parts(const std::vector<PartStatus>& parts, const manifests::AppSpec* spec);

// Whether others may go on needing it: what cannot be seen is lost for nobody.
bool is_met(const PartCounts& counts);

}  // namespace podreeve::supervise
