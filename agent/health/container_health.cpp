#include "agent/health/container_health.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace podreeve::health {
namespace {

constexpr std::chrono::seconds kImpatient{1};
// Beyond a question's timeout. Whoever is asked may have others to ask first.
constexpr std::chrono::minutes kAnswerBeyond{1};

}  // namespace

std::string_view to_string(Use use) {
    switch (use) {
        case Use::Startup:
            return "startup";
        case Use::Liveness:
            return "liveness";
        case Use::Readiness:
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
    for (const Use use : kUses) {
        if (const manifests::Probe* asked = probe(use)) {
            of(use).track.emplace(asked->success_threshold, asked->failure_threshold);
            of(use).next = started + asked->initial_delay;
        }
    }
}

void ContainerHealth::go_on_from(const Before& before) {
    adopted_ = false;
    std::optional<Track>& readiness = of(Use::Readiness).track;
    if (before.readiness == Readiness::NotReady && before.failing.empty()) {
        return;
    }
    const bool was_up = before.readiness == Readiness::Ready || readiness.has_value();
    phase_ = was_up ? Phase::Up : phase_;
    if (readiness) {
        readiness->go_on_from(before.failing);
    }
}

const manifests::Probe* ContainerHealth::probe(Use use) const {
    const std::optional<manifests::Probe>& found = use == Use::Startup    ? health_->startup
                                                   : use == Use::Liveness ? health_->liveness
                                                                          : health_->readiness;
    return found ? &*found : nullptr;
}

bool ContainerHealth::is_asked(Use use) const {
    switch (phase_) {
        case Phase::Starting:
            return use == Use::Startup;
        case Phase::Up:
            return use != Use::Startup && of(use).track.has_value();
        case Phase::Lost:
            break;
    }
    return false;
}

std::optional<SteadyTime> ContainerHealth::due(Use use) const {
    return is_asked(use) && !of(use).under_way ? std::optional(of(use).next) : std::nullopt;
}

Duration ContainerHealth::pause(Use use) const {
    const manifests::Probe& asked = *probe(use);
    const bool hurry = use == Use::Readiness && asked.kind != manifests::ProbeKind::Exec &&
                       of(use).track->standing() != Standing::Good;
    return hurry ? std::min<Duration>(asked.period, kImpatient) : Duration(asked.period);
}

void ContainerHealth::asked(Use use, SteadyTime now) {
    of(use).under_way = true;
    of(use).next = now;  // where the pause is counted from
}

std::optional<SteadyTime> ContainerHealth::overdue(Use use) const {
    const Asking& asking = of(use);
    return asking.under_way && !asking.kept
               ? std::optional(asking.next + probe(use)->timeout + kAnswerBeyond)
               : std::nullopt;
}

bool ContainerHealth::is_steady(Use use) const {
    const Asking& asking = of(use);
    return use != Use::Startup && is_asked(use) && !asking.under_way &&
           asking.track->standing() == Standing::Good && asking.track->trouble().empty();
}

void ContainerHealth::kept(Use use) {
    of(use).under_way = true;
    of(use).kept = true;
}

void ContainerHealth::answered(Use use, const probe::Answer& answer, SteadyTime now) {
    Asking& asking = of(use);
    if (!asking.under_way) {
        return;
    }
    asking.under_way = false;
    asking.next = std::exchange(asking.kept, false) ? now : asking.next;
    if (!is_asked(use)) {
        return;
    }
    asking.track->take(answer);
    asking.next = std::max(asking.next + pause(use), now);
    const Standing standing = asking.track->standing();
    if (use == Use::Startup && standing == Standing::Good) {
        phase_ = Phase::Up;
    } else if (use != Use::Readiness && standing == Standing::Bad) {
        phase_ = Phase::Lost;
        lost_by_ = use;
    }
}

Verdict ContainerHealth::not_ready(Use use) const {
    Verdict out;
    const Track& track = *of(use).track;
    const bool unproved = track.standing() == Standing::Unproved;
    out.readiness = unproved && adopted_ ? Readiness::Unknown : Readiness::NotReady;
    out.failing = !unproved;
    const std::string trouble = track.trouble();
    out.message =
        fmt::format("{}: {}", to_string(use), trouble.empty() ? "not proved yet" : trouble);
    return out;
}

Verdict ContainerHealth::verdict(SteadyTime now) const {
    Verdict out;
    if (phase_ == Phase::Lost) {
        out = not_ready(lost_by_);
        out.restart = true;
        out.stop_grace = probe(lost_by_)->stop_grace;
        return out;
    }
    if (phase_ == Phase::Starting) {
        return not_ready(Use::Startup);
    }
    if (const Asking& readiness = of(Use::Readiness); readiness.track) {
        if (readiness.track->standing() != Standing::Good) {
            return not_ready(Use::Readiness);
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
    const bool by_age = phase_ == Phase::Up && !of(Use::Readiness).track;
    return by_age && now - started_ < kUpAfter ? std::optional(started_ + kUpAfter) : std::nullopt;
}

}  // namespace podreeve::health
