#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "agent/supervise/status.h"

// What others ask of a service in one word (Talos' StateEvents, service_runner.go):
//
//   up        Skipped, or Running with every part ready
//   down      Finished, Failed, Skipped
//   finished  Finished, and not because it was stopped
//   failed    Failed
namespace podreeve::supervise {

enum class VirtualEvent { Up, Down, Finished, Failed };

std::string_view to_string(VirtualEvent event);
std::optional<VirtualEvent> virtual_event_from(std::string_view word);

// Whether it holds now.
bool holds(VirtualEvent event, const AppStatus& app);

// Who wants to hear of virtual events. A subscriber is called once at subscription when the event
// holds already (the level), and then each time it begins to hold (the edges). Any thread;
// callbacks run on the thread of tell() or subscribe(), without a lock held, and must not block.
class Subscriptions : public std::enable_shared_from_this<Subscriptions> {
  public:
    using Callback = std::function<void(const AppStatus&)>;

    // Ends the subscription when it goes; a callback that runs just then may still end after.
    class Handle {
      public:
        Handle() = default;

        Handle(std::weak_ptr<Subscriptions> from, std::uint64_t id)
            : from_(std::move(from)), id_(id) {}

        Handle(Handle&& other) noexcept = default;
        Handle& operator=(Handle&& other) noexcept;
        ~Handle();

      private:
        std::weak_ptr<Subscriptions> from_;
        std::uint64_t id_ = 0;
    };

    [[nodiscard]] Handle subscribe(const std::string& app, VirtualEvent event, Callback callback);
    // The newest view of all apps.
    void publish(const Overview& overview);

  private:
    struct Subscriber {
        std::string app;
        VirtualEvent event{};
        Callback callback;
        bool held = false;
    };

    void drop(std::uint64_t id);

    std::mutex mutex_;
    std::map<std::uint64_t, Subscriber> subscribers_;
    std::map<std::string, AppStatus> newest_;
    std::uint64_t last_id_ = 0;
};

}  // namespace podreeve::supervise
