#include "agent/handlers/table.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/handlers/redacting_context.h"
#include "agent/handlers/start_gate.h"
#include "runtime/base/in_hand.h"
#include "runtime/base/log.h"
#include "runtime/base/room.h"

namespace podreeve::handlers {

using plan::StepKind;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr auto kPulls = &Limits::pulls, kStops = &Limits::stops, kMakes = &Limits::creates,
               kStarts = &Limits::starts, kUnits = &Limits::units;
constexpr auto kAbsencePause = seconds(1);
constexpr auto kSilencePause = seconds(5);
constexpr auto kAsidePause = seconds(10);
constexpr int kSilences = 3, kPullAbsences = 3;
// A manifest may give a container a day to end.
constexpr auto kLongestStop = std::chrono::hours(25);
constexpr auto kRoomPause = seconds(1);
constexpr int kUndosWithoutRoom = 3;

// There may be none for days. The change ends, so that the version that runs is kept up meanwhile,
// and is begun again more and more seldom (agent/supervise/failures.h). What is undone is tried a
// few times first; what that leaves is put right by the next pass.
state::TaskOutcome without_room(Task& task, bool undoes, const Error& error) {
    const Result<int> tries = undoes ? task.count("without_room") : kUndosWithoutRoom + 1;
    if (!tries || *tries > kUndosWithoutRoom) {
        return error;
    }
    const std::string salt = fmt::format("{}/{}", task.object, *tries);
    const Duration pause = kRoomPause * (1 << (*tries - 1));
    return state::TaskRetry{shortened(pause, salt), error.message};
}

state::TaskOutcome outcome_of(Task& task, StepKind kind, bool undoes, const Error& error) {
    if (is_no_room(error.message)) {
        return without_room(task, undoes, error);
    }
    if (error.code == Code::Unavailable) {
        // Podman itself, or systemd, is waited for without end: nothing can be done meanwhile. A
        // registry can be away for days, and a change that waited for it would keep the version
        // that runs from being repaired.
        const Result<int> absences = kind == StepKind::PullImage ? task.count("absences") : 0;
        if (absences && *absences < kPullAbsences) {
            return state::TaskRetry{kAbsencePause, error.message};
        }
        return error;
    }
    // A pull has had its twenty minutes.
    if (error.code == Code::Timeout && kind != StepKind::PullImage) {
        const Result<int> silences = task.count("silences");
        if (silences && *silences < kSilences) {
            return state::TaskRetry{kSilencePause, error.message};
        }
    }
    return error;
}

// The new version runs, and part of the one before is gone: going back would cost both. A later
// pass removes what is left of containers and pods, the next update the rest.
state::TaskOutcome leave_behind(Task& task, const Error& error) {
    task.log("left behind: " + error.message);
    const Status reported = task.world.state.append_event(
        {0, task.world.clock.system_now(), task.app, "LeftBehind", error.message});
    if (!reported) {
        log::warn("{}", reported.error().message);
    }
    return state::TaskDone{};
}

bool may_be_left(const Task& task, const state::TaskOutcome& outcome) {
    return task.flag("leftover", false) && std::holds_alternative<Error>(outcome) &&
           !task.context.stop().stop_requested();
}

state::TaskOutcome run(const KindRow& row, bool undoes, World& world, state::TaskContext& context) {
    const std::string app = plan::app_of(context.subject());
    if (const auto aside =
            world.start_gate.set_aside ? world.start_gate.set_aside(app) : std::nullopt) {
        return state::TaskRetry{kAsidePause, *aside};
    }
    const InHand in_hand(app);
    RedactingContext redacting(world, context);
    Result<Task> task = Task::read(world, redacting);
    if (!task) {
        return task.error();
    }
    if (context.stop().stop_requested()) {
        return Error{Code::Cancelled, fmt::format("cannot go on with {}: stopped", context.kind())};
    }
    if (!undoes) {
        if (auto instead = check_gate(*task, row.kind)) {
            return std::move(*instead);
        }
    }
    HandlerResult ended = undoes ? row.undo(*task) : row.run(*task);
    state::TaskOutcome outcome =
        ended ? std::move(*ended)
              : outcome_of(*task, row.kind, undoes, task->by_name(ended.error()));
    outcome = redacting.redacted(std::move(outcome));
    return !undoes && may_be_left(*task, outcome) ? leave_behind(*task, std::get<Error>(outcome))
                                                  : std::move(outcome);
}

state::TaskOutcome undo(const KindRow& row, World& world, state::TaskContext& context) {
    const Result<Task> task = Task::read(world, context);
    if (task && !task->flag("undo", true)) {
        task->log("not undone: nobody wants the former state back");
        return state::TaskDone{};
    }
    return run(row, true, world, context);
}

std::string sort_of(const KindRow& row) {
    const std::array<std::pair<unsigned Limits::*, const char*>, 5> sorts{{{kPulls, "pulls"},
                                                                           {kStops, "stops"},
                                                                           {kMakes, "creates"},
                                                                           {kStarts, "starts"},
                                                                           {kUnits, "units"}}};
    const auto found =
        std::ranges::find(sorts, row.limit, [](const auto& sort) { return sort.first; });
    return found->second;
}

}  // namespace

const std::vector<KindRow>& table() {
    static const std::vector<KindRow> rows{
        {StepKind::CheckPorts, check_ports, nullptr, minutes(1), kMakes},
        {StepKind::PullImage, pull_image, nullptr, minutes(21), kPulls},
        {StepKind::EnsureNetwork, ensure_network, nullptr, minutes(2), kMakes},
        {StepKind::CreateVolume, create_volume, undo_create_volume, minutes(2), kMakes},
        {StepKind::WriteVolumeFiles, write_volume_files, undo_write_volume_files, minutes(2),
         kMakes},
        {StepKind::CreateSecret, create_secret, undo_create_secret, minutes(2), kMakes},
        {StepKind::CreateService, create_service, undo_create_service, minutes(5), kMakes},
        {StepKind::CreatePod, create_pod, undo_create_pod, minutes(5), kMakes},
        {StepKind::CreateContainer, create_container, undo_create_container, minutes(5), kMakes},
        {StepKind::StartPod, start_pod, undo_start_pod, kLongestStop, kStarts},
        {StepKind::StartContainer, start_container, undo_start_container, kLongestStop, kStarts},
        {StepKind::StopContainer, stop_container, undo_stop_container, kLongestStop, kStops},
        {StepKind::RetainContainer, retain_container, undo_retain_container, kLongestStop, kStops},
        {StepKind::RenameContainer, rename_container, nullptr, minutes(2), kStops},
        {StepKind::RemoveContainer, remove_container, nullptr, kLongestStop, kStops},
        {StepKind::StopPod, stop_pod, undo_stop_pod, kLongestStop, kStops},
        {StepKind::RemovePod, remove_pod, undo_remove_pod, minutes(10), kStops},
        {StepKind::RemoveService, remove_service, nullptr, minutes(2), kStops},
        {StepKind::RemoveSecret, remove_secret, nullptr, minutes(2), kStops},
        {StepKind::RemoveVolume, remove_volume, nullptr, minutes(2), kStops},
        {StepKind::MarkDeployed, mark_deployed, undo_mark_deployed, minutes(1), kMakes},
        {StepKind::NoteUnits, note_units, undo_note_units, minutes(70), kMakes},
        {StepKind::InstallUnit, install_unit, undo_install_unit, minutes(1), kMakes},
        {StepKind::RemoveUnit, remove_unit, undo_remove_unit, minutes(1), kMakes},
        {StepKind::ReloadUnits, reload_units, nullptr, minutes(2), kMakes},
        {StepKind::StartUnit, start_unit, undo_start_unit, minutes(21), kUnits},
        {StepKind::StopUnit, stop_unit, nullptr, minutes(21), kUnits},
        {StepKind::RestartUnit, restart_unit, nullptr, minutes(21), kUnits},
        {StepKind::ResetFailed, reset_failed, nullptr, minutes(1), kMakes},
        {StepKind::RemoveLeftover, remove_leftover, nullptr, minutes(2), kStops},
    };
    return rows;
}

state::TaskHandlers handlers_for(const KindRow& row, World& world, const Limits& limits) {
    state::TaskHandlers handlers;
    handlers.run = [&row, &world](state::TaskContext& context) {
        return run(row, false, world, context);
    };
    if (row.undo != nullptr) {
        handlers.undo = [&row, &world](state::TaskContext& context) {
            return undo(row, world, context);
        };
    }
    handlers.deadline = row.deadline;
    handlers.limit = limits.*row.limit;
    handlers.sort = sort_of(row);
    handlers.share = std::max(handlers.limit / 2, 1U);
    return handlers;
}

void register_all(state::TaskRunner& runner, World& world, const Limits& limits) {
    for (const KindRow& row : table()) {
        runner.add_handlers(std::string(to_string(row.kind)), handlers_for(row, world, limits));
    }
}

}  // namespace podreeve::handlers
