// podreeved: the agent's process. Arguments, signals, systemd and the files it watches; the job
// itself is in Agent.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "agent/daemon/agent.h"
#include "agent/daemon/config.h"
#include "agent/daemon/ended_runs.h"
#include "agent/daemon/foreground.h"
#include "agent/daemon/last_resort.h"
#include "agent/daemon/once.h"
#include "agent/daemon/watchdog.h"
#include "agent/state/ensure_loop.h"
#include "agent/supervise/overview.h"
#include "runtime/base/contained.h"
#include "runtime/base/core_dumps.h"
#include "runtime/base/log.h"
#include "runtime/base/thread.h"
#include "runtime/loop/inotify.h"
#include "runtime/loop/loop.h"
#include "runtime/systemd/notify.h"

namespace {

using namespace podreeve;

// What still runs when the agent is told to end may take so long; a longer pull is resumed by the
// next start.
constexpr std::chrono::seconds kStopGrace{20};

struct CommandLine {
    bool once = false;
    std::string config_file;
    std::vector<std::string> manifests;
    std::string run_file, propagation = "any";
    std::string state_dir, podman_socket, api_socket, log_level, interval, probe_program;
};

void describe(CLI::App& app, CommandLine& arguments) {
    app.add_flag(
        "--once", arguments.once,
        "Bring everything up as the manifests say, then end: 0 when all is up, 1 when not");
    app.add_option("--run", arguments.run_file,
                   "Keep the app of this file alone, in the foreground, until it is stopped");
    app.add_option("--exit-code-propagation", arguments.propagation,
                   "With --run: end with a container's exit code if none, any or all failed")
        ->check(CLI::IsMember({"none", "any", "all"}));
    app.add_option("--config", arguments.config_file, "Read this file instead of podreeve.yaml");
    app.add_option("--manifests", arguments.manifests,
                   "Read manifests here instead of the usual directories; may be repeated");
    app.add_option("--state-dir", arguments.state_dir, "Keep the state here");
    app.add_option("--podman-socket", arguments.podman_socket, "Podman's REST socket");
    app.add_option("--socket", arguments.api_socket, "Serve the API on this socket");
    app.add_option("--probe-program", arguments.probe_program,
                   "The program that asks containers over their networks");
    app.add_option("--interval", arguments.interval, "Time between passes, as 30s");
    app.add_option("--log-level", arguments.log_level, "trace, debug, info, warning or error");
    app.set_version_flag("--version", "podreeved " PODREEVE_VERSION);
}

Status apply(const CommandLine& arguments, daemon::Config& config) {
    if (!arguments.manifests.empty()) {
        config.paths.manifest_dirs.clear();
        for (const std::string& directory : arguments.manifests) {
            config.paths.manifest_dirs.push_back(std::filesystem::absolute(directory));
        }
    }
    if (!arguments.state_dir.empty()) {
        config.paths.state_dir = arguments.state_dir;
    }
    if (!arguments.podman_socket.empty()) {
        config.paths.podman_socket = arguments.podman_socket;
    }
    if (!arguments.api_socket.empty()) {
        config.paths.api_socket = arguments.api_socket;
    }
    if (!arguments.probe_program.empty()) {
        config.probe_program = arguments.probe_program;
    }
    const auto of_option = [](const char* option, const Status& applied) {
        return applied ? Status()
                       : Status(Error{applied.error().code,
                                      fmt::format("{}: {}", option, applied.error().message)});
    };
    if (!arguments.log_level.empty()) {
        RETURN_IF_ERROR(
            of_option("--log-level", daemon::apply_log_level(arguments.log_level, config)));
    }
    if (!arguments.interval.empty()) {
        RETURN_IF_ERROR(
            of_option("--interval", daemon::apply_interval(arguments.interval, config)));
    }
    return {};
}

Result<daemon::Config> configure(const CommandLine& arguments) {
    daemon::Config config;
    const Environment environment = process_environment();
    ASSIGN_OR_RETURN(config.paths, paths_for(::geteuid(), environment));
    config.companions = daemon::companions_for(::geteuid(), environment);
    if (!arguments.config_file.empty()) {
        config.paths.config_file = arguments.config_file;
    }
    RETURN_IF_ERROR(daemon::read_config_file(config.paths.config_file, config));
    RETURN_IF_ERROR(apply(arguments, config));
    config.log_to_journal = environment("JOURNAL_STREAM").has_value();
    return config;
}

bool is_removal_held(const supervise::AppStatus& app) {
    return supervise::find_condition(app, "RemovalHeld") != nullptr;
}

// systemd not hearing us is worth a line, and no more. Whether it has.
bool note(const Status& notified) {
    if (!notified) {
        log::warn("{}", notified.error().message);
    }
    return notified.has_value();
}

// One run of the process: what main holds while the loop turns.
class Process {
  public:
    Process(daemon::Config config, bool once) : config_(std::move(config)), once_(once) {}

    // Keeps the app of one file alone.
    Status stage(const std::filesystem::path& file, daemon::Propagation propagation) {
        ASSIGN_OR_RETURN(staging_, daemon::lock_runs(runs_, true));
        ASSIGN_OR_RETURN(link_, daemon::stage_manifest(file, config_));
        propagation_ = propagation;
        file_ = file;
        return {};
    }

    Result<int> run() {
        ASSIGN_OR_RETURN(loop_, loop::Loop::create());
        // Before any thread is there: threads inherit what is blocked.
        RETURN_IF_ERROR(take_signals());
        // The store is checked and loaded first, and only then is it known how much there is.
        note(systemd::notify_extend_timeout(state::start_up_budget(0)));
        ASSIGN_OR_RETURN(agent_, daemon::Agent::create(config_, *loop_, *loop_));
        staging_.reset();  // from here on its own lock keeps it
        note(systemd::notify_extend_timeout(agent_->start_up_budget()));
        agent_->mark_deaths();
        agent_->on_pass([this](const reconcile::PassReport& report) { after_pass(report); });
        if (!link_.empty()) {
            agent_->watch_podman();
        } else if (!once_) {
            RETURN_IF_ERROR(open_up());
        }
        if (!once_) {
            ASSIGN_OR_RETURN(const bool fed, daemon::guard(*agent_, watchdog()));
            log::debug("watchdog: {}", fed ? "fed" : "not asked for");
        }
        agent_->start();
        clearing_ = begin_stoppable("clearing what ended runs have left",
                                    [this](std::stop_token stop) { clear_ended_runs(stop); });
        RETURN_IF_ERROR(loop_->run());
        agent_.reset();
        clearing_ = {};
        last_resort_.reset();
        clear_own_run();
        return exit_code_;
    }

  private:
    void clear_ended_runs(std::stop_token stop) const {
        podman::Client podman(config_.paths.podman_socket.string());
        daemon::clear_ended_runs(runs_, podman, config_.companions.folder, std::move(stop));
    }

    // Of --run, when nothing of the app is left.
    void clear_own_run() const {
        if (link_.empty()) {
            return;
        }
        contained_or_logged("clearing what the run has left", [&] {
            podman::Client podman(config_.paths.podman_socket.string());
            // Who has it clears all.
            if (const auto lock = daemon::lock_runs(runs_, false)) {
                daemon::clear_runs({config_.paths.state_dir}, podman, config_.companions.folder,
                                   {});
            }
        });
    }

    Status take_signals() {
        ::signal(SIGPIPE, SIG_IGN);
        for (const int number : {SIGTERM, SIGINT}) {
            RETURN_IF_ERROR(loop_->on_signal(number, [this] {
                if (link_.empty() || going_down_) {
                    stop(going_down_ ? "a second signal: what is left of the app runs on"
                                     : "a signal");
                } else {
                    take_down("a signal");
                }
            }));
        }
        return loop_->on_signal(SIGHUP, [this] {
            note(systemd::notify_reloading());
            reloading_ = true;
            agent_->request_pass("SIGHUP");
        });
    }

    Status open_up() {
        RETURN_IF_ERROR(agent_->serve());
        agent_->watch_podman();
        ASSIGN_OR_RETURN(directories_,
                         loop::DirectoryWatch::create(
                             *loop_, config_.paths.manifest_dirs,
                             [this] { agent_->request_pass("the manifests have changed"); },
                             [this](const std::string& why) { agent_->note_unwatched(why); }));
        return {};
    }

    daemon::Watchdog watchdog() {
        return {[this] { return loop_->feed_watchdog(); },
                [this] { return loop_->starve_watchdog(); },
                [] { return systemd::notify_watchdog(); }};
    }

    void after_pass(const reconcile::PassReport& report) {
        const supervise::Overview& overview = report.overview;
        std::string status = fmt::format("{}/{} apps up", overview.up(), overview.apps.size());
        if (!report.error.empty()) {
            status += "; podman cannot be read: " + report.error;
        }
        if (status != status_ && note(systemd::notify_status(status))) {
            status_ = std::move(status);
        }
        if (!link_.empty()) {
            watch_over(report);
            return;
        }
        // It waits for this one, so it is told by the next pass if not by this.
        if ((!ready_ || reloading_) && note(systemd::notify_ready())) {
            ready_ = true;
            reloading_ = false;
        }
        if (const auto outcome = once_ ? daemon::once_outcome(report) : std::nullopt) {
            fmt::print(stderr, "{}", outcome->text);
            exit_code_ = outcome->exit_code;
            stop("all is done that could be");
        }
    }

    // Of the one app: ready when it is up, over when it has ended and nothing of it is left.
    void watch_over(const reconcile::PassReport& report) {
        const daemon::ForegroundView view = daemon::view_of(report, propagation_);
        if (view.up && !ready_) {
            ready_ = note(systemd::notify_ready());
        }
        if (view.exit_code && !going_down_) {
            exit_code_ = *view.exit_code;
            if (!view.message.empty()) {
                log::error("{}", as_given(view.message));
            }
            take_down("the app has ended");
        } else if (going_down_ && view.gone) {
            stop("nothing of the app is left");
        } else if (going_down_) {
            go_on_down(report);
        }
    }

    // A directory that is exchanged or cannot be read holds no removal here: the manifest was taken
    // away by this process. While nothing is under way systemd is asked for no more time.
    void go_on_down(const reconcile::PassReport& report) {
        switch (away_->step(report.error, clock_.steady_now())) {
            case daemon::PodmanAway::Step::GiveUp:
                return leave_it(report.error);
            case daemon::PodmanAway::Step::Report:
                log::warn("nothing of {} can be stopped yet: {}; it is tried until {} s are over",
                          file_.string(), report.error, daemon::PodmanAway::kPatience.count());
                break;
            case daemon::PodmanAway::Step::GoOn:
                break;
        }
        const auto& apps = report.overview.apps;
        if (std::ranges::any_of(apps, [](const auto& app) { return app.change != 0; })) {
            ask_for_time();  // longer than it may take, or podman is slow
        }
        if (std::ranges::any_of(apps, is_removal_held)) {
            agent_->let_all_go("what holds the app's removal is let go");
        }
    }

    void leave_it(const std::string& why) {
        log::error(
            "what runs of {} was not stopped and is kept by nobody now: {}; once podman answers, "
            "run the file again and stop that run",
            file_.string(), why);
        exit_code_ = 1;
        stop("podman is out of reach");
    }

    // What systemd kills on the way down leaves containers that nobody keeps.
    void ask_for_time() const {
        note(systemd::notify_extend_timeout(agent_->supervisor().time_to_stop_all() +
                                            kStopGrace * 2));
    }

    // Of the file that was asked for, and not of the link to it.
    std::string as_given(std::string text) const {
        const std::string link = link_.string();
        for (std::size_t at = text.find(link); at != std::string::npos; at = text.find(link, at)) {
            text.replace(at, link.size(), file_.string());
            at += file_.string().size();
        }
        return text;
    }

    // Without its manifest the app is taken away, in order.
    void take_down(const char* why) {
        if (going_down_) {
            return;
        }
        going_down_ = true;
        away_.emplace(clock_.steady_now());
        log::info("taking the app down: {}", why);
        note(systemd::notify_stopping());
        ask_for_time();
        {
            const DiskWaits::Wait wait = agent_->state().disk().begin();
            std::error_code error;
            std::filesystem::remove(link_, error);
        }
        agent_->request_pass(why);
    }

    void stop(const char* why) {
        if (stopping_) {
            return;
        }
        stopping_ = true;
        log::info("ending: {}", why);
        note(systemd::notify_stopping());
        note(systemd::notify_extend_timeout(kStopGrace * 2));
        contained_or_logged("arming the last resort", [this] { arm_last_resort(); });
        directories_.reset();
        agent_->stop(kStopGrace, [this] { loop_->stop(); });
    }

    void arm_last_resort() {
        const daemon::Agent::Leaving leaving = agent_->leaving();
        last_resort_ = std::make_unique<daemon::LastResort>(daemon::LastResort::Calls{
            leaving.left, leaving.close, [code = &exit_code_] { ::_exit(*code); }});
    }

    daemon::Config config_;
    bool once_;
    const std::filesystem::path runs_ = config_.paths.state_dir / "run";
    UniqueFd staging_;  // of --run, until its place has a lock of its own
    std::unique_ptr<loop::Loop> loop_;
    std::unique_ptr<daemon::Agent> agent_;
    std::unique_ptr<loop::DirectoryWatch> directories_;
    std::filesystem::path link_;  // of --run; empty: the agent proper
    std::filesystem::path file_;  // what it is a link to, as it was asked for
    daemon::Propagation propagation_ = daemon::Propagation::Any;
    std::string status_;
    SystemClock clock_;
    std::optional<daemon::PodmanAway> away_;  // of --run, on its way down
    bool ready_ = false, reloading_ = false, stopping_ = false, going_down_ = false;
    int exit_code_ = 0;
    std::unique_ptr<daemon::LastResort> last_resort_;
    std::jthread clearing_;
};

int complain(const Error& error) {
    fmt::print(stderr, "podreeved: {}\n", error.message);
    return 1;
}

int run(int argc, char** argv) {
    CLI::App app("podreeved keeps this host's Podman apps exactly as their manifests say.",
                 "podreeved");
    CommandLine arguments;
    describe(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 1;
    }
    // Before any manifest is read: what is in them is nobody else's.
    if (const Status refused = refuse_core_dumps(); !refused) {
        return complain(refused.error());
    }
    Result<daemon::Config> config = configure(arguments);
    if (!config) {
        return complain(config.error());
    }
    log::init(config->log_to_journal ? log::Sink::Journal : log::Sink::Terminal, config->log_level);
    Process process(std::move(*config), arguments.once);
    if (!arguments.run_file.empty()) {
        const auto propagation = daemon::propagation_from(arguments.propagation);
        const Status staged =
            process.stage(arguments.run_file, propagation.value_or(daemon::Propagation::Any));
        if (!staged) {
            return complain(staged.error());
        }
    }
    const Result<int> ended = process.run();
    return ended ? *ended : complain(ended.error());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "podreeved: internal error: {}\n", error.what());
        return 1;
    }
}
