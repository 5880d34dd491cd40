#include <fmt/format.h>

#include "agent/handlers/kinds.h"

namespace podreeve::handlers {

namespace {

constexpr auto kPullTime = std::chrono::minutes(20);
constexpr auto kBetweenProgress = std::chrono::milliseconds(500);

// podman says much while it pulls; people see the newest line, twice a second at most.
class PullProgress {
  public:
    explicit PullProgress(Task& task) : task_(task), last_(task.world.clock.steady_now()) {}

    void operator()(const std::string& line) {
        const SteadyTime now = task_.world.clock.steady_now();
        if (now - last_ >= kBetweenProgress) {
            last_ = now;
            task_.context.progress({line, 0, 1});
        }
    }

  private:
    Task& task_;
    SteadyTime last_;
};

}  // namespace

// An image that is pulled twice is the same image; it stays when the change is undone, since other
// containers may use it by then.
Ended pull_image(Task& task) {
    const std::string policy = task.text("policy", "IfNotPresent");
    if (policy != "Always") {
        ASSIGN_OR_RETURN(const bool here, task.world.podman.image_exists(task.object, task.call()));
        if (here) {
            return done();
        }
    }
    if (policy == "Never") {
        return fail(Code::NotFound,
                    fmt::format("cannot use image {}: it is not on this machine and "
                                "imagePullPolicy is Never; load it, or change the policy",
                                task.object));
    }
    ASSIGN_OR_RETURN(
        const std::string image,
        task.world.podman.pull_image(task.object, true, PullProgress(task), task.call(kPullTime)));
    task.log(fmt::format("pulled {} ({})", task.object, image.substr(0, 12)));
    return done();
}

}  // namespace podreeve::handlers
