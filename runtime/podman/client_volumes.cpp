#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"
#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {

Result<std::vector<VolumeDetails>> Client::list_volumes(const CallOptions& call) {
    LibpodCall ask{.what = "list the volumes", .path = "/volumes/json"};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_volume_list(reply.body);
}

Result<VolumeDetails> Client::inspect_volume(const std::string& name, const CallOptions& call) {
    LibpodCall ask{.what = "inspect volume " + name};
    ask.path = "/volumes/" + http::encode(name) + "/json";
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_volume(reply.body);
}

Status Client::create_volume(const VolumeDetails& volume, const CallOptions& call) {
    LibpodCall ask{
        .what = "create volume " + volume.name, .method = "POST", .path = "/volumes/create"};
    ask.body = wire::write_volume_create(volume);
    RETURN_IF_ERROR(wire_->session.call(ask, call));
    return {};
}

Result<std::vector<std::string>> Client::remove_volumes_with(const std::string& label,
                                                             const std::string& value,
                                                             const CallOptions& call) {
    LibpodCall ask{.what = fmt::format("remove the volume labelled {}={}", label, value),
                   .method = "POST"};
    const nlohmann::json filters = {{"label", {label + "=" + value}}};
    ask.path = "/volumes/prune" + http::query({{"filters", json_text(filters)}});
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_volume_prune(reply.body);
}

Status Client::remove_volume(const std::string& name, const CallOptions& call) {
    LibpodCall ask{.what = "remove volume " + name, .method = "DELETE"};
    ask.path = "/volumes/" + http::encode(name);
    const auto reply = wire_->session.call(ask, call);
    return reply || reply.error().code == Code::NotFound ? Status() : Status(reply.error());
}

}  // namespace podreeve::podman
