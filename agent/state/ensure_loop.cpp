#include "agent/state/ensure_loop.h"

#include <memory>

#include <fmt/format.h>

#include "agent/state/state.h"
#include "runtime/base/log.h"

namespace podreeve::state {
namespace {

constexpr Duration kPruneInterval = std::chrono::minutes(10);
constexpr Duration kStartUp = std::chrono::seconds(30);
constexpr Duration kStartUpOfApp = std::chrono::seconds(5);

}  // namespace

void EnsureLoop::add(Component component) {
    components_.push_back(std::move(component));
}

Status EnsureLoop::start_up() {
    stage_ = Stage::Started;
    for (const Component& component : components_) {
        if (component.start_up) {
            RETURN_IF_ERROR(component.start_up());
        }
    }
    return ensure();
}

void EnsureLoop::ensure_before(Duration delay) {
    const SteadyTime wanted = clock_.steady_now() + delay;
    if (stage_ != Stage::Started || wanted >= next_) {
        return;
    }
    next_ = wanted;
    timer_ = scheduler_.after(delay, [this] {
        if (const Status done = ensure(); !done) {
            log::warn("{}", done.error().message);
        }
    });
}

Status EnsureLoop::ensure() {
    if (stage_ != Stage::Started) {
        return {};
    }
    // Before the round: a component may pull the next one nearer.
    next_ = SteadyTime::max();
    ensure_before(kEnsureInterval);
    Status all;
    for (const Component& component : components_) {
        if (!component.ensure) {
            continue;
        }
        if (const Status done = component.ensure(); !done && all) {
            all = wrap(component.name, done.error());
        }
    }
    return all;
}

void EnsureLoop::stop() {
    timer_.reset();
    if (std::exchange(stage_, Stage::Stopped) == Stage::Stopped) {
        return;
    }
    for (auto component = components_.rbegin(); component != components_.rend(); ++component) {
        if (component->stop) {
            component->stop();
        }
    }
}

std::string EnsureLoop::busy() const {
    std::string busy;
    for (const Component& component : components_) {
        const std::string what = component.busy ? component.busy() : std::string();
        if (!what.empty()) {
            busy += fmt::format("{}{}: {}", busy.empty() ? "" : "; ", component.name, what);
        }
    }
    return busy;
}

Status EnsureLoop::run_until_idle(unsigned rounds) {
    if (stage_ == Stage::Built) {
        RETURN_IF_ERROR(start_up());
    }
    std::string busy_with;
    for (unsigned round = 0; round < rounds; ++round) {
        RETURN_IF_ERROR(ensure());
        for (const Component& component : components_) {
            if (component.wait) {
                component.wait();
            }
        }
        busy_with = busy();
        if (busy_with.empty()) {
            return {};
        }
    }
    return fail(Code::Timeout,
                fmt::format("cannot come to rest within {} rounds: {}", rounds, busy_with));
}

Duration start_up_budget(std::size_t apps) {
    return kStartUp + kStartUpOfApp * static_cast<std::int64_t>(apps);
}

Component pruning(State& state, const Clock& clock) {
    const auto last = std::make_shared<SteadyTime>(clock.steady_now());
    return {.name = "prune", .ensure = [&state, &clock, last]() -> Status {
                if (clock.steady_now() - *last < kPruneInterval) {
                    return {};
                }
                *last = clock.steady_now();
                return state.prune();
            }};
}

}  // namespace podreeve::state
