#include "agent/observe/ended_jobs.h"

#include <gtest/gtest.h>

namespace podreeve::observe {
namespace {

using systemd::UnitState;

UnitState unit(const char* active, const char* result, int down_since) {
    UnitState state;
    state.load_state = "loaded";
    state.active_state = active;
    state.result = result;
    state.inactive_since = WallTime(std::chrono::seconds(down_since));
    return state;
}

Companions seen(const UnitState& state, bool ends = true) {
    Companions out;
    out.wanted["job.container"] = {{"job.service"}, ends};
    out.units.emplace();
    out.units->units["job.service"] = state;
    return out;
}

const UnitState kEnded = unit("inactive", "success", 1);
const UnitState kForgotten = unit("inactive", "success", 0);

struct Row {
    const char* name;
    std::vector<UnitState> before;  // in the looks before, in order
    UnitState now;
    bool ends;
    bool has_ended_well;
};

TEST(EndedJobs, AreKnownAlsoWhenSystemdHasForgottenThem) {
    UnitState starting = kForgotten;
    starting.has_job = true;
    UnitState gone = kForgotten;
    gone.load_state = "not-found";
    const Row rows[] = {
        {"never run", {}, kForgotten, true, false},
        {"forgotten by a reload", {kEnded}, kForgotten, true, true},
        {"by two", {kEnded, kForgotten}, kForgotten, true, true},
        {"run again since", {kEnded, unit("activating", "success", 1)}, kForgotten, true, false},
        {"failed since", {kEnded, unit("failed", "exit-code", 2)}, kForgotten, true, false},
        {"about to start", {kEnded}, starting, true, false},
        {"taken away", {kEnded}, gone, true, false},
        {"failed at last", {unit("failed", "exit-code", 1)}, kForgotten, true, false},
        {"one that is to stay up", {kEnded}, kForgotten, false, false},
    };
    for (const Row& row : rows) {
        EndedJobs jobs;
        for (const UnitState& state : row.before) {
            Companions earlier = seen(state, row.ends);
            jobs.recall(earlier);
        }
        Companions now = seen(row.now, row.ends);
        jobs.recall(now);
        EXPECT_EQ(now.units->units.at("job.service").has_ended_well(), row.has_ended_well)
            << row.name;
    }
}

}  // namespace
}  // namespace podreeve::observe
