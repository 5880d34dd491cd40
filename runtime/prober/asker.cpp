#include "runtime/prober/asker.h"

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

Result<std::unique_ptr<Asker>> Asker::create(const Clock& clock) {
    std::unique_ptr<Asker> asker(new Asker(clock));
    asker->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!asker->epoll_) {
        return errno_error("create an epoll instance", errno);
    }
    return asker;
}

Asker::~Asker() = default;

void Asker::take(const probe::wire::Order& order, probe::Namespaces namespaces) {
    if (const auto* learned = std::get_if<probe::wire::Learn>(&order)) {
        learn(*learned, std::move(namespaces));
    } else if (const auto* forgotten = std::get_if<probe::wire::Forget>(&order)) {
        forget(forgotten->question);
    } else if (const auto* kept = std::get_if<probe::wire::Keep>(&order)) {
        keep(*kept);
    } else {
        ask(std::get<probe::wire::Ask>(order).questions);
    }
}

void Asker::learn(const probe::wire::Learn& order, probe::Namespaces namespaces) {
    forget(order.question);
    Subject& subject = subjects_[order.question];
    subject.question = order.what;
    if (!namespaces.network) {
        subject.trouble =
            order.trouble.empty() ? "cannot ask: no network was named" : order.trouble;
    } else if (auto network = networks_.find(std::move(namespaces))) {
        subject.network = std::move(*network);
    } else {
        subject.trouble = network.error().message;
    }
}

void Asker::forget(std::uint32_t question) {
    if (const auto running = running_.find(question); running != running_.end()) {
        deadlines_.erase({running->second.deadline, question});
        running_.erase(running);
    }
    std::erase(waiting_, question);
    keep_no_longer(question);
    subjects_.erase(question);
}

void Asker::ask(std::vector<std::uint32_t> questions) {
    for (const std::uint32_t question : questions) {
        keep_no_longer(question);
    }
    enqueue(std::move(questions));
}

std::uint64_t Asker::network_of(std::uint32_t question) const {
    const auto subject = subjects_.find(question);
    return subject == subjects_.end() || !subject->second.network ? 0 : subject->second.network->id;
}

// Those of one network together.
void Asker::enqueue(std::vector<std::uint32_t> questions) {
    std::stable_sort(questions.begin(), questions.end(), [&](std::uint32_t a, std::uint32_t b) {
        return network_of(a) < network_of(b);
    });
    waiting_.insert(waiting_.end(), questions.begin(), questions.end());
    begin_waiting();
}

void Asker::keep(const probe::wire::Keep& order) {
    keep_no_longer(order.question);
    const SteadyTime now = clock_.steady_now();
    const Duration period = std::max<Duration>(order.period, kSlot);
    const Duration phase =
        kSlot * static_cast<std::int64_t>(network_of(order.question) * kSpread %
                                          static_cast<std::uint64_t>(period / kSlot));
    SteadyTime next = now + order.first;
    next -= (next.time_since_epoch() - phase) % period;
    if (now + order.first - next > period / 2 || next <= now) {
        next += period;
    }
    kept_[order.question] = {period, next};
    rounds_.emplace(next, order.question);
}

void Asker::keep_no_longer(std::uint32_t question) {
    if (const auto kept = kept_.extract(question)) {
        rounds_.erase({kept.mapped().next, question});
    }
}

void Asker::begin_rounds() {
    const SteadyTime now = clock_.steady_now();
    std::vector<std::uint32_t> due;
    while (!rounds_.empty() && rounds_.begin()->first <= now) {
        const std::uint32_t question = rounds_.begin()->second;
        rounds_.erase(rounds_.begin());
        Kept& kept = kept_.at(question);
        // What was missed while the host slept is not made up for.
        kept.next += kept.period * std::max<std::int64_t>(1, (now - kept.next) / kept.period + 1);
        rounds_.emplace(kept.next, question);
        due.push_back(question);
    }
    if (!due.empty()) {
        enqueue(std::move(due));
    }
}

void Asker::begin_waiting() {
    while (!waiting_.empty() && running_.size() < kMostRunning) {
        const std::uint32_t question = waiting_.front();
        waiting_.pop_front();
        begin(question);
    }
}

template <class Act>
void Asker::contain(std::uint32_t question, Act act) {
    const auto thrown = contained(act);
    if (!thrown) {
        return;
    }
    if (const auto running = running_.find(question); running != running_.end()) {
        deadlines_.erase({running->second.deadline, question});
        running_.erase(running);
    }
    keep_no_longer(question);
    answers_.push_back({question, probe::Outcome::Unknown, "internal error: " + *thrown});
}

void Asker::begin(std::uint32_t question) {
    const auto subject = subjects_.find(question);
    if (subject == subjects_.end()) {
        answers_.push_back({question, probe::Outcome::Unknown, "cannot ask: no such question"});
        return;
    }
    if (running_.contains(question)) {
        return;  // its answer is on the way
    }
    contain(question, [&] { begin_it(question, subject->second); });
}

void Asker::begin_it(std::uint32_t question, Subject& subject) {
    Running& running = running_[question];
    running.deadline = clock_.steady_now() + subject.question.timeout;
    const Conversation::World world{networks_, clock_, [this]() -> TlsContext& {
                                        if (!tls_) {
                                            tls_ = std::make_unique<TlsContext>();
                                        }
                                        return *tls_;
                                    }};
    running.conversation =
        std::make_unique<Conversation>(question, subject, world, running.deadline);
    deadlines_.emplace(running.deadline, question);
    if (auto verdict = running.conversation->step()) {
        finish(question, std::move(*verdict));
    } else {
        line_up(question, running);
    }
}

void Asker::line_up(std::uint32_t question, Running& running) {
    if (!std::exchange(running.in_line, true)) {
        fresh_.push_back(question);
    }
}

void Asker::go_on(std::uint32_t question) {
    const auto it = running_.find(question);
    if (it == running_.end()) {
        return;
    }
    contain(question, [&] {
        if (auto verdict = it->second.conversation->step()) {
            finish(question, std::move(*verdict));
        } else if (it->second.conversation->is_cut_short()) {
            line_up(question, it->second);
        } else {
            wait_for(question, it->second);
        }
    });
}

void Asker::wait_for(std::uint32_t question, Running& running) {
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
    event.data.u64 = question;
    const int how = fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(epoll_.get(), how, conversation.fd(), &event) != 0) {
        finish(question,
               {probe::Outcome::Unknown, errno_error("wait for an answer", errno).message});
    }
}

void Asker::finish(std::uint32_t question, Verdict verdict) {
    const auto it = running_.find(question);
    deadlines_.erase({it->second.deadline, question});
    running_.erase(it);
    if (verdict.outcome == probe::Outcome::Success && kept_.contains(question)) {
        return;
    }
    keep_no_longer(question);
    answers_.push_back({question, verdict.outcome, std::move(verdict.text)});
}

void Asker::give_up_overdue() {
    const SteadyTime now = clock_.steady_now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const std::uint32_t question = deadlines_.begin()->second;
        // A last look: it may have answered in time, while we were busy with others.
        contain(question, [&] {
            Conversation& conversation = *running_.at(question).conversation;
            auto verdict = conversation.step();
            finish(question, verdict ? std::move(*verdict) : conversation.out_of_time());
        });
    }
}

int Asker::milliseconds_left(std::chrono::milliseconds at_most) const {
    if (!answers_.empty() || !fresh_.empty()) {
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

Result<bool> Asker::turn(int control, std::chrono::milliseconds at_most) {
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
        for (const std::uint32_t question : std::exchange(fresh_, {})) {
            if (const auto running = running_.find(question); running != running_.end()) {
                running->second.in_line = false;
                go_on(question);
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

std::vector<probe::Answer> Asker::answers() {
    return std::exchange(answers_, {});
}

}  // namespace podreeve::prober
