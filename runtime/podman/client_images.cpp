#include <fmt/format.h>

#include "runtime/podman/log_frames.h"
#include "runtime/podman/reply_error.h"
#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {
namespace {

// A pull answers 200 at once and tells in its stream how it went on.
struct Pull {
    std::string error, id;
    const std::function<void(const std::string&)>& on_progress;

    bool take(std::string_view text) {
        if (text.empty()) {
            return true;
        }
        const auto line = wire::read_pull_line(text);
        if (!line) {
            error = line.error().message;
            return false;
        }
        if (!line->progress.empty() && on_progress) {
            on_progress(podman_words(
                line->progress.substr(0, line->progress.find_last_not_of("\r\n") + 1)));
        }
        error = line->error.empty() ? error : line->error;
        id = line->id.empty() ? id : line->id;
        return true;
    }
};

}  // namespace

Result<bool> Client::image_exists(const std::string& name, const CallOptions& call) {
    LibpodCall ask{.what = "look for image " + name};
    ask.path = "/images/" + http::encode(name) + "/exists";
    const auto reply = wire_->session.call(ask, call);
    if (reply) {
        return true;
    }
    if (reply.error().code == Code::NotFound) {
        return false;
    }
    return reply.error();
}

Result<ImageDetails> Client::inspect_image(const std::string& name, const CallOptions& call) {
    LibpodCall ask{.what = "inspect image " + name};
    ask.path = "/images/" + http::encode(name) + "/json";
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    return wire::read_image(reply.body);
}

Result<std::string> Client::pull_image(const std::string& reference,
                                       bool tls_verify,
                                       const std::function<void(const std::string&)>& on_progress,
                                       const CallOptions& call) {
    LibpodCall ask{.what = "pull image " + reference, .method = "POST"};
    // Said only when it is to be off: "true" would override what registries.conf calls insecure.
    const std::optional<std::string> verify =
        tls_verify ? std::nullopt : std::optional<std::string>("false");
    ask.path = "/images/pull" +
               http::query({{"reference", reference}, {"policy", "always"}, {"tlsVerify", verify}});
    Pull pull{{}, {}, on_progress};
    LineSplitter lines([&](std::string_view line) { return pull.take(line); });
    ask.sink = [&](std::string_view piece) { return lines.feed(piece); };
    const auto reply = wire_->session.call(ask, call);
    if (reply) {
        lines.finish();
    }
    if (!pull.error.empty()) {
        return fail(code_of_pull(pull.error),
                    fmt::format("cannot {}: podman: {}", ask.what, podman_words(pull.error)));
    }
    if (!reply) {
        return reply.error();
    }
    if (pull.id.empty()) {
        return fail(Code::Unavailable,
                    fmt::format("cannot {}: podman ended it without an image", ask.what));
    }
    return pull.id;
}

}  // namespace podreeve::podman
