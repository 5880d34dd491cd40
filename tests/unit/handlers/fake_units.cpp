#include "tests/unit/handlers/fake_units.h"

#include <fmt/format.h>

namespace podreeve::handlers::testing {

Status FakeUnits::act(const std::string& what, const std::function<void()>& change) {
    const bool cut = cut_ != Cut::None && cut_at_ == what;
    const Cut how = cut ? std::exchange(cut_, Cut::None) : Cut::None;
    if (how == Cut::BeforeWork) {
        return fail(Code::Unavailable, "cannot ask systemd: the bus is gone");
    }
    journal_.push_back(what);
    change();
    return how == Cut::BeforeReply
               ? Status(fail(Code::Unavailable, "cannot ask systemd: the bus is gone"))
               : Status();
}

Result<systemd::JobResult> FakeUnits::run(const std::string& verb, const std::string& name) {
    const std::lock_guard lock(mutex_);
    Unit& unit = units_[name];
    const bool starts = verb != "stop";
    RETURN_IF_ERROR(act(verb + " " + name, [&] {
        const bool refuses = unit.refuses || unit.limited;
        unit.starts += starts && !refuses ? 1 : 0;
        unit.active = !starts ? "inactive" : refuses ? "failed" : "active";
    }));
    return unit.active == "failed"
               ? systemd::JobResult{"failed", "cannot start " + name, unit.limited}
               : systemd::JobResult{"done", "", false};
}

UnitCalls FakeUnits::calls() {
    UnitCalls calls;
    using systemd::Call;
    calls.state = [this](const std::string& name, const Call&) -> Result<systemd::UnitState> {
        const std::lock_guard lock(mutex_);
        systemd::UnitState state;
        state.id = name;
        state.load_state = "loaded";
        state.active_state = units_[name].active;
        state.active_since = WallTime(std::chrono::seconds(units_[name].starts));
        return state;
    };
    calls.start = [this](const std::string& name, const Call&) { return run("start", name); };
    calls.stop = [this](const std::string& name, const Call&) { return run("stop", name); };
    calls.restart = [this](const std::string& name, const Call&) { return run("restart", name); };
    calls.reload = [this](const Call&) {
        const std::lock_guard lock(mutex_);
        return act("reload", [] {});
    };
    calls.reset_failed = [this](const std::string& name, const Call&) {
        const std::lock_guard lock(mutex_);
        return act("reset " + name, [&] {
            units_[name].active = "inactive";
            units_[name].limited = false;
        });
    };
    return calls;
}

std::vector<std::string> FakeUnits::journal() const {
    const std::lock_guard lock(mutex_);
    return journal_;
}

void FakeUnits::clear_journal() {
    const std::lock_guard lock(mutex_);
    journal_.clear();
}

std::string FakeUnits::snapshot() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const auto& [name, unit] : units_) {
        out += fmt::format("{} {}\n", name, unit.active);
    }
    return out;
}

void FakeUnits::cut_next(const std::string& what, Cut cut) {
    const std::lock_guard lock(mutex_);
    cut_at_ = what;
    cut_ = cut;
}

}  // namespace podreeve::handlers::testing
