#include "agent/reconcile/suspects.h"

#include <algorithm>

#include <fmt/format.h>

namespace podreeve::reconcile {
namespace {

bool is_on_trial(const Suspect& suspect, SteadyTime now) {
    return suspect.tried && now - *suspect.tried < kTrial;
}

SteadyTime last_death(const Suspect& suspect) {
    return suspect.deaths.empty() ? SteadyTime() : suspect.deaths.back();
}

}  // namespace

void note_death(Suspect& suspect, SteadyTime at) {
    std::erase_if(suspect.deaths, [&](SteadyTime death) { return at - death >= kDeathsWithin; });
    suspect.deaths.push_back(at);
    std::ranges::sort(suspect.deaths);
    if (suspect.deaths.size() > kDeaths) {
        suspect.deaths.erase(suspect.deaths.begin());
    }
    suspect.set_aside =
        suspect.set_aside || is_on_trial(suspect, at) || suspect.deaths.size() >= kDeaths;
    suspect.tried.reset();
}

void try_now(Suspect& suspect, SteadyTime now) {
    if (suspect.set_aside) {
        suspect.set_aside = false;
        suspect.tried = now;
    }
}

SteadyTime next_try(const Suspect& suspect) {
    return last_death(suspect) + kTryAfter;
}

void evaluate(Suspect& suspect, const std::string& spec, SteadyTime now) {
    const bool changed = !suspect.spec.empty() && suspect.spec != spec;
    if (suspect.set_aside && (changed || now >= next_try(suspect))) {
        try_now(suspect, now);
    }
    suspect.spec = spec;
}

bool is_cleared(const Suspect& suspect, SteadyTime now) {
    return !suspect.set_aside && !is_on_trial(suspect, now) &&
           now - last_death(suspect) >= kDeathsWithin;
}

std::string why_set_aside(const std::string& app, const Suspect& suspect) {
    return fmt::format(
        "podreeve itself has crashed {} while it worked for this app, so the app is set aside: "
        "what it has is left as it is, and all others are kept; it is tried again after {}, when "
        "its manifest changes, and by `podreeve restart {}`",
        suspect.deaths.size() < kDeaths ? "again" : fmt::format("{} times", suspect.deaths.size()),
        to_short_text(kTryAfter), app);
}

}  // namespace podreeve::reconcile
