#include <fmt/format.h>

#include "runtime/podman/json_fields.h"
#include "runtime/podman/log_frames.h"
#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {
namespace {

// Before that a session goes by itself, five minutes after its command.
constexpr Version kRemovesExec{5, 0, 0};

}  // namespace

Result<std::string> Client::create_exec(const std::string& who,
                                        const std::vector<std::string>& command,
                                        const CallOptions& call) {
    LibpodCall ask{.what = "run a command in container " + who, .method = "POST"};
    ask.path = "/containers/" + http::encode(who) + "/exec";
    ask.body = wire::write_exec_create(command);
    ask.secrets = command;
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_id(reply.body);
}

Status Client::start_exec(const std::string& session,
                          const std::function<void(int, std::string_view)>& on_line,
                          const CallOptions& call) {
    LibpodCall ask{.what = "run a command in a container", .method = "POST"};
    ask.path = "/exec/" + session + "/start";
    ask.body = R"({"Detach":false,"Tty":false})";
    LogFrames frames([&](int stream, std::string_view line) {
        on_line(stream, line);
        return true;
    });
    ask.sink = [&](std::string_view piece) { return frames.feed(piece); };
    RETURN_IF_ERROR(wire_->session.call(ask, call));
    frames.finish();
    return {};
}

Result<ExecSession> Client::inspect_exec(const std::string& session, const CallOptions& call) {
    LibpodCall ask{.what = "look at a command in a container"};
    ask.path = "/exec/" + session + "/json";
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_exec(reply.body);
}

Result<bool> Client::remove_exec(const std::string& session, const CallOptions& call) {
    ASSIGN_OR_RETURN(const Version found, version(call));
    if (found < kRemovesExec) {
        return false;
    }
    LibpodCall ask{.what = "end a command in a container", .method = "POST"};
    ask.path = "/exec/" + session + "/remove";
    ask.body = R"({"Force":true})";
    const auto reply = wire_->session.call(ask, call);
    if (!reply && reply.error().code != Code::NotFound) {
        return reply.error();
    }
    return true;
}

}  // namespace podreeve::podman
