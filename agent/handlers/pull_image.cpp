#include <fmt/format.h>

#include "agent/handlers/kinds.h"

namespace podreeve::handlers {

namespace {

constexpr auto kPullTime = std::chrono::minutes(20);
constexpr auto kRefreshTime = std::chrono::seconds(10);
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

Status pull(Task& task, Duration within) {
    ASSIGN_OR_RETURN(
        const std::string image,
        task.world.podman.pull_image(task.object, true, PullProgress(task), task.call(within)));
    task.log(fmt::format("pulled {} ({})", task.object, image.substr(0, 12)));
    return {};
}

// What ran waits a little for a newer image, and comes back from the one that is here without it.
HandlerResult refresh_image(Task& task) {
    const Status pulled = pull(task, kRefreshTime);
    if (!pulled && pulled.error().code == Code::Cancelled) {
        return pulled.error();
    }
    if (!pulled) {
        task.log(
            fmt::format("image {} could not be refreshed, and the one that is here is used: {}",
                        task.object, pulled.error().message));
    }
    return done();
}

}  // namespace

// An image that is pulled twice is the same image; it stays when the change is undone, since other
// containers may use it by then.
HandlerResult pull_image(Task& task) {
    const std::string policy = task.text("policy", "IfNotPresent");
    const bool refresh = task.flag("refresh", false);
    if (policy != "Always" || refresh) {
        ASSIGN_OR_RETURN(const bool here, task.world.podman.image_exists(task.object, task.call()));
        if (here) {
            return refresh ? refresh_image(task) : done();
        }
    }
    if (policy == "Never") {
        return fail(Code::NotFound,
                    fmt::format("cannot use image {}: it is not on this machine and "
                                "imagePullPolicy is Never; load it, or change the policy",
                                task.object));
    }
    RETURN_IF_ERROR(pull(task, kPullTime));
    return done();
}

}  // namespace podreeve::handlers
