#include <fmt/format.h>

#include "runtime/podman/log_frames.h"
#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {
namespace {

std::optional<std::string> since_text(std::int64_t since_nano) {
    if (since_nano <= 0) {
        return std::nullopt;
    }
    return fmt::format("{}.{:09}", since_nano / 1'000'000'000, since_nano % 1'000'000'000);
}

}  // namespace

Status Client::events(std::int64_t since_nano,
                      const std::function<bool(const Event&)>& on_event,
                      const Call& call) {
    Ask ask{.what = "follow podman's events", .endless = true};
    ask.path = "/events" + http::query({{"stream", "true"}, {"since", since_text(since_nano)}});
    bool ended = false;
    std::optional<Error> bad;
    LineSplitter lines([&](std::string_view line) {
        if (line.empty()) {
            return true;
        }
        const auto event = wire::read_event(line);
        if (!event) {
            bad = event.error();
            return false;
        }
        ended = !on_event(*event);
        return !ended;
    });
    ask.sink = [&](std::string_view piece) { return lines.feed(piece); };
    const auto reply = wire_->session.call(ask, call);
    if (ended) {
        return {};
    }
    if (bad) {
        return *bad;
    }
    if (!reply) {
        return reply.error();
    }
    return fail(Code::Unavailable, "cannot follow podman's events: podman ended the stream");
}

}  // namespace podreeve::podman
