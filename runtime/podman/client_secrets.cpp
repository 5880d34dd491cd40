#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {

Result<std::vector<SecretDetails>> Client::list_secrets(const CallOptions& call) {
    LibpodCall ask{.what = "list the secrets", .path = "/secrets/json"};
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_secret_list(reply.body);
}

Status Client::create_secret(const SecretDetails& secret,
                             const std::string& data,
                             const CallOptions& call) {
    LibpodCall ask{.what = "create secret " + secret.name, .method = "POST"};
    std::optional<std::string> labels;
    if (!secret.labels.empty()) {
        labels = wire::write_text_map(secret.labels);
    }
    ask.path = "/secrets/create" + http::query({{"name", secret.name}, {"labels", labels}});
    ask.body = data;
    ask.content_type = "application/octet-stream";
    ask.secrets = {data};
    RETURN_IF_ERROR(wire_->session.call(ask, call));
    return {};
}

Status Client::remove_secret(const std::string& name, const CallOptions& call) {
    LibpodCall ask{.what = "remove secret " + name, .method = "DELETE"};
    ask.path = "/secrets/" + http::encode(name);
    const auto reply = wire_->session.call(ask, call);
    if (!reply && reply.error().code != Code::NotFound) {
        return reply.error();
    }
    return {};
}

}  // namespace podreeve::podman
