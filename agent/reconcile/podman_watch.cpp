#include "agent/reconcile/podman_watch.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

#include <fmt/format.h>

#include "runtime/base/contained.h"
#include "runtime/base/log.h"
#include "runtime/base/utf8.h"

namespace podreeve::reconcile {
namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{10'000};

// Waits, but no longer than until stop is asked for.
void pause(std::stop_token stop, Duration time) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

// "cleanup" too: podman says "died" before it has written the death down, so that a list made at
// once may still show the container as running.
bool is_hint(const podman::Event& event) {
    static const std::set<std::string> kActions{"died",  "remove",  "stop",   "kill",
                                                "pause", "unpause", "rename", "cleanup"};
    if (event.type == "container" || event.type == "pod") {
        return kActions.contains(event.action);
    }
    return (event.type == "volume" || event.type == "network") && event.action == "remove";
}

PodmanWatch::PodmanWatch(podman::Client& podman,
                         Scheduler& scheduler,
                         std::function<void(const std::string&)> on_hint)
    : podman_(podman),
      scheduler_(scheduler),
      on_hint_(std::move(on_hint)),
      thread_([this](std::stop_token stop) { read(stop); }) {}

PodmanWatch::~PodmanWatch() = default;

void PodmanWatch::read(std::stop_token stop) {
    std::int64_t last = 0;
    Duration wait = kFirstPause;
    const auto tell = [this](std::string why) {
        scheduler_.post([hint = on_hint_, why = std::move(why)] { hint(why); });
    };
    while (!stop.stop_requested()) {
        const auto on_event = [&](const podman::Event& event) {
            wait = kFirstPause;
            last = std::max(last, event.time_nano);
            if (is_hint(event)) {
                tell(clean_text(
                    fmt::format("podman: {} {} {}", event.type, event.name, event.action)));
            }
            return !stop.stop_requested();
        };
        contained_or_logged("the reader of podman's events", [&] {
            const Status ended = podman_.events(last, on_event, {Duration::zero(), stop});
            log::debug("podman's event stream ended: {}",
                       ended ? std::string("closed") : ended.error().message);
        });
        if (stop.stop_requested()) {
            return;
        }
        pause(stop, wait);
        wait = std::min<Duration>(wait * 2, kLongestPause);
        contained_or_logged("the reader of podman's events",
                            [&] { tell("podman's event stream was taken up again"); });
    }
}

}  // namespace podreeve::reconcile
