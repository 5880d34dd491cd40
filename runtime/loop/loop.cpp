#include "runtime/loop/loop.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <fmt/format.h>
#include <systemd/sd-event.h>

#include "runtime/base/contained.h"
#include "runtime/base/log.h"

namespace podreeve::loop {
namespace {

using std::chrono::ceil;
using std::chrono::microseconds;

template <class Fn, class... Args>
void call_contained(const char* what, const Fn& fn, Args... args) {
    contained_or_logged(what, [&] { fn(args...); });
}

std::uint64_t to_usec(Duration duration) {
    return static_cast<std::uint64_t>(ceil<microseconds>(duration).count());
}

// How late a timer may come. sd-event would take 0 as its default of 250 ms.
constexpr std::uint64_t kSlackUsec = 1000;

}  // namespace

// A watched descriptor. The sd-event source points at it, so it has to stay where it is; while its
// callback runs, the callback holds a reference of its own.
struct FdSource : std::enable_shared_from_this<FdSource> {
    sd_event_source* source = nullptr;
    std::function<void(std::uint32_t)> fn;

    FdSource() = default;
    FdSource(const FdSource&) = delete;
    FdSource& operator=(const FdSource&) = delete;

    ~FdSource() { end(); }

    void end() { source = sd_event_source_disable_unref(source); }

    static int ready(sd_event_source*, int, std::uint32_t events, void* self) {
        const auto keep = static_cast<FdSource*>(self)->shared_from_this();
        call_contained("a descriptor callback", keep->fn, events);
        return 0;
    }
};

Watch::Watch(std::shared_ptr<FdSource> source) : source_(std::move(source)) {}

Watch& Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        reset();
        source_ = std::move(other.source_);
    }
    return *this;
}

Watch::~Watch() {
    reset();
}

void Watch::reset() {
    if (const auto source = std::exchange(source_, nullptr)) {
        source->end();
    }
}

struct Loop::SignalHandler {
    int signal_number = 0;
    sd_event_source* source = nullptr;
    std::function<void()> fn;

    SignalHandler(int number, std::function<void()> callback)
        : signal_number(number), fn(std::move(callback)) {}

    SignalHandler(const SignalHandler&) = delete;
    SignalHandler& operator=(const SignalHandler&) = delete;

    ~SignalHandler() { sd_event_source_disable_unref(source); }

    static int came(sd_event_source*, const signalfd_siginfo*, void* self) {
        call_contained("a signal callback", static_cast<SignalHandler*>(self)->fn);
        return 0;
    }
};

Result<std::unique_ptr<Loop>> Loop::create() {
    std::unique_ptr<Loop> loop(new Loop);
    RETURN_IF_ERROR(loop->set_up());
    return loop;
}

Loop::Loop() : timers_(std::make_shared<TimerQueue>()) {}

Loop::~Loop() {
    signals_.clear();
    sd_event_source_disable_unref(timer_);
    sd_event_source_disable_unref(posted_ready_);
    sd_event_unref(event_);
}

Status Loop::set_up() {
    if (const int r = sd_event_new(&event_); r < 0) {
        return errno_error("create the event loop", -r);
    }
    wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_) {
        return errno_error("create the event loop's eventfd", errno);
    }
    int r = sd_event_add_io(event_, &posted_ready_, wake_.get(), EPOLLIN, &Loop::on_posted, this);
    if (r >= 0) {
        r = sd_event_add_time(event_, &timer_, CLOCK_MONOTONIC, 0, kSlackUsec, &Loop::on_timer,
                              this);
    }
    if (r >= 0) {
        r = sd_event_source_set_enabled(timer_, SD_EVENT_OFF);
    }
    if (r < 0) {
        return errno_error("set the event loop up", -r);
    }
    return {};
}

SteadyTime Loop::steady_now() const {
    return SystemClock().steady_now();
}

WallTime Loop::system_now() const {
    return SystemClock().system_now();
}

TimerHandle Loop::after(Duration delay, std::function<void()> fn) {
    const TimerQueue::Key key =
        timers_->add(steady_now() + std::max(delay, Duration::zero()), std::move(fn));
    if (timers_->next_deadline() == key.first) {
        arm_timer();
    }
    // A timer cancelled while it is the next one leaves at most one idle wake-up behind.
    return TimerHandle([queue = std::weak_ptr(timers_), key] {
        if (const auto timers = queue.lock()) {
            timers->remove(key);
        }
    });
}

void Loop::arm_timer() {
    const auto next = timers_->next_deadline();
    if (!next) {
        sd_event_source_set_enabled(timer_, SD_EVENT_OFF);
        return;
    }
    int r = sd_event_source_set_time(timer_, to_usec(next->time_since_epoch()));
    if (r >= 0) {
        r = sd_event_source_set_enabled(timer_, SD_EVENT_ONESHOT);
    }
    if (r < 0) {
        log::error("internal error: {}", errno_error("arm the loop's timer", -r).message);
    }
}

int Loop::on_timer(sd_event_source*, std::uint64_t, void* self) {
    static_cast<Loop*>(self)->run_due_timers();
    return 0;
}

void Loop::run_due_timers() {
    const SteadyTime now = steady_now();
    const std::uint64_t mark = timers_->mark();
    while (const auto fn = timers_->take_due(now, mark)) {
        call_contained("a timer callback", fn);
    }
    arm_timer();
}

void Loop::post(std::function<void()> fn) {
    const std::lock_guard lock(mutex_);
    const bool first = posted_.empty();
    posted_.push_back(std::move(fn));
    if (first) {
        const std::uint64_t one = 1;
        // Fails only when the counter is full, and then the loop is awake already.
        [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
    }
}

int Loop::on_posted(sd_event_source*, int, std::uint32_t, void* self) {
    static_cast<Loop*>(self)->run_posted();
    return 0;
}

void Loop::run_posted() {
    std::vector<std::function<void()>> batch;
    {
        const std::lock_guard lock(mutex_);
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
        batch.swap(posted_);
    }
    for (std::function<void()>& fn : batch) {
        call_contained("a posted callback", fn);
        fn = nullptr;  // what it holds goes now, not after the whole batch
    }
}

Result<Watch> Loop::watch_fd(int fd, std::uint32_t events, std::function<void(std::uint32_t)> fn) {
    auto source = std::make_shared<FdSource>();
    source->fn = std::move(fn);
    const int r =
        sd_event_add_io(event_, &source->source, fd, events, &FdSource::ready, source.get());
    if (r < 0) {
        return errno_error(fmt::format("watch file descriptor {}", fd), -r);
    }
    return Watch(std::move(source));
}

Status Loop::on_signal(int signal_number, std::function<void()> fn) {
    const auto taken = [&](const auto& known) { return known->signal_number == signal_number; };
    if (std::any_of(signals_.begin(), signals_.end(), taken)) {
        return fail(Code::Conflict,
                    fmt::format("cannot handle signal {}: it has a handler", signal_number));
    }
    sigset_t set;
    sigemptyset(&set);
    if (sigaddset(&set, signal_number) != 0) {
        return errno_error(fmt::format("handle signal {}", signal_number), errno);
    }
    if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
        return errno_error(fmt::format("block signal {}", signal_number), error);
    }
    auto handler = std::make_unique<SignalHandler>(signal_number, std::move(fn));
    const int r = sd_event_add_signal(event_, &handler->source, signal_number, &SignalHandler::came,
                                      handler.get());
    if (r < 0) {
        return errno_error(fmt::format("handle signal {}", signal_number), -r);
    }
    signals_.push_back(std::move(handler));
    return {};
}

Result<bool> Loop::feed_watchdog() {
    const int r = sd_event_set_watchdog(event_, true);
    if (r < 0) {
        return errno_error("feed the watchdog", -r);
    }
    return r > 0;
}

Status Loop::starve_watchdog() {
    const int r = sd_event_set_watchdog(event_, false);
    return r < 0 ? errno_error("stop feeding the watchdog", -r) : Status();
}

Status Loop::run() {
    stopped_ = false;
    while (!stopped_) {
        const int r = sd_event_run(event_, UINT64_MAX);
        if (r < 0 && r != -EINTR) {
            return errno_error("turn the event loop", -r);
        }
    }
    return {};
}

void Loop::stop() {
    post([this] { stopped_ = true; });
}

}  // namespace podreeve::loop
