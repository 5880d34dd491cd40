#include "agent/supervise/wedged.h"

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

using podman::ContainerState;

bool is_passing_state(ContainerState state) {
    switch (state) {
        case ContainerState::Configured:
        case ContainerState::Created:
        case ContainerState::Initialized:
        case ContainerState::Paused:
        case ContainerState::Removing:
        case ContainerState::Stopping:
        case ContainerState::Unknown:
            return true;
        case ContainerState::Running:
        case ContainerState::Stopped:
        case ContainerState::Exited:
            return false;
    }
    return false;
}

}  // namespace

bool WedgeWatch::is_wedged(const podman::ContainerSummary& container, WallTime now) {
    if (!is_passing_state(container.state)) {
        stuck_since_.erase(container.id);
        return false;
    }
    const auto [it, fresh] = stuck_since_.emplace(container.id, now);
    return !fresh && now - it->second >= kWedgedAfter;
}

void WedgeWatch::note_recreated(const std::string& name, WallTime now) {
    recreated_[name].push_back(now);
}

std::optional<std::string> WedgeWatch::breaker(const std::string& name, WallTime now) {
    const auto it = recreated_.find(name);
    if (it == recreated_.end()) {
        return std::nullopt;
    }
    std::deque<WallTime>& times = it->second;
    while (!times.empty() && now - times.front() > kBreakerWindow) {
        times.pop_front();
    }
    if (times.size() < kMostRecreations) {
        return std::nullopt;
    }
    return fmt::format("{} was recreated {} times in {} and is left alone until {}", name,
                       times.size(), to_short_text(kBreakerWindow),
                       to_rfc3339(times.front() + kBreakerWindow));
}

void WedgeWatch::keep_only(const std::set<std::string>& ids) {
    std::erase_if(stuck_since_, [&](const auto& row) { return !ids.contains(row.first); });
}

std::optional<WallTime> WedgeWatch::next_after(WallTime now) const {
    std::optional<WallTime> next;
    for (const auto& [id, since] : stuck_since_) {
        const WallTime due = since + kWedgedAfter;
        if (due > now && (!next || due < *next)) {
            next = due;
        }
    }
    return next;
}

}  // namespace podreeve::supervise
