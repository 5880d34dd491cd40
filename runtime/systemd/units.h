#pragma once

#include <string>
#include <sys/types.h>

#include "runtime/base/result.h"
#include "runtime/systemd/call.h"
#include "runtime/systemd/scope.h"
#include "runtime/systemd/unit_state.h"

namespace podreeve::systemd {

// How a job ended.
struct JobResult {
    // systemd's word: done, skipped, failed, dependency, timeout, canceled, assert, once…
    std::string word;
    // Of a job that did not do what was asked: the sentence for people, with what helps:
    // "cannot start web.service: …". Empty otherwise.
    std::string why;
    // The unit was started too often and was not tried: no start can succeed before reset_failed().
    bool start_limit = false;

    // "skipped" says that there was nothing to do.
    bool succeeded() const { return word == "done" || word == "skipped"; }
};

// The systemd of a user or of the host, asked over D-Bus and never through systemctl. Holds no
// connection: each call makes one of its own, which costs it less than a millisecond, so that any
// number of threads may call at once and nothing is left over from a bus that was lost. Calls block
// up to their timeout, and their stop token cuts them short: for workers.
//
// Unavailable (no bus, no systemd on it, or it was restarted meanwhile), Denied (it refuses us) and
// Timeout mean that nothing is known of the unit, not that it is gone. A unit that fails is a
// JobResult, not an error.
class UnitControl {
  public:
    // The scope is only for what messages advise.
    explicit UnitControl(std::string address, Scope scope = Scope::User);

    // Has systemd load the unit, if it is not, and reads it.
    Result<UnitState> state(const std::string& unit, const Call& call) const;

    // Each waits for the end of its job; when the time is over first, or the call is stopped, the
    // job goes on. Errors: NotFound for a unit that systemd does not know, Conflict for a masked
    // one or when another job stands against it, InvalidArgument for a unit whose file is bad.
    Result<JobResult> start(const std::string& unit, const Call& call) const;
    Result<JobResult> stop(const std::string& unit, const Call& call) const;
    Result<JobResult> restart(const std::string& unit, const Call& call) const;

    // Has systemd run its generators and read its units anew; returns when it has.
    Status daemon_reload(const Call& call) const;
    // Forgets a failure and the starts that count for a start limit. NotFound when the unit is not
    // loaded: there is nothing to forget.
    Status reset_failed(const std::string& unit, const Call& call) const;

  private:
    Result<JobResult> run_job(const char* method,
                              const char* verb,
                              const std::string& unit,
                              const Call& call) const;

    std::string address_;
    Scope scope_;
};

}  // namespace podreeve::systemd
