#include "runtime/probe/client.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "runtime/base/contained.h"
#include "runtime/base/log.h"
#include "runtime/probe/prober_process.h"
#include "runtime/probe/suspects.h"

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
// Of what the prober has said and the loop has not read yet. An honest one says some 100 bytes a
// question; one that a container has taken over must not fill the agent's memory.
constexpr std::size_t kMostUnread = 16 << 20;
// When the socket is full.
constexpr std::chrono::milliseconds kRetry{10};
constexpr const char* kTooLong = "cannot ask: the probe is longer than the prober takes";
constexpr const char* kConvicted =
    "cannot ask: the prober hangs or crashes over this probe, so it is asked no more until the "
    "manifest changes or the container starts again";

// For the prober's socket, in their order.
struct OutgoingPacket {
    std::string text;                  // of orders
    std::optional<wire::Learn> learn;  // instead; its namespaces are opened when it goes out
};

// With the version before it, and what may be said of its namespaces.
bool fits(std::uint32_t number, const ProbeSpec& probe) {
    constexpr std::size_t kRest = 512;
    return wire::write(wire::Learn{number, probe}).size() + kRest <= wire::kMaxPacket;
}

}  // namespace

struct ProberClient::Core : std::enable_shared_from_this<ProberClient::Core> {
    Core(std::filesystem::path given, const Clock& time, Scheduler& loop, OnResults callback)
        : program(std::move(given)),
          clock(time),
          scheduler(loop),
          on_results(std::move(callback)) {}

    std::filesystem::path program;
    const Clock& clock;
    Scheduler& scheduler;
    OnResults on_results;

    std::map<std::uint32_t, ProbeSpec> probes;
    std::set<std::uint32_t> taught;           // those the process knows
    std::set<std::uint32_t> kept;             // those it asks by itself
    std::map<std::uint32_t, SteadyTime> due;  // of those under way: when an answer is overdue
    std::deque<OutgoingPacket> outbox;        // what the socket had no room for
    Suspects suspects;
    std::uint32_t trial = 0;           // the suspect that is under way
    std::deque<std::uint32_t> queued;  // suspects to ask after it
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

    template <class Act>
    void contain(const std::vector<std::uint32_t>& numbers, Act act);
    void lost_track(const std::vector<std::uint32_t>& numbers, const std::string& thrown);
    void ask(const std::vector<std::uint32_t>& numbers);
    void keep(const std::vector<wire::Keep>& given);
    void remove(std::uint32_t probe);
    void hear(const std::string& packet, std::vector<std::uint32_t>& replied);
    Status ensure_process();
    void send_orders(const std::vector<wire::Order>& orders);
    void flush();
    Status send(const OutgoingPacket& packet);
    void take(std::uint64_t of_run, const std::string& packet);
    void ended(std::uint64_t of_run, bool crashed);
    void accuse();
    void give_up(const std::string& why);
    bool must_wait(std::uint32_t number);
    void begin(const std::vector<std::uint32_t>& fresh);
    void next_trial();
    void report_unknown(std::vector<std::uint32_t> numbers, std::string why);
    void teach(std::uint32_t number, std::vector<wire::Order>& orders);
    void check();
    void arm_watch();
    void look_for_overdue();
};

// What throws costs the process, since nobody knows how much of it that one was told; and of those
// numbers none is left without an answer.
template <class Act>
void ProberClient::Core::contain(const std::vector<std::uint32_t>& numbers, Act act) {
    if (const auto thrown = contained(act)) {
        contained_or_logged("giving the prober up", [&] { lost_track(numbers, *thrown); });
    }
}

void ProberClient::Core::lost_track(const std::vector<std::uint32_t>& numbers,
                                    const std::string& thrown) {
    const std::string why = "cannot ask: internal error: " + thrown;
    std::vector<std::uint32_t> lost;
    std::copy_if(numbers.begin(), numbers.end(), std::back_inserter(lost),
                 [&](std::uint32_t number) {
                     return !due.contains(number) && !kept.contains(number) &&
                            std::count(queued.begin(), queued.end(), number) == 0;
                 });
    give_up(why);
    report_unknown(std::move(lost), why);
}

Status ProberClient::Core::ensure_process() {
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
        [post, unread = std::make_shared<std::atomic<std::size_t>>(0)](std::string_view packet) {
            if (unread->fetch_add(packet.size()) + packet.size() > kMostUnread) {
                return false;
            }
            post([text = std::string(packet), unread](Core& core, std::uint64_t of_run) {
                unread->fetch_sub(text.size());
                core.take(of_run, text);
            });
            return true;
        },
        [post](bool crashed) {
            post([crashed](Core& core, std::uint64_t of_run) {
                core.contain({}, [&] { core.ended(of_run, crashed); });
            });
        }};
    started = heard = clock.steady_now();
    auto launched = ProberProcess::start(program, std::move(listener));
    if (!launched) {
        give_up(launched.error().message);
        return launched.error();
    }
    process = std::move(*launched);
    return {};
}

void ProberClient::Core::send_orders(const std::vector<wire::Order>& orders) {
    for (const wire::Order& order : orders) {
        if (const auto* learn = std::get_if<wire::Learn>(&order)) {
            outbox.push_back({{}, *learn});
            continue;
        }
        const std::string text = wire::write(order);
        if (outbox.empty() || outbox.back().learn ||
            outbox.back().text.size() + text.size() > wire::kMaxPacket) {
            outbox.push_back({{wire::kFirstByte}, {}});
        }
        outbox.back().text += text;
    }
    flush();
}

// A Learn has no bytes before this, so that few descriptors are open at a time.
Status ProberClient::Core::send(const OutgoingPacket& packet) {
    if (!packet.learn) {
        return process->send(packet.text);
    }
    wire::Learn learn = *packet.learn;
    Namespaces namespaces;
    if (auto opened = open_namespaces(learn.what.pid)) {
        namespaces = std::move(*opened);
    } else {
        learn.trouble = opened.error().message;
    }
    return process->send(wire::kFirstByte + wire::write(learn), namespaces);
}

void ProberClient::Core::flush() {
    retry.reset();
    while (!outbox.empty() && process) {
        const Status sent = send(outbox.front());
        if (!sent && sent.error().code == Code::Timeout) {
            retry = scheduler.after(kRetry, [weak = weak_from_this()] {
                if (const auto core = weak.lock()) {
                    core->contain({}, [&] { core->flush(); });
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

void ProberClient::Core::take(std::uint64_t of_run, const std::string& packet) {
    if (of_run != run || !process) {
        return;
    }
    heard = clock.steady_now();
    std::vector<std::uint32_t> replied;
    contain(replied, [&] { hear(packet, replied); });
}

void ProberClient::Core::hear(const std::string& packet, std::vector<std::uint32_t>& replied) {
    Result<std::vector<ProbeResult>> results = wire::read_results(packet);
    if (!results) {
        // Another version stays one until somebody restarts the agent, or undoes an upgrade.
        pause = results.error().code == Code::Unsupported ? Duration(kLongestPause) : pause;
        give_up(results.error().message);
        return;
    }
    replied.reserve(results->size());
    std::erase_if(*results, [&](const ProbeResult& result) {
        replied.push_back(result.probe);
        const bool awaited = due.erase(result.probe) + kept.erase(result.probe) != 0;
        return !awaited || result.probe == wire::kNobodys;
    });
    for (const ProbeResult& result : *results) {
        suspects.replied(result.probe);
        trial = trial == result.probe ? 0 : trial;
        if (result.outcome == Outcome::Unknown) {
            taught.erase(result.probe);  // its namespaces may be had the next time
        }
    }
    next_trial();
    if (!results->empty()) {
        on_results(*results);
    }
}

void ProberClient::Core::ended(std::uint64_t of_run, bool crashed) {
    if (of_run != run || !process) {
        return;
    }
    if (crashed) {
        accuse();
    }
    give_up(crashed ? "cannot ask: the prober has crashed" : "cannot ask: the prober has ended");
}

// Something that it was asking has stopped the prober.
void ProberClient::Core::accuse() {
    std::vector<std::uint32_t> under_way(kept.begin(), kept.end());
    for (const auto& [number, when] : due) {
        if (number != wire::kNobodys) {
            under_way.push_back(number);
        }
    }
    suspects.prober_lost(under_way, trial);
    if (trial != 0 && suspects.is_convicted(trial)) {
        const ProbeSpec& what = probes.at(trial);
        log::warn(
            "probes: the prober does not survive a probe of process {}, port {}: it is "
            "asked no more until its manifest changes or its container starts again",
            what.pid, what.ports.empty() ? 0 : what.ports.front());
    }
}

// This process is of no more use.
void ProberClient::Core::give_up(const std::string& why) {
    if (clock.steady_now() - started >= kStable) {
        pause = kFirstPause;
    }
    process.reset();
    taught.clear();
    outbox.clear();
    not_before = clock.steady_now() + pause;
    if (trouble != why) {
        log::warn("probes: {}; next try in {}", why, to_short_text(pause));
    }
    trouble = why;
    pause = std::min<Duration>(pause * 2, kLongestPause);
    std::vector<std::uint32_t> lost(kept.begin(), kept.end());
    for (const auto& [number, when] : due) {
        lost.push_back(number);
    }
    lost.insert(lost.end(), queued.begin(), queued.end());
    due.clear();
    kept.clear();
    queued.clear();
    trial = 0;
    report_unknown(std::move(lost), why);
}

void ProberClient::Core::report_unknown(std::vector<std::uint32_t> numbers, std::string why) {
    if (numbers.empty()) {
        return;
    }
    scheduler.post([weak = weak_from_this(), numbers = std::move(numbers), why = std::move(why)] {
        const auto core = weak.lock();
        std::vector<ProbeResult> results;
        for (const std::uint32_t number : numbers) {
            if (core && core->probes.contains(number)) {
                results.push_back({number, Outcome::Unknown, why});
            }
        }
        if (!results.empty()) {
            core->on_results(results);
        }
    });
}

void ProberClient::Core::arm_watch() {
    if (watching) {
        return;
    }
    watching = true;
    watch = scheduler.after(due.empty() ? Duration(kCheck) : kPatience, [weak = weak_from_this()] {
        if (const auto core = weak.lock()) {
            core->contain({}, [&] { core->look_for_overdue(); });
        }
    });
}

void ProberClient::Core::look_for_overdue() {
    watching = false;
    const SteadyTime now = clock.steady_now();
    const bool overdue =
        std::any_of(due.begin(), due.end(), [&](const auto& row) { return row.second < now; });
    if (overdue) {
        accuse();
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

void ProberClient::Core::check() {
    due[wire::kNobodys] = clock.steady_now() + kPatience;
    send_orders({wire::Ask{{wire::kNobodys}}});
}

void ProberClient::Core::teach(std::uint32_t number, std::vector<wire::Order>& orders) {
    if (taught.insert(number).second) {
        orders.emplace_back(wire::Learn{number, probes.at(number)});
    }
}

ProberClient::ProberClient(std::filesystem::path program,
                           const Clock& clock,
                           Scheduler& scheduler,
                           OnResults on_results)
    : core_(std::make_shared<Core>(std::move(program), clock, scheduler, std::move(on_results))) {}

ProberClient::~ProberClient() = default;

std::uint32_t ProberClient::add(ProbeSpec probe) {
    const std::uint32_t number = ++core_->last_number;
    core_->probes.emplace(number, std::move(probe));
    return number;
}

void ProberClient::remove(std::uint32_t probe) {
    core_->contain({}, [&] { core_->remove(probe); });
}

void ProberClient::Core::remove(std::uint32_t probe) {
    due.erase(probe);
    kept.erase(probe);
    probes.erase(probe);
    suspects.forget(probe);
    std::erase(queued, probe);
    if (taught.erase(probe) != 0) {
        send_orders({wire::Forget{probe}});
    }
    if (trial == probe) {
        trial = 0;
        next_trial();
    }
}

// Suspects are asked one after the other.
bool ProberClient::Core::must_wait(std::uint32_t number) {
    if (!suspects.is_suspect(number)) {
        return false;
    }
    if (trial != 0) {
        queued.push_back(number);
        return true;
    }
    trial = number;
    return false;
}

void ProberClient::Core::next_trial() {
    if (trial == 0 && !queued.empty() && process) {
        trial = queued.front();
        queued.pop_front();
        begin({trial});
    }
}

void ProberClient::Core::begin(const std::vector<std::uint32_t>& fresh) {
    const SteadyTime now = clock.steady_now();
    std::vector<wire::Order> orders;
    wire::Ask asked;
    for (const std::uint32_t number : fresh) {
        due[number] = now + probes.at(number).timeout + kPatience;
        kept.erase(number);
        teach(number, orders);
        asked.probes.push_back(number);
        if (asked.probes.size() == wire::kMaxAsked) {
            orders.emplace_back(std::exchange(asked, {}));
        }
    }
    orders.emplace_back(std::move(asked));
    send_orders(orders);
    arm_watch();
}

void ProberClient::ask(const std::vector<std::uint32_t>& probes) {
    core_->contain(probes, [&] { core_->ask(probes); });
}

void ProberClient::Core::ask(const std::vector<std::uint32_t>& numbers) {
    std::vector<std::uint32_t> fresh, convicted, too_long;
    for (const std::uint32_t number : numbers) {
        const auto found = probes.find(number);
        const bool waits =
            due.contains(number) || std::count(queued.begin(), queued.end(), number) != 0;
        if (found == probes.end() || waits) {
            continue;
        }
        const bool sent = taught.contains(number) || fits(number, found->second);
        (suspects.is_convicted(number) ? convicted : sent ? fresh : too_long).push_back(number);
    }
    report_unknown(std::move(convicted), kConvicted);
    report_unknown(std::move(too_long), kTooLong);
    if (fresh.empty()) {
        return;
    }
    if (Status there = ensure_process(); !there) {
        report_unknown(std::move(fresh), there.error().message);
        return;
    }
    std::sort(fresh.begin(), fresh.end());
    fresh.erase(std::unique(fresh.begin(), fresh.end()), fresh.end());
    std::erase_if(fresh, [&](std::uint32_t number) { return must_wait(number); });
    if (!fresh.empty()) {
        begin(fresh);
    }
}

void ProberClient::keep(const std::vector<wire::Keep>& probes) {
    std::vector<std::uint32_t> numbers;
    numbers.reserve(probes.size());
    for (const wire::Keep& each : probes) {
        numbers.push_back(each.probe);
    }
    core_->contain(numbers, [&] { core_->keep(probes); });
}

void ProberClient::Core::keep(const std::vector<wire::Keep>& given) {
    std::vector<wire::Keep> known;
    std::vector<std::uint32_t> numbers;
    for (const wire::Keep& each : given) {
        const auto found = probes.find(each.probe);
        if (found != probes.end() && !due.contains(each.probe) &&
            (taught.contains(each.probe) || fits(each.probe, found->second))) {
            known.push_back(each);
            numbers.push_back(each.probe);
        }
    }
    if (known.empty()) {
        return;
    }
    if (Status there = ensure_process(); !there) {
        report_unknown(std::move(numbers), there.error().message);
        return;
    }
    std::vector<wire::Order> orders;
    for (const wire::Keep& each : known) {
        kept.insert(each.probe);
        teach(each.probe, orders);
        orders.emplace_back(each);
    }
    send_orders(orders);
    arm_watch();
}

pid_t ProberClient::prober() const {
    return core_->process ? core_->process->pid() : 0;
}

}  // namespace podreeve::probe
