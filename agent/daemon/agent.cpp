#include "agent/daemon/agent.h"

#include <set>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/api/server.h"
#include "agent/daemon/health.h"
#include "agent/handlers/companion_world.h"
#include "agent/handlers/spec_book.h"
#include "agent/handlers/table.h"
#include "agent/handlers/world.h"
#include "agent/reconcile/companion_stage.h"
#include "agent/reconcile/podman_watch.h"
#include "agent/reconcile/start_gate.h"
#include "agent/state/ensure_loop.h"
#include "agent/state/task_runner.h"
#include "agent/supervise/failures.h"
#include "agent/supervise/supervisor.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/json_text.h"
#include "runtime/base/log.h"
#include "runtime/base/worker_pool.h"

namespace podreeve::daemon {
namespace {

constexpr std::chrono::minutes kAnswerPassWithin{2};
constexpr std::chrono::minutes kAnswerDiffWithin{1};

// One line; empty where the kernel tells none.
std::string boot_id(const std::filesystem::path& proc) {
    const auto text = read_file(proc / "sys/kernel/random/boot_id", 128);
    return text ? text->substr(0, text->find('\n')) : "";
}

manifests::SourceConfig source_config(const Config& config, const Clock& clock) {
    manifests::SourceConfig source;
    // Looks are told apart by the agent's clock, which outlives the source; how fresh a file is, by
    // the machine's, which its stamp is from.
    source.looks = std::shared_ptr<const Clock>(std::shared_ptr<const Clock>(), &clock);
    source.gone_after = config.gone_after;
    source.boot_id = boot_id(config.proc);
    source.directories = config.paths.manifest_dirs;
    source.accepted_dir = config.paths.state_dir / "accepted";
    source.owner = ::geteuid();
    return source;
}

// systemd and Quadlet, as far as companions need them.
struct CompanionParts {
    CompanionParts(const Config& config,
                   Clock& clock,
                   Scheduler& scheduler,
                   std::function<void(const std::string&)> on_hint)
        : world{handlers::calls_of(
                    systemd::UnitControl(config.companions.bus, config.companions.scope)),
                config.companions.folder, config.paths.state_dir / "units"},
          watch(config.companions.bus, scheduler, std::move(on_hint)),
          stage({config.companions.folder, config.paths.state_dir,
                 config.companions.scope == systemd::Scope::User,
                 [scope = config.companions.scope, root = config.companions.generator_root] {
                     return systemd::find_quadlet(scope, root);
                 },
                 [this] { return world.reloads.count(); }},
                watch,
                clock) {}

    handlers::CompanionWorld world;
    systemd::UnitWatch watch;
    reconcile::CompanionStage stage;
};

std::unique_ptr<CompanionParts> companion_parts(const Config& config,
                                                Clock& clock,
                                                Scheduler& scheduler,
                                                std::function<void(const std::string&)> on_hint) {
    return config.companions.folder.empty()
               ? nullptr
               : std::make_unique<CompanionParts>(config, clock, scheduler, std::move(on_hint));
}

api::PassSummary summary_of(const reconcile::PassReport& report) {
    return {report.overview.passes,
            report.overview.podman_reachable,
            report.error,
            report.changes,
            report.apps_changed,
            report.failures,
            report.took};
}

}  // namespace

// In the order in which they need each other; destroyed the other way round.
struct Agent::Parts {
    Parts(const Config& given, Clock& time, Scheduler& loop, std::unique_ptr<state::State> store)
        : config(given), clock(time), scheduler(loop), state(std::move(store)) {}

    Config config;
    Clock& clock;
    Scheduler& scheduler;
    std::unique_ptr<state::State> state;
    podman::Client podman{config.paths.podman_socket.string()};
    manifests::ManifestSource source{source_config(config, clock)};
    handlers::SpecBook specs{[this](const std::string& app, const std::string& hash) {
        return source.accepted(app, hash);
    }};
    std::unique_ptr<CompanionParts> companions = companion_parts(
        config, clock, scheduler, [this](const std::string& why) { reconciler.request(why); });
    handlers::World world{podman,
                          specs,
                          *state,
                          clock,
                          state->owner(),
                          {},
                          companions ? &companions->world : nullptr};
    supervise::Board board;
    supervise::Supervisor supervisor{
        *state, clock,
        [this](const std::string& app, const std::string& hash) { return specs.find(app, hash); }};
    WorkerPool workers{config.workers};
    state::TaskRunner runner{*state, clock, scheduler, workers};
    Health health{podman, config.probe_program, clock, scheduler,
                  [this](const std::vector<health::Change>& changes) { health_changed(changes); }};
    observe::ProcessWatch processes{config.proc};
    reconcile::KeptVersions versions{source, specs, *state};
    reconcile::Reconciler reconciler{
        {source, podman, *state, supervisor, specs, clock, health.monitor(), versions,
         companions ? &companions->stage : nullptr, &processes},
        scheduler,
        board,
        {.interval = config.interval}};
    std::unique_ptr<reconcile::PodmanWatch> watch;
    std::unique_ptr<api::Server> server;
    state::EnsureLoop rhythm{clock, scheduler};
    std::function<void(const reconcile::PassReport&)> pass_callback;

    void connect();
    void add_components();
    void recall_failures();
    void after_pass(const reconcile::PassReport& report);
    void health_changed(const std::vector<health::Change>& changes);
    void oversee();
    Result<supervise::WishReport> take_wish(const std::string& app, const supervise::Wish& wish);
    supervise::WishReport shut_down(bool down);
    api::Backend backend();
};

// The steps ask and tell the supervisor while they are carried out.
void Agent::Parts::oversee() {
    world.overseer.may_start = [this](const std::string& app, const std::string& part,
                                      std::stop_token stop) {
        return reconcile::ask_gate(supervisor, podman, state->owner(), clock, app, part,
                                   std::move(stop));
    };
    world.overseer.stop_stands = [this](const std::string& app, std::int64_t wish) {
        return supervisor.stop_stands(app, wish);
    };
    world.overseer.ask = [this](const manifests::Probe& probe, std::int64_t pid,
                                std::stop_token stop) {
        return health.ask_once(probe, pid, std::move(stop));
    };
    world.overseer.step_begins = [this](const std::string& app, const std::string& change_kind,
                                        const std::string& task_kind, const std::string& summary) {
        supervisor.step_begins(app, change_kind, task_kind, summary);
    };
}

void Agent::Parts::connect() {
    oversee();
    supervisor.set_readiness([this](const std::string&, const manifests::ContainerSpec& spec,
                                    const podman::ContainerSummary& container) {
        return part_health(*health.monitor().verdicts(), spec, container, clock.system_now());
    });
    handlers::register_all(runner, world, config.limits);
    runner.on_change_ready([this](const state::ChangeView& change) {
        supervisor.change_ended(change);
        reconciler.request(fmt::format("change {} has ended", change.id));
    });
    state->on_writable([this] {
        scheduler.post([this] { reconciler.request("the state can be written again"); });
    });
    reconciler.on_pass([this](const reconcile::PassReport& report) { after_pass(report); });
    add_components();
}

// The runner ensures last, so that what the others have added is begun in the same round. Stopped
// the other way round: first nothing more is decided, then nothing more is taken in.
void Agent::Parts::add_components() {
    rhythm.add({.name = "watch", .stop = [this] { watch.reset(); }});
    rhythm.add({.name = "server", .stop = [this] { server.reset(); }});
    rhythm.add({.name = "reconciler",
                .start_up = [this]() -> Status {
                    recall_failures();
                    reconciler.request("the agent has started");
                    return {};
                },
                .busy = [this] { return std::string(reconciler.idle() ? "" : "a pass is made"); },
                .stop = [this] { reconciler.stop(); }});
    rhythm.add(state::pruning(*state, clock));
    rhythm.add({.name = "runner",
                .ensure = [this]() -> Status {
                    runner.ensure();
                    return {};
                },
                .busy = [this] { return runner.busy_with(); }});
}

// What a person undid or aborted stays so over a restart, unless that version was tried again
// since; and what failed last is not tried again sooner for the agent's having died.
void Agent::Parts::recall_failures() {
    std::set<std::string> seen, tried, removed;
    std::vector<state::ChangeView> failed;
    for (const state::ChangeView& change : state->changes(1000)) {
        // What was before an app's removal was another app of that name.
        if (change.kind.starts_with("remove-") && change.status == state::TaskStatus::Done) {
            removed.insert(change.subject);
            removed.insert(plan::companions_of(change.subject));
        }
        if (!change.is_ready || removed.contains(change.subject)) {
            continue;
        }
        const std::string version =
            change.subject + " " + text_in(json_object_from(change.data), "spec");
        const bool newest = seen.insert(change.subject).second;
        const bool newest_of_version = tried.insert(version).second;
        const bool failed_last =
            newest && change.kind != state::kUndoKind && change.status != state::TaskStatus::Done;
        if (failed_last || (newest_of_version && supervise::is_refused(change))) {
            failed.push_back(change);
        }
    }
    for (const state::ChangeView& change : failed) {
        supervisor.change_ended(change);
    }
}

void Agent::Parts::after_pass(const reconcile::PassReport& report) {
    for (const auto& [app, why] : report.failures) {
        log::warn("{}: {}", app, why);
    }
    // Somebody may have cleaned the runtime directory; nothing else tells.
    if (const Status listening = server ? server->ensure_listening() : Status(); !listening) {
        log::warn("{}", listening.error().message);
    }
    runner.ensure();
    if (pass_callback) {
        pass_callback(report);
    }
}

// Told to people, and a reason to look: a dependent may go on now, or a container is to be ended.
void Agent::Parts::health_changed(const std::vector<health::Change>& changes) {
    for (const health::Change& change : changes) {
        if (const auto event = event_of(change, clock.system_now())) {
            log::info("{}: {} {}", event->app, event->state, event->message);
            if (Status kept = state->append_event(*event); !kept) {
                log::warn("{}", kept.error().message);
            }
        }
    }
    reconciler.request("the health of a container has changed");
}

Result<supervise::WishReport> Agent::Parts::take_wish(const std::string& app,
                                                      const supervise::Wish& wish) {
    ASSIGN_OR_RETURN(supervise::WishReport report, supervisor.wish(app, wish));
    scheduler.post([this, why = fmt::format("{} {} was asked for", to_string(wish.verb), app)] {
        runner.ensure();
        reconciler.request(why);
    });
    return report;
}

supervise::WishReport Agent::Parts::shut_down(bool down) {
    supervise::WishReport report = supervisor.shut_down(down);
    scheduler.post(
        [this, down] { reconciler.request(down ? "the host goes down" : "the host stays up"); });
    return report;
}

api::Backend Agent::Parts::backend() {
    return {
        *state,
        board,
        clock,
        PODREEVE_VERSION,
        config.paths.podman_socket.string(),
        [this]() -> Result<api::PassSummary> {
            ASSIGN_OR_RETURN(const reconcile::PassReport report,
                             reconciler.pass_now(kAnswerPassWithin));
            return summary_of(report);
        },
        [this](std::optional<std::string> app) { return reconciler.diff(app, kAnswerDiffWithin); },
        [this](const std::string& app, const supervise::Wish& wish) {
            return take_wish(app, wish);
        },
        [this](bool down) { return shut_down(down); },
        supervisor.subscriptions(),
        [this] { scheduler.post([this] { rhythm.ensure_before(Duration{}); }); },
        [this](const std::string& app, const std::string& spec) {
            return source.accepted(app, spec) != nullptr;
        },
        [this](const std::set<std::string>& apps) {
            source.allow_removal(apps);
            scheduler.post([this] { reconciler.request("a person lets a removal go on"); });
        }};
}

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::create(const Config& config,
                                             Clock& clock,
                                             Scheduler& scheduler) {
    ASSIGN_OR_RETURN(std::unique_ptr<state::State> state,
                     state::State::open(config.paths.state_dir, clock));
    if (const state::StoreHealth health = state->health(); !health.set_aside.empty()) {
        log::warn(
            "the state could not be read and was set aside as {}; what runs is taken over by its "
            "labels",
            health.set_aside);
    }
    auto parts = std::make_unique<Parts>(config, clock, scheduler, std::move(state));
    parts->connect();
    return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

void Agent::start() {
    if (const Status started = parts_->rhythm.start_up(); !started) {
        log::warn("{}", started.error().message);
    }
}

Duration Agent::start_up_budget() const {
    return state::start_up_budget(parts_->state->apps().size());
}

void Agent::watch_podman() {
    parts_->watch = std::make_unique<reconcile::PodmanWatch>(
        parts_->podman, parts_->scheduler,
        [parts = parts_.get()](const std::string& why) { parts->reconciler.request_twice(why); });
}

Status Agent::serve() {
    ASSIGN_OR_RETURN(parts_->server,
                     api::Server::create(parts_->config.paths.api_socket, parts_->backend()));
    return {};
}

void Agent::request_pass(const std::string& why) {
    parts_->reconciler.request(why);
}

void Agent::on_pass(std::function<void(const reconcile::PassReport&)> callback) {
    parts_->pass_callback = std::move(callback);
}

void Agent::stop(Duration grace, std::function<void()> done) {
    parts_->rhythm.stop();
    parts_->runner.stop(grace, std::move(done));
}

reconcile::Reconciler& Agent::reconciler() {
    return parts_->reconciler;
}

supervise::Board& Agent::board() {
    return parts_->board;
}

supervise::Supervisor& Agent::supervisor() {
    return parts_->supervisor;
}

state::State& Agent::state() {
    return *parts_->state;
}

bool Agent::idle() const {
    return parts_->runner.idle() && parts_->reconciler.idle();
}

}  // namespace podreeve::daemon
