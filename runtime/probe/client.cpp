#include "runtime/probe/client.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "runtime/base/log.h"
#include "runtime/probe/prober_process.h"

namespace podreeve::probe {
namespace {

constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{30};
// A prober that lived so long begins with the first pause again.
constexpr std::chrono::seconds kStable{60};
// Answers come within a question's timeout; so much later the prober hangs.
constexpr std::chrono::seconds kPatience{5};
// How often a prober that only keeps is asked whether it lives.
constexpr std::chrono::seconds kCheck{10};
// When the socket is full.
constexpr std::chrono::milliseconds kRetry{10};

}  // namespace

struct Client::Core : std::enable_shared_from_this<Client::Core> {
    Core(std::filesystem::path given, const Clock& time, Scheduler& loop, OnAnswers callback)
        : program(std::move(given)),
          clock(time),
          scheduler(loop),
          on_answers(std::move(callback)) {}

    std::filesystem::path program;
    const Clock& clock;
    Scheduler& scheduler;
    OnAnswers on_answers;

    std::map<std::uint32_t, Question> questions;
    std::set<std::uint32_t> taught;           // those the process knows
    std::set<std::uint32_t> kept;             // those it asks by itself
    std::map<std::uint32_t, SteadyTime> due;  // of those under way: when an answer is overdue
    std::deque<std::string> outbox;           // packets the socket had no room for
    std::uint32_t last_number = 0;
    std::unique_ptr<ProberProcess> process;
    std::uint64_t run = 0;  // counts the processes, so that a late packet finds its own
    SteadyTime started{};
    SteadyTime heard{};       // its last word
    SteadyTime not_before{};  // the next start
    Duration pause = kFirstPause;
    std::string trouble;  // why there is none
    bool watching = false;
    TimerHandle watch, retry;

    Status ensure_process();
    void tell(const std::vector<wire::Order>& orders);
    void flush();
    void take(std::uint64_t of_run, const std::string& packet);
    void ended(std::uint64_t of_run);
    void give_up(const std::string& why);
    void answer_unknown(std::vector<std::uint32_t> numbers, std::string why);
    void teach(std::uint32_t number, std::vector<wire::Order>& orders);
    void check();
    void arm_watch();
    void look_for_overdue();
};

Status Client::Core::ensure_process() {
    if (process) {
        return {};
    }
    if (clock.steady_now() < not_before) {
        return fail(Code::Unavailable, trouble);
    }
    ++run;
    // From the reading thread to the loop's.
    const auto post = [weak = weak_from_this(), this_run = run](auto act) {
        if (const auto core = weak.lock()) {
            core->scheduler.post([weak, this_run, act = std::move(act)] {
                if (const auto still = weak.lock()) {
                    act(*still, this_run);
                }
            });
        }
    };
    ProberProcess::Listener listener{
        [post](std::string_view packet) {
            post([text = std::string(packet)](Core& core, std::uint64_t of_run) {
                core.take(of_run, text);
            });
        },
        [post] { post([](Core& core, std::uint64_t of_run) { core.ended(of_run); }); }};
    started = heard = clock.steady_now();
    auto launched = ProberProcess::start(program, std::move(listener));
    if (!launched) {
        give_up(launched.error().message);
        return launched.error();
    }
    process = std::move(*launched);
    return {};
}

void Client::Core::tell(const std::vector<wire::Order>& orders) {
    for (const wire::Order& order : orders) {
        const std::string text = wire::write(order);
        if (outbox.empty() || outbox.back().size() + text.size() > wire::kMaxPacket) {
            outbox.emplace_back();
        }
        outbox.back() += text;
    }
    flush();
}

void Client::Core::flush() {
    retry.reset();
    while (!outbox.empty() && process) {
        const Status sent = process->send(outbox.front());
        if (!sent && sent.error().code == Code::Timeout) {
            retry = scheduler.after(kRetry, [weak = weak_from_this()] {
                if (const auto core = weak.lock()) {
                    core->flush();
                }
            });
            return;
        }
        if (!sent) {
            give_up(sent.error().message);
            return;
        }
        outbox.pop_front();
    }
}

void Client::Core::take(std::uint64_t of_run, const std::string& packet) {
    if (of_run != run || !process) {
        return;
    }
    heard = clock.steady_now();
    Result<std::vector<Answer>> answers = wire::read_answers(packet);
    if (!answers) {
        give_up(answers.error().message);
        return;
    }
    std::erase_if(*answers, [&](const Answer& answer) {
        const bool awaited = due.erase(answer.question) + kept.erase(answer.question) != 0;
        return !awaited || answer.question == wire::kNobodys;
    });
    if (!answers->empty()) {
        on_answers(*answers);
    }
}

void Client::Core::ended(std::uint64_t of_run) {
    if (of_run == run && process) {
        give_up("cannot ask: the prober has ended");
    }
}

// This process is of no more use.
void Client::Core::give_up(const std::string& why) {
    if (clock.steady_now() - started >= kStable) {
        pause = kFirstPause;
    }
    if (trouble != why) {
        log::warn("probes: {}; next try in {}", why, to_short_text(pause));
    }
    trouble = why;
    process.reset();
    taught.clear();
    outbox.clear();
    not_before = clock.steady_now() + pause;
    pause = std::min<Duration>(pause * 2, kLongestPause);
    std::vector<std::uint32_t> lost(kept.begin(), kept.end());
    for (const auto& [number, when] : due) {
        lost.push_back(number);
    }
    due.clear();
    kept.clear();
    answer_unknown(std::move(lost), why);
}

void Client::Core::answer_unknown(std::vector<std::uint32_t> numbers, std::string why) {
    if (numbers.empty()) {
        return;
    }
    scheduler.post([weak = weak_from_this(), numbers = std::move(numbers), why = std::move(why)] {
        const auto core = weak.lock();
        std::vector<Answer> answers;
        for (const std::uint32_t number : numbers) {
            if (core && core->questions.contains(number)) {
                answers.push_back({number, Outcome::Unknown, why});
            }
        }
        if (!answers.empty()) {
            core->on_answers(answers);
        }
    });
}

void Client::Core::arm_watch() {
    if (watching) {
        return;
    }
    watching = true;
    watch = scheduler.after(due.empty() ? Duration(kCheck) : kPatience, [weak = weak_from_this()] {
        if (const auto core = weak.lock()) {
            core->look_for_overdue();
        }
    });
}

void Client::Core::look_for_overdue() {
    watching = false;
    const SteadyTime now = clock.steady_now();
    const bool overdue =
        std::any_of(due.begin(), due.end(), [&](const auto& row) { return row.second < now; });
    if (overdue) {
        give_up("cannot ask: the prober hangs");
        return;
    }
    if (due.empty() && !kept.empty() && now - heard >= kCheck) {
        check();
    }
    if (!due.empty() || !kept.empty()) {
        arm_watch();
    }
}

void Client::Core::check() {
    due[wire::kNobodys] = clock.steady_now() + kPatience;
    tell({wire::Ask{{wire::kNobodys}}});
}

void Client::Core::teach(std::uint32_t number, std::vector<wire::Order>& orders) {
    if (taught.insert(number).second) {
        orders.emplace_back(wire::Learn{number, questions.at(number)});
    }
}

Client::Client(std::filesystem::path program,
               const Clock& clock,
               Scheduler& scheduler,
               OnAnswers on_answers)
    : core_(std::make_shared<Core>(std::move(program), clock, scheduler, std::move(on_answers))) {}

Client::~Client() = default;

std::uint32_t Client::add(Question question) {
    const std::uint32_t number = ++core_->last_number;
    core_->questions.emplace(number, std::move(question));
    return number;
}

void Client::remove(std::uint32_t question) {
    core_->due.erase(question);
    core_->kept.erase(question);
    core_->questions.erase(question);
    if (core_->taught.erase(question) != 0) {
        core_->tell({wire::Forget{question}});
    }
}

void Client::ask(const std::vector<std::uint32_t>& questions) {
    Core& core = *core_;
    std::vector<std::uint32_t> fresh;
    for (const std::uint32_t number : questions) {
        if (core.questions.contains(number) && !core.due.contains(number)) {
            fresh.push_back(number);
        }
    }
    if (fresh.empty()) {
        return;
    }
    if (Status there = core.ensure_process(); !there) {
        core.answer_unknown(std::move(fresh), there.error().message);
        return;
    }
    const SteadyTime now = core.clock.steady_now();
    std::vector<wire::Order> orders;
    wire::Ask asked;
    for (const std::uint32_t number : fresh) {
        core.due[number] = now + core.questions.at(number).timeout + kPatience;
        core.kept.erase(number);
        core.teach(number, orders);
        asked.questions.push_back(number);
        if (asked.questions.size() == wire::kMaxAsked) {
            orders.emplace_back(std::exchange(asked, {}));
        }
    }
    orders.emplace_back(std::move(asked));
    core.tell(orders);
    core.arm_watch();
}

void Client::keep(const std::vector<wire::Keep>& questions) {
    Core& core = *core_;
    std::vector<wire::Keep> known;
    std::vector<std::uint32_t> numbers;
    for (const wire::Keep& each : questions) {
        if (core.questions.contains(each.question) && !core.due.contains(each.question)) {
            known.push_back(each);
            numbers.push_back(each.question);
        }
    }
    if (known.empty()) {
        return;
    }
    if (Status there = core.ensure_process(); !there) {
        core.answer_unknown(std::move(numbers), there.error().message);
        return;
    }
    std::vector<wire::Order> orders;
    for (const wire::Keep& each : known) {
        core.kept.insert(each.question);
        core.teach(each.question, orders);
        orders.emplace_back(each);
    }
    core.tell(orders);
    core.arm_watch();
}

pid_t Client::prober() const {
    return core_->process ? core_->process->pid() : 0;
}

}  // namespace podreeve::probe
