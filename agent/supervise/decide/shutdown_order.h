#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "manifests/model.h"

// Who goes down, why, and in which order: pure functions over names.
//
// An app is down when a person asked for it, when the host goes down, and, since it cannot do its
// work then, when something it depends on (started or healthy) is down on request: stopping db
// stops what needs db first. What goes down by itself takes nobody along unless a dependent's
// policy says so: `stop` follows it down and comes back with it, `restart` is restarted once it is
// back. The order is the reverse of starting, level by level: an app is stopped only when nothing
// that depends on it and goes down too still runs. One that could not be stopped is abandoned after
// its grace and a kill, and holds up nobody, so this always ends.
namespace podreeve::supervise {

// Why an app is down from `podreeve shutdown`, or podreeve-apps.service, on.
inline constexpr const char* kHostGoesDown = "the host goes down";

// How one app stands, so far as going down asks.
struct DownFacts {
    std::string asked;            // why it is wanted down for its own sake; empty: it is not
    bool with_dependents = true;  // what needs it goes down as well
    bool stays = false;           // it is only restarted: those with `stay` and `restart` stay up
    bool runs = false;            // anything of it runs, or is still being stopped
    bool met_started = true;      // as a dependency
    bool met_healthy = true;
    bool abandoned = false;  // its stop has failed
    // The latest start of a container of it, and the earliest among those that run; zero: none.
    std::int64_t last_start = 0, first_start = 0;
    std::vector<manifests::Dependency> depends_on;
};

using DownTable = std::map<std::string, DownFacts>;

// The apps that have to be down now, each with the reason in words.
std::map<std::string, std::string> going_down(const DownTable& apps);

// Of those in down: who has to wait with its stop, and for whom, in words.
std::map<std::string, std::string> stops_that_wait(const DownTable& apps,
                                                   const std::set<std::string>& down);

// What would be stopped together with these, level by level, the first level first.
std::vector<std::vector<std::string>> stop_levels(const DownTable& apps,
                                                  const std::set<std::string>& names);

// names and all that needs one of them, directly or by way of others.
std::set<std::string> with_dependents(const DownTable& apps, const std::set<std::string>& names);

}  // namespace podreeve::supervise
