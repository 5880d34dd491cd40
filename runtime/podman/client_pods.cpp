#include <algorithm>

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

// Those that may still run, the infra container last: it holds the network of the others.
std::vector<PodSummary::Member> members_to_stop(const PodSummary& pod) {
    std::vector<PodSummary::Member> out;
    std::copy_if(pod.members.begin(), pod.members.end(), std::back_inserter(out),
                 [](const PodSummary::Member& member) { return may_run(member.state); });
    std::stable_partition(out.begin(), out.end(), [&](const PodSummary::Member& member) {
        return member.id != pod.infra_id;
    });
    return out;
}

// Podman answers 409 with the errors of the single containers in place of its usual error.
Status errors_of(const http::Response& reply, std::string_view what) {
    const std::string errors = wire::read_pod_errors(reply.body);
    if (errors.empty()) {
        return {};
    }
    return fail(says_conflict(errors) ? Code::Conflict : Code::Internal,
                fmt::format("cannot {}: podman: {}", what, errors));
}

}  // namespace

Result<std::vector<PodSummary>> Client::list_pods(const Call& call) {
    Ask ask{.what = "list the pods", .path = "/pods/json"};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_pod_list(reply.body);
}

Result<PodSummary> Client::inspect_pod(const std::string& who, const Call& call) {
    Ask ask{.what = "inspect pod " + who, .path = pod_path(who, "/json")};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_pod(reply.body);
}

Result<std::string> Client::create_pod(const PodCreate& create, const Call& call) {
    Ask ask{.what = "create pod " + create.name, .method = "POST", .path = "/pods/create"};
    ask.body = wire::write_pod_create(create);
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_id(reply.body);
}

Result<Effect> Client::start_pod(const std::string& who, const Call& call) {
    Ask ask{.what = "start pod " + who, .method = "POST", .path = pod_path(who, "/start")};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call_pod(ask, call));
    if (reply.status == 304) {
        return Effect::AlreadySo;
    }
    RETURN_IF_ERROR(errors_of(reply, ask.what));
    return Effect::Changed;
}

Result<Effect> Client::stop_pod(const std::string& who, unsigned grace_seconds, const Call& call) {
    // t=0 means "each container's own" to podman, so a stop without grace goes to the members.
    if (grace_seconds > 0) {
        Ask ask{.what = "stop pod " + who, .method = "POST"};
        ask.path = pod_path(who, "/stop") + http::query({{"t", std::to_string(grace_seconds)}});
        ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call_pod(ask, call));
        if (reply.status != 304) {
            RETURN_IF_ERROR(errors_of(reply, ask.what));
            return Effect::Changed;
        }
    }
    ASSIGN_OR_RETURN(const PodSummary pod, inspect_pod(who, call));
    Effect effect = Effect::AlreadySo;
    for (const PodSummary::Member& member : members_to_stop(pod)) {
        ASSIGN_OR_RETURN(const Effect one, stop_container(member.id, grace_seconds, call));
        effect = one == Effect::Changed ? one : effect;
    }
    return effect;
}

Status Client::remove_pod(const std::string& who, bool force, const Call& call) {
    Ask ask{.what = "remove pod " + who, .method = "DELETE"};
    ask.path = pod_path(who, "") + http::query({{"force", force ? "true" : "false"}});
    const auto reply = wire_->session.call(ask, call);
    if (!reply) {
        return reply.error().code == Code::NotFound ? Status() : Status(reply.error());
    }
    ASSIGN_OR_RETURN(const std::string errors, wire::read_pod_removal_errors(reply->body));
    if (!errors.empty()) {
        return fail(Code::Internal, fmt::format("cannot {}: podman: {}", ask.what, errors));
    }
    return {};
}

}  // namespace podreeve::podman
