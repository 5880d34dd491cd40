#include "agent/daemon/agent.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/api/server.h"
#include "agent/daemon/health.h"
#include "agent/daemon/state_loss.h"
#include "agent/handlers/companion_world.h"
#include "agent/handlers/spec_book.h"
#include "agent/handlers/table.h"
#include "agent/handlers/world.h"
#include "agent/reconcile/brake.h"
#include "agent/reconcile/companion_stage.h"
#include "agent/reconcile/failure_log.h"
#include "agent/reconcile/host_end.h"
#include "agent/reconcile/podman_unit.h"
#include "agent/reconcile/podman_watch.h"
#include "agent/reconcile/start_gate.h"
#include "agent/state/ensure_loop.h"
#include "agent/state/task_runner.h"
#include "agent/supervise/failures.h"
#include "agent/supervise/supervisor.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/contained.h"
#include "runtime/base/digest.h"
#include "runtime/base/in_hand.h"
#include "runtime/base/json_text.h"
#include "runtime/base/log.h"
#include "runtime/base/worker_pool.h"
#include "runtime/systemd/journal.h"

namespace podreeve::daemon {
namespace {

constexpr std::chrono::minutes kPassReplyWithin{2};
constexpr std::chrono::minutes kDiffReplyWithin{1};
// Changes that a stop which takes too long looks at.
constexpr std::size_t kMaxReported = 100;

// One line; empty where the kernel tells none.
std::string boot_id(const std::filesystem::path& proc) {
    const auto text = read_file(proc / "sys/kernel/random/boot_id", 128);
    return text ? text->substr(0, text->find('\n')) : "";
}

// Of this agent alone: those of `podreeve run` have the runtime directory in common.
std::filesystem::path hands_file(const Config& config) {
    constexpr std::size_t kDigits = 12;
    return config.paths.runtime_dir /
           ("hands-" + sha256_hex(config.paths.state_dir.string()).substr(0, kDigits));
}

manifests::SourceConfig source_config(const Config& config, const Clock& clock, DiskWaits& disk) {
    manifests::SourceConfig source;
    // Looks are told apart by the agent's clock, which outlives the source; how fresh a file is, by
    // the machine's, which its stamp is from.
    source.looks = std::shared_ptr<const Clock>(std::shared_ptr<const Clock>(), &clock);
    source.gone_after = config.gone_after;
    source.boot_id = boot_id(config.proc);
    source.directories = config.paths.manifest_dirs;
    source.accepted_dir = config.paths.state_dir / "accepted";
    source.owner = ::geteuid();
    source.disk = &disk;
    source.patience = config.directory_patience;
    return source;
}

// systemd and Quadlet, as far as companions need them.
struct CompanionParts {
    CompanionParts(const Config& config,
                   const std::string& owner,
                   Clock& clock,
                   Scheduler& scheduler,
                   DiskWaits& disk,
                   std::function<void(const std::string&)> on_hint)
        : world{handlers::calls_of(
                    systemd::UnitControl(config.companions.bus, config.companions.scope)),
                config.companions.folder,
                {owner, config.companions.takes_unnamed},
                {config.paths.state_dir / "units", &disk}},
          watch(config.companions.bus, scheduler, std::move(on_hint)),
          stage({config.companions.folder,
                 world.owner,
                 {config.paths.state_dir, &disk},
                 config.companions.scope == systemd::Scope::User,
                 [scope = config.companions.scope, root = config.companions.generator_root] {
                     return systemd::find_quadlet(scope, root);
                 },
                 &world.reloads,
                 config.companions.look_within,
                 config.directory_patience},
                watch,
                clock) {}

    handlers::CompanionWorld world;
    systemd::UnitWatch watch;
    reconcile::CompanionStage stage;
};

std::unique_ptr<CompanionParts> companion_parts(const Config& config,
                                                const std::string& owner,
                                                Clock& clock,
                                                Scheduler& scheduler,
                                                DiskWaits& disk,
                                                std::function<void(const std::string&)> on_hint) {
    return config.companions.folder.empty()
               ? nullptr
               : std::make_unique<CompanionParts>(config, owner, clock, scheduler, disk,
                                                  std::move(on_hint));
}

// Of an agent that asks podman over the socket that podman.socket listens at.
std::unique_ptr<reconcile::PodmanUnit> podman_unit(const Config& config,
                                                   const Clock& clock,
                                                   reconcile::OpenStream& events) {
    const std::string place =
        ::geteuid() == 0 ? std::string("/run") : fmt::format("/run/user/{}", ::geteuid());
    if (config.paths.podman_socket != place + "/podman/podman.sock" ||
        config.companions.bus.empty()) {
        return nullptr;
    }
    const systemd::Scope scope = config.companions.scope;
    return std::make_unique<reconcile::PodmanUnit>(
        handlers::calls_of(systemd::UnitControl(config.companions.bus, scope)), clock,
        reconcile::PodmanSocket{config.paths.podman_socket, scope, [&events] { events.end(); },
                                [scope](const std::string& unit, WallTime not_before) {
                                    return systemd::last_words(unit, scope, not_before);
                                }});
}

// Of an agent whose apps podreeve-apps.service stops.
std::unique_ptr<reconcile::HostEnd> host_end(const Config& config, const Clock& clock) {
    if (!config.stopped_by_host || config.companions.bus.empty()) {
        return nullptr;
    }
    return std::make_unique<reconcile::HostEnd>(
        handlers::calls_of(systemd::UnitControl(config.companions.bus, config.companions.scope)),
        clock);
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

    // What a stop waits for.
    using Stopping = std::atomic<const char*>;

    Config config;
    Clock& clock;
    Scheduler& scheduler;
    const SteadyTime created = clock.steady_now();
    // Shared with who ends the process when a stop takes too long, and with nobody else.
    const std::shared_ptr<Stopping> stopping =
        std::make_shared<Stopping>("nothing has begun to end");
    std::shared_ptr<state::State> state;
    reconcile::Brake brake{hands_file(config), boot_id(config.proc), clock};
    podman::Client podman{config.paths.podman_socket.string()};
    reconcile::Lookout lookout{podman, config.companions.bus.empty()
                                           ? systemd::default_address(::geteuid())
                                           : config.companions.bus};
    manifests::ManifestSource source{source_config(config, clock, state->disk())};
    handlers::SpecBook specs{[this](const std::string& app, const std::string& hash) {
                                 return source.accepted(app, hash);
                             },
                             &state->disk()};
    std::unique_ptr<CompanionParts> companions = companion_parts(
        config, state->owner(), clock, scheduler, state->disk(), [this](const std::string& why) {
            reconciler.request(why);
        });
    handlers::World world{
        podman,         specs,       *state, clock,
        state->owner(), config.proc, {},     companions ? &companions->world : nullptr};
    supervise::SharedStatus shared_status;
    supervise::Supervisor supervisor{
        *state, clock,
        [this](const std::string& app, const std::string& hash) { return specs.find(app, hash); }};
    WorkerPool workers{config.workers};
    state::TaskRunner runner{*state, clock, scheduler, workers};
    HealthProbing health{
        podman, config.probe_program, clock, scheduler,
        [this](const std::vector<health::Change>& changes) { health_changed(changes); }};
    observe::ProcessWatch processes{config.proc};
    observe::MountLook mounts{config.proc, config.directory_patience};
    reconcile::KeptVersions versions{
        source, specs, *state, {config.paths.state_dir / "units", &state->disk()}};
    reconcile::OpenStream events_of_podman;
    std::unique_ptr<reconcile::PodmanUnit> unit_of_podman =
        podman_unit(config, clock, events_of_podman);
    std::unique_ptr<reconcile::HostEnd> end_of_host = host_end(config, clock);
    reconcile::Reconciler reconciler{
        {source, podman, *state, supervisor, specs, clock, health.monitor(), versions, lookout,
         companions ? &companions->stage : nullptr, &processes, unit_of_podman.get(),
         end_of_host.get(), &brake, &mounts, config.condition_patience},
        scheduler,
        shared_status,
        {.interval = config.interval, .pause = config.flood_pause}};
    std::unique_ptr<reconcile::PodmanWatch> watch;
    std::unique_ptr<api::Server> server;
    state::EnsureLoop rhythm{clock, scheduler};
    std::function<void(const reconcile::PassReport&)> pass_callback;
    reconcile::FailureLog failure_log;  // the scheduler's thread
    bool started = false;               // the same

    void connect();
    void add_components();
    void recall_failures();
    void after_pass(const reconcile::PassReport& report);
    void look_after_state();
    bool note_of_agent(const supervise::StatusCondition& condition);
    void health_changed(const std::vector<health::Change>& changes);
    void check_gate();
    Result<supervise::RequestReport> take_request(const std::string& app,
                                                  const supervise::AppRequest& request);
    supervise::RequestReport shut_down(bool down);
    api::Backend backend();
};

// The steps ask and tell the supervisor while they are carried out.
void Agent::Parts::check_gate() {
    world.host_paths = std::make_shared<Patience>(config.host_path_patience);
    world.start_gate.set_aside = [this](const std::string& app) {
        return brake.why_set_aside(app);
    };
    world.start_gate.may_start = [this](const std::string& app, const std::string& part,
                                        std::stop_token stop) {
        return reconcile::ask_gate(supervisor, podman, lookout, state->owner(), clock, app, part,
                                   std::move(stop));
    };
    world.start_gate.is_stop_wanted = [this](const std::string& app, std::int64_t request) {
        return supervisor.is_stop_wanted(app, request);
    };
    world.start_gate.has_taken_over = [this](const std::string& app, const std::string& former) {
        return supervisor.has_taken_over(app, former);
    };
    world.start_gate.ask = [this](const manifests::Probe& probe, std::int64_t pid,
                                  std::stop_token stop) {
        return health.ask_once(probe, pid, std::move(stop));
    };
    world.start_gate.step_begins = [this](const std::string& app, const std::string& change_kind,
                                          const std::string& task_kind,
                                          const std::string& summary) {
        supervisor.step_begins(app, change_kind, task_kind, summary);
    };
}

void Agent::Parts::connect() {
    check_gate();
    supervisor.set_readiness([this]() -> supervise::PartReadiness {
        return [snapshot = health.monitor().snapshot(), now = clock.system_now()](
                   const std::string&, const manifests::ContainerSpec& spec,
                   const podman::ContainerSummary& container) {
            return part_health(*snapshot, spec, container, now);
        };
    });
    handlers::register_all(runner, world, config.limits);
    runner.on_change_ready([this](const state::ChangeView& change) {
        const std::string app = plan::app_of(change.subject);
        const InHand in_hand(app);
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
    rhythm.add({.name = "watch", .stop = [this] {
                    *stopping = "the reader of podman's events has not ended";
                    watch.reset();
                }});
    rhythm.add({.name = "server", .stop = [this] {
                    *stopping = "requests of the API have not been answered";
                    server.reset();
                }});
    rhythm.add({.name = "reconciler",
                .start_up = [this]() -> Status {
                    recall_failures();
                    started = true;
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
// since; and a version that failed last is not tried again sooner for the agent's having died.
void Agent::Parts::recall_failures() {
    std::set<std::string> tried, removed;
    std::vector<state::ChangeView> recalled;
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
        const bool newest_of_version = tried.insert(version).second;
        const bool failed =
            change.kind != state::kUndoKind && change.status != state::TaskStatus::Done;
        if (newest_of_version && (failed || supervise::is_refused(change))) {
            recalled.push_back(change);
        }
    }
    std::reverse(recalled.begin(), recalled.end());  // the latest comes last
    for (const state::ChangeView& change : recalled) {
        const std::string app = plan::app_of(change.subject);
        if (brake.why_set_aside(app)) {
            continue;
        }
        const InHand in_hand(app);
        supervisor.change_ended(change);
    }
}

void Agent::Parts::look_after_state() {
    const std::string lost = state->look_after_files() ? "" : state_removed(config.paths.state_dir);
    if (note_of_agent({"StateLost", "StateRemoved", lost, ""}) && !lost.empty()) {
        log::error("{}", lost);
    }
}

void Agent::Parts::after_pass(const reconcile::PassReport& report) {
    if (report.error.empty()) {
        for (const std::string& line : failure_log.lines(report.failures)) {
            log::warn("{}", line);
        }
    }
    look_after_state();
    // Somebody may have cleaned the runtime directory; nothing else tells.
    if (const Status listening = server ? server->ensure_listening() : Status(); !listening) {
        log::warn("{}", listening.error().message);
    }
    runner.ensure();
    if (pass_callback) {
        pass_callback(report);
    }
}

// What is found out beside a pass is shown by the next one, which on a quiet host is half a minute
// away: it is made now, unless it is the first.
bool Agent::Parts::note_of_agent(const supervise::StatusCondition& condition) {
    const bool is_news = supervisor.note_of_agent(condition);
    if (is_news && started) {
        reconciler.request("a condition of the agent has changed");
    }
    return is_news;
}

// Told to people, and a reason to look: a dependent may go on now, or a container is to be ended.
void Agent::Parts::health_changed(const std::vector<health::Change>& changes) {
    for (const health::Change& change : changes) {
        const InHand in_hand(change.of.app);
        if (const auto event = event_of(change, clock.system_now())) {
            log::info("{}: {} {}", event->app, event->state, event->message);
            if (Status kept = state->append_event(*event); !kept) {
                log::warn("{}", kept.error().message);
            }
        }
    }
    reconciler.request("the health of a container has changed");
}

Result<supervise::RequestReport> Agent::Parts::take_request(const std::string& app,
                                                            const supervise::AppRequest& request) {
    ASSIGN_OR_RETURN(supervise::RequestReport report, supervisor.request(app, request));
    brake.try_now(app);
    scheduler.post([this, why = fmt::format("{} {} was asked for", to_string(request.verb), app)] {
        runner.ensure();
        reconciler.request(why);
    });
    return report;
}

supervise::RequestReport Agent::Parts::shut_down(bool down) {
    const auto within = down && end_of_host ? end_of_host->ends_within({}) : std::nullopt;
    supervise::RequestReport report = supervisor.shut_down(down, within);
    brake.try_now(std::nullopt);  // the host's end is everybody's
    scheduler.post(
        [this, down] { reconciler.request(down ? "the host goes down" : "the host stays up"); });
    return report;
}

api::Backend Agent::Parts::backend() {
    return {
        *state,
        shared_status,
        clock,
        PODREEVE_VERSION,
        config.paths.podman_socket.string(),
        [this]() -> Result<api::PassSummary> {
            ASSIGN_OR_RETURN(const reconcile::PassReport report,
                             reconciler.pass_now(kPassReplyWithin));
            return summary_of(report);
        },
        [this](std::optional<std::string> app) { return reconciler.diff(app, kDiffReplyWithin); },
        [this](const std::string& app, const supervise::AppRequest& request) {
            return take_request(app, request);
        },
        [this](bool down) { return shut_down(down); },
        supervisor.subscriptions(),
        [this] { scheduler.post([this] { rhythm.ensure_before(Duration{}); }); },
        [this](const std::string& app, const std::string& spec) {
            return source.accepted(app, spec) != nullptr;
        },
        [this](const api::LetGo& what) {
            source.allow_removal(what.removals);
            supervisor.let_volumes_go(what.volumes);
            scheduler.post([this] { reconciler.request("a person lets go what was held"); });
        },
        std::vector<std::string>(config.paths.manifest_dirs.begin(),
                                 config.paths.manifest_dirs.end())};
}

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

// The store is closed here, while who ends the process when that hangs is still there.
Agent::~Agent() {
    const auto stopping = parts_->stopping;
    const std::shared_ptr<state::State> state = parts_->state;
    *stopping = "the pass has not ended, or a thread that carries out steps";
    parts_.reset();
    *stopping = "the store has not been closed";
    contained_or_logged("closing the store", [&] { state->close(); });
}

Result<std::unique_ptr<Agent>> Agent::create(const Config& config,
                                             Clock& clock,
                                             Scheduler& scheduler) {
    ASSIGN_OR_RETURN(std::unique_ptr<state::State> state,
                     state::State::open(config.paths.state_dir, clock));
    // Left by a run that was killed while it tried units.
    std::error_code ignored;
    std::filesystem::remove_all(config.paths.state_dir / "quadlet-trial", ignored);
    auto parts = std::make_unique<Parts>(config, clock, scheduler, std::move(state));
    report_state_lost(*parts->state, parts->source.accepted_apps().size(), config.paths.state_dir);
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
        parts_->podman, parts_->scheduler, parts_->clock, parts_->state->owner(), parts_->created,
        parts_->events_of_podman, [parts = parts_.get()](const reconcile::Hint& hint) {
            using When = reconcile::Reconciler::When;
            parts->reconciler.request_twice(hint.why, hint.died ? When::AtOnce : When::InPace);
        });
}

Status Agent::serve() {
    ASSIGN_OR_RETURN(parts_->server,
                     api::Server::create(parts_->config.paths.api_socket, parts_->backend()));
    return {};
}

void Agent::mark_deaths() {
    parts_->brake.mark_deaths();
}

Result<supervise::RequestReport> Agent::request(const std::string& app,
                                                const supervise::AppRequest& request) {
    return parts_->take_request(app, request);
}

void Agent::request_pass(const std::string& why) {
    parts_->reconciler.request(why);
}

void Agent::let_all_go(const std::string& why) {
    const std::vector<std::string> apps = parts_->source.accepted_apps();
    parts_->source.allow_removal({apps.begin(), apps.end()});
    parts_->reconciler.request(why);
}

void Agent::let_go(const std::set<std::string>& removals, const std::set<std::string>& volumes) {
    parts_->source.allow_removal(removals);
    parts_->supervisor.let_volumes_go(volumes);
}

void Agent::note_unwatched(const std::string& why) {
    const std::string reported =
        why.empty() ? ""
                    : fmt::format(
                          "{}; until then changes of manifests are only seen by the "
                          "next pass: within {}, or at `podreeve reconcile`",
                          why, to_short_text(parts_->config.interval));
    parts_->note_of_agent({"ManifestsUnwatched", "Inotify", reported, ""});
}

void Agent::on_pass(std::function<void(const reconcile::PassReport&)> callback) {
    parts_->pass_callback = std::move(callback);
}

void Agent::stop(Duration grace, std::function<void()> done) {
    parts_->rhythm.stop();
    *parts_->stopping = "steps that are carried out have not ended";
    parts_->runner.stop(grace, std::move(done));
}

Agent::Leaving Agent::leaving() const {
    const std::shared_ptr<state::State> state = parts_->state;
    return {[state, stopping = parts_->stopping] {
                std::vector<std::string> left{stopping->load()};
                for (const state::ChangeView& change : state->changes(kMaxReported)) {
                    for (const state::TaskView& task : change.tasks) {
                        if (task.status == state::TaskStatus::Doing ||
                            task.status == state::TaskStatus::Undoing) {
                            left.push_back(
                                fmt::format("change {} was at: {}", change.id, task.summary));
                        }
                    }
                }
                if (std::string trouble = state->disk().trouble(); !trouble.empty()) {
                    left.push_back(std::move(trouble));
                }
                return fmt::format("{}", fmt::join(left, "; "));
            },
            [state] { state->close(); }};
}

reconcile::Reconciler& Agent::reconciler() {
    return parts_->reconciler;
}

supervise::SharedStatus& Agent::shared_status() {
    return parts_->shared_status;
}

supervise::Supervisor& Agent::supervisor() {
    return parts_->supervisor;
}

state::State& Agent::state() {
    return *parts_->state;
}

bool Agent::idle() const {
    return parts_->runner.idle() && parts_->reconciler.idle() && parts_->health.idle();
}

}  // namespace podreeve::daemon
