#include "runtime/podman/session.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "runtime/podman/list_cutter.h"
#include "runtime/podman/reply_error.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {
namespace {

// The version in a path chooses the shape of some replies: 4 and 5 are both known here, and podman
// does not mind one that is older than itself.
std::string prefix_for(const Version& version) {
    return version.major >= 5 ? "/v5.0.0/libpod" : "/v4.0.0/libpod";
}

Result<Version> parse_version(const http::Response& reply) {
    const auto header = reply.headers.find("libpod-api-version");
    Version version;
    if (header == reply.headers.end() ||
        std::sscanf(header->second.c_str(), "%d.%d.%d", &version.major, &version.minor,
                    &version.patch) < 2) {
        return fail(
            Code::Corrupt,
            fmt::format("cannot read the version of podman: _ping answered {}", reply.status));
    }
    if (version.major < 4) {
        return fail(Code::Unsupported,
                    fmt::format("cannot use podman {}: 4.3 or later is needed", header->second));
    }
    return version;
}

bool is_reply(int status) {
    return (status >= 200 && status < 300) || status == 304;
}

Duration left_of(Duration timeout, SteadyTime begin) {
    if (timeout == Duration::zero()) {
        return timeout;
    }
    const Duration left = timeout - (SystemClock().steady_now() - begin);
    return std::max<Duration>(left, std::chrono::milliseconds(1));
}

}  // namespace

Result<Version> Session::version(const CallOptions& call) {
    if (const auto known = *version_.lock()) {
        return *known;
    }
    ASSIGN_OR_RETURN(const Version found, ping(call));
    *version_.lock() = found;
    return found;
}

Result<Version> Session::ping(const CallOptions& call) {
    http::Request request;
    request.target = "/libpod/_ping";
    request.timeout = call.timeout;
    request.stop = call.stop;
    ASSIGN_OR_RETURN(const http::Response reply, http_.call(request));
    return parse_version(reply);
}

Result<http::Response> Session::call(const LibpodCall& ask, const CallOptions& call) {
    ASSIGN_OR_RETURN(http::Response reply, send(ask, call));
    if (!is_reply(reply.status)) {
        return reply_error(reply, ask.what, ask.secrets);
    }
    return reply;
}

Result<std::string> Session::list(LibpodCall ask, const CallOptions& call) {
    if (!large_.lock()->contains(ask.path)) {
        Result<http::Response> reply = this->call(ask, call);
        if (reply) {
            return std::move(reply->body);
        }
        if (reply.error().code != Code::Corrupt) {
            return reply.error();
        }
        large_.lock()->insert(ask.path);
    }
    return cut_list(std::move(ask), call);
}

Result<std::string> Session::cut_list(LibpodCall ask, const CallOptions& call) {
    ListCutter cutter;
    ask.sink = [&](std::string_view piece) {
        cutter.feed(piece);
        return cutter.text().size() <= http::kMaxBody;
    };
    const Result<http::Response> reply = this->call(ask, call);
    if (cutter.text().size() > http::kMaxBody) {
        return fail(Code::Corrupt,
                    fmt::format("cannot {}: it is larger than {} MiB, also without long labels",
                                ask.what, http::kMaxBody >> 20U));
    }
    if (!reply) {
        return reply.error();
    }
    if (cutter.fed() < http::kMaxBody / 2) {
        large_.lock()->erase(ask.path);
    }
    return cutter.text();
}

Result<http::Response> Session::call_pod(const LibpodCall& ask, const CallOptions& call) {
    ASSIGN_OR_RETURN(http::Response reply, send(ask, call));
    const bool lists_errors = reply.status == 409 && !wire::read_pod_errors(reply.body).empty();
    if (!is_reply(reply.status) && !lists_errors) {
        return reply_error(reply, ask.what, ask.secrets);
    }
    return reply;
}

Result<http::Response> Session::send(const LibpodCall& ask, const CallOptions& call) {
    const std::string context = "cannot " + ask.what;
    const SteadyTime begin = SystemClock().steady_now();
    const auto version = this->version(call);
    if (!version) {
        return wrap(context, version.error());
    }
    http::Request request;
    request.method = ask.method;
    request.target = prefix_for(*version) + ask.path;
    request.body = ask.body;
    request.content_type = ask.body.empty() ? std::string() : ask.content_type;
    request.timeout = ask.endless ? Duration::zero() : left_of(call.timeout, begin);
    request.stop = call.stop;
    request.sink = ask.sink;
    auto reply = http_.call(request);
    if (!reply) {
        if (reply.error().code == Code::Unavailable) {
            version_.lock()->reset();  // another podman may answer next
        }
        return wrap(context, reply.error());
    }
    return std::move(*reply);
}

}  // namespace podreeve::podman
