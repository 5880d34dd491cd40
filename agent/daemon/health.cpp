#include "agent/daemon/health.h"

#include <fmt/format.h>

namespace podreeve::daemon {

using health::Readiness;

namespace {

// Of the prober, which is started anew when it hangs.
constexpr std::chrono::seconds kAnswerBeyond{7};

}  // namespace

struct Health::Once {
    Guarded<std::optional<probe::Answer>> answer;
};

Health::Health(podman::Client& podman,
               const std::filesystem::path& program,
               const Clock& clock,
               Scheduler& scheduler,
               health::Monitor::OnChange on_change)
    : scheduler_(scheduler),
      exec_(podman,
            scheduler,
            [this](const std::vector<probe::Answer>& answers) {
                monitor_.take(health::Way::Exec, answers);
            }),
      network_(program.empty() ? std::filesystem::path(PODREEVE_PROBE_PROGRAM) : program,
               clock,
               scheduler,
               [this](const std::vector<probe::Answer>& answers) { take(answers); }),
      monitor_(askers(), clock, scheduler, std::move(on_change)) {}

void Health::take(const std::vector<probe::Answer>& answers) {
    for (const probe::Answer& answer : answers) {
        if (const auto asked = once_.extract(answer.question)) {
            network_.remove(answer.question);
            auto slot = asked.mapped()->answer.lock();
            *slot = answer;
            slot.notify_all();
        }
    }
    monitor_.take(health::Way::Network, answers);
}

probe::Answer Health::ask_once(const manifests::Probe& probe,
                               std::int64_t pid,
                               std::stop_token stop) {
    const auto once = std::make_shared<Once>();
    scheduler_.post([this, once, question = health::question_of(probe, pid)] {
        const std::uint32_t number = network_.add(question);
        once_[number] = once;
        network_.ask({number});
    });
    const std::stop_callback wake(stop, [&] { once->answer.lock().notify_all(); });
    auto answer = once->answer.lock();
    answer.wait_for(probe.timeout + kAnswerBeyond,
                    [&] { return answer->has_value() || stop.stop_requested(); });
    return answer->value_or(
        probe::Answer{0, probe::Outcome::Unknown, "cannot ask: no answer of the prober"});
}

health::Askers Health::askers() {
    return {[this](const probe::Question& question) { return network_.add(question); },
            [this](std::uint32_t number) { network_.remove(number); },
            [this](const std::vector<std::uint32_t>& numbers) { network_.ask(numbers); },
            [this](const std::vector<probe::wire::Keep>& keeps) { network_.keep(keeps); },
            [this](const health::ExecQuestion& question) { return exec_.add(question); },
            [this](std::uint32_t number) { exec_.remove(number); },
            [this](const std::vector<std::uint32_t>& numbers) { exec_.ask(numbers); }};
}

supervise::PartHealth part_health(const health::Verdicts& verdicts,
                                  const manifests::ContainerSpec& spec,
                                  const podman::ContainerSummary& container,
                                  WallTime now) {
    health::Verdict verdict = health::verdict_on(verdicts, spec.health, container, now);
    const auto followed = verdicts.find(container.id);
    supervise::PartHealth out;
    out.ready = verdict.readiness != Readiness::NotReady;
    if (followed == verdicts.end() || followed->second.pid != container.pid) {
        out.word = "";  // nobody has asked it yet
    } else if (verdict.readiness == Readiness::NotReady) {
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
