#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>

#include "runtime/base/result.h"

namespace podreeve::process {

// One process for ever: pids are given out again, and ticks begin anew with each boot. Never
// compared with a wall clock.
struct Identity {
    std::string boot_id;
    pid_t pid = 0;
    std::uint64_t started = 0;  // ticks since boot
    friend bool operator==(const Identity&, const Identity&) = default;
};

// proc: where /proc is. NotFound when there is no such process.
Result<Identity> identify(pid_t pid, const std::filesystem::path& proc = "/proc");

enum class Presence { There, Gone, Unknown };  // Unknown: could not be read

Presence look_for(const Identity& process, const std::filesystem::path& proc = "/proc");

// Whether a process has to do with the container of that id: it is in its cgroup, as what runs in
// the container is, or has the id among its arguments, as the conmon that watches over it has.
// Unknown when the process is there and neither could be read.
Presence belongs_to(pid_t pid,
                    const std::string& container_id,
                    const std::filesystem::path& proc = "/proc");

}  // namespace podreeve::process
