#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {

Result<std::vector<VolumeDetails>> Client::list_volumes(const Call& call) {
    Ask ask{.what = "list the volumes", .path = "/volumes/json"};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_volume_list(reply.body);
}

Result<VolumeDetails> Client::inspect_volume(const std::string& name, const Call& call) {
    Ask ask{.what = "inspect volume " + name};
    ask.path = "/volumes/" + http::encode(name) + "/json";
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_volume(reply.body);
}

Status Client::create_volume(const VolumeDetails& volume, const Call& call) {
    Ask ask{.what = "create volume " + volume.name, .method = "POST", .path = "/volumes/create"};
    ask.body = wire::write_volume_create(volume);
    RETURN_IF_ERROR(wire_->session.call(ask, call));
    return {};
}

Status Client::remove_volume(const std::string& name, bool force, const Call& call) {
    Ask ask{.what = "remove volume " + name, .method = "DELETE"};
    ask.path =
        "/volumes/" + http::encode(name) + http::query({{"force", force ? "true" : "false"}});
    const auto reply = wire_->session.call(ask, call);
    if (!reply && reply.error().code != Code::NotFound) {
        return reply.error();
    }
    return {};
}

}  // namespace podreeve::podman
