#include "agent/cli/agent_client.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

constexpr std::chrono::seconds kAnswerWithin{60};

Error explain(const Error& error, const std::string& socket) {
    if (error.code != Code::Unavailable && error.code != Code::Denied) {
        return error;
    }
    return {
        error.code,
        fmt::format("cannot reach the agent at {}: {}; is it running? "
                    "`systemctl --user status podreeve` tells, `systemctl --user start podreeve` "
                    "starts it",
                    socket, error.message)};
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

Result<nlohmann::json> AgentClient::call(const char* method,
                                         const std::string& target,
                                         Duration timeout) const {
    http::Client client(socket_, 1);
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
    return call("GET", target, kAnswerWithin);
}

Result<nlohmann::json> AgentClient::post(const std::string& target, Duration timeout) const {
    return call("POST", target, timeout);
}

Status AgentClient::follow(const std::string& target,
                           const std::function<bool(const std::string&)>& on_data) const {
    http::Client client(socket_, 1);
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
