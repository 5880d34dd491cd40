#include "agent/reconcile/reconciler.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/reconcile/brake.h"
#include "agent/reconcile/companion_stage.h"
#include "agent/reconcile/pace.h"
#include "runtime/base/contained.h"
#include "runtime/base/log.h"
#include "runtime/base/one_shot.h"
#include "runtime/base/worker_pool.h"

namespace podreeve::reconcile {

struct PassWait {
    OneShot<PassReport> reply;
    std::optional<SteadyTime> again;  // it waits for the first pass that begins then
};

using Waiter = std::shared_ptr<PassWait>;

struct Reconciler::Core : std::enable_shared_from_this<Reconciler::Core> {
    Core(PassWorld pass_world, Scheduler& loop, supervise::SharedStatus& given_status, Rhythm given)
        : world(pass_world),
          scheduler(loop),
          shared_status(given_status),
          rhythm(given),
          pace(given.pause) {}

    PassWorld world;
    Scheduler& scheduler;
    supervise::SharedStatus& shared_status;
    Rhythm rhythm;
    std::stop_source stop;
    std::function<void(const PassReport&)> callback;
    std::function<void(bool)> hang_callback;

    // The scheduler's thread alone.
    bool running = false;
    bool wanted = false;
    bool at_once = false;  // and without a pause before it
    bool put_off = false;  // it begins when the timer comes
    bool stopped = false;
    std::optional<SteadyTime> look_by;  // a pass that begins then, or later
    Duration retry{};
    Pace pace;
    TimerHandle timer, hang_timer;
    bool hangs = false;
    std::vector<Waiter> waiting;
    std::vector<Waiter> looking_again;  // for a pass by which a missing file is gone

    // Last, so that its thread is gone before what it uses.
    std::unique_ptr<WorkerPool> thread = std::make_unique<WorkerPool>(1);

    void request(const std::string& why, When when = When::InPace);
    void begin_in_pace();
    void begin();
    void note_hang(bool hangs_now);
    void run(const std::vector<Waiter>& waiters);
    void show(const PassReport& report);
    void end(PassReport report, const std::vector<Waiter>& waiters);
    void reply(const PassReport& report, const std::vector<Waiter>& waiters);
    void take_due();
    Duration until_next(const PassReport& report);
    Status check_not_ending(const char* what) const;
};

Status Reconciler::Core::check_not_ending(const char* what) const {
    return stop.stop_requested()
               ? fail(Code::Cancelled, fmt::format("cannot {}: the agent is ending", what))
               : Status();
}

void Reconciler::Core::request(const std::string& why, When when) {
    if (stopped) {
        return;
    }
    log::debug("pass wanted: {}", why);
    wanted = true;
    at_once = at_once || when == When::AtOnce;
    if (!running) {
        begin_in_pace();
    }
}

void Reconciler::Core::begin_in_pace() {
    const Duration wait = at_once ? Duration() : pace.put_off(world.clock.steady_now());
    if (wait == Duration::zero()) {
        begin();
    } else if (!std::exchange(put_off, true)) {
        timer = scheduler.after(wait, [self = weak_from_this()] {
            if (const auto core = self.lock()) {
                core->begin();
            }
        });
    }
}

// Who asks for a pass after removing a manifest is not told that nothing is to be done: the second
// look, by which the file is gone, is waited for, once. A pass that came between and leaves nothing
// to look for is as good.
void Reconciler::Core::reply(const PassReport& report, const std::vector<Waiter>& waiters) {
    const bool later = report.look_again && report.error.empty();
    for (const Waiter& waiter : waiters) {
        if (later && !waiter->again) {
            waiter->again = report.look_again;
            looking_again.push_back(waiter);
        } else {
            waiter->reply.give(report);
        }
    }
    if (later) {
        return;
    }
    for (const Waiter& waiter : std::exchange(looking_again, {})) {
        waiter->reply.give(report);
    }
}

void Reconciler::Core::take_due() {
    const SteadyTime now = world.clock.steady_now();
    std::erase_if(looking_again, [&](const Waiter& waiter) {
        const bool due = waiter->again <= now;
        if (due) {
            waiting.push_back(waiter);
        }
        return due;
    });
}

void Reconciler::Core::begin() {
    running = true;
    wanted = at_once = put_off = false;
    const SteadyTime now = world.clock.steady_now();
    pace.began(now);
    if (look_by && *look_by <= now) {
        look_by.reset();
    }
    timer.reset();
    take_due();
    hang_timer = scheduler.after(rhythm.longest_pass, [self = weak_from_this()] {
        if (const auto core = self.lock()) {
            core->note_hang(true);
        }
    });
    thread->submit([self = weak_from_this(), waiters = std::exchange(waiting, {})] {
        if (const auto core = self.lock()) {
            core->run(waiters);
        }
    });
}

void Reconciler::Core::note_hang(bool hangs_now) {
    if (std::exchange(hangs, hangs_now) == hangs_now) {
        return;
    }
    if (hangs_now) {
        log::error("a pass has not ended within {}", to_short_text(rhythm.longest_pass));
    }
    if (hang_callback) {
        contained_or_logged("the callback of a pass that hangs", [&] { hang_callback(hangs_now); });
    }
}

// One that was cut has seen nothing.
void Reconciler::Core::show(const PassReport& report) {
    auto status = shared_status.lock();
    if (report.cut) {
        status->pass_since.reset();
    } else {
        *status = report.overview;
    }
}

// On the pass's thread. The end has to be told whatever happens, or no pass would ever follow.
void Reconciler::Core::run(const std::vector<Waiter>& waiters) {
    contained_or_logged("showing that a pass begins",
                        [&] { shared_status.lock()->pass_since = world.clock.system_now(); });
    const auto report = std::make_shared<PassReport>(make_pass(world, stop.get_token()));
    contained_or_logged("showing a pass", [&] { show(*report); });
    const auto report_end = [&] {
        scheduler.post([self = weak_from_this(), waiters, report] {
            if (const auto core = self.lock()) {
                core->end(std::move(*report), waiters);
            }
        });
    };
    if (!contained_or_logged("ending a pass", report_end)) {
        contained_or_logged("ending a pass", report_end);  // what is short may be there again
    }
}

void Reconciler::Core::end(PassReport report, const std::vector<Waiter>& waiters) {
    running = false;
    hang_timer.reset();
    note_hang(false);
    if (report.cut) {
        return;
    }
    if (callback) {
        contained_or_logged("the callback of a pass", [&] { callback(report); });
    }
    reply(report, waiters);
    if (stopped || running || put_off) {
        return;  // the callback has asked for the next pass, and it has begun, or will
    }
    if (wanted || !waiting.empty()) {
        begin_in_pace();
        return;
    }
    timer = scheduler.after(until_next(report), [self = weak_from_this()] {
        if (const auto core = self.lock()) {
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
    if (report.in_motion) {
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
    for (const std::optional<SteadyTime>& look : {report.look_again, look_by}) {
        if (look) {
            const Duration due = *look - world.clock.steady_now();
            wait = std::clamp<Duration>(due, std::chrono::milliseconds(10), wait);
        }
    }
    return wait;
}

Reconciler::Reconciler(PassWorld world,
                       Scheduler& scheduler,
                       supervise::SharedStatus& shared_status,
                       Rhythm rhythm)
    : core_(std::make_shared<Core>(world, scheduler, shared_status, rhythm)) {}

Reconciler::~Reconciler() {
    stop();
    core_->thread.reset();
}

void Reconciler::on_pass(std::function<void(const PassReport&)> callback) {
    core_->callback = std::move(callback);
}

void Reconciler::on_hang(std::function<void(bool)> callback) {
    core_->hang_callback = std::move(callback);
}

void Reconciler::request(const std::string& why, When when) {
    core_->request(why, when);
}

bool Reconciler::idle() const {
    return !core_->running;
}

void Reconciler::request_twice(const std::string& why, When when) {
    core_->look_by = core_->world.clock.steady_now() + core_->rhythm.look_again;
    core_->request(why, when);
}

void Reconciler::stop() {
    core_->stopped = true;
    core_->timer.reset();
    core_->hang_timer.reset();
    core_->waiting.clear();
    core_->looking_again.clear();
    core_->stop.request_stop();  // whoever waits for an answer waits no longer
}

Result<PassReport> Reconciler::pass_now(Duration deadline) {
    const auto waiter = std::make_shared<PassWait>();
    core_->scheduler.post([self = core_, waiter] {
        if (!self->stopped) {
            self->world.supervisor.forget_failures(std::nullopt);
            if (self->world.brake != nullptr) {
                self->world.brake->try_now(std::nullopt);
            }
            self->waiting.push_back(waiter);
            self->request("asked for");
        }
    });
    if (auto report = waiter->reply.wait_for(deadline, core_->stop.get_token())) {
        return std::move(*report);
    }
    RETURN_IF_ERROR(core_->check_not_ending("make a pass"));
    return fail(Code::Timeout, fmt::format("cannot know how the pass went: it has not ended "
                                           "within {}; `podreeve changes` shows what runs",
                                           to_short_text(deadline)));
}

Result<plan::Plan> Reconciler::diff(const std::optional<std::string>& app, Duration deadline) {
    const auto reply = std::make_shared<OneShot<Result<plan::Plan>>>();
    // Weak: the thread must not end itself.
    core_->thread->submit([weak = std::weak_ptr(core_), reply, app] {
        if (const auto self = weak.lock()) {
            reply->give(make_plan(self->world, app, self->stop.get_token()));
        }
    });
    auto plan = reply->wait_for(deadline, core_->stop.get_token());
    RETURN_IF_ERROR(core_->check_not_ending("plan"));
    if (plan) {
        return std::move(*plan);
    }
    return fail(Code::Timeout, fmt::format("cannot plan: podman has not answered within {}",
                                           to_short_text(deadline)));
}

}  // namespace podreeve::reconcile
