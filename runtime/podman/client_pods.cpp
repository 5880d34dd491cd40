#include <algorithm>
#include <functional>
#include <future>
#include <system_error>

#include <fmt/format.h>

#include "runtime/podman/reply_error.h"
#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {
namespace {

std::string pod_path(const std::string& who, std::string_view verb) {
    return "/pods/" + http::encode(who) + std::string(verb);
}

bool may_run(ContainerState state) {
    return state == ContainerState::Running || state == ContainerState::Paused ||
           state == ContainerState::Stopping || state == ContainerState::Unknown;
}

struct PodsMembers {
    std::vector<PodSummary::Member> workloads, infra;
};

// Those that may still run. The infra container goes last: it holds the network of the others.
PodsMembers members_to_stop(const PodSummary& pod) {
    PodsMembers out;
    for (const PodSummary::Member& member : pod.members) {
        if (may_run(member.state)) {
            (member.id == pod.infra_id ? out.infra : out.workloads).push_back(member);
        }
    }
    return out;
}

using StopOne = std::function<Result<Effect>(const PodSummary::Member&)>;

// Stops all at once, so that their graces do not add up. Where no more threads are to be had, in
// turn.
std::vector<Result<Effect>> side_by_side(const std::vector<PodSummary::Member>& members,
                                         const StopOne& stop) {
    std::vector<std::future<Result<Effect>>> running;
    for (const PodSummary::Member& member : members) {
        const auto one = [&stop, &member] { return stop(member); };
        try {
            running.push_back(std::async(std::launch::async, one));
        } catch (const std::system_error&) {
            running.push_back(std::async(std::launch::deferred, one));
        }
    }
    std::vector<Result<Effect>> out;
    for (auto& one : running) {
        out.push_back(one.get());
    }
    return out;
}

// Podman answers 409 with the errors of the single containers in place of its usual error.
Status errors_of(const http::Response& reply, std::string_view what) {
    const std::string errors = wire::read_pod_errors(reply.body);
    if (errors.empty()) {
        return {};
    }
    return fail(says_conflict(errors) ? Code::Conflict : Code::Internal,
                fmt::format("cannot {}: podman: {}", what, podman_words(errors)));
}

}  // namespace

Result<std::vector<PodSummary>> Client::list_pods(const CallOptions& call) {
    LibpodCall ask{.what = "list the pods", .path = "/pods/json"};
    ASSIGN_OR_RETURN(const std::string body, wire_->session.list(std::move(ask), call));
    return wire::read_pod_list(body);
}

Result<PodSummary> Client::inspect_pod(const std::string& who, const CallOptions& call) {
    LibpodCall ask{.what = "inspect pod " + who, .path = pod_path(who, "/json")};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_pod(reply.body);
}

Result<std::string> Client::create_pod(const PodCreate& create, const CallOptions& call) {
    LibpodCall ask{.what = "create pod " + create.name, .method = "POST", .path = "/pods/create"};
    ask.body = wire::write_pod_create(create);
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_id(reply.body);
}

Result<Effect> Client::start_pod(const std::string& who, const CallOptions& call) {
    LibpodCall ask{.what = "start pod " + who, .method = "POST", .path = pod_path(who, "/start")};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call_pod(ask, call));
    if (reply.status == 304) {
        return Effect::AlreadySo;
    }
    RETURN_IF_ERROR(errors_of(reply, ask.what));
    return Effect::Changed;
}

Result<Effect> Client::stop_pod(const std::string& who,
                                unsigned grace_seconds,
                                const CallOptions& call) {
    ASSIGN_OR_RETURN(const PodSummary pod, inspect_pod(who, call));
    const auto stop = [&](const PodSummary::Member& member) -> Result<Effect> {
        if (member.state == ContainerState::Paused) {
            RETURN_IF_ERROR(unpause_container(member.id, call));
        }
        auto effect = stop_container(member.id, grace_seconds, call);
        return !effect && effect.error().code == Code::NotFound ? Effect::AlreadySo : effect;
    };
    const PodsMembers running = members_to_stop(pod);
    auto results = side_by_side(running.workloads, stop);
    for (const PodSummary::Member& infra : running.infra) {
        if (std::all_of(results.begin(), results.end(), [](const auto& one) { return one; })) {
            results.push_back(stop(infra));
        }
    }
    Effect effect = Effect::AlreadySo;
    for (const Result<Effect>& one : results) {
        if (!one) {
            return wrap("cannot stop pod " + who, one.error());
        }
        effect = *one == Effect::Changed ? Effect::Changed : effect;
    }
    return effect;
}

Status Client::remove_pod(const std::string& who, bool force, const CallOptions& call) {
    LibpodCall ask{.what = "remove pod " + who, .method = "DELETE"};
    ask.path = pod_path(who, "") + http::query({{"force", force ? "true" : "false"}});
    const auto reply = wire_->session.call(ask, call);
    if (!reply) {
        return reply.error().code == Code::NotFound ? Status() : Status(reply.error());
    }
    ASSIGN_OR_RETURN(const std::string errors, wire::read_pod_removal_errors(reply->body));
    if (!errors.empty()) {
        return fail(Code::Internal,
                    fmt::format("cannot {}: podman: {}", ask.what, podman_words(errors)));
    }
    return {};
}

}  // namespace podreeve::podman
