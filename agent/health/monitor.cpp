#include "agent/health/monitor.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace podreeve::health {
namespace {

constexpr std::chrono::milliseconds kSlot{100};

SteadyTime slot_of(SteadyTime time) {
    const Duration into = time.time_since_epoch() % kSlot;
    return into == Duration::zero() ? time : time + (kSlot - into);
}

// What people and policy go by; the words of a message that changes alone are no change.
bool differs(const Verdict& a, const Verdict& b) {
    return a.readiness != b.readiness || a.restart != b.restart || a.failing != b.failing;
}

probe::Kind kind_of(manifests::ProbeKind kind) {
    return kind == manifests::ProbeKind::Http   ? probe::Kind::Http
           : kind == manifests::ProbeKind::Grpc ? probe::Kind::Grpc
                                                : probe::Kind::Tcp;
}

}  // namespace

probe::Question question_of(const manifests::Probe& probe, std::int64_t pid) {
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
        Use use;
    };

    struct Asked {
        Way way = Way::Network;
        std::uint32_t number = 0;  // 0: not given yet
    };

    struct Item {
        Watched run;
        ContainerHealth health;
        std::array<Asked, kUses.size()> asked;
        Verdict told;
        std::optional<SteadyTime> planned;  // its one entry in the agenda
    };

    Core(Askers by, const Clock& time, Scheduler& loop, OnChange callback)
        : askers(std::move(by)),
          clock(time),
          scheduler(loop),
          on_change(std::move(callback)),
          published(std::make_shared<const Verdicts>()) {}

    Askers askers;
    const Clock& clock;
    Scheduler& scheduler;
    OnChange on_change;

    std::map<std::string, Item> items;  // by container id
    std::map<std::uint32_t, Place> network_places, exec_places;
    std::set<std::pair<SteadyTime, std::string>> agenda;  // when to look at whom
    SteadyTime armed_for = SteadyTime::max();
    TimerHandle timer;
    bool stale = false;  // what is published
    Guarded<std::shared_ptr<const Verdicts>> published;

    std::map<std::uint32_t, Place>& places(Way way) {
        return way == Way::Network ? network_places : exec_places;
    }

    void follow(const std::vector<Watched>& runs);
    void begin(const Watched& run);
    void drop(const std::string& id);
    void look();
    void plan(Item& item, std::optional<SteadyTime> at);
    void plan_next(Item& item);
    void arm();
    void ask_what_is_due(Item& item,
                         SteadyTime now,
                         std::vector<std::uint32_t>& network,
                         std::vector<std::uint32_t>& exec);
    void give_number(const Item& item, Use use, Asked& asked);
    void take(Way way, const probe::Answer& answer, SteadyTime now, std::vector<Change>& changes);
    void keep(const probe::Answer& answer, SteadyTime now, std::vector<probe::wire::Keep>& out);
    void tell(Item& item, SteadyTime now, std::vector<Change>& changes);
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
    look();
}

void Monitor::Core::begin(const Watched& run) {
    const SteadyTime now = clock.steady_now();
    const Duration age = std::max<Duration>(clock.system_now() - run.started, Duration::zero());
    Item item{run, ContainerHealth(run.health, now - age, age > kAdoptedAfter), {}, {}, {}};
    if (run.before) {
        item.health.go_on_from(*run.before);
    }
    item.told = item.health.verdict(now);
    item.told.since = clock.system_now();
    plan(items.emplace(run.id, std::move(item)).first->second, now);
    stale = true;
}

void Monitor::Core::drop(const std::string& id) {
    plan(items.at(id), std::nullopt);
    stale = true;
    for (const Asked& asked : items.at(id).asked) {
        if (asked.number != 0) {
            places(asked.way).erase(asked.number);
            (asked.way == Way::Network ? askers.remove_network : askers.remove_exec)(asked.number);
        }
    }
    items.erase(id);
}

void Monitor::Core::give_number(const Item& item, Use use, Asked& asked) {
    const manifests::Probe& probe = *item.health.probe(use);
    asked.way = probe.kind == manifests::ProbeKind::Exec ? Way::Exec : Way::Network;
    asked.number = asked.way == Way::Exec
                       ? askers.add_exec({item.run.id, probe.command, probe.timeout})
                       : askers.add_network(question_of(probe, item.run.pid));
    places(asked.way)[asked.number] = {item.run.id, use};
}

void Monitor::Core::ask_what_is_due(Item& item,
                                    SteadyTime now,
                                    std::vector<std::uint32_t>& network,
                                    std::vector<std::uint32_t>& exec) {
    for (const Use use : kUses) {
        const auto due = item.health.due(use);
        if (!due || *due > now) {
            continue;
        }
        Asked& asked = item.asked[static_cast<std::size_t>(use)];
        if (asked.number == 0) {
            give_number(item, use, asked);
        }
        item.health.asked(use, now);
        (asked.way == Way::Network ? network : exec).push_back(asked.number);
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
        ask_what_is_due(item, now, network, exec);
        tell(item, now, changes);
        plan_next(item);
    }
    arm();
    publish(changes);
    if (!network.empty()) {
        askers.ask_network(network);
    }
    if (!exec.empty()) {
        askers.ask_exec(exec);
    }
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
    for (const Use use : kUses) {
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
    armed_for = next;
    timer.reset();
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
}

void Monitor::Core::tell(Item& item, SteadyTime now, std::vector<Change>& changes) {
    Verdict after = item.health.verdict(now);
    const bool changed = differs(item.told, after);
    stale = stale || changed || item.told.message != after.message;
    const bool same_readiness = item.told.readiness == after.readiness;
    after.since = same_readiness ? item.told.since : clock.system_now();
    if (changed) {
        changes.push_back({item.run, item.told, after});
    }
    item.told = std::move(after);
}

void Monitor::Core::take(Way way,
                         const probe::Answer& answer,
                         SteadyTime now,
                         std::vector<Change>& changes) {
    const auto place = places(way).find(answer.question);
    if (place == places(way).end()) {
        return;
    }
    Item& item = items.at(place->second.id);
    item.health.answered(place->second.use, answer, now);
    tell(item, now, changes);
    plan_next(item);
}

// After take(): those who are well need no one's attention.
void Monitor::Core::keep(const probe::Answer& answer,
                         SteadyTime now,
                         std::vector<probe::wire::Keep>& out) {
    const auto place = network_places.find(answer.question);
    if (place == network_places.end()) {
        return;
    }
    Item& item = items.at(place->second.id);
    const Use use = place->second.use;
    const auto due = item.health.due(use);
    if (!due || !item.health.is_steady(use)) {
        return;
    }
    const auto first = std::chrono::ceil<std::chrono::milliseconds>(*due - now);
    out.push_back({answer.question, first, item.health.probe(use)->period});
    item.health.kept(use);
    plan_next(item);
}

void Monitor::Core::publish(const std::vector<Change>& changes) {
    if (std::exchange(stale, false)) {
        auto verdicts = std::make_shared<Verdicts>();
        for (const auto& [id, item] : items) {
            verdicts->emplace(id, RunVerdict{item.run.pid, item.told});
        }
        *published.lock() = std::move(verdicts);
    }
    if (!changes.empty()) {
        on_change(changes);
    }
}

Monitor::Monitor(Askers askers, const Clock& clock, Scheduler& scheduler, OnChange on_change)
    : core_(std::make_shared<Core>(std::move(askers), clock, scheduler, std::move(on_change))) {}

Monitor::~Monitor() = default;

void Monitor::follow(std::vector<Watched> runs) {
    core_->scheduler.post([weak = std::weak_ptr<Core>(core_), runs = std::move(runs)] {
        if (const auto core = weak.lock()) {
            core->follow(runs);
        }
    });
}

void Monitor::take(Way way, const std::vector<probe::Answer>& answers) {
    const SteadyTime now = core_->clock.steady_now();
    std::vector<Change> changes;
    std::vector<probe::wire::Keep> keeps;
    for (const probe::Answer& answer : answers) {
        core_->take(way, answer, now, changes);
        if (way == Way::Network) {
            core_->keep(answer, now, keeps);
        }
    }
    core_->arm();
    core_->publish(changes);
    if (!keeps.empty()) {
        core_->askers.keep_network(keeps);
    }
}

std::shared_ptr<const Verdicts> Monitor::verdicts() const {
    return *core_->published.lock();
}

}  // namespace podreeve::health
