#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {

Result<Info> Client::info(const CallOptions& call) {
    LibpodCall ask{.what = "ask podman for its information", .path = "/info"};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_info(reply.body);
}

}  // namespace podreeve::podman
