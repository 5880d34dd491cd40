#include "agent/handlers/table.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/handlers/overseeing.h"

namespace podreeve::handlers {

using plan::StepKind;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr auto kPulls = &Limits::pulls, kStops = &Limits::stops, kMakes = &Limits::creates,
               kStarts = &Limits::starts, kUnits = &Limits::units;
constexpr auto kAbsencePause = seconds(1);
constexpr auto kSilencePause = seconds(5);
constexpr int kSilences = 3, kPullAbsences = 3;

state::TaskOutcome outcome_of(Task& task, StepKind kind, const Error& error) {
    if (error.code == Code::Unavailable) {
        // A registry can be away for days: a change that waited for it would keep the version that
        // runs from being repaired.
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

state::TaskOutcome run(const Row& row, Handler handler, World& world, state::TaskContext& context) {
    Result<Task> task = Task::read(world, context);
    if (!task) {
        return task.error();
    }
    if (context.stop().stop_requested()) {
        return Error{Code::Cancelled, fmt::format("cannot go on with {}: stopped", context.kind())};
    }
    if (handler == row.run) {
        if (auto instead = oversee(*task, row.kind)) {
            return std::move(*instead);
        }
    }
    Ended ended = handler(*task);
    return ended ? std::move(*ended) : outcome_of(*task, row.kind, task->by_name(ended.error()));
}

state::TaskOutcome undo(const Row& row, World& world, state::TaskContext& context) {
    const Result<Task> task = Task::read(world, context);
    if (task && !task->flag("undo", true)) {
        task->log("not undone: nobody wants the former state back");
        return state::TaskDone{};
    }
    return run(row, row.undo, world, context);
}

std::string sort_of(const Row& row) {
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

const std::vector<Row>& table() {
    static const std::vector<Row> rows{
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
        {StepKind::StartPod, start_pod, undo_start_pod, minutes(10), kStarts},
        {StepKind::StartContainer, start_container, undo_start_container, minutes(10), kStarts},
        {StepKind::StopContainer, stop_container, undo_stop_container, minutes(70), kStops},
        {StepKind::ParkContainer, park_container, undo_park_container, minutes(70), kStops},
        {StepKind::RemoveContainer, remove_container, nullptr, minutes(70), kStops},
        {StepKind::StopPod, stop_pod, undo_stop_pod, minutes(70), kStops},
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

state::TaskHandlers handlers_for(const Row& row, World& world, const Limits& limits) {
    state::TaskHandlers handlers;
    handlers.run = [&row, &world](state::TaskContext& context) {
        return run(row, row.run, world, context);
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
    for (const Row& row : table()) {
        runner.add_handlers(std::string(to_string(row.kind)), handlers_for(row, world, limits));
    }
}

}  // namespace podreeve::handlers
