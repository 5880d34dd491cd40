#include "agent/supervise/decide/stuck.h"

#include <iterator>

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

using podman::ContainerState;

bool is_half_made(ContainerState state) {
    return state == ContainerState::Configured || state == ContainerState::Created ||
           state == ContainerState::Initialized;
}

bool is_passing_state(ContainerState state) {
    return is_half_made(state) || state == ContainerState::Removing ||
           state == ContainerState::Stopping;
}

void drop_old(std::deque<SteadyTime>& times, SteadyTime now) {
    while (!times.empty() && now - times.front() > kBreakerWindow) {
        times.pop_front();
    }
}

}  // namespace

bool StuckWatch::is_stuck(const podman::ContainerSummary& container,
                          SteadyTime now,
                          Duration grace) {
    if (!is_passing_state(container.state)) {
        passing_.erase(container.id);
        return false;
    }
    Passing& passing = passing_.try_emplace(container.id, Passing{now, {}, {}}).first->second;
    // From the end of its grace podman may go on to its removal.
    if (passing.state == ContainerState::Stopping && container.state == ContainerState::Removing) {
        passing.since = now;
    }
    passing.state = container.state;
    passing.longest =
        kStuckAfter + (container.state == ContainerState::Stopping ? grace : Duration::zero());
    if (now - passing.since < passing.longest) {
        return false;
    }
    if (!is_half_made(container.state)) {
        return true;
    }
    const auto made = recreated_.find(container.name);
    if (made == recreated_.end()) {
        return true;
    }
    drop_old(made->second, now);
    return made->second.empty();
}

void StuckWatch::note_recreated(const std::string& name, SteadyTime now) {
    recreated_[name].push_back(now);
    failed_starts_.erase(name);
}

void StuckWatch::note_pod_start(const std::string& pod, bool went_well) {
    if (went_well) {
        failed_starts_.erase(pod);
    } else {
        ++failed_starts_[pod];
    }
}

bool StuckWatch::cannot_start(const std::string& pod, const podman::ContainerSummary* infra) {
    if (infra != nullptr && infra->state == ContainerState::Running) {
        failed_starts_.erase(pod);
    }
    const auto failed = failed_starts_.find(pod);
    const bool down = infra == nullptr || is_half_made(infra->state) ||
                      infra->state == ContainerState::Exited ||
                      infra->state == ContainerState::Stopped;
    return down && failed != failed_starts_.end() && failed->second >= kFailedPodStarts;
}

std::optional<Duration> StuckWatch::open_for(const std::string& name, SteadyTime now) {
    const auto it = recreated_.find(name);
    if (it == recreated_.end()) {
        return std::nullopt;
    }
    drop_old(it->second, now);
    return it->second.size() < kMostRecreations
               ? std::nullopt
               : std::optional<Duration>(it->second.front() + kBreakerWindow - now);
}

std::optional<std::string> StuckWatch::breaker(const std::string& name,
                                               SteadyTime now,
                                               WallTime wall) {
    const auto open = open_for(name, now);
    return !open ? std::nullopt
                 : std::optional(fmt::format(
                       "{} was recreated {} times in {} and is left alone until {}; `podreeve "
                       "start` or `podreeve reconcile` tries it at once",
                       name, recreated_[name].size(), to_short_text(kBreakerWindow),
                       to_rfc3339(wall + *open)));
}

void StuckWatch::reset(const std::optional<std::set<std::string>>& names) {
    const auto asked = [&](const auto& row) { return !names || names->contains(row.first); };
    std::erase_if(recreated_, asked);
    std::erase_if(failed_starts_, asked);
}

void StuckWatch::keep_only(const std::set<std::string>& ids,
                           const std::set<std::string>& pods,
                           SteadyTime now) {
    std::erase_if(passing_, [&](const auto& row) { return !ids.contains(row.first); });
    std::erase_if(failed_starts_, [&](const auto& row) { return !pods.contains(row.first); });
    for (auto it = recreated_.begin(); it != recreated_.end();) {
        drop_old(it->second, now);
        it = it->second.empty() ? recreated_.erase(it) : std::next(it);
    }
}

std::optional<Duration> StuckWatch::next_after(SteadyTime now) const {
    std::optional<Duration> next;
    for (const auto& [id, passing] : passing_) {
        const Duration left = passing.since + passing.longest - now;
        if (left > Duration::zero() && (!next || left < *next)) {
            next = left;
        }
    }
    return next;
}

}  // namespace podreeve::supervise
