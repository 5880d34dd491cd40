#include "agent/supervise/virtual_events.h"

#include <utility>
#include <vector>

#include "runtime/base/contained.h"

namespace podreeve::supervise {

std::string_view to_string(VirtualEvent event) {
    switch (event) {
        case VirtualEvent::Up:
            return "up";
        case VirtualEvent::Down:
            return "down";
        case VirtualEvent::Finished:
            return "finished";
        case VirtualEvent::Failed:
            return "failed";
    }
    return "up";
}

std::optional<VirtualEvent> virtual_event_from(std::string_view word) {
    for (const VirtualEvent event :
         {VirtualEvent::Up, VirtualEvent::Down, VirtualEvent::Finished, VirtualEvent::Failed}) {
        if (to_string(event) == word) {
            return event;
        }
    }
    return std::nullopt;
}

bool holds(VirtualEvent event, const AppStatus& app) {
    switch (event) {
        case VirtualEvent::Up:
            return app.state == ServiceState::Skipped ||
                   (app.state == ServiceState::Running && app.healthy);
        case VirtualEvent::Down:
            return app.state == ServiceState::Finished || app.state == ServiceState::Failed ||
                   app.state == ServiceState::Skipped;
        case VirtualEvent::Finished:
            return app.state == ServiceState::Finished && !app.stopped;
        case VirtualEvent::Failed:
            return app.state == ServiceState::Failed;
    }
    return false;
}

Subscriptions::Handle& Subscriptions::Handle::operator=(Handle&& other) noexcept {
    std::swap(from_, other.from_);
    std::swap(id_, other.id_);
    return *this;
}

Subscriptions::Handle::~Handle() {
    if (const auto from = from_.lock()) {
        from->drop(id_);
    }
}

Subscriptions::Handle Subscriptions::subscribe(const std::string& app,
                                               VirtualEvent event,
                                               Callback callback) {
    std::optional<AppStatus> level;
    std::uint64_t id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = ++last_id_;
        const auto known = newest_.find(app);
        const bool held = known != newest_.end() && holds(event, known->second);
        if (held) {
            level = known->second;
        }
        subscribers_[id] = {app, event, callback, held};
    }
    if (level) {
        contained_or_logged("a subscriber", [&] { callback(*level); });
    }
    return {weak_from_this(), id};
}

void Subscriptions::publish(const Overview& overview) {
    std::vector<std::pair<Callback, AppStatus>> calls;
    {
        const std::lock_guard lock(mutex_);
        newest_.clear();
        for (const AppStatus& app : overview.apps) {
            newest_[app.name] = app;
        }
        for (auto& [id, subscriber] : subscribers_) {
            const auto app = newest_.find(subscriber.app);
            const bool held = app != newest_.end() && holds(subscriber.event, app->second);
            if (held && !subscriber.held) {
                calls.emplace_back(subscriber.callback, app->second);
            }
            subscriber.held = held;
        }
    }
    for (const auto& call : calls) {
        contained_or_logged("a subscriber", [&] { call.first(call.second); });
    }
}

void Subscriptions::drop(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    subscribers_.erase(id);
}

}  // namespace podreeve::supervise
