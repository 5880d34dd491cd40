#include "runtime/prober/prober.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/epoll.h>
#include <utility>

#include <fmt/format.h>

#include "runtime/base/contained.h"

namespace podreeve::prober {
namespace {

// At once; the others wait, so that a host full of hung servers costs a bounded number of sockets.
constexpr std::size_t kMostRunning = 1024;
constexpr std::uint64_t kControl = ~std::uint64_t{0};
constexpr std::chrono::milliseconds kSlot{100};
// Networks have numbers close to each other; odd and large, it spreads them.
constexpr std::uint64_t kSpread = 0x9E37'79B9'7F4A'7C15;
// Within that most servers have answered.
constexpr int kBreathMilliseconds = 3;

}  // namespace

Result<std::unique_ptr<Prober>> Prober::create(const Clock& clock) {
    std::unique_ptr<Prober> prober(new Prober(clock));
    prober->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!prober->epoll_) {
        return errno_error("create an epoll instance", errno);
    }
    return prober;
}

Prober::~Prober() = default;

void Prober::take(const probe::wire::Order& order, probe::Namespaces namespaces) {
    if (const auto* learned = std::get_if<probe::wire::Learn>(&order)) {
        learn(*learned, std::move(namespaces));
    } else if (const auto* forgotten = std::get_if<probe::wire::Forget>(&order)) {
        forget(forgotten->probe);
    } else if (const auto* kept = std::get_if<probe::wire::Keep>(&order)) {
        keep(*kept);
    } else {
        ask(std::get<probe::wire::Ask>(order).probes);
    }
}

void Prober::learn(const probe::wire::Learn& order, probe::Namespaces namespaces) {
    forget(order.probe);
    Subject& subject = subjects_[order.probe];
    subject.probe = order.what;
    if (!namespaces.network) {
        subject.trouble =
            order.trouble.empty() ? "cannot ask: no network was named" : order.trouble;
    } else if (auto network = networks_.find(std::move(namespaces))) {
        subject.network = std::move(*network);
    } else {
        subject.trouble = network.error().message;
    }
}

void Prober::forget(std::uint32_t probe) {
    if (const auto running = running_.find(probe); running != running_.end()) {
        deadlines_.erase({running->second.deadline, probe});
        running_.erase(running);
    }
    std::erase(waiting_, probe);
    keep_no_longer(probe);
    subjects_.erase(probe);
}

void Prober::ask(std::vector<std::uint32_t> probes) {
    for (const std::uint32_t probe : probes) {
        keep_no_longer(probe);
    }
    enqueue(std::move(probes));
}

std::uint64_t Prober::network_of(std::uint32_t probe) const {
    const auto subject = subjects_.find(probe);
    return subject == subjects_.end() || !subject->second.network ? 0 : subject->second.network->id;
}

// Those of one network together.
void Prober::enqueue(std::vector<std::uint32_t> probes) {
    std::stable_sort(probes.begin(), probes.end(), [&](std::uint32_t a, std::uint32_t b) {
        return network_of(a) < network_of(b);
    });
    waiting_.insert(waiting_.end(), probes.begin(), probes.end());
    begin_waiting();
}

void Prober::keep(const probe::wire::Keep& order) {
    keep_no_longer(order.probe);
    const SteadyTime now = clock_.steady_now();
    const Duration period = std::max<Duration>(order.period, kSlot);
    const Duration phase =
        kSlot * static_cast<std::int64_t>(network_of(order.probe) * kSpread %
                                          static_cast<std::uint64_t>(period / kSlot));
    SteadyTime next = now + order.first;
    next -= (next.time_since_epoch() - phase) % period;
    if (now + order.first - next > period / 2 || next <= now) {
        next += period;
    }
    kept_[order.probe] = {period, next};
    rounds_.emplace(next, order.probe);
}

void Prober::keep_no_longer(std::uint32_t probe) {
    if (const auto kept = kept_.extract(probe)) {
        rounds_.erase({kept.mapped().next, probe});
    }
}

void Prober::begin_rounds() {
    const SteadyTime now = clock_.steady_now();
    std::vector<std::uint32_t> due;
    while (!rounds_.empty() && rounds_.begin()->first <= now) {
        const std::uint32_t probe = rounds_.begin()->second;
        rounds_.erase(rounds_.begin());
        Kept& kept = kept_.at(probe);
        // What was missed while the host slept is not made up for.
        kept.next += kept.period * std::max<std::int64_t>(1, (now - kept.next) / kept.period + 1);
        rounds_.emplace(kept.next, probe);
        due.push_back(probe);
    }
    if (!due.empty()) {
        enqueue(std::move(due));
    }
}

void Prober::begin_waiting() {
    while (!waiting_.empty() && running_.size() < kMostRunning) {
        const std::uint32_t probe = waiting_.front();
        waiting_.pop_front();
        begin(probe);
    }
}

template <class Act>
void Prober::contain(std::uint32_t probe, Act act) {
    const auto thrown = contained(act);
    if (!thrown) {
        return;
    }
    if (const auto running = running_.find(probe); running != running_.end()) {
        deadlines_.erase({running->second.deadline, probe});
        running_.erase(running);
    }
    keep_no_longer(probe);
    results_.push_back({probe, probe::Outcome::Unknown, "internal error: " + *thrown});
}

void Prober::begin(std::uint32_t probe) {
    const auto subject = subjects_.find(probe);
    if (subject == subjects_.end()) {
        results_.push_back({probe, probe::Outcome::Unknown, "cannot ask: no such probe"});
        return;
    }
    if (running_.contains(probe)) {
        return;  // its answer is on the way
    }
    contain(probe, [&] { begin_it(probe, subject->second); });
}

void Prober::begin_it(std::uint32_t probe, Subject& subject) {
    Running& running = running_[probe];
    running.deadline = clock_.steady_now() + subject.probe.timeout;
    const Conversation::World world{networks_, clock_, [this]() -> TlsContext& {
                                        if (!tls_) {
                                            tls_ = std::make_unique<TlsContext>();
                                        }
                                        return *tls_;
                                    }};
    running.conversation = std::make_unique<Conversation>(probe, subject, world, running.deadline);
    deadlines_.emplace(running.deadline, probe);
    if (auto result = running.conversation->step()) {
        finish(probe, std::move(*result));
    } else {
        line_up(probe, running);
    }
}

void Prober::line_up(std::uint32_t probe, Running& running) {
    if (!std::exchange(running.in_line, true)) {
        fresh_.push_back(probe);
    }
}

void Prober::go_on(std::uint32_t probe) {
    const auto it = running_.find(probe);
    if (it == running_.end()) {
        return;
    }
    contain(probe, [&] {
        if (auto result = it->second.conversation->step()) {
            finish(probe, std::move(*result));
        } else if (it->second.conversation->is_cut_short()) {
            line_up(probe, it->second);
        } else {
            wait_for(probe, it->second);
        }
    });
}

void Prober::wait_for(std::uint32_t probe, Running& running) {
    const Conversation& conversation = *running.conversation;
    const bool fresh = running.socket != conversation.socket();
    if (!fresh && running.events == conversation.wants()) {
        return;
    }
    running.conversation->waited_for();
    running.socket = conversation.socket();
    running.events = conversation.wants();
    epoll_event event{};
    event.events = running.events;
    event.data.u64 = probe;
    const int how = fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(epoll_.get(), how, conversation.fd(), &event) != 0) {
        finish(probe, {probe::Outcome::Unknown, errno_error("wait for an answer", errno).message});
    }
}

void Prober::finish(std::uint32_t probe, DialogueResult result) {
    const auto it = running_.find(probe);
    deadlines_.erase({it->second.deadline, probe});
    running_.erase(it);
    if (result.outcome == probe::Outcome::Success && kept_.contains(probe)) {
        return;
    }
    keep_no_longer(probe);
    results_.push_back({probe, result.outcome, std::move(result.text)});
}

void Prober::give_up_overdue() {
    const SteadyTime now = clock_.steady_now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const std::uint32_t probe = deadlines_.begin()->second;
        // A last look: it may have answered in time, while we were busy with others.
        contain(probe, [&] {
            Conversation& conversation = *running_.at(probe).conversation;
            auto result = conversation.step();
            finish(probe, result ? std::move(*result) : conversation.out_of_time());
        });
    }
}

int Prober::milliseconds_left(std::chrono::milliseconds at_most) const {
    if (!results_.empty() || !fresh_.empty()) {
        return 0;
    }
    SteadyTime next = SteadyTime::max();
    if (!deadlines_.empty()) {
        next = deadlines_.begin()->first;
    }
    if (!rounds_.empty()) {
        next = std::min(next, rounds_.begin()->first);
    }
    if (next == SteadyTime::max()) {
        return static_cast<int>(at_most.count());
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock_.steady_now());
    const auto wait = std::max(left, std::chrono::milliseconds(0));
    return static_cast<int>((at_most.count() < 0 ? wait : std::min(wait, at_most)).count());
}

Result<bool> Prober::turn(int control, std::chrono::milliseconds at_most) {
    if (control != control_ && control >= 0) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = kControl;
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, control, &event) != 0) {
            return errno_error("wait for orders", errno);
        }
        control_ = control;
    }
    if (!running_.empty()) {
        ::poll(nullptr, 0, kBreathMilliseconds);
        for (const std::uint32_t probe : std::exchange(fresh_, {})) {
            if (const auto running = running_.find(probe); running != running_.end()) {
                running->second.in_line = false;
                go_on(probe);
            }
        }
    }
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   milliseconds_left(at_most));
    if (count < 0 && errno != EINTR) {
        return errno_error("wait for answers", errno);
    }
    bool readable = false;
    for (int i = 0; i < count; ++i) {
        const std::uint64_t which = events[static_cast<std::size_t>(i)].data.u64;
        if (which == kControl) {
            readable = true;
        } else {
            go_on(static_cast<std::uint32_t>(which));
        }
    }
    give_up_overdue();
    begin_rounds();
    begin_waiting();
    return readable;
}

std::vector<probe::ProbeResult> Prober::results() {
    return std::exchange(results_, {});
}

}  // namespace podreeve::prober
