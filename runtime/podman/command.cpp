#include "runtime/podman/command.h"

#include <fmt/format.h>

#include "runtime/process/find.h"
#include "runtime/process/identity.h"
#include "runtime/process/pidfd.h"

namespace podreeve::podman {
namespace {

constexpr std::chrono::seconds kPatience{10};
// How long a killed command may take to be gone, and how often podman is asked whether it is.
constexpr std::chrono::milliseconds kReap{500};
constexpr int kLooks = 4;

// For as long as podman ends a command of a session it holds the container's lock, and with it
// every listing of containers: up to ten seconds for one that ignores SIGTERM. So the command is
// killed here where its process is to be seen. False: it was, and podman does not say so yet.
bool end_command(Client& client, const std::string& container, const std::string& session) {
    for (int looks = 0; looks < kLooks; ++looks) {
        const auto left = client.inspect_exec(session, {kPatience, {}});
        if (!left || !left->running) {
            return true;
        }
        const auto of = client.inspect_container(container, {kPatience, {}});
        // The command may have ended since, and its number be another's.
        const auto is_it = [&](pid_t pid) {
            return process::belongs_to(pid, of->summary.id) == process::Presence::There;
        };
        if (!of || !process::kill_if(static_cast<pid_t>(left->pid), is_it, kReap)) {
            return looks == 0;
        }
    }
    return false;
}

// A session outlives its command, and its conmon the session for five minutes. before: the newest
// process when the session had not begun. One that podman does not see the end of stays podman's,
// which removes it with its container.
void clear_away(Client& client,
                const std::string& container,
                const std::string& session,
                bool ended,
                pid_t before) {
    if (!ended && !end_command(client, container, session)) {
        return;
    }
    const auto removed = client.remove_exec(session, {kPatience, {}});
    if (removed && *removed) {
        const process::Wanted conmon{"conmon", session, before, process::newest_pid()};
        for (const pid_t pid : process::find(conmon)) {
            process::kill_if(pid, [&](pid_t same) { return process::is_wanted(same, conmon); });
        }
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
    const pid_t before = process::newest_pid();
    const Result<int> code = run(client, what, *session);
    clear_away(client, what.container, *session, code.has_value(), before);
    return code;
}

}  // namespace podreeve::podman
