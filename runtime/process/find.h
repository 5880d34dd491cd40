#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace podreeve::process {

// The number that was given out last, to a process or a thread; 0 when that cannot be told.
pid_t newest_pid(const std::filesystem::path& proc = "/proc");

// A process to look for. after and up_to are two looks at newest_pid(), before it can have begun
// and after it has: with them only those begun in between are looked at. 0: not known.
struct Wanted {
    std::string program;   // its name, as /proc/PID/comm has it: 15 bytes at most
    std::string argument;  // one of its arguments is exactly that
    pid_t after = 0;
    pid_t up_to = 0;
};

// Their numbers; not those that end while it looks. The arguments of a process lie in its memory,
// and to read them may wait for whoever provides that: so only those of the program are asked. For
// any thread but the loop's, since without bounds it looks at every process of the host.
std::vector<pid_t> find(const Wanted& wanted, const std::filesystem::path& proc = "/proc");

// Whether that process is one, now.
bool is_wanted(pid_t pid, const Wanted& wanted, const std::filesystem::path& proc = "/proc");

}  // namespace podreeve::process
