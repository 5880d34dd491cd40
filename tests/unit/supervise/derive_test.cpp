#include "agent/supervise/decide/derive.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

state::ChangeView change(const char* kind, const char* task_kind, state::TaskStatus status) {
    state::ChangeView view;
    view.id = 7;
    view.kind = kind;
    view.summary = "Deploy web";
    view.status = status;
    state::TaskView task;
    task.kind = task_kind;
    task.summary = "Pull the image";
    task.status = status;
    view.tasks.push_back(task);
    return view;
}

Facts running() {
    Facts facts;
    facts.up = facts.ready = facts.total = 2;
    facts.any_running = true;
    return facts;
}

template <class F>
Facts with(Facts facts, F edit) {
    edit(facts);
    return facts;
}

struct StateRow {
    const char* name;
    Facts facts;
    DerivedState expected;
};

TEST(DeriveState, TheFirstRuleThatFitsDecides) {
    using state::TaskStatus;
    const StateRow rows[] = {
        {"all ready", running(), {ServiceState::Running, ""}},
        {"the old version runs on after a failure",
         with(running(), [](Facts& f) { f.failure = "cannot pull"; }),
         {ServiceState::Running, "cannot pull"}},
        {"no usable manifest",
         with(Facts{},
              [](Facts& f) { f.has_spec = false, f.manifest_error = "web.yaml:1:1: bad"; }),
         {ServiceState::Failed, "web.yaml:1:1: bad"}},
        {"podman lost",
         with(running(), [](Facts& f) { f.podman_known = false, f.podman_error = "refused"; }),
         {ServiceState::Unknown, "refused"}},
        {"pulls",
         with(running(),
              [](Facts& f) { f.change = change("deploy-app", "pull-image", TaskStatus::Doing); }),
         {ServiceState::Preparing, "Pull the image"}},
        {"starts",
         with(running(),
              [](Facts& f) { f.change = change("deploy-app", "start-pod", TaskStatus::Doing); }),
         {ServiceState::Starting, "Pull the image"}},
        {"is undone",
         with(running(),
              [](Facts& f) { f.change = change("deploy-app", "start-pod", TaskStatus::Undoing); }),
         {ServiceState::Starting, "puts the last version back: Pull the image"}},
        {"is removed",
         with(running(),
              [](Facts& f) { f.change = change("remove-app", "stop-pod", TaskStatus::Doing); }),
         {ServiceState::Stopping, "Pull the image"}},
        {"left over",
         with(running(), [](Facts& f) { f.desired = false; }),
         {ServiceState::Stopping, "is being removed"}},
        {"left over, its removal held",
         with(running(), [](Facts& f) { f.desired = false, f.removal_held = "not all was read"; }),
         {ServiceState::Running, "not all was read"}},
        {"left over and down, its removal held",
         with(Facts{}, [](Facts& f) { f.desired = false, f.removal_held = "not all was read"; }),
         {ServiceState::Finished, "not all was read"}},
        {"runs on while its manifest is out of sight",
         with(running(), [](Facts& f) { f.removal_held = "out of sight"; }),
         {ServiceState::Running, ""}},
        {"stopped, still up",
         with(running(), [](Facts& f) { f.stopped = true; }),
         {ServiceState::Stopping, ""}},
        {"stopped",
         with(Facts{}, [](Facts& f) { f.stopped = true, f.total = 1; }),
         {ServiceState::Finished, "stopped on request"}},
        {"autostart off",
         with(Facts{}, [](Facts& f) { f.stopped = f.autostart_off = true; }),
         {ServiceState::Skipped, "autostart is off"}},
        {"ran to its end",
         with(Facts{}, [](Facts& f) { f.total = f.up = f.ready = f.finished_well = 1; }),
         {ServiceState::Finished, "ran to its end"}},
        {"failed for good",
         with(Facts{}, [](Facts& f) { f.total = 2, f.up = f.ready = 1, f.failed_for_good = 1; }),
         {ServiceState::Failed, "1 of 2 containers failed and are not to be restarted"}},
        {"up, but not ready",
         with(running(), [](Facts& f) { f.ready = 1, f.not_ready = "db is not ready"; }),
         {ServiceState::Running, "db is not ready"}},
        {"goes down with another, but waits for one more",
         with(running(),
              [](Facts& f) {
                  f.down_because = "db is down: stopped on request",
                  f.stop_waits = "waits until web has stopped";
              }),
         {ServiceState::Stopping, "waits until web has stopped"}},
        {"down with another",
         with(Facts{},
              [](Facts& f) { f.total = 1, f.down_because = "db is down: stopped on request"; }),
         {ServiceState::Waiting, "db is down: stopped on request"}},
        {"crash loop",
         with(Facts{},
              [](Facts& f) { f.total = 1, f.backing_off = "ended with 3", f.crash_loop = true; }),
         {ServiceState::CrashLoop, "ended with 3"}},
        {"conflict",
         with(Facts{}, [](Facts& f) { f.total = 1, f.conflict = "name taken", f.hold = "x"; }),
         {ServiceState::Failed, "name taken"}},
        {"held",
         with(Facts{}, [](Facts& f) { f.total = 1, f.hold = "waits for db"; }),
         {ServiceState::Waiting, "waits for db"}},
        {"failed",
         with(Facts{}, [](Facts& f) { f.total = 1, f.failure = "no such image"; }),
         {ServiceState::Failed, "no such image"}},
        {"backs off",
         with(Facts{}, [](Facts& f) { f.total = 1, f.backing_off = "web ended"; }),
         {ServiceState::Waiting, "web ended"}},
        {"not up yet",
         with(Facts{}, [](Facts& f) { f.total = 2, f.up = f.ready = 1; }),
         {ServiceState::Starting, "1 of 2 containers run"}},
    };
    for (const StateRow& row : rows) {
        const DerivedState derived = derive_state(row.facts);
        EXPECT_EQ(to_string(derived.state), to_string(row.expected.state)) << row.name;
        EXPECT_EQ(derived.message, row.expected.message) << row.name;
    }
}

TEST(DeriveState, AReaderBetweenPassesSeesTheChangeAsItStands) {
    AppStatus app;
    app.change = 7;
    app.state = ServiceState::Preparing;
    show_change(app, change("deploy-app", "start-pod", state::TaskStatus::Doing));
    EXPECT_EQ(app.state, ServiceState::Starting);
}

TEST(DeriveState, OfAChangeNothingIsShownWhilePodmanCannotBeRead) {
    AppStatus app;
    app.change = 7;
    app.state = ServiceState::Unknown;
    app.message = "podman refuses";
    show_change(app, change("deploy-app", "start-pod", state::TaskStatus::Doing));
    EXPECT_EQ(app.state, ServiceState::Unknown);
    EXPECT_EQ(app.message, "podman refuses");
}

TEST(DeriveState, AChangeThatHasEndedLeavesTheLastPassesWords) {
    AppStatus app;
    app.change = 7;
    app.message = "as the pass said";
    state::ChangeView ended = change("deploy-app", "start-pod", state::TaskStatus::Done);
    ended.is_ready = true;
    show_change(app, ended);
    EXPECT_EQ(app.message, "as the pass said");
}

}  // namespace
}  // namespace podreeve::supervise
