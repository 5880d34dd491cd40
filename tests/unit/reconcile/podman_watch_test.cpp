#include "agent/reconcile/podman_watch.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include <gtest/gtest.h>

#include "runtime/base/mutex.h"
#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/fake_time.h"

namespace podreeve::reconcile {
namespace {

// Nothing here waits for a hint.
class DeafScheduler final : public Scheduler {
  public:
    TimerHandle after(Duration, std::function<void()>) override { return {}; }

    void post(std::function<void()>) override {}
};

TEST(PodmansEvents, AreReadAnewAfterSomebodyEndedTheirStream) {
    fakes::FakePodman podman;
    Guarded<int> opened;
    podman.on_request(
        [&opened](const fakes::FakePodman::Entry& request) {
            if (request.path.starts_with("events")) {
                auto count = opened.lock();
                ++*count;
                count.notify_all();
            }
        },
        nullptr);
    const auto is_opened = [&opened](int times) {
        auto count = opened.lock();
        return count.wait_for(std::chrono::seconds(10), [&] { return *count >= times; });
    };
    podman::Client client(podman.socket_path());
    fakes::FakeTime time;
    DeafScheduler scheduler;
    OpenStream stream;
    stream.end();
    const PodmanWatch watch(client, scheduler, time, "0011223344556677", time.steady_now(), stream,
                            [](const Hint&) {});
    ASSERT_TRUE(is_opened(1)) << "what was ended before does not count";
    stream.end();
    EXPECT_TRUE(is_opened(2));
}

}  // namespace
}  // namespace podreeve::reconcile
