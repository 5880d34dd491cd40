#include "agent/reconcile/reconciler.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/reconcile/companion_stage.h"
#include "runtime/base/log.h"
#include "runtime/base/worker_pool.h"

namespace podreeve::reconcile {

struct Waiting {
    std::promise<Result<PassReport>> answer;
    bool asked_again = false;
};

using Waiter = std::shared_ptr<Waiting>;

struct Reconciler::Core : std::enable_shared_from_this<Reconciler::Core> {
    Core(PassWorld pass_world, Scheduler& loop, supervise::Board& overview_board, Rhythm pace)
        : world(pass_world), scheduler(loop), board(overview_board), rhythm(pace) {}

    PassWorld world;
    Scheduler& scheduler;
    supervise::Board& board;
    Rhythm rhythm;
    std::stop_source stop;
    std::function<void(const PassReport&)> callback;

    // The scheduler's thread alone.
    bool running = false;
    bool wanted = false;
    bool stopped = false;
    bool look_again = false;        // after the pass that is wanted
    bool look_again_after = false;  // after the one that runs
    Duration retry{};
    TimerHandle timer;
    std::vector<Waiter> waiting;
    std::vector<Waiter> looking_again;  // for the pass by which a missing file is gone

    // Last, so that its thread is gone before what it uses.
    std::unique_ptr<WorkerPool> thread = std::make_unique<WorkerPool>(1);

    void request(const std::string& why);
    void begin();
    void end(PassReport report, const std::vector<Waiter>& waiters);
    void answer(const PassReport& report, const std::vector<Waiter>& waiters);
    Duration until_next(const PassReport& report);
};

void Reconciler::Core::request(const std::string& why) {
    if (stopped) {
        return;
    }
    log::debug("pass wanted: {}", why);
    wanted = true;
    if (!running) {
        begin();
    }
}

// Who asks for a pass after removing a manifest is not told that nothing is to be done: the second
// look, by which the file is gone, is waited for, once.
void Reconciler::Core::answer(const PassReport& report, const std::vector<Waiter>& waiters) {
    for (const Waiter& waiter : waiters) {
        if (report.look_again && report.error.empty() && !stopped && !waiter->asked_again) {
            waiter->asked_again = true;
            looking_again.push_back(waiter);
        } else {
            waiter->answer.set_value(report);
        }
    }
}

void Reconciler::Core::begin() {
    running = true;
    wanted = false;
    look_again_after = std::exchange(look_again, false);
    timer.reset();
    thread->submit([self = weak_from_this(), waiters = std::exchange(waiting, {})] {
        if (const auto core = self.lock()) {
            PassReport report = make_pass(core->world, core->stop.get_token());
            *core->board.lock() = report.overview;
            core->scheduler.post([self, waiters, report = std::move(report)]() mutable {
                if (const auto again = self.lock()) {
                    again->end(std::move(report), waiters);
                }
            });
        }
    });
}

void Reconciler::Core::end(PassReport report, const std::vector<Waiter>& waiters) {
    running = false;
    if (callback) {
        callback(report);
    }
    answer(report, waiters);
    if (stopped || running) {
        return;  // running: the callback has asked for the next pass, and it has begun
    }
    if (wanted || !waiting.empty()) {
        begin();
        return;
    }
    timer = scheduler.after(until_next(report), [self = weak_from_this()] {
        if (const auto core = self.lock()) {
            for (Waiter& waiter : std::exchange(core->looking_again, {})) {
                core->waiting.push_back(std::move(waiter));
            }
            core->request("its time has come");
        }
    });
}

Duration Reconciler::Core::until_next(const PassReport& report) {
    if (!report.error.empty()) {
        retry = retry == Duration::zero() ? rhythm.first_retry
                                          : std::min(retry * 2, rhythm.longest_retry);
        return retry;
    }
    retry = Duration::zero();
    if (report.in_motion || look_again_after) {
        return rhythm.look_again;
    }
    Duration wait = rhythm.interval;
    if (report.companions_wait) {
        wait = std::min<Duration>(wait, CompanionStage::kAskAgain);
    }
    if (const auto next = world.supervisor.next_decision()) {
        // A moment late rather than early: too early a pass would find nothing and be made again.
        const Duration due = *next - world.clock.system_now() + std::chrono::milliseconds(1);
        wait = std::clamp<Duration>(due, std::chrono::milliseconds(10), wait);
    }
    if (report.look_again) {
        const Duration due = *report.look_again - world.clock.steady_now();
        wait = std::clamp<Duration>(due, std::chrono::milliseconds(10), wait);
    }
    return wait;
}

Reconciler::Reconciler(PassWorld world,
                       Scheduler& scheduler,
                       supervise::Board& board,
                       Rhythm rhythm)
    : core_(std::make_shared<Core>(world, scheduler, board, rhythm)) {}

Reconciler::~Reconciler() {
    stop();
    core_->thread.reset();
}

void Reconciler::on_pass(std::function<void(const PassReport&)> callback) {
    core_->callback = std::move(callback);
}

void Reconciler::request(const std::string& why) {
    core_->request(why);
}

bool Reconciler::idle() const {
    return !core_->running;
}

void Reconciler::request_twice(const std::string& why) {
    core_->look_again = true;
    core_->request(why);
}

void Reconciler::stop() {
    core_->stopped = true;
    core_->timer.reset();
    core_->stop.request_stop();
    std::vector<Waiter> left = std::exchange(core_->waiting, {});
    for (Waiter& waiter : std::exchange(core_->looking_again, {})) {
        left.push_back(std::move(waiter));
    }
    for (const Waiter& waiter : left) {
        waiter->answer.set_value(fail(Code::Cancelled, "cannot make a pass: the agent is ending"));
    }
}

Result<PassReport> Reconciler::pass_now(Duration deadline) {
    const auto waiter = std::make_shared<Waiting>();
    auto future = waiter->answer.get_future();
    core_->scheduler.post([self = core_, waiter] {
        if (self->stopped) {
            waiter->answer.set_value(
                fail(Code::Cancelled, "cannot make a pass: the agent is ending"));
            return;
        }
        self->world.supervisor.forget_failures(std::nullopt);
        self->waiting.push_back(waiter);
        self->request("asked for");
    });
    if (future.wait_for(deadline) != std::future_status::ready) {
        return fail(Code::Timeout, fmt::format("cannot tell how the pass went: it has not ended "
                                               "within {}; `podreeve changes` shows what runs",
                                               to_short_text(deadline)));
    }
    return future.get();
}

Result<plan::Plan> Reconciler::diff(const std::optional<std::string>& app, Duration deadline) {
    const auto promise = std::make_shared<std::promise<Result<plan::Plan>>>();
    auto future = promise->get_future();
    core_->thread->submit([self = core_, promise, app] {
        promise->set_value(make_plan(self->world, app, self->stop.get_token()));
    });
    if (future.wait_for(deadline) != std::future_status::ready) {
        return fail(Code::Timeout, fmt::format("cannot plan: podman has not answered within {}",
                                               to_short_text(deadline)));
    }
    return future.get();
}

}  // namespace podreeve::reconcile
