// The host goes down, and does not wait for ever: how long all apps may take to stop, against how
// long they are given.
#include <algorithm>

#include <fmt/format.h>

#include "agent/supervise/core.h"
#include "agent/supervise/decide/shutdown_order.h"
#include "runtime/base/log.h"

namespace podreeve::supervise {

namespace {

// Of what the host gives: to ask, to plan, and to tell.
constexpr std::chrono::seconds kForTheRest{5};
constexpr std::size_t kMostLevelsShown = 5;

// By the second, as TimeoutStopSec= and graces are.
std::string in_seconds(Duration time) {
    return fmt::format("{} s", std::chrono::ceil<std::chrono::seconds>(time).count());
}

Duration usable(Duration given) {
    return std::max(given - Duration(kForTheRest), Duration{});
}

}  // namespace

// Weighed anew when it could be another.
const std::vector<LevelTime>& Supervisor::Core::time_to_stop_all() {
    if (evaluated_for_end == memory.effective) {
        return end_levels;
    }
    DownTable table;
    std::set<std::string> names;
    for (const auto& [name, spec] : memory.effective) {
        table[name].depends_on = spec->depends_on;
        names.insert(name);
    }
    end_levels = level_times(memory.effective, stop_levels(table, names));
    evaluated_for_end = memory.effective;
    return end_levels;
}

void Supervisor::Core::report_host_end(Overview& overview) {
    const Duration needs = host_gives ? sum_of(time_to_stop_all()) : Duration{};
    if (!host_gives || needs <= usable(*host_gives)) {
        return;
    }
    std::string levels;
    for (std::size_t i = 0; i < std::min(end_levels.size(), kMostLevelsShown); ++i) {
        levels += fmt::format("{}{} {}", i == 0 ? "" : ", then ", end_levels[i].app,
                              in_seconds(end_levels[i].takes));
    }
    levels += end_levels.size() > kMostLevelsShown ? ", and so on" : "";
    StatusCondition condition{
        "ShutdownTooShort", "TimeoutStopSec",
        fmt::format("when the host goes down, stopping all apps in order can take {} ({}), and "
                    "podreeve-apps.service has {} for it: then all graces are shortened alike; a "
                    "drop-in with TimeoutStopSec= gives it more (and one for user@.service, of a "
                    "user's agent)",
                    in_seconds(needs), levels, in_seconds(*host_gives)),
        ""};
    const auto before =
        std::ranges::find(last.agent_conditions, condition.type, &StatusCondition::type);
    condition.since = before == last.agent_conditions.end() ? wall() : before->since;
    if (before == last.agent_conditions.end() || before->message != condition.message) {
        log::warn("{}", condition.message);
    }
    overview.agent_conditions.push_back(std::move(condition));
}

Duration Supervisor::time_to_stop_all() const {
    const std::lock_guard lock(core_->mutex);
    return sum_of(core_->time_to_stop_all());
}

void Supervisor::host_gives(std::optional<Duration> given) {
    const std::lock_guard lock(core_->mutex);
    core_->host_gives = given;
}

RequestReport Supervisor::shut_down(bool down, std::optional<Duration> within) {
    const std::lock_guard lock(core_->mutex);
    core_->shutting_down = down;
    core_->down_by.reset();
    if (!down) {
        return {};
    }
    std::set<std::string> names;
    for (const auto& [name, spec] : core_->memory.effective) {
        names.insert(name);
    }
    RequestReport report = core_->report_stop(names, false, 0);
    if (!within) {
        return report;
    }
    core_->down_by = core_->clock.steady_now() + usable(*within);
    report.at_most = std::min(report.at_most, usable(*within));
    const Duration needs = sum_of(core_->time_to_stop_all());
    if (needs > usable(*within)) {
        report.asked_for = needs;
        log::warn(
            "stopping all apps in order can take {}, and the host gives {}: all graces are "
            "shortened alike",
            in_seconds(needs), in_seconds(*within));
    }
    return report;
}

}  // namespace podreeve::supervise
