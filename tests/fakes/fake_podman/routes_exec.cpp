#include <fmt/format.h>

#include "tests/fakes/fake_podman/routes.h"

namespace podreeve::fakes {
namespace {

Answer no_session(const std::string& id) {
    return error(404, "no such exec session",
                 fmt::format("no exec session with ID {} found: no such exec session", id));
}

ordered_json render_exec(const ExecSession& session, const std::string& id) {
    return {{"CanRemove", session.state == "stopped"}, {"ContainerID", session.container},
            {"ExitCode", session.exit_code},           {"ID", id},
            {"Running", session.state == "running"},   {"Pid", session.pid}};
}

std::string frame_of(const Program::Line& line) {
    const std::string text = line.text + (line.partial ? "" : "\n");
    std::string out(8, '\0');
    out[0] = static_cast<char>(line.stream);
    for (unsigned i = 0; i < 4; ++i) {
        out[4 + i] = static_cast<char>((text.size() >> (8 * (3 - i))) & 0xff);
    }
    return out + text;
}

// Written as it goes; a command that does not end by itself runs until it is removed, or its
// container ends.
std::optional<Answer> start_exec(Routed& routed, const std::string& id) {
    ExecSession& created = routed.engine.exec_sessions.at(id);
    if (created.state != "created") {
        return error(500, "exec session state improper",
                     fmt::format("can only start created exec sessions, while container {} session "
                                 "{} state is \"{}\": exec session state improper",
                                 created.container, id, created.state));
    }
    const Program program = created.program;
    created.state = "running";
    created.pid = routed.engine.new_pid();
    std::string out;
    for (const Program::Line& line : program.output) {
        out += frame_of(line);
    }
    if (!program.start_error.empty()) {
        out += frame_of({2, "Error: " + program.start_error});
    }
    routed.exchange.begin_stream(200, "application/vnd.docker.multiplexed-stream");
    bool more = routed.write(out);
    const std::optional<int> code =
        program.start_error.empty() ? program.exits : std::optional<int>(127);
    while (more) {
        const auto session = routed.engine.exec_sessions.find(id);
        if (session == routed.engine.exec_sessions.end()) {
            break;
        }
        const Container* container = routed.engine.container(session->second.container);
        if (code || container == nullptr || container->state != "running") {
            session->second.state = "stopped";
            session->second.exit_code = code.value_or(137);
            session->second.pid = 0;
            break;
        }
        more = routed.wait();
    }
    return std::nullopt;
}

Answer remove_exec(Routed& routed, const std::string& id) {
    const json body = json::parse(routed.request.body, nullptr, false);
    const bool force = body.is_object() && body.value("Force", false);
    const ExecSession& session = routed.engine.exec_sessions.at(id);
    if (session.state == "running" && !force) {
        return error(500, "exec session state improper",
                     fmt::format("container {} exec session {} is still running, cannot remove: "
                                 "exec session state improper",
                                 session.container, id));
    }
    routed.engine.exec_sessions.erase(id);
    routed.engine.changed.notify_all();
    return nothing(200);
}

}  // namespace

Answer create_exec(Routed& routed, const Container& container) {
    Answer refusal;
    const auto body = body_of(routed.request, refusal);
    if (!body) {
        return refusal;
    }
    const std::vector<std::string> command = strings(*body, "Cmd");
    if (command.empty()) {
        return error(500, "invalid argument",
                     "must provide a non-empty command to start an exec session: invalid argument");
    }
    if (container.state != "running") {
        return error(500, "container state improper",
                     "can only create exec sessions on running containers: container state "
                     "improper");
    }
    const std::string id = routed.engine.new_id("exec");
    ExecSession& session = routed.engine.exec_sessions[id];
    session.container = container.id;
    session.program = routed.engine.program_for_exec(command);
    return ok({{"Id", id}}, 201);
}

std::optional<Answer> route_exec(Routed& routed) {
    if (routed.path.size() != 3) {
        return no_such_route(routed.request);
    }
    const std::string id = routed.path[1];
    const std::string& verb = routed.path[2];
    if (verb == "remove" && routed.engine.version < podman::Version{5, 0, 0}) {
        return no_such_route(routed.request);
    }
    if (!routed.engine.exec_sessions.contains(id)) {
        return no_session(id);
    }
    if (verb == "start") {
        return start_exec(routed, id);
    }
    if (verb == "remove") {
        return remove_exec(routed, id);
    }
    return verb == "json" ? ok(render_exec(routed.engine.exec_sessions.at(id), id))
                          : no_such_route(routed.request);
}

}  // namespace podreeve::fakes
