#include "agent/health/container_health.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace podreeve::health {
namespace {

constexpr std::chrono::seconds kImpatient{1};
// Beyond a question's timeout. Whoever is asked may have others to ask first.
constexpr std::chrono::minutes kReplyBeyond{1};

}  // namespace

std::string_view to_string(ProbeRole use) {
    switch (use) {
        case ProbeRole::Startup:
            return "startup";
        case ProbeRole::Liveness:
            return "liveness";
        case ProbeRole::Readiness:
            return "readiness";
    }
    return "probe";
}

ContainerHealth::ContainerHealth(std::shared_ptr<const manifests::Health> health,
                                 SteadyTime started,
                                 bool adopted)
    : health_(std::move(health)),
      started_(started),
      adopted_(adopted),
      phase_(health_->startup ? Phase::Starting : Phase::Up) {
    for (const ProbeRole use : kUses) {
        if (const manifests::Probe* asked = probe(use)) {
            of(use).track.emplace(asked->success_threshold, asked->failure_threshold);
            of(use).next = started + asked->initial_delay;
        }
    }
}

void ContainerHealth::go_on_from(const Before& before) {
    adopted_ = false;
    std::optional<Track>& readiness = of(ProbeRole::Readiness).track;
    if (before.readiness == Readiness::NotReady && before.failing.empty()) {
        return;
    }
    const bool was_up = before.readiness == Readiness::Ready || readiness.has_value();
    phase_ = was_up ? Phase::Up : phase_;
    if (readiness) {
        readiness->go_on_from(before.failing);
    }
}

const manifests::Probe* ContainerHealth::probe(ProbeRole use) const {
    const std::optional<manifests::Probe>& found = use == ProbeRole::Startup ? health_->startup
                                                   : use == ProbeRole::Liveness
                                                       ? health_->liveness
                                                       : health_->readiness;
    return found ? &*found : nullptr;
}

bool ContainerHealth::is_asked(ProbeRole use) const {
    switch (phase_) {
        case Phase::Starting:
            return use == ProbeRole::Startup;
        case Phase::Up:
            return use != ProbeRole::Startup && of(use).track.has_value();
        case Phase::Lost:
            break;
    }
    return false;
}

std::optional<SteadyTime> ContainerHealth::due(ProbeRole use) const {
    return is_asked(use) && !of(use).under_way ? std::optional(of(use).next) : std::nullopt;
}

Duration ContainerHealth::pause(ProbeRole use) const {
    const manifests::Probe& asked = *probe(use);
    const bool hurry = use == ProbeRole::Readiness && asked.kind != manifests::ProbeKind::Exec &&
                       of(use).track->tally() != Tally::Good;
    return hurry ? std::min<Duration>(asked.period, kImpatient) : Duration(asked.period);
}

void ContainerHealth::asked(ProbeRole use, SteadyTime now) {
    of(use).under_way = true;
    of(use).next = now;  // where the pause is counted from
}

std::optional<SteadyTime> ContainerHealth::overdue(ProbeRole use) const {
    const Asking& asking = of(use);
    return asking.under_way && !asking.kept
               ? std::optional(asking.next + probe(use)->timeout + kReplyBeyond)
               : std::nullopt;
}

bool ContainerHealth::is_steady(ProbeRole use) const {
    const Asking& asking = of(use);
    return use != ProbeRole::Startup && is_asked(use) && !asking.under_way &&
           asking.track->tally() == Tally::Good && asking.track->trouble().empty();
}

void ContainerHealth::kept(ProbeRole use) {
    of(use).under_way = true;
    of(use).kept = true;
}

void ContainerHealth::take_result(ProbeRole use, const probe::ProbeResult& result, SteadyTime now) {
    Asking& asking = of(use);
    if (!asking.under_way) {
        return;
    }
    asking.under_way = false;
    asking.next = std::exchange(asking.kept, false) ? now : asking.next;
    if (!is_asked(use)) {
        return;
    }
    asking.track->take(result);
    asking.next = std::max(asking.next + pause(use), now);
    const Tally tally = asking.track->tally();
    if (use == ProbeRole::Startup && tally == Tally::Good) {
        phase_ = Phase::Up;
    } else if (use != ProbeRole::Readiness && tally == Tally::Bad) {
        phase_ = Phase::Lost;
        lost_by_ = use;
    }
}

HealthStatus ContainerHealth::not_ready(ProbeRole use) const {
    HealthStatus out;
    const Track& track = *of(use).track;
    const bool unproved = track.tally() == Tally::Unproved;
    out.readiness = unproved && adopted_ ? Readiness::Unknown : Readiness::NotReady;
    out.failing = !unproved;
    const std::string trouble = track.trouble();
    out.message =
        fmt::format("{}: {}", to_string(use), trouble.empty() ? "not proved yet" : trouble);
    return out;
}

HealthStatus ContainerHealth::status(SteadyTime now) const {
    HealthStatus out;
    if (phase_ == Phase::Lost) {
        out = not_ready(lost_by_);
        out.restart = true;
        out.stop_grace = probe(lost_by_)->stop_grace;
        return out;
    }
    if (phase_ == Phase::Starting) {
        return not_ready(ProbeRole::Startup);
    }
    if (const Asking& readiness = of(ProbeRole::Readiness); readiness.track) {
        if (readiness.track->tally() != Tally::Good) {
            return not_ready(ProbeRole::Readiness);
        }
        out.readiness = Readiness::Ready;
        return out;
    }
    const bool up = now - started_ >= kUpAfter;
    out.readiness = up ? Readiness::Ready : Readiness::NotReady;
    out.message = up ? "" : "runs for less than a second";
    return out;
}

std::optional<SteadyTime> ContainerHealth::next_change(SteadyTime now) const {
    const bool by_age = phase_ == Phase::Up && !of(ProbeRole::Readiness).track;
    return by_age && now - started_ < kUpAfter ? std::optional(started_ + kUpAfter) : std::nullopt;
}

}  // namespace podreeve::health
