#include "agent/handlers/companion_world.h"

#include <memory>

namespace podreeve::handlers {

UnitCalls calls_of(systemd::UnitControl control) {
    const auto shared = std::make_shared<const systemd::UnitControl>(std::move(control));
    using systemd::Call;
    UnitCalls calls;
    calls.state = [shared](const std::string& unit, const Call& call) {
        return shared->state(unit, call);
    };
    calls.start = [shared](const std::string& unit, const Call& call) {
        return shared->start(unit, call);
    };
    calls.stop = [shared](const std::string& unit, const Call& call) {
        return shared->stop(unit, call);
    };
    calls.restart = [shared](const std::string& unit, const Call& call) {
        return shared->restart(unit, call);
    };
    calls.reload = [shared](const Call& call) { return shared->daemon_reload(call); };
    calls.reset_failed = [shared](const std::string& unit, const Call& call) {
        return shared->reset_failed(unit, call);
    };
    return calls;
}

void ReloadGate::touched() {
    const std::lock_guard lock(mutex_);
    ++touched_;
}

std::uint64_t ReloadGate::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

Status ReloadGate::reload(std::uint64_t seen, const std::function<Status()>& call) {
    const std::lock_guard one(reloading_);
    std::uint64_t touched = 0;
    {
        const std::lock_guard lock(mutex_);
        touched = touched_;
        if (read_ == touched_ && count_ > seen) {
            return {};
        }
    }
    RETURN_IF_ERROR(call());
    const std::lock_guard lock(mutex_);
    read_ = touched;
    ++count_;
    return {};
}

ReloadGate::Committing::Committing(ReloadGate* gate) : gate_(gate) {
    if (gate_ != nullptr) {
        const std::lock_guard lock(gate_->mutex_);
        ++gate_->committing_;
    }
}

ReloadGate::Committing::~Committing() {
    if (gate_ != nullptr) {
        const std::lock_guard lock(gate_->mutex_);
        --gate_->committing_;
    }
}

bool ReloadGate::is_committing() const {
    const std::lock_guard lock(mutex_);
    return committing_ > 0;
}

}  // namespace podreeve::handlers
