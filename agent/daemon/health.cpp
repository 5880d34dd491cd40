#include "agent/daemon/health.h"

#include <fmt/format.h>

namespace podreeve::daemon {

using health::Readiness;

Health::Health(podman::Client& podman,
               const std::filesystem::path& program,
               const Clock& clock,
               Scheduler& scheduler,
               health::Monitor::OnChange on_change)
    : exec_(podman,
            scheduler,
            [this](const std::vector<probe::Answer>& answers) {
                monitor_.take(health::Way::Exec, answers);
            }),
      network_(program.empty() ? std::filesystem::path(PODREEVE_PROBE_PROGRAM) : program,
               clock,
               scheduler,
               [this](const std::vector<probe::Answer>& answers) {
                   monitor_.take(health::Way::Network, answers);
               }),
      monitor_(askers(), clock, scheduler, std::move(on_change)) {}

health::Askers Health::askers() {
    return {[this](const probe::Question& question) { return network_.add(question); },
            [this](std::uint32_t number) { network_.remove(number); },
            [this](const std::vector<std::uint32_t>& numbers) { network_.ask(numbers); },
            [this](const health::ExecQuestion& question) { return exec_.add(question); },
            [this](std::uint32_t number) { exec_.remove(number); },
            [this](const std::vector<std::uint32_t>& numbers) { exec_.ask(numbers); }};
}

supervise::PartHealth part_health(const health::Verdicts& verdicts,
                                  const manifests::ContainerSpec& spec,
                                  const podman::ContainerSummary& container,
                                  WallTime now) {
    health::Verdict verdict = health::verdict_on(verdicts, spec.health, container, now);
    supervise::PartHealth out;
    out.ready = verdict.readiness != Readiness::NotReady;
    if (verdict.readiness == Readiness::NotReady) {
        out.word = verdict.failing ? "unhealthy" : "starting";
    } else if (verdict.readiness == Readiness::Ready && !spec.health.empty()) {
        out.word = "healthy";
    }
    out.message = std::move(verdict.message);
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
