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

// Podman takes a duration for one before now.
std::optional<std::string> past_text(Duration past) {
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(past).count();
    return whole <= 0 ? std::nullopt : std::optional(fmt::format("{}ms", whole));
}

Status follow(Session& session,
              const std::optional<std::string>& since,
              const std::function<bool(const PodmanEvent&)>& on_event,
              const CallOptions& call) {
    LibpodCall ask{.what = "follow podman's events", .endless = true};
    ask.path = "/events" + http::query({{"stream", "true"}, {"since", since}});
    bool ended = false;
    std::optional<Error> bad;
    LineSplitter lines([&](std::string_view line) {
        if (line.empty()) {
            return true;
        }
        auto event = wire::read_event(line);
        if (!event && event.error().code == Code::Corrupt) {
            event = PodmanEvent{.type = kUnreadableEvent};
        }
        if (!event) {
            bad = event.error();
            return false;
        }
        ended = !on_event(*event);
        return !ended;
    });
    ask.sink = [&](std::string_view piece) { return lines.feed(piece); };
    const auto reply = session.call(ask, call);
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

}  // namespace

Status Client::events(std::int64_t since_nano,
                      const std::function<bool(const PodmanEvent&)>& on_event,
                      const CallOptions& call) {
    return follow(wire_->session, since_text(since_nano), on_event, call);
}

Status Client::events_of_last(Duration past,
                              const std::function<bool(const PodmanEvent&)>& on_event,
                              const CallOptions& call) {
    return follow(wire_->session, past_text(past), on_event, call);
}

}  // namespace podreeve::podman
