#include "agent/handlers/pre_stop.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/handlers/ownership.h"
#include "runtime/podman/command.h"

namespace podreeve::handlers {

namespace {

constexpr std::int64_t kLeastGrace = 2;

constexpr std::chrono::hours kForgetStopAfter{48};

// For how long this stop has been under way. A clock that is set meanwhile changes nothing; of one
// that an earlier run of the agent began, the wall clock tells, and it may be wrong by no more than
// the longest that a stop can take.
Duration under_way(const Task& task, WallTime since, Duration longest) {
    const SteadyTime now = task.world.clock.steady_now();
    const Duration stored =
        std::clamp<Duration>(task.world.clock.system_now() - since, Duration::zero(), longest);
    auto begun = task.world.stops_since->lock();
    // Of those that were aborted nothing more is heard.
    std::erase_if(*begun, [&](const auto& row) { return now - row.second > kForgetStopAfter; });
    return now - begun->try_emplace(task.context.id(), now - stored).first->second;
}

void note(Task& task, const std::string& name, const std::string& what) {
    task.log(fmt::format("preStop of {}: {}", name, what));
}

void run_command(Task& task, const manifests::ContainerSpec& spec, unsigned grace) {
    const Result<int> code = podman::run_command(
        task.world.podman,
        {spec.name, spec.pre_stop.command, {}, task.call(std::chrono::seconds(grace))});
    if (!code) {
        note(task, spec.name, code.error().message);
    } else if (*code != 0) {
        note(task, spec.name, fmt::format("ended with exit code {}", *code));
    }
}

void send_request(Task& task, const manifests::ContainerSpec& spec, unsigned grace) {
    const auto container = find_container(task, spec.name);
    if (!container || !*container || !task.world.start_gate.ask) {
        note(task, spec.name, container ? "there is nobody to ask" : container.error().message);
        return;
    }
    manifests::Probe request = *spec.pre_stop.request;
    request.timeout = std::clamp(std::chrono::seconds(grace), std::chrono::seconds(1),
                                 std::chrono::seconds(request.timeout));
    const probe::ProbeResult result =
        task.world.start_gate.ask(request, (*container)->summary.pid, task.context.stop());
    if (result.outcome != probe::Outcome::Success) {
        note(task, spec.name, result.text);
    }
}

void run_hook(Task& task, const manifests::ContainerSpec& spec, unsigned grace) {
    if (spec.pre_stop.request) {
        send_request(task, spec, grace);
    } else {
        run_command(task, spec, grace);
    }
}

}  // namespace

HandlerResult pre_stop(Task& task, const std::vector<std::string>& names, unsigned& grace) {
    const auto spec = task.deployed_spec();
    if (!spec) {
        return done();
    }
    std::chrono::seconds sleep{0};
    std::vector<const manifests::ContainerSpec*> hooks;
    for (const manifests::ContainerSpec& container : spec->containers) {
        if (container.pre_stop.empty() ||
            std::find(names.begin(), names.end(), container.name) == names.end()) {
            continue;
        }
        sleep = std::max(sleep, container.pre_stop.sleep);
        if (!container.pre_stop.command.empty() || container.pre_stop.request) {
            hooks.push_back(&container);
        }
    }
    if (sleep.count() == 0 && hooks.empty()) {
        return done();
    }
    const WallTime now = task.world.clock.system_now();
    if (!task.has_saved("pre_stop_since")) {
        RETURN_IF_ERROR(task.save_once("pre_stop_since", to_rfc3339(now)));
        under_way(task, now, Duration::zero());
        for (const manifests::ContainerSpec* container : hooks) {
            run_hook(task, *container, grace);
        }
    }
    ASSIGN_OR_RETURN(const WallTime since, parse_rfc3339(task.saved("pre_stop_since")));
    const Duration so_far = under_way(task, since, sleep + std::chrono::seconds(grace));
    if (so_far < sleep) {
        return retry(sleep - so_far, "preStop sleeps");
    }
    const auto spent = std::chrono::duration_cast<std::chrono::seconds>(so_far).count();
    grace = static_cast<unsigned>(std::max<std::int64_t>(kLeastGrace, std::int64_t{grace} - spent));
    return done();
}

}  // namespace podreeve::handlers
