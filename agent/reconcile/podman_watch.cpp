#include "agent/reconcile/podman_watch.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

#include <fmt/format.h>

#include "agent/observe/observed.h"
#include "runtime/base/log.h"
#include "runtime/base/thread.h"
#include "runtime/base/utf8.h"

namespace podreeve::reconcile {
namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{10'000};
// What podman tells of may have happened a moment before. An event that comes twice is a hint
// twice.
constexpr std::chrono::seconds kOverlap{1};

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
bool is_hint(const podman::PodmanEvent& event) {
    static const std::set<std::string> kActions{"died",  "remove",  "stop",   "kill",
                                                "pause", "unpause", "rename", "cleanup"};
    if (event.type == "container" || event.type == "pod") {
        return kActions.contains(event.action);
    }
    if (event.type == podman::kUnreadableEvent) {
        return true;
    }
    return (event.type == "volume" || event.type == "network") && event.action == "remove";
}

bool is_death_of_ours(const podman::PodmanEvent& event, const std::string& owner) {
    const auto label = event.attributes.find(observe::kLabelOwner);
    return event.type == "container" && event.action == "died" && label != event.attributes.end() &&
           label->second == owner;
}

std::stop_token OpenStream::begin() {
    auto source = source_.lock();
    *source = std::stop_source();
    return source->get_token();
}

void OpenStream::end() {
    std::stop_source open = *source_.lock();
    open.request_stop();
}

PodmanWatch::PodmanWatch(podman::Client& podman,
                         Scheduler& scheduler,
                         const Clock& clock,
                         std::string owner,
                         SteadyTime since,
                         OpenStream& stream,
                         std::function<void(const Hint&)> on_hint)
    : podman_(podman),
      scheduler_(scheduler),
      clock_(clock),
      owner_(std::move(owner)),
      stream_(stream),
      on_hint_(std::move(on_hint)),
      thread_(begin_stoppable("the reader of podman's events", [this, since](std::stop_token stop) {
          read(std::move(stop), since);
      })) {}

PodmanWatch::~PodmanWatch() = default;

// Wall clocks are not compared: one that was set would ask for what is yet to come, and hear
// nothing of it for as long.
void PodmanWatch::read(std::stop_token stop, SteadyTime since) {
    SteadyTime last = since;
    Duration wait = kFirstPause;
    const auto report = [this](Hint what) {
        scheduler_.post([hint = on_hint_, what = std::move(what)] { hint(what); });
    };
    while (!stop.stop_requested()) {
        const auto on_event = [&](const podman::PodmanEvent& event) {
            wait = kFirstPause;
            last = clock_.steady_now();
            if (is_hint(event)) {
                report({clean_text(
                            fmt::format("podman: {} {} {}", event.type, event.name, event.action)),
                        is_death_of_ours(event, owner_)});
            }
            return !stop.stop_requested();
        };
        contained_or_logged("the reader of podman's events", [&] {
            const Duration past = clock_.steady_now() - last + kOverlap;
            const std::stop_token until = stream_.begin();
            const std::stop_callback end_too(stop, [this] { stream_.end(); });
            const Status ended = podman_.events_of_last(past, on_event, {Duration::zero(), until});
            log::debug("podman's event stream ended: {}",
                       ended ? std::string("closed") : ended.error().message);
        });
        if (stop.stop_requested()) {
            return;
        }
        pause(stop, wait);
        wait = std::min<Duration>(wait * 2, kLongestPause);
        contained_or_logged("the reader of podman's events",
                            [&] { report({"podman's event stream was taken up again"}); });
    }
}

}  // namespace podreeve::reconcile
