#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/podman/client.h"

namespace podreeve::podman {

// A command in a running container, to its end; blocks, from any thread. on_line(stream 1|2, text
// without the newline) is told what it says.
struct CommandRun {
    std::string container;             // id or name
    std::vector<std::string> command;  // may hold secrets: never printed
    std::function<void(int, std::string_view)> on_line;
    CallOptions call;  // how long the command may take; podman's own answers have ten seconds each
};

// Gives the exit code. Timeout: the command took too long, and is ended. Any other error tells
// nothing of the command: Conflict when the container does not run, Unavailable when podman is away
// or takes too long. What podman keeps of a command, a record and two processes for five minutes,
// is cleared away at once where podman (5.0 and later) can; else a command every second would keep
// 600 of them.
Result<int> run_command(Client& client, const CommandRun& what);

}  // namespace podreeve::podman
