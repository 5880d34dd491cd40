#include "runtime/systemd/unit_watch.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <utility>

#include <fmt/format.h>

#include "runtime/base/mutex.h"
#include "runtime/base/thread.h"
#include "runtime/systemd/unit_session.h"

namespace podreeve::systemd {
namespace {

// For all calls of one turn, against a systemd that is busy with its generators.
constexpr std::chrono::seconds kTurnWithin{30};
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::seconds kLongestPause{30};

// What the other threads want of the watch's own.
struct Orders {
    std::set<std::string> names;
    std::uint64_t asked = 0;    // looks so far
    std::uint64_t replied = 0;  // all of them up to this one
    std::shared_ptr<const Result<UnitTable>> reply;
    bool try_again = false;  // the pause is over

    bool looks() const { return asked > replied; }
};

std::string hint_of(const std::string& name, const UnitState& before, const UnitState& after) {
    if (before.load_state != after.load_state) {
        return fmt::format("systemd: {} is {}", name, after.load_state);
    }
    if (before.active_state == after.active_state && before.sub_state == after.sub_state) {
        return fmt::format("systemd: {} has changed", name);
    }
    return fmt::format("systemd: {} is {} ({})", name, after.active_state, after.sub_state);
}

}  // namespace

struct UnitWatch::Core : std::enable_shared_from_this<UnitWatch::Core> {
    Core(std::string where, Scheduler& on, OnHint hint)
        : address(std::move(where)), scheduler(on), on_hint(std::move(hint)) {}

    void wake() { ::eventfd_write(woken.get(), 1); }

    // -- the watch's own thread
    void run(std::stop_token stop);
    Result<UnitTable> turn_contained(const Orders& todo, const Limit& limit);
    Result<UnitTable> turn(const Orders& todo, const Limit& limit);
    Status follow(const Orders& todo, const Limit& limit);
    Status advance(const Orders& todo, const Limit& limit);
    Status open(const Orders& todo, const Limit& limit);
    void forget();
    void note_loss(const Error& error);
    void come_again();
    void report(std::string why);
    void report_changes(const UnitTable& table);
    void wait();

    std::string address;
    Scheduler& scheduler;
    Guarded<Orders> orders;
    UniqueFd woken{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

    // The scheduler's thread alone.
    OnHint on_hint;
    TimerHandle pause_over;

    // The watch's own thread alone.
    std::unique_ptr<UnitSession> session;
    std::optional<Error> lost;
    Duration pause = kFirstPause;
    UnitTable reported;

    std::jthread thread;
};

UnitWatch::UnitWatch(std::string address, Scheduler& scheduler, OnHint on_hint)
    : core_(std::make_shared<Core>(std::move(address), scheduler, std::move(on_hint))) {
    Core* core = core_.get();
    core->thread = begin_stoppable("the watch of systemd's units",
                                   [core](std::stop_token stop) { core->run(std::move(stop)); });
}

UnitWatch::~UnitWatch() {
    core_->thread.request_stop();
    core_->wake();
    core_->thread.join();
}

void UnitWatch::watch(std::set<std::string> names) {
    auto orders = core_->orders.lock();
    if (orders->names != names) {
        orders->names = std::move(names);
        core_->wake();
    }
}

Result<UnitTable> UnitWatch::look(const Call& call) {
    const std::stop_callback on_stop(call.stop, [this] { core_->orders.lock().notify_all(); });
    auto orders = core_->orders.lock();
    const std::uint64_t ticket = ++orders->asked;
    core_->wake();
    const auto is_replied = [&] { return orders->replied >= ticket; };
    orders.wait_for(call.timeout, [&] { return is_replied() || call.stop.stop_requested(); });
    if (is_replied()) {
        return *orders->reply;
    }
    if (call.stop.stop_requested()) {
        return fail(Code::Cancelled, "cannot look at systemd's units: stopped");
    }
    return fail(Code::Timeout, "cannot look at systemd's units: no answer in time");
}

void UnitWatch::Core::run(std::stop_token stop) {
    while (!stop.stop_requested()) {
        Orders todo;
        {
            auto all = orders.lock();
            todo = *all;
            all->try_again = false;
        }
        const Limit limit(Call(kTurnWithin, stop));
        Result<UnitTable> reply = turn_contained(todo, limit);
        if (stop.stop_requested()) {
            return;
        }
        if (todo.looks()) {
            contained_or_logged("answering for systemd's units", [&] {
                auto all = orders.lock();
                all->reply = std::make_shared<const Result<UnitTable>>(std::move(reply));
                all->replied = todo.asked;
                all.notify_all();
            });
        }
        wait();
    }
}

// What throws leaves a session of which nobody knows how far it has come.
Result<UnitTable> UnitWatch::Core::turn_contained(const Orders& todo, const Limit& limit) {
    Result<UnitTable> reply = UnitTable{};
    const auto thrown = contained([&] { reply = turn(todo, limit); });
    if (thrown) {
        log_thrown("watching systemd's units", *thrown);
        session.reset();
        contained_or_logged("the pause of the watch of systemd's units", [&] { come_again(); });
        reply = fail(Code::Internal, "cannot watch systemd's units: internal error: " + *thrown);
    }
    return reply;
}

// One round: what was ordered, and what systemd has said.
Result<UnitTable> UnitWatch::Core::turn(const Orders& todo, const Limit& limit) {
    if (todo.names.empty()) {
        forget();
        return UnitTable{};
    }
    if (const Status known = follow(todo, limit); !known) {
        note_loss(known.error());
        return known.error();
    }
    if (lost) {
        lost.reset();
        report("systemd can be reached again");
    }
    if (session->take_changed() || todo.looks()) {
        report_changes(session->table());
    }
    return reported;
}

// Has the session know what systemd knows, with a new one where that can help.
Status UnitWatch::Core::follow(const Orders& todo, const Limit& limit) {
    if (session != nullptr) {
        const Status known = advance(todo, limit);
        if (known) {
            return {};
        }
        const bool outlived = session->outlived();
        if (session->absent() && !outlived && !todo.looks()) {
            return known;  // its coming back will be told
        }
        session.reset();
        if ((!outlived && !todo.looks()) || known.error().code != Code::Unavailable) {
            come_again();
            return known;
        }
    } else if (lost && !todo.looks() && !todo.try_again) {
        return *lost;
    }
    return open(todo, limit);
}

Status UnitWatch::Core::advance(const Orders& todo, const Limit& limit) {
    RETURN_IF_ERROR(session->watch(todo.names, limit));
    RETURN_IF_ERROR(todo.looks() ? session->catch_up(limit) : session->turn(limit));
    return session->absent() ? Status(*session->absent()) : Status();
}

Status UnitWatch::Core::open(const Orders& todo, const Limit& limit) {
    Result<std::unique_ptr<UnitSession>> opened = UnitSession::open(address, todo.names, limit);
    if (!opened) {
        come_again();
        return std::move(opened.error());
    }
    session = std::move(*opened);
    pause = kFirstPause;
    return session->absent() ? Status(*session->absent()) : Status();
}

void UnitWatch::Core::forget() {
    session.reset();
    lost.reset();
    reported = {};
}

void UnitWatch::Core::note_loss(const Error& error) {
    if (!lost) {
        report(error.message);
    }
    lost = error;
}

void UnitWatch::Core::come_again() {
    const Duration after = std::exchange(pause, std::min<Duration>(pause * 2, kLongestPause));
    scheduler.post([weak = weak_from_this(), after] {
        const auto core = weak.lock();
        if (core == nullptr) {
            return;
        }
        core->pause_over = core->scheduler.after(after, [weak] {
            if (const auto still = weak.lock()) {
                still->orders.lock()->try_again = true;
                still->wake();
            }
        });
    });
}

void UnitWatch::Core::report(std::string why) {
    scheduler.post([weak = weak_from_this(), why = std::move(why)] {
        if (const auto core = weak.lock()) {
            core->on_hint(why);
        }
    });
}

void UnitWatch::Core::report_changes(const UnitTable& table) {
    for (const auto& [name, after] : table.units) {
        const UnitState* before = reported.find(name);
        if (before != nullptr && is_hint(*before, after)) {
            report(hint_of(name, *before, after));
        }
    }
    reported = table;
}

void UnitWatch::Core::wait() {
    const bool listens = session != nullptr;
    std::array<pollfd, 2> fds{
        {{woken.get(), POLLIN, 0},
         {listens ? session->bus().fd() : -1, listens ? session->bus().events() : short{0}, 0}}};
    ::poll(fds.data(), fds.size(), -1);
    std::uint64_t count = 0;
    ::eventfd_read(woken.get(), &count);
}

}  // namespace podreeve::systemd
