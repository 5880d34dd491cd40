#pragma once

#include <cstdint>
#include <string>

#include "manifests/model.h"
#include "runtime/base/clock.h"
#include "runtime/podman/types.h"

// When a container that has ended is started again. Pure.
namespace podreeve::supervise {

// A run of this length is a good one: it is restarted at once and clears the count.
inline constexpr std::chrono::seconds kGoodRun{10};
inline constexpr std::chrono::seconds kFirstBackoff{1};
inline constexpr std::chrono::seconds kLongestBackoff{300};
// So many short runs in a row are a crash loop.
inline constexpr std::int64_t kCrashLoop = 3;

// What is remembered of one container part. Kept in the store, so it outlives the agent.
struct RestartRecord {
    std::int64_t short_runs = 0;  // in a row
    std::int64_t restarts = 0;
    std::string last_exit;  // which exit was counted last: "<id>/<started>/<exited>"
    WallTime until{};       // not started again before
    friend bool operator==(const RestartRecord&, const RestartRecord&) = default;
};

// Whether the policy wants a container in this state to run (again).
bool wants_start(manifests::RestartPolicy policy, const podman::ContainerSummary& container);

// Names one exit, so that it is counted once.
std::string exit_key(const podman::ContainerSummary& container);

// Counts an exit that was not counted yet; true when the record changed. A run that was cut off, as
// by a power cut, is neither a short nor a good one.
bool note_exit(RestartRecord& record, const podman::ContainerSummary& container);

// Counts an exit and settles when the next start is due; true when the record changed.
bool note_exit(RestartRecord& record,
               const podman::ContainerSummary& container,
               const std::string& salt,
               WallTime now);

// Whether the exit that was counted last was over by then.
bool had_ended(const RestartRecord& record, WallTime by);

// Still to be waited for. A time that its backoff cannot have given (an earlier agent's clock was
// ahead) holds nobody.
bool is_held(const RestartRecord& record, WallTime now);

// How long to wait after the last exit: nothing after a good run or the first short one, then 1 s,
// 2 s, 4 s … 5 min, ±20 %. The jitter comes from salt and the count, so the same inputs give the
// same plan.
Duration backoff(std::int64_t short_runs, const std::string& salt);

}  // namespace podreeve::supervise
