#include "agent/reconcile/host_end.h"

namespace podreeve::reconcile {
namespace {

constexpr const char* kAppsUnit = "podreeve-apps.service";
constexpr std::chrono::seconds kAskOfTheUnit{1};

std::optional<Duration> time_of(const systemd::UnitState& unit) {
    const bool known = unit.load_state == "loaded" && unit.stop_within != Duration{};
    return known && unit.stop_within != Duration::max() ? std::optional(unit.stop_within)
                                                        : std::nullopt;
}

}  // namespace

// Who cannot be asked now may well have said the same as before.
std::optional<Duration> HostEnd::gives(std::stop_token stop) {
    {
        const std::lock_guard lock(mutex_);
        if (asked_ && clock_.steady_now() - *asked_ < kAskAgain) {
            return given_;
        }
        asked_ = clock_.steady_now();
    }
    const auto unit = systemd_.state(kAppsUnit, {kAskOfTheUnit, std::move(stop)});
    const std::lock_guard lock(mutex_);
    given_ = unit ? time_of(*unit) : given_;
    return given_;
}

std::optional<Duration> HostEnd::ends_within(std::stop_token stop) {
    const auto unit = systemd_.state(kAppsUnit, {kAskOfTheUnit, std::move(stop)});
    if (!unit) {  // on its way down systemd may be slow, and does not wait all the same
        const std::lock_guard lock(mutex_);
        return given_;
    }
    return unit->active_state == "deactivating" ? time_of(*unit) : std::nullopt;
}

}  // namespace podreeve::reconcile
