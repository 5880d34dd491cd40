#include "agent/supervise/decide/stop_times.h"

#include <algorithm>

#include "agent/plan/unit_stop.h"

namespace podreeve::supervise {
namespace {

// What a kill may take after the grace has passed (agent/handlers/start_stop.cpp).
constexpr std::chrono::seconds kBeyondGrace{15};
// Then the step that stops a unit is given up (agent/handlers/table.cpp), however long systemd
// waits.
constexpr std::chrono::minutes kLongestUnitStop{21};

constexpr StopTimes kExpected{std::chrono::seconds(1), false};

bool has_processes(const manifests::CompanionSpec& companion) {
    return companion.part.ends_with(".container") || companion.part.ends_with(".pod") ||
           companion.part.ends_with(".kube");
}

// Of one service. What has commands of its own may use all of the time that systemd gives it.
Duration time_to_stop(const manifests::CompanionSpec& companion, StopTimes times) {
    const plan::UnitStop stop = plan::stop_of(companion);
    const Duration within = std::min<Duration>(stop.within, kLongestUnitStop);
    return times.at_most || stop.own_commands ? within
                                              : std::min(stop.grace + times.beyond_grace, within);
}

}  // namespace

Duration time_to_stop(const manifests::AppSpec& spec, StopTimes times) {
    Duration all{};
    for (const manifests::PodSpec& pod : spec.pods) {
        std::chrono::seconds longest{0};
        for (const manifests::ContainerSpec& container : spec.containers) {
            longest = container.pod == pod.part ? std::max(longest, container.stop_grace) : longest;
        }
        all += longest + times.beyond_grace;
    }
    for (const manifests::ContainerSpec& container : spec.containers) {
        all += container.pod.empty() ? container.stop_grace + times.beyond_grace : Duration{};
    }
    for (const manifests::CompanionSpec& companion : spec.companions) {
        const auto services =
            static_cast<int>(std::max<std::size_t>(companion.instances.size(), 1));
        all += has_processes(companion) ? time_to_stop(companion, times) * services : Duration{};
    }
    return all;
}

Duration longest_stop(const manifests::AppSpec& spec) {
    return time_to_stop(spec, {kBeyondGrace, true});
}

std::vector<LevelTime> level_times(const std::map<std::string, SpecPointer>& specs,
                                   const std::vector<std::vector<std::string>>& levels) {
    std::vector<LevelTime> times;
    for (const std::vector<std::string>& level : levels) {
        LevelTime longest;
        for (const std::string& name : level) {
            const auto spec = specs.find(name);
            const Duration takes =
                spec == specs.end() ? Duration{} : time_to_stop(*spec->second, kExpected);
            if (longest.app.empty() || takes > longest.takes) {
                longest = {name, takes};
            }
        }
        times.push_back(std::move(longest));
    }
    return times;
}

Duration sum_of(const std::vector<LevelTime>& levels) {
    Duration all{};
    for (const LevelTime& level : levels) {
        all += level.takes;
    }
    return all;
}

}  // namespace podreeve::supervise
