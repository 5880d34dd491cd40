#include "agent/handlers/pre_stop.h"

#include <algorithm>

#include <fmt/format.h>

namespace podreeve::handlers {

namespace {

constexpr std::int64_t kLeastGrace = 2;

void run_command(Task& task, const manifests::ContainerSpec& spec, unsigned grace) {
    const Result<int> code = task.world.podman.exec_in_container(
        spec.name, spec.pre_stop.command, task.call(std::chrono::seconds(grace)));
    if (!code) {
        task.log(fmt::format("preStop of {}: {}", spec.name, code.error().message));
    } else if (*code != 0) {
        task.log(fmt::format("preStop of {} ended with exit code {}", spec.name, *code));
    }
}

}  // namespace

Ended pre_stop(Task& task, const std::vector<std::string>& names, unsigned& grace) {
    const auto spec = task.deployed_spec();
    if (!spec) {
        return done();
    }
    std::chrono::seconds sleep{0};
    std::vector<const manifests::ContainerSpec*> commands;
    for (const manifests::ContainerSpec& container : spec->containers) {
        if (container.pre_stop.empty() ||
            std::find(names.begin(), names.end(), container.name) == names.end()) {
            continue;
        }
        sleep = std::max(sleep, container.pre_stop.sleep);
        if (!container.pre_stop.command.empty()) {
            commands.push_back(&container);
        }
    }
    if (sleep.count() == 0 && commands.empty()) {
        return done();
    }
    const WallTime now = task.world.clock.system_now();
    if (!task.has_saved("pre_stop_since")) {
        RETURN_IF_ERROR(task.save_once("pre_stop_since", to_rfc3339(now)));
        for (const manifests::ContainerSpec* container : commands) {
            run_command(task, *container, grace);
        }
    }
    ASSIGN_OR_RETURN(const WallTime since, parse_rfc3339(task.saved("pre_stop_since")));
    const WallTime later = task.world.clock.system_now();
    if (later < since + sleep) {
        return retry(since + sleep - later, "preStop sleeps");
    }
    const auto spent = std::chrono::duration_cast<std::chrono::seconds>(later - since).count();
    grace = static_cast<unsigned>(std::max<std::int64_t>(kLeastGrace, std::int64_t{grace} - spent));
    return done();
}

}  // namespace podreeve::handlers
