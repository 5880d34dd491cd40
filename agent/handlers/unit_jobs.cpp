#include "agent/handlers/unit_jobs.h"

#include <fmt/format.h>

namespace podreeve::handlers {

namespace {

constexpr std::chrono::seconds kReplyWithin{10};
constexpr std::chrono::minutes kReloadWithin{1};
constexpr std::chrono::minutes kJobWithin{20};

}  // namespace

Result<CompanionWorld*> companions_of(const Task& task) {
    if (task.world.companions == nullptr) {
        return fail(Code::Internal,
                    fmt::format("cannot act on {}: this agent has no systemd", task.object));
    }
    return task.world.companions;
}

systemd::Call ask(const Task& task) {
    return {kReplyWithin, task.context.stop()};
}

systemd::Call job(const Task& task) {
    return {kJobWithin, task.context.stop()};
}

Result<systemd::UnitState> unit_state(const Task& task, const std::string& service) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    return world->systemd.state(service, ask(task));
}

Status run_job(const Task& task, const UnitCalls::Job& call, const std::string& service) {
    ASSIGN_OR_RETURN(const systemd::JobResult result, call(service, job(task)));
    return job_result(result, service);
}

Status job_result(const systemd::JobResult& result, const std::string& service) {
    if (result.succeeded()) {
        return {};
    }
    return fail(Code::Conflict, result.why.empty()
                                    ? fmt::format("cannot get {} to do as it should: "
                                                  "its job ended as {}",
                                                  service, result.word)
                                    : result.why);
}

Status reload_units_of(const Task& task, std::uint64_t seen) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    return world->reloads.reload(seen, [&] {
        return world->systemd.reload({kReloadWithin, task.context.stop()});
    });
}

Status forget_failure(const Task& task, const std::string& service) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    const Status forgotten = world->systemd.reset_failed(service, ask(task));
    return !forgotten && forgotten.error().code == Code::NotFound ? Status() : forgotten;
}

}  // namespace podreeve::handlers
