#include "agent/daemon/health.h"

#include <fmt/format.h>

namespace podreeve::daemon {

using health::Readiness;

namespace {

// Of the prober, which is started anew when it hangs.
constexpr std::chrono::seconds kReplyBeyond{7};

}  // namespace

struct HealthProbing::Once {
    Guarded<std::optional<probe::ProbeResult>> result;
};

HealthProbing::HealthProbing(podman::Client& podman,
                             const std::filesystem::path& program,
                             const Clock& clock,
                             Scheduler& scheduler,
                             health::Monitor::OnChange on_change)
    : scheduler_(scheduler),
      exec_(podman,
            scheduler,
            [this](const std::vector<probe::ProbeResult>& results) {
                monitor_.take(health::ProbeChannel::Exec, results);
            }),
      network_(program.empty() ? std::filesystem::path(PODREEVE_PROBE_PROGRAM) : program,
               clock,
               scheduler,
               [this](const std::vector<probe::ProbeResult>& results) { take(results); }),
      monitor_(probers(), clock, scheduler, std::move(on_change)) {}

void HealthProbing::take(const std::vector<probe::ProbeResult>& results) {
    for (const probe::ProbeResult& result : results) {
        if (const auto asked = once_.extract(result.probe)) {
            network_.remove(result.probe);
            auto slot = asked.mapped()->result.lock();
            *slot = result;
            slot.notify_all();
        }
    }
    monitor_.take(health::ProbeChannel::Network, results);
}

probe::ProbeResult HealthProbing::ask_once(const manifests::Probe& probe,
                                           std::int64_t pid,
                                           std::stop_token stop) {
    const auto once = std::make_shared<Once>();
    scheduler_.post([this, once, probe = health::probe_spec_of(probe, pid)] {
        const std::uint32_t number = network_.add(probe);
        once_[number] = once;
        network_.ask({number});
    });
    const std::stop_callback wake(stop, [&] { once->result.lock().notify_all(); });
    auto result = once->result.lock();
    result.wait_for(probe.timeout + kReplyBeyond,
                    [&] { return result->has_value() || stop.stop_requested(); });
    return result->value_or(
        probe::ProbeResult{0, probe::Outcome::Unknown, "cannot ask: no answer of the prober"});
}

health::Probers HealthProbing::probers() {
    return {[this](const probe::ProbeSpec& probe) { return network_.add(probe); },
            [this](std::uint32_t number) { network_.remove(number); },
            [this](const std::vector<std::uint32_t>& numbers) { network_.ask(numbers); },
            [this](const std::vector<probe::wire::Keep>& keeps) { network_.keep(keeps); },
            [this](const health::ExecProbe& probe) { return exec_.add(probe); },
            [this](std::uint32_t number) { exec_.remove(number); },
            [this](const std::vector<std::uint32_t>& numbers) { exec_.ask(numbers); }};
}

supervise::PartHealth part_health(const health::HealthSnapshot& snapshot,
                                  const manifests::ContainerSpec& spec,
                                  const podman::ContainerSummary& container,
                                  WallTime now) {
    health::HealthStatus status = health::health_of(snapshot, spec.health, container, now);
    const auto followed = snapshot.find(container.id);
    supervise::PartHealth out;
    out.ready = status.readiness != Readiness::NotReady;
    if (followed == snapshot.end() || followed->second.pid != container.pid) {
        out.word = "";  // nobody has asked it yet
    } else if (status.readiness == Readiness::NotReady) {
        out.word = status.failing ? "unhealthy" : "starting";
    } else if (status.readiness == Readiness::Ready && !spec.health.empty()) {
        out.word = "healthy";
    }
    out.message = std::move(status.message);
    return out;
}

// What is only unproved yet is no news.
std::optional<state::Event> event_of(const health::Change& change, WallTime now) {
    state::Event event;
    event.time = now;
    event.app = change.of.app;
    if (change.after.restart) {
        event.state = "Unhealthy";
        event.message =
            fmt::format("{} is to be restarted: {}", change.of.name, change.after.message);
    } else if (change.after.readiness == Readiness::Ready) {
        if (change.of.health->empty()) {
            return std::nullopt;
        }
        event.state = "Healthy";
        event.message = fmt::format("{} is ready", change.of.name);
    } else if (change.after.failing) {
        event.state = "Unhealthy";
        event.message = fmt::format("{} is not ready: {}", change.of.name, change.after.message);
    } else {
        return std::nullopt;
    }
    return event;
}

}  // namespace podreeve::daemon
