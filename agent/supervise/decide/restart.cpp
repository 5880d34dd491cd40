#include "agent/supervise/decide/restart.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "agent/plan/decision.h"

namespace podreeve::supervise {

using plan::was_cut_off;
using podman::ContainerState;

namespace {

constexpr double kMostJitter = 1.2;

Duration plain_backoff(std::int64_t short_runs) {
    if (short_runs < 2) {
        return Duration::zero();
    }
    const auto doublings = std::min<std::int64_t>(short_runs - 2, 20);
    return std::min<Duration>(kFirstBackoff * (std::int64_t{1} << doublings), kLongestBackoff);
}

Duration longest_backoff(std::int64_t short_runs) {
    return std::chrono::duration_cast<Duration>(plain_backoff(short_runs) * kMostJitter);
}

}  // namespace

bool wants_start(manifests::RestartPolicy policy, const podman::ContainerSummary& container) {
    if (container.state != ContainerState::Exited && container.state != ContainerState::Stopped) {
        return false;
    }
    switch (policy) {
        case manifests::RestartPolicy::Always:
            return true;
        case manifests::RestartPolicy::OnFailure:
            return container.exit_code != 0;
        case manifests::RestartPolicy::Never:
            return false;
    }
    return false;
}

std::string exit_key(const podman::ContainerSummary& container) {
    const auto stamp = [](const std::optional<WallTime>& time) {
        return time ? time->time_since_epoch().count() : 0;
    };
    return fmt::format("{}/{}/{}", container.id.substr(0, 12), stamp(container.started),
                       stamp(container.exited));
}

bool note_exit(RestartRecord& record, const podman::ContainerSummary& container) {
    std::string key = exit_key(container);
    if (key == record.last_exit) {
        return false;
    }
    record.last_exit = std::move(key);
    ++record.restarts;
    if (!was_cut_off(container)) {
        const bool good = container.started && container.exited &&
                          *container.exited - *container.started >= kGoodRun;
        record.short_runs = good ? 0 : record.short_runs + 1;
    }
    return true;
}

bool note_exit(RestartRecord& record,
               const podman::ContainerSummary& container,
               const std::string& salt,
               WallTime now) {
    if (!note_exit(record, container)) {
        return false;
    }
    record.until = was_cut_off(container) ? now : now + backoff(record.short_runs, salt);
    return true;
}

bool had_ended(const RestartRecord& record, WallTime by) {
    const std::string& key = record.last_exit;
    std::int64_t exited = 0;
    std::from_chars(key.data() + key.rfind('/') + 1, key.data() + key.size(), exited);
    return WallTime(Duration(exited)) <= by;
}

bool is_held(const RestartRecord& record, WallTime now) {
    return now < record.until && record.until - now <= longest_backoff(record.short_runs);
}

Duration backoff(std::int64_t short_runs, const std::string& salt) {
    const Duration plain = plain_backoff(short_runs);
    const auto draw = std::hash<std::string>{}(fmt::format("{}/{}", salt, short_runs)) % 401;
    const double factor = 0.8 + static_cast<double>(draw) / 1000.0;
    return std::chrono::duration_cast<Duration>(plain * factor);
}

}  // namespace podreeve::supervise
