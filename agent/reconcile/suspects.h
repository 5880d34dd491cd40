#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"

namespace podreeve::reconcile {

// An app in whose hands the agent has died of itself, and what comes of it. Pure: all times are
// given, and are of the steady clock of one boot.
//
//   watched     fewer than three deaths in ten minutes: it is kept like any other app
//   set aside   nothing is planned or done for it, until its next try
//   on trial    kept again; one more death sets it aside at once, ten minutes without clear it
struct Suspect {
    std::vector<SteadyTime> deaths;  // the newest last; at most kDeaths
    bool set_aside = false;
    std::optional<SteadyTime> tried;  // since when it is on trial
    std::string spec;                 // of the manifest it was last seen with; empty: not seen yet
    friend bool operator==(const Suspect&, const Suspect&) = default;
};

inline constexpr std::size_t kDeaths = 3;
inline constexpr std::chrono::minutes kDeathsWithin{10};
inline constexpr std::chrono::minutes kTryAfter{10};  // after the last death
inline constexpr std::chrono::minutes kTrial{10};

using SuspectApps = std::map<std::string, Suspect>;  // by app

void note_death(Suspect& suspect, SteadyTime at);
// A person asks for it, or its manifest has changed.
void try_now(Suspect& suspect, SteadyTime now);
// When one that is set aside is tried by itself.
SteadyTime next_try(const Suspect& suspect);
// Begins a try that is due, or that the manifest it is seen with calls for (empty: none is there).
void evaluate(Suspect& suspect, const std::string& spec, SteadyTime now);
// Nothing is held against it any more.
bool is_cleared(const Suspect& suspect, SteadyTime now);

// In words for people; the same until it dies once more.
std::string why_set_aside(const std::string& app, const Suspect& suspect);

}  // namespace podreeve::reconcile
