#include "runtime/podman/command.h"

#include <csignal>

#include <fmt/format.h>

#include "runtime/process/find.h"

namespace podreeve::podman {
namespace {

constexpr std::chrono::seconds kPatience{10};

// A session outlives its command, and its conmon the session.
void clear_away(Client& client, const std::string& session) {
    const auto removed = client.remove_exec(session, {kPatience, {}});
    if (removed && *removed) {
        for (const pid_t pid : process::with_argument(session)) {
            ::kill(pid, SIGKILL);
        }
        return;
    }
    const auto left = client.inspect_exec(session, {kPatience, {}});
    if (left && left->running && left->pid > 0) {
        ::kill(static_cast<pid_t>(left->pid), SIGKILL);
    }
}

// Timeout is said of the command alone.
Error not_run(Error error) {
    error.code = error.code == Code::Timeout ? Code::Unavailable : error.code;
    return error;
}

Result<int> run(Client& client, const CommandRun& what, const std::string& session) {
    const auto on_line = [&](int stream, std::string_view line) {
        if (what.on_line) {
            what.on_line(stream, line);
        }
    };
    RETURN_IF_ERROR(client.start_exec(session, on_line, what.call));
    const auto ended = client.inspect_exec(session, {kPatience, what.call.stop});
    if (!ended) {
        return not_run(ended.error());
    }
    if (ended->running) {
        return fail(Code::Unavailable,
                    fmt::format("cannot run a command in container {}: the connection was lost",
                                what.container));
    }
    return ended->exit_code;
}

}  // namespace

Result<int> run_command(Client& client, const CommandRun& what) {
    const auto session =
        client.create_exec(what.container, what.command, {kPatience, what.call.stop});
    if (!session) {
        return not_run(session.error());
    }
    const Result<int> code = run(client, what, *session);
    clear_away(client, *session);
    return code;
}

}  // namespace podreeve::podman
