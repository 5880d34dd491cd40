#include "agent/cli/agent_client.h"

#include <cerrno>
#include <filesystem>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

constexpr std::chrono::seconds kReplyWithin{60};  // one that is alive, and has to look at podman

// Of the nearest that can be seen: the socket, or a directory above it that hides it.
uid_t owner_of(std::filesystem::path path) {
    struct stat info {};

    while (::lstat(path.c_str(), &info) != 0 && path.has_relative_path()) {
        path = path.parent_path();
    }
    return info.st_uid;
}

bool is_hidden(const std::string& socket) {
    return ::access(socket.c_str(), R_OK | W_OK) != 0 && errno == EACCES;
}

std::string user_name(uid_t uid) {
    const passwd* user = ::getpwuid(uid);
    return user != nullptr ? user->pw_name : fmt::format("#{}", uid);
}

Error explain(const Error& error, const std::string& socket) {
    const bool hidden = is_hidden(socket);
    if (error.code != Code::Unavailable && error.code != Code::Denied && !hidden) {
        return error;
    }
    const std::string hint = hidden ? hint_for_another(user_name(owner_of(socket)), socket)
                                    : hint_for_absent(::geteuid());
    return {hidden ? Code::Denied : error.code,
            fmt::format("cannot reach the agent at {}: {}; {}", socket,
                        hidden ? "permission denied" : error.message, hint)};
}

Result<nlohmann::json> read_reply(const http::Response& response) {
    nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
    if (response.status < 300 && !body.is_discarded()) {
        return body;
    }
    if (body.is_object() && body.contains("error") && body["error"].is_object()) {
        return fail(code_from_name(body["error"].value("code", std::string("internal"))),
                    body["error"].value("message", std::string()));
    }
    return fail(Code::Corrupt,
                fmt::format("cannot understand the agent's answer (status {})", response.status));
}

}  // namespace

Result<std::string> target_of_app(const std::string& app, const std::string& what) {
    if (app.empty() || app.find('/') != std::string::npos) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot ask for {} of '{}': that is not the name of an app; "
                                "`podreeve status` lists them",
                                what, app));
    }
    return fmt::format("/v1/apps/{}/{}", http::encode(app), what);
}

std::string hint_for_absent(uid_t me) {
    if (me == 0) {
        return "is it running? `systemctl start podreeve` starts root's agent; that of a user is "
               "reached by --socket /run/user/UID/podreeve/podreeve.sock";
    }
    return "is it running? `systemctl --user status podreeve` shows, `systemctl --user start "
           "podreeve` starts it";
}

std::string hint_for_another(const std::string& user, const std::string& socket) {
    return fmt::format(
        "this is the agent of {0}, and only {0} and root may ask it: `sudo -u {0} podreeve "
        "--socket {1} …`",
        user, socket);
}

// A connection to an agent that is stopped succeeds, and then nothing comes.
Status AgentClient::check_alive() const {
    if (socket_.empty()) {
        return fail(Code::InvalidArgument,
                    "cannot reach the agent: the path of its socket is empty; give --socket PATH");
    }
    http::HttpClient client(socket_, 1);
    http::Request request;
    request.target = "/v1/version";
    request.timeout = patience_;
    const Result<http::Response> response = client.call(request);
    if (!response && response.error().code == Code::Timeout) {
        return fail(Code::Timeout,
                    fmt::format("cannot reach the agent at {}: it takes connections but does not "
                                "answer within {}; is it stopped, or this machine overloaded?",
                                socket_, to_short_text(patience_)));
    }
    return response ? Status() : Status(explain(response.error(), socket_));
}

Result<nlohmann::json> AgentClient::call(const char* method,
                                         const std::string& target,
                                         Duration timeout) const {
    RETURN_IF_ERROR(check_alive());
    http::HttpClient client(socket_, 1);
    http::Request request;
    request.method = method;
    request.target = target;
    request.timeout = timeout;
    const Result<http::Response> response = client.call(request);
    if (!response) {
        return explain(response.error(), socket_);
    }
    return read_reply(*response);
}

Result<nlohmann::json> AgentClient::get(const std::string& target) const {
    return call("GET", target, kReplyWithin);
}

Result<nlohmann::json> AgentClient::post(const std::string& target, Duration timeout) const {
    return call("POST", target, timeout);
}

Status AgentClient::follow(const std::string& target,
                           const std::function<bool(const std::string&)>& on_data) const {
    RETURN_IF_ERROR(check_alive());
    http::HttpClient client(socket_, 1);
    http::Request request;
    request.target = target;
    request.timeout = Duration::zero();
    request.idle_timeout = std::chrono::seconds(60);  // the agent says something every 15 s
    std::string pending;
    request.sink = [&](std::string_view piece) {
        pending += piece;
        for (std::size_t end = pending.find('\n'); end != std::string::npos;
             end = pending.find('\n')) {
            const std::string line = pending.substr(0, end);
            pending.erase(0, end + 1);
            if (line.starts_with("data: ") && !on_data(line.substr(6))) {
                return false;
            }
        }
        return true;
    };
    const Result<http::Response> response = client.call(request);
    if (!response) {
        return response.error().code == Code::Cancelled
                   ? Status{}
                   : Status(explain(response.error(), socket_));
    }
    if (response->status >= 300) {
        return Status(read_reply(*response).error());
    }
    return fail(Code::Unavailable, "the agent has ended the stream");
}

}  // namespace podreeve::cli
