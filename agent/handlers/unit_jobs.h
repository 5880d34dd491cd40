#pragma once

#include <functional>
#include <string>

#include "agent/handlers/companion_world.h"
#include "agent/handlers/task.h"

// Calls to systemd, for the steps on units and for undoing them.
namespace podreeve::handlers {

// Internal when this agent has no systemd to ask.
Result<CompanionWorld*> companions_of(const Task& task);

systemd::Call ask(const Task& task);  // a question, answered at once
systemd::Call job(const Task& task);  // a job, which may pull an image

Result<systemd::UnitState> unit_state(const Task& task, const std::string& service);
// Runs the job to its end; one that does not do what it should is an error with systemd's words.
Status run_job(const Task& task, const UnitCalls::Job& job, const std::string& service);
Status job_result(const systemd::JobResult& result, const std::string& service);
// One daemon-reload for all that need one now.
Status reload_units_of(const Task& task, std::uint64_t seen);

// A unit that systemd does not know any more has nothing to forget.
Status forget_failure(const Task& task, const std::string& service);

}  // namespace podreeve::handlers
