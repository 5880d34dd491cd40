#include <fmt/format.h>

#include "runtime/podman/reply_error.h"
#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {

Result<std::vector<NetworkDetails>> Client::list_networks(const CallOptions& call) {
    LibpodCall ask{.what = "list the networks", .path = "/networks/json"};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_network_list(reply.body);
}

Status Client::create_network(const NetworkDetails& network, const CallOptions& call) {
    LibpodCall ask{
        .what = "create network " + network.name, .method = "POST", .path = "/networks/create"};
    ask.body = wire::write_network_create(network);
    const auto reply = wire_->session.call(ask, call);
    if (!reply && reply.error().code != Code::Conflict) {
        return reply.error();
    }
    return {};
}

Status Client::remove_network(const std::string& name, const CallOptions& call) {
    LibpodCall ask{.what = "remove network " + name, .method = "DELETE"};
    ask.path = "/networks/" + http::encode(name);
    const auto reply = wire_->session.call(ask, call);
    if (!reply) {
        return reply.error().code == Code::NotFound ? Status() : Status(reply.error());
    }
    ASSIGN_OR_RETURN(const std::string errors, wire::read_removal_errors(reply->body));
    if (!errors.empty()) {
        return fail(says_conflict(errors) ? Code::Conflict : Code::Internal,
                    fmt::format("cannot {}: podman: {}", ask.what, podman_words(errors)));
    }
    return {};
}

}  // namespace podreeve::podman
