#include "agent/health/monitor.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "runtime/base/contained.h"

namespace podreeve::health {
namespace {

constexpr std::chrono::milliseconds kSlot{100};
// What threw while it was its turn.
constexpr std::chrono::seconds kTryAgain{1};

SteadyTime slot_of(SteadyTime time) {
    const Duration into = time.time_since_epoch() % kSlot;
    return into == Duration::zero() ? time : time + (kSlot - into);
}

// What policy goes by; of the words see reason_of().
bool differs(const HealthStatus& a, const HealthStatus& b) {
    return a.readiness != b.readiness || a.restart != b.restart || a.failing != b.failing;
}

probe::Protocol kind_of(manifests::ProbeKind kind) {
    return kind == manifests::ProbeKind::Http   ? probe::Protocol::Http
           : kind == manifests::ProbeKind::Grpc ? probe::Protocol::Grpc
                                                : probe::Protocol::Tcp;
}

}  // namespace

probe::ProbeSpec probe_spec_of(const manifests::Probe& probe, std::int64_t pid) {
    return {.kind = kind_of(probe.kind),
            .pid = static_cast<pid_t>(pid),
            .host = probe.host,
            .ports = probe.ports,
            .path = probe.path,
            .tls = probe.tls,
            .headers = probe.headers,
            .service = probe.service,
            .timeout = probe.timeout};
}

struct Monitor::Core : std::enable_shared_from_this<Monitor::Core> {
    struct Place {  // of a question: whose it is
        std::string id;
        ProbeRole use;
    };

    struct Asked {
        ProbeChannel channel = ProbeChannel::Network;
        std::uint32_t number = 0;  // 0: not given yet
    };

    struct Item {
        Watched run;
        ContainerHealth health;
        std::array<Asked, kUses.size()> asked;
        HealthStatus reported;
        // Why it is unhealthy, as it was told last, and until when another reason waits.
        std::string reason = {};
        SteadyTime reason_until = {};
        Duration reason_pause = {};
        std::optional<SteadyTime> planned = {};  // its one entry in the agenda
    };

    Core(Probers by, const Clock& time, Scheduler& loop, OnChange callback)
        : probers(std::move(by)),
          clock(time),
          scheduler(loop),
          on_change(std::move(callback)),
          published(std::make_shared<const HealthSnapshot>()) {}

    Probers probers;
    const Clock& clock;
    Scheduler& scheduler;
    OnChange on_change;

    std::map<std::string, Item> items;  // by container id
    std::map<std::uint32_t, Place> network_places, exec_places;
    std::set<std::pair<SteadyTime, std::string>> agenda;  // when to look at whom
    SteadyTime armed_for = SteadyTime::max();
    TimerHandle timer;
    bool stale = false;  // what is published
    Guarded<std::shared_ptr<const HealthSnapshot>> published;

    std::map<std::uint32_t, Place>& places(ProbeChannel channel) {
        return channel == ProbeChannel::Network ? network_places : exec_places;
    }

    void follow(const std::vector<Watched>& runs);
    void begin(const Watched& run);
    void drop(const std::string& id);
    void look();
    void mend(Item& item, SteadyTime now);
    void ask(ProbeChannel channel, const std::vector<std::uint32_t>& numbers);
    void leave_to_prober(const std::vector<probe::wire::Keep>& keeps);
    void take_all(ProbeChannel channel, const std::vector<probe::ProbeResult>& results);
    void plan(Item& item, std::optional<SteadyTime> at);
    void plan_next(Item& item);
    void arm();
    void ask_what_is_due(Item& item,
                         SteadyTime now,
                         std::vector<std::uint32_t>& network,
                         std::vector<std::uint32_t>& exec);
    void give_number(const Item& item, ProbeRole use, Asked& asked);
    void take(ProbeChannel channel,
              const probe::ProbeResult& result,
              SteadyTime now,
              std::vector<Change>& changes);
    void keep(const probe::ProbeResult& result,
              SteadyTime now,
              std::vector<probe::wire::Keep>& out);
    // failed: it was found to fail just now.
    void report(Item& item, SteadyTime now, bool failed, std::vector<Change>& changes);
    static probe::ProbeResult redacted(const Item& item, probe::ProbeResult result);
    static bool is_news(const Item& item, const HealthStatus& after, SteadyTime now);
    static void note_reported(Item& item, const HealthStatus& after, SteadyTime now, bool again);
    void publish(const std::vector<Change>& changes);
};

void Monitor::Core::follow(const std::vector<Watched>& runs) {
    std::map<std::string, const Watched*> wanted;
    for (const Watched& run : runs) {
        wanted.emplace(run.id, &run);
    }
    std::vector<std::string> gone;
    for (const auto& [id, item] : items) {
        const auto still = wanted.find(id);
        if (still == wanted.end() || still->second->pid != item.run.pid ||
            *still->second->health != *item.run.health) {
            gone.push_back(id);
        }
    }
    for (const std::string& id : gone) {
        drop(id);
    }
    for (const auto& [id, run] : wanted) {
        if (!items.contains(id)) {
            begin(*run);
        }
    }
    const SteadyTime now = clock.steady_now();
    for (auto& [id, item] : items) {
        mend(item, now);
    }
    look();
}

void Monitor::Core::begin(const Watched& run) {
    const SteadyTime now = clock.steady_now();
    const Duration age = std::max<Duration>(clock.system_now() - run.started, Duration::zero());
    Item item{run, ContainerHealth(run.health, now - age, age > kAdoptedAfter), {}, {}};
    if (run.before) {
        item.health.go_on_from(*run.before);
    }
    item.reported = item.health.status(now);
    item.reported.since = clock.system_now();
    note_reported(item, item.reported, now, false);
    plan(items.emplace(run.id, std::move(item)).first->second, now);
    stale = true;
}

void Monitor::Core::drop(const std::string& id) {
    plan(items.at(id), std::nullopt);
    stale = true;
    for (const Asked& asked : items.at(id).asked) {
        if (asked.number != 0) {
            places(asked.channel).erase(asked.number);
            (asked.channel == ProbeChannel::Network ? probers.remove_network
                                                    : probers.remove_exec)(asked.number);
        }
    }
    items.erase(id);
}

void Monitor::Core::give_number(const Item& item, ProbeRole use, Asked& asked) {
    const manifests::Probe& probe = *item.health.probe(use);
    asked.channel =
        probe.kind == manifests::ProbeKind::Exec ? ProbeChannel::Exec : ProbeChannel::Network;
    const std::uint32_t number = asked.channel == ProbeChannel::Exec
                                     ? probers.add_exec({item.run.id, probe.command, probe.timeout,
                                                         item.run.app, item.run.spec})
                                     : probers.add_network(probe_spec_of(probe, item.run.pid));
    places(asked.channel)[number] = {item.run.id, use};
    asked.number = number;  // last: without its place an answer would find nobody
}

void Monitor::Core::ask_what_is_due(Item& item,
                                    SteadyTime now,
                                    std::vector<std::uint32_t>& network,
                                    std::vector<std::uint32_t>& exec) {
    for (const ProbeRole use : kUses) {
        const auto due = item.health.due(use);
        if (!due || *due > now) {
            continue;
        }
        Asked& asked = item.asked[static_cast<std::size_t>(use)];
        if (asked.number == 0) {
            give_number(item, use, asked);
        }
        item.health.asked(use, now);
        (asked.channel == ProbeChannel::Network ? network : exec).push_back(asked.number);
    }
}

// What threw somewhere may have cost an answer, or the plan of when to look. Nobody is asked twice.
void Monitor::Core::mend(Item& item, SteadyTime now) {
    if (!item.planned) {
        plan_next(item);
    }
    for (const ProbeRole use : kUses) {
        const auto until = item.health.overdue(use);
        const Asked& asked = item.asked[static_cast<std::size_t>(use)];
        if (until && *until < now) {
            ask(asked.channel, {asked.number});
        }
    }
}

// Everybody whose time has come, in one go.
void Monitor::Core::look() {
    const SteadyTime now = clock.steady_now();
    std::vector<std::uint32_t> network, exec;
    std::vector<Change> changes;
    std::vector<std::string> due;
    while (!agenda.empty() && agenda.begin()->first <= now) {
        due.push_back(agenda.begin()->second);
        plan(items.at(due.back()), std::nullopt);
    }
    for (const std::string& id : due) {
        Item& item = items.at(id);
        const bool asked = contained_or_logged("looking after a container's health", [&] {
            ask_what_is_due(item, now, network, exec);
            report(item, now, false, changes);
            plan_next(item);
        });
        if (!asked) {
            plan(item, slot_of(now + kTryAgain));
        }
    }
    arm();
    contained_or_logged("reporting health", [&] { publish(changes); });
    ask(ProbeChannel::Network, network);
    ask(ProbeChannel::Exec, exec);
}

// Those that cannot be asked are answered Unknown, and asked again in their time.
void Monitor::Core::ask(ProbeChannel channel, const std::vector<std::uint32_t>& numbers) {
    if (numbers.empty()) {
        return;
    }
    const auto thrown = contained([&] {
        (channel == ProbeChannel::Network ? probers.ask_network : probers.ask_exec)(numbers);
    });
    if (!thrown) {
        return;
    }
    log_thrown("asking a container", *thrown);
    std::vector<probe::ProbeResult> results;
    for (const std::uint32_t number : numbers) {
        results.push_back({number, probe::Outcome::Unknown, "internal error: " + *thrown});
    }
    scheduler.post([weak = weak_from_this(), channel, results = std::move(results)] {
        if (const auto core = weak.lock()) {
            core->take_all(channel, results);
        }
    });
}

// One entry an item; nothing: none.
void Monitor::Core::plan(Item& item, std::optional<SteadyTime> at) {
    if (item.planned) {
        agenda.erase({*item.planned, item.run.id});
    }
    item.planned = at;
    if (at) {
        agenda.emplace(*at, item.run.id);
    }
}

void Monitor::Core::plan_next(Item& item) {
    std::optional<SteadyTime> next = item.health.next_change(clock.steady_now());
    for (const ProbeRole use : kUses) {
        const auto due = item.health.due(use);
        next = due && (!next || *due < *next) ? due : next;
    }
    plan(item, next ? std::optional(slot_of(*next)) : std::nullopt);
}

void Monitor::Core::arm() {
    const SteadyTime next = agenda.empty() ? SteadyTime::max() : agenda.begin()->first;
    if (next == armed_for) {
        return;
    }
    timer.reset();
    armed_for = SteadyTime::max();
    if (agenda.empty()) {
        return;
    }
    const Duration wait = std::max<Duration>(next - clock.steady_now(), Duration::zero());
    timer = scheduler.after(wait, [weak = weak_from_this()] {
        if (const auto core = weak.lock()) {
            core->armed_for = SteadyTime::max();
            core->look();
        }
    });
    armed_for = next;
}

bool Monitor::Core::is_news(const Item& item, const HealthStatus& after, SteadyTime now) {
    return after.failing && now >= item.reason_until && reason_of(after.message) != item.reason;
}

void Monitor::Core::note_reported(Item& item,
                                  const HealthStatus& after,
                                  SteadyTime now,
                                  bool again) {
    item.reason = after.failing ? reason_of(after.message) : "";
    item.reason_pause = again ? std::min<Duration>(item.reason_pause * 2, kLongestReasonPause)
                              : Duration(kReasonPause);
    item.reason_until = now + item.reason_pause;
}

void Monitor::Core::report(Item& item, SteadyTime now, bool failed, std::vector<Change>& changes) {
    HealthStatus after = item.health.status(now);
    const bool differs_otherwise = differs(item.reported, after);
    const bool changed = differs_otherwise || (failed && is_news(item, after, now));
    if (changed) {
        note_reported(item, after, now, !differs_otherwise);
    }
    stale = stale || changed || item.reported.message != after.message;
    const bool same_readiness = item.reported.readiness == after.readiness;
    after.since = same_readiness ? item.reported.since : clock.system_now();
    if (changed) {
        changes.push_back({item.run, item.reported, after});
    }
    item.reported = std::move(after);
}

// A path or a header of a question may hold a secret. ExecProbes knows of those itself.
probe::ProbeResult Monitor::Core::redacted(const Item& item, probe::ProbeResult result) {
    result.text = manifests::without_secrets_of(item.run.spec.get(), result.text);
    return result;
}

void Monitor::Core::take(ProbeChannel channel,
                         const probe::ProbeResult& result,
                         SteadyTime now,
                         std::vector<Change>& changes) {
    const auto place = places(channel).find(result.probe);
    if (place == places(channel).end()) {
        return;
    }
    Item& item = items.at(place->second.id);
    item.health.take_result(
        place->second.use, channel == ProbeChannel::Network ? redacted(item, result) : result, now);
    report(item, now, result.outcome == probe::Outcome::Failure, changes);
    plan_next(item);
}

// After take(): those who are well need no one's attention.
void Monitor::Core::keep(const probe::ProbeResult& result,
                         SteadyTime now,
                         std::vector<probe::wire::Keep>& out) {
    const auto place = network_places.find(result.probe);
    if (place == network_places.end()) {
        return;
    }
    Item& item = items.at(place->second.id);
    const ProbeRole use = place->second.use;
    const auto due = item.health.due(use);
    if (!due || !item.health.is_steady(use)) {
        return;
    }
    const auto first = std::chrono::ceil<std::chrono::milliseconds>(*due - now);
    out.push_back({result.probe, first, item.health.probe(use)->period});
    item.health.kept(use);
    plan_next(item);
}

void Monitor::Core::publish(const std::vector<Change>& changes) {
    if (stale) {
        auto snapshot = std::make_shared<HealthSnapshot>();
        for (const auto& [id, item] : items) {
            snapshot->emplace(id, RunHealthStatus{item.run.pid, item.reported});
        }
        *published.lock() = std::move(snapshot);
        stale = false;
    }
    if (!changes.empty()) {
        on_change(changes);
    }
}

Monitor::Monitor(Probers probers, const Clock& clock, Scheduler& scheduler, OnChange on_change)
    : core_(std::make_shared<Core>(std::move(probers), clock, scheduler, std::move(on_change))) {}

Monitor::~Monitor() = default;

void Monitor::follow(std::vector<Watched> runs) {
    core_->scheduler.post([weak = std::weak_ptr<Core>(core_), runs = std::move(runs)] {
        if (const auto core = weak.lock()) {
            core->follow(runs);
        }
    });
}

void Monitor::take(ProbeChannel channel, const std::vector<probe::ProbeResult>& results) {
    core_->take_all(channel, results);
}

void Monitor::Core::take_all(ProbeChannel channel, const std::vector<probe::ProbeResult>& results) {
    const SteadyTime now = clock.steady_now();
    std::vector<Change> changes;
    std::vector<probe::wire::Keep> keeps;
    for (const probe::ProbeResult& result : results) {
        contained_or_logged("taking an answer of a container", [&] {
            take(channel, result, now, changes);
            if (channel == ProbeChannel::Network) {
                keep(result, now, keeps);
            }
        });
    }
    arm();
    contained_or_logged("reporting health", [&] { publish(changes); });
    leave_to_prober(keeps);
}

// Where that cannot be, we go on asking.
void Monitor::Core::leave_to_prober(const std::vector<probe::wire::Keep>& keeps) {
    if (keeps.empty()) {
        return;
    }
    const auto thrown = contained([&] { probers.keep_network(keeps); });
    if (!thrown) {
        return;
    }
    log_thrown("leaving probes to the prober", *thrown);
    const SteadyTime now = clock.steady_now();
    for (const probe::wire::Keep& keep : keeps) {
        if (const auto place = network_places.find(keep.probe); place != network_places.end()) {
            Item& item = items.at(place->second.id);
            item.health.take_result(place->second.use,
                                    {keep.probe, probe::Outcome::Unknown, *thrown}, now);
            plan_next(item);
        }
    }
    arm();
}

std::shared_ptr<const HealthSnapshot> Monitor::snapshot() const {
    return *core_->published.lock();
}

}  // namespace podreeve::health
