#include "runtime/systemd/units.h"

#include <map>
#include <utility>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include "runtime/systemd/unit_calls.h"

namespace podreeve::systemd {
namespace {

// What signals tell while a job is waited for.
struct JobSignals {
    std::map<std::string, std::string> removed;  // jobs that ended: path → systemd's word
    bool systemd_changed = false;                // it has left the bus, or another one came
};

void on_job_removed(sd_bus_message* signal, void* self) {
    const char* path = nullptr;
    const char* word = nullptr;
    if (sd_bus_message_read(signal, "uoss", nullptr, &path, nullptr, &word) > 0) {
        static_cast<JobSignals*>(self)->removed[path] = word;
    }
}

void on_owner_changed(sd_bus_message*, void* self) {
    static_cast<JobSignals*>(self)->systemd_changed = true;
}

// Before the job is asked for, or the signal of one that ends at once would be missed.
Status listen(Bus& bus, JobSignals& heard, const std::string& what, const Limit& limit) {
    RETURN_IF_ERROR(bus.match(manager_signal("JobRemoved"), &on_job_removed, &heard));
    RETURN_IF_ERROR(bus.match(owner_signal(), &on_owner_changed, &heard));
    RETURN_IF_ERROR(call_manager(bus, "Subscribe", {}, what, limit));
    return {};
}

Result<std::string> wait_for_job(Bus& bus,
                                 JobSignals& heard,
                                 const std::string& job,
                                 const std::string& what,
                                 const Limit& limit) {
    RETURN_IF_ERROR(bus.wait_until(
        [&] { return heard.removed.contains(job) || heard.systemd_changed; }, what, limit));
    if (!heard.removed.contains(job)) {
        return fail(
            Code::Unavailable,
            fmt::format("cannot {}: systemd was restarted meanwhile, and did not report how "
                        "that ended",
                        what));
    }
    return heard.removed[job];
}

std::string how_it_failed(const UnitState& state) {
    if (state.result.empty() || state.result == "success") {
        return "it failed";
    }
    // Of the main process: 0 when another one failed, as that of ExecStartPre=.
    const bool has_status =
        (state.result == "exit-code" || state.result == "signal") && state.exit_status != 0;
    return has_status ? fmt::format("it failed ({} {})", state.result, state.exit_status)
                      : fmt::format("it failed ({})", state.result);
}

// A job that did not do what was asked, for people.
std::string explain(const JobResult& result,
                    const UnitState& after,
                    const std::string& unit,
                    Scope scope) {
    const std::string command = systemctl(scope);
    if (result.start_limit) {
        return fmt::format("it was started too often; `{} reset-failed {}` lets it start again",
                           command, unit);
    }
    if (result.word == "failed") {
        return fmt::format("{}; `journalctl {} {}` shows more", how_it_failed(after),
                           scope == Scope::System ? "-u" : "--user -u", unit);
    }
    if (result.word == "dependency") {
        return fmt::format(
            "a unit that it requires did not start; `{} list-dependencies {}` shows "
            "which",
            command, unit);
    }
    if (result.word == "canceled") {
        return "another job took the place of this one";
    }
    if (result.word == "timeout") {
        return "the job took longer than the JobTimeoutSec= of its unit file";
    }
    if (result.word == "assert") {
        return "an Assert…= of its unit file does not hold";
    }
    return fmt::format("systemd ended the job as \"{}\"", result.word);
}

// The words of systemd for a masked unit do not say what helps.
Error advise(Error error, const UnitState& before, const std::string& unit, Scope scope) {
    if (before.is_masked()) {
        error.message +=
            fmt::format(" `{} unmask {}` lets it start again.", systemctl(scope), unit);
    }
    return error;
}

}  // namespace

UnitControl::UnitControl(std::string address, Scope scope)
    : address_(std::move(address)), scope_(scope) {}

Result<UnitState> UnitControl::state(const std::string& unit, const Call& call) const {
    const Limit limit(call);
    ASSIGN_OR_RETURN(Bus bus, Bus::connect(address_, limit));
    return load_unit(bus, unit, fmt::format("read the state of {}", unit), limit);
}

Result<JobResult> UnitControl::run_job(const char* method,
                                       const char* verb,
                                       const std::string& unit,
                                       const Call& call) const {
    const Limit limit(call);
    const std::string what = fmt::format("{} {}", verb, unit);
    JobSignals heard;  // outlives the connection that writes to it
    ASSIGN_OR_RETURN(Bus bus, Bus::connect(address_, limit));
    RETURN_IF_ERROR(listen(bus, heard, what, limit));
    ASSIGN_OR_RETURN(const UnitState before, load_unit(bus, unit, what, limit));
    const Result<Message> reply = call_manager(bus, method, {unit, "replace"}, what, limit);
    if (!reply) {
        return advise(reply.error(), before, unit, scope_);
    }
    const char* job = nullptr;
    if (sd_bus_message_read(reply->get(), "o", &job) < 0) {
        return fail(Code::Unsupported,
                    fmt::format("cannot {}: systemd's answer is of an unknown form", what));
    }
    JobResult result;
    ASSIGN_OR_RETURN(result.word, wait_for_job(bus, heard, job, what, limit));
    if (result.succeeded()) {
        return result;
    }
    ASSIGN_OR_RETURN(const UnitState after, load_unit(bus, unit, what, limit));
    // systemd names the limit only where nothing failed before, but a start that it refuses for it
    // is no start: the unit keeps the invocation that it had.
    const bool untried = after.active_state == "failed" && !before.invocation.empty() &&
                         after.invocation == before.invocation;
    result.start_limit = std::string_view(method) != "StopUnit" && result.word == "failed" &&
                         (untried || after.result == "start-limit-hit");
    result.why = fmt::format("cannot {}: {}", what, explain(result, after, unit, scope_));
    return result;
}

Result<JobResult> UnitControl::start(const std::string& unit, const Call& call) const {
    return run_job("StartUnit", "start", unit, call);
}

Result<JobResult> UnitControl::stop(const std::string& unit, const Call& call) const {
    return run_job("StopUnit", "stop", unit, call);
}

Result<JobResult> UnitControl::restart(const std::string& unit, const Call& call) const {
    return run_job("RestartUnit", "restart", unit, call);
}

Status UnitControl::daemon_reload(const Call& call) const {
    const Limit limit(call);
    ASSIGN_OR_RETURN(Bus bus, Bus::connect(address_, limit));
    RETURN_IF_ERROR(call_manager(bus, "Reload", {}, "reload systemd", limit));
    return {};
}

Status UnitControl::reset_failed(const std::string& unit, const Call& call) const {
    const Limit limit(call);
    ASSIGN_OR_RETURN(Bus bus, Bus::connect(address_, limit));
    RETURN_IF_ERROR(call_manager(bus, "ResetFailedUnit", {unit},
                                 fmt::format("reset the failure of {}", unit), limit));
    return {};
}

}  // namespace podreeve::systemd
