#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <sys/types.h>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::process {

// When the process was started, in the kernel's clock ticks since boot: together with the pid it
// names one process for as long as the host is up, where a pid alone is given out again (field 22
// of proc(5)'s /proc/PID/stat). NotFound when there is no such process.
Result<std::uint64_t> start_time(pid_t pid, const std::filesystem::path& proc = "/proc");

// A descriptor of exactly the process that had pid since started; it becomes readable when that one
// ends, at once when it has ended but was not reaped yet. NotFound when it is gone or pid is
// another's by now. Watch it with Loop::watch_fd(fd, EPOLLIN, …), and drop the watch when it fires.
Result<UniqueFd> open_pidfd(pid_t pid, std::uint64_t started);

// Kills (SIGKILL) the process of that number if is_it says so, which is asked once the number
// cannot become another's unnoticed. True: the signal was sent, and its end was waited for as long
// as wait.
bool kill_if(pid_t pid, const std::function<bool(pid_t)>& is_it, Duration wait = {});

// Whether the process behind a pidfd runs still; one not reaped yet does not.
bool is_alive(const UniqueFd& pidfd);

}  // namespace podreeve::process
