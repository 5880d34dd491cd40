#include "runtime/podman/client.h"

#include "runtime/podman/session.h"

namespace podreeve::podman {

Client::Client(std::string socket_path, uid_t owner)
    : wire_(std::make_unique<Wire>(std::move(socket_path), owner)) {}

Client::~Client() = default;

Result<Version> Client::version(const CallOptions& call) {
    return wire_->session.version(call);
}

}  // namespace podreeve::podman
