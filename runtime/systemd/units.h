#pragma once

#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"
#include "runtime/systemd/bus.h"

namespace podreeve::systemd {

// One row of systemd's list of loaded units, in systemd's own words (org.freedesktop.systemd1(5)).
struct UnitSummary {
    std::string name;
    std::string description;
    std::string load_state;
    std::string active_state;
    std::string sub_state;
    friend bool operator==(const UnitSummary&, const UnitSummary&) = default;
};

// One unit. A name without a unit file is not an error: its load_state is "not-found".
struct UnitState {
    std::string load_state;
    std::string active_state;
    std::string sub_state;
    std::string fragment_path;
    bool needs_reload = false;
    std::string result;  // of a service: "success", "exit-code", "timeout"…
    pid_t main_pid = 0;  // of a service; 0 when it has none
    friend bool operator==(const UnitState&, const UnitState&) = default;
};

// How a job ended: systemd's word for it, as in "done", "failed", "dependency", "canceled".
struct JobResult {
    std::string word;

    // "skipped" says that there was nothing to do.
    bool succeeded() const { return word == "done" || word == "skipped"; }
};

// The systemd of a user or of the host, asked over D-Bus and never through systemctl. Calls block
// up to their deadline: use it from a worker, one thread at a time. Unavailable and Timeout mean
// that nothing is known of the units, not that they are gone; the next call connects anew. A unit
// that fails is a JobResult, not an error.
class UnitControl {
  public:
    // Root's is the host's bus, everybody else's the one of their session.
    static std::string default_address(uid_t uid);

    explicit UnitControl(std::string address);

    // The loaded units whose names match one of the patterns, as in fnmatch(3).
    Result<std::vector<UnitSummary>> list_units_by_patterns(
        const std::vector<std::string>& patterns, Duration deadline);
    Result<UnitState> state(const std::string& unit, Duration deadline);

    // Each waits for the end of its job; when the deadline passes first, the job goes on.
    Result<JobResult> start(const std::string& unit, Duration deadline);
    Result<JobResult> stop(const std::string& unit, Duration deadline);
    Result<JobResult> restart(const std::string& unit, Duration deadline);

    // Has systemd run its generators and read its units anew; returns when it has.
    Status daemon_reload(Duration deadline);
    Status reset_failed(const std::string& unit, Duration deadline);

  private:
    Status prepare(const Deadline& deadline);
    Result<Message> manager_call(const char* method,
                                 const std::vector<std::string>& arguments,
                                 const std::string& what,
                                 const Deadline& deadline);
    Result<JobResult> run_job(const char* method,
                              const char* verb,
                              const std::string& unit,
                              Duration deadline);
    Result<std::map<std::string, std::string>> properties(const std::string& path,
                                                          const char* interface,
                                                          const std::string& what,
                                                          const Deadline& deadline);

    Bus bus_;
    std::map<std::string, std::string> removed_jobs_;  // path → result, while a job is waited for
};

}  // namespace podreeve::systemd
