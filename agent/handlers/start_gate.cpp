#include "agent/handlers/start_gate.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/plan_to_change.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {

namespace {

using plan::StepKind;

constexpr std::chrono::milliseconds kSoonest{250};
constexpr std::chrono::seconds kLatest{2};
constexpr std::chrono::seconds kWaitForOthers{30};
constexpr std::chrono::minutes kWaitWithin{10};
constexpr std::chrono::hours kForgetAfter{1};

bool starts_workload(const Task& task, StepKind kind) {
    return kind == StepKind::StartPod ||
           (kind == StepKind::StartContainer && task.text("role") != "service");
}

std::string change_kind_of(const Task& task) {
    return text_in(task.context.change_data(), "kind");
}

// How long this step has been waiting already, in this run of the agent: nobody waited while the
// host was off, and the wall clock cannot tell how long that was.
Duration waited(Task& task) {
    const SteadyTime now = task.world.clock.steady_now();
    auto held = task.world.held_since->lock();
    // Of those that were aborted nothing more is heard.
    std::erase_if(*held, [&](const auto& row) { return now - row.second > kForgetAfter; });
    return now - held->try_emplace(task.context.id(), now).first->second;
}

// Each time that it is asked again costs podman its lists, and the store two commits.
Duration ask_again_in(Duration so_far) {
    return std::clamp<Duration>(so_far / 8, kSoonest, kLatest);
}

state::TaskOutcome hold(Task& task, const StartRefusal& refusal) {
    Error error{refusal.wanted_down ? Code::Cancelled : Code::Unavailable,
                fmt::format("cannot start {}: {}", task.object, refusal.why)};
    if (refusal.wanted_down) {
        return error;
    }
    const Duration so_far = waited(task);
    const Duration longest = refusal.within_app ? Duration(kWaitWithin) : Duration(kWaitForOthers);
    return so_far < longest
               ? state::TaskOutcome(state::TaskRetry{ask_again_in(so_far), refusal.why})
               : state::TaskOutcome(std::move(error));
}

std::optional<state::TaskOutcome> ask_start(Task& task) {
    if (!task.world.start_gate.may_start) {
        return std::nullopt;
    }
    const auto refusal = task.world.start_gate.may_start(task.app, task.part, task.context.stop());
    if (!refusal) {
        task.world.held_since->lock()->erase(task.context.id());
    }
    return refusal ? std::optional<state::TaskOutcome>(hold(task, *refusal)) : std::nullopt;
}

std::optional<state::TaskOutcome> ask_stop(Task& task) {
    const std::int64_t request = number_in(task.context.change_data(), "request");
    if (!task.world.start_gate.is_stop_wanted ||
        task.world.start_gate.is_stop_wanted(task.app, request)) {
        return std::nullopt;
    }
    task.log("not stopped: it was asked meanwhile that it should run");
    return state::TaskDone{};
}

}  // namespace

std::optional<state::TaskOutcome> check_gate(Task& task, StepKind kind) {
    const std::string change = change_kind_of(task);
    // Companions have no say in the phases of the app's own parts.
    if (change.ends_with("-companions")) {
        const bool starts = kind == StepKind::StartUnit || kind == StepKind::RestartUnit;
        const bool stops_it = kind == StepKind::StopUnit && change == "stop-companions";
        return starts ? ask_start(task) : stops_it ? ask_stop(task) : std::nullopt;
    }
    if (task.world.start_gate.step_begins) {
        task.world.start_gate.step_begins(task.app, change, task.context.kind(),
                                          summary_of(kind, task.object));
    }
    if (starts_workload(task, kind)) {
        return ask_start(task);
    }
    const bool stops = kind == StepKind::StopPod || kind == StepKind::StopContainer;
    return stops && change == "stop-app" ? ask_stop(task) : std::nullopt;
}

}  // namespace podreeve::handlers
