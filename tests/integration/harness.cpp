#include "tests/integration/harness.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <stdexcept>

#include <fmt/format.h>

#include "agent/plan/steps.h"
#include "runtime/base/contained.h"
#include "runtime/base/log.h"
#include "tests/integration/picture.h"

namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::minutes kLongestSettling{15};  // of fake time
constexpr std::size_t kMostPasses = 300;              // in one settle()

}  // namespace

std::function<void()> Turns::contained_as_in_a_loop(std::function<void()> fn) {
    return [fn = std::move(fn)] { contained_or_logged("a function of the loop", fn); };
}

void Turns::post(std::function<void()> fn) {
    std::unique_lock lock(mutex_);
    const bool held = holds_ && holds_();
    ++waiting_;
    time_.post(contained_as_in_a_loop(std::move(fn)));
    posted_.notify_all();
    if (held) {
        let_go_.wait(lock, [this] { return !holds_; });
    }
}

void Turns::hold_who_posts(std::function<bool()> when) {
    const std::lock_guard lock(mutex_);
    holds_ = std::move(when);
}

void Turns::let_go() {
    hold_who_posts(nullptr);
    let_go_.notify_all();
}

bool Turns::run() {
    {
        const std::lock_guard lock(mutex_);
        waiting_ = 0;
    }
    return time_.run_posted() > 0;
}

bool Turns::wait() {
    std::unique_lock lock(mutex_);
    return posted_.wait_for(lock, kPatience, [this] { return waiting_ > 0; });
}

Host::Host(const std::string& podman_version) {
    log::init(log::Sink::Terminal, "error");
    fs::create_directories(manifests);
    fs::create_directories(root / "podman");
    podman = std::make_unique<fakes::FakePodman>(fakes::FakePodman::Options{
        .version = podman_version, .clock = &time, .directory = (root / "podman").string()});
    podman->on_request([this](const fakes::FakePodman::Entry&) { on_request(); }, nullptr);
    // By the real clock, which the fake one does not hold: a machine that stalls is no subject
    // here.
    config.host_path_patience = config.directory_patience = std::chrono::minutes(1);
    config.condition_patience = std::chrono::seconds(10);
    config.paths.manifest_dirs = {manifests};
    config.paths.state_dir = root / "state";
    config.paths.runtime_dir = root / "run";
    config.paths.api_socket = root / "run" / "podreeve.sock";
    config.paths.podman_socket = podman->socket_path();
    config.proc = proc.path();
    config.flood_pause = Duration{};  // time stands still while a test asks for passes
}

Host::~Host() {
    agent.reset();
    podman.reset();
}

void Host::write(const std::string& file, const std::string& text) {
    const fs::path target = manifests / file;
    fs::create_directories(target.parent_path());
    const fs::path fresh = root / "fresh";
    std::ofstream(fresh) << text;
    fs::permissions(fresh, fs::perms::owner_read | fs::perms::owner_write);
    fs::rename(fresh, target);
}

void Host::erase(const std::string& file) {
    fs::remove(manifests / file);
}

Result<std::unique_ptr<daemon::Agent>> Host::make_agent() {
    return daemon::Agent::create(config, time, turns);
}

void Host::start() {
    auto made = make_agent();
    if (!made) {
        throw std::runtime_error(made.error().message);
    }
    agent = std::move(*made);
    agent->on_pass([this](const reconcile::PassReport& report) { reports.push_back(report); });
    agent->start();
    converge();
}

void Host::stop() {
    bool ended = false;
    agent->stop(std::chrono::seconds(20), [&ended] { ended = true; });
    while (!ended) {
        if (!turns.run() && !turns.wait()) {
            give_up("the agent does not end");
        }
    }
    agent.reset();
    turns.run();
}

void Host::kill() {
    agent.reset();
    turns.run();  // what it had posted finds nobody
}

void Host::restart() {
    stop();
    start();
}

bool Host::change_under_way() const {
    const auto changes = agent->state().changes(1000);
    return std::any_of(changes.begin(), changes.end(),
                       [](const state::ChangeView& change) { return !change.is_ready; });
}

void Host::turn() {
    const std::size_t passes = reports.size();
    while (!killed()) {
        if (turns.run()) {
            if (reports.size() - passes > kMostPasses) {
                give_up(fmt::format("{} passes without a rest", reports.size() - passes));
            }
            continue;
        }
        if (agent->idle()) {
            return;
        }
        if (!turns.wait()) {
            give_up("nothing has happened for a minute");
        }
    }
}

void Host::converge() {
    turn();
    const SteadyTime latest = time.steady_now() + kLongestSettling;
    const auto looks_again = [this] {
        return !reports.empty() && (reports.back().in_motion || reports.back().look_again);
    };
    while (!killed() && (change_under_way() || looks_again())) {
        if (time.next_timer() < Duration::zero() || time.steady_now() > latest) {
            give_up("a change does not end");
        }
        time.step(time.next_timer());
        turn();
    }
}

void Host::pass() {
    agent->request_pass("the test asked");
    converge();
}

void Host::request(const std::string& name, supervise::Verb verb, bool alone) {
    const auto report = agent->supervisor().request(name, {verb, alone});
    if (!report) {
        throw std::runtime_error(report.error().message);
    }
    pass();
}

void Host::show_processes() {
    podman->show_processes_in(proc);
}

void Host::kill_with_conmon(const std::string& name) {
    if (!podman->kill_with_conmon(name)) {
        throw std::runtime_error(name + " does not run");
    }
}

void Host::advance(Duration duration) {
    const SteadyTime end = time.steady_now() + duration;
    turn();
    while (time.steady_now() < end) {
        time.step(end - time.steady_now());
        turn();
    }
}

void Host::kill_at(std::size_t request, Moment moment) {
    const std::lock_guard lock(kill_mutex_);
    requests_ = 0;
    kill_at_ = request;
    moment_ = moment;
    killed_ = false;
}

bool Host::killed() const {
    const std::lock_guard lock(kill_mutex_);
    return killed_;
}

std::size_t Host::requests() const {
    const std::lock_guard lock(kill_mutex_);
    return requests_;
}

// Runs on the threads of podman's connections, before each request.
void Host::on_request() {
    using Cut = fakes::FakePodman::Cut;
    {
        const std::lock_guard lock(kill_mutex_);
        ++requests_;
        if (!killed_ && requests_ != kill_at_) {
            return;
        }
        if (!killed_) {
            killed_ = true;
            take_last_picture();
            podman->drop_next("", "",
                              moment_ == Moment::BeforeWork ? Cut::BeforeWork : Cut::BeforeReply);
        } else {
            // Of a dead agent nothing is heard any more.
            podman->drop_next("", "", Cut::BeforeWork);
        }
    }
    turns.post([] {});
}

// The files as a kill would leave them. The dying agent may go on writing to its own: those are
// thrown away. One that another thread of it renames or removes meanwhile makes it another picture.
void Host::take_last_picture() {
    constexpr int kMostTries = 100;
    std::error_code error;
    for (int tries = 0; tries < kMostTries; ++tries) {
        fs::remove_all(root / "picture");
        fs::copy(config.paths.state_dir, root / "picture", fs::copy_options::recursive, error);
        if (!error) {
            return;
        }
    }
    throw fs::filesystem_error("take a picture of the state", config.paths.state_dir, error);
}

void Host::revive() {
    kill();
    {
        const std::lock_guard lock(kill_mutex_);
        if (killed_) {
            fs::remove_all(config.paths.state_dir);
            fs::rename(root / "picture", config.paths.state_dir);
        }
        kill_at_ = 0;
        killed_ = false;
    }
    start();
}

supervise::AppStatus Host::app(const std::string& name) const {
    const supervise::Overview overview = *agent->shared_status().lock();
    const supervise::AppStatus* found = overview.find(name);
    return found == nullptr ? supervise::AppStatus{} : *found;
}

std::string Host::state(const std::string& name) const {
    return std::string(to_string(app(name).state));
}

bool Host::has_condition(const std::string& name, const std::string& type) const {
    const supervise::AppStatus status = app(name);
    return std::any_of(
        status.conditions.begin(), status.conditions.end(),
        [&](const supervise::StatusCondition& condition) { return condition.type == type; });
}

std::string Host::condition(const std::string& name, const std::string& type) const {
    for (const supervise::StatusCondition& condition : app(name).conditions) {
        if (condition.type == type) {
            return condition.message;
        }
    }
    return "";
}

std::map<std::string, std::string> Host::ids() const {
    std::map<std::string, std::string> ids;
    for (const std::string& name : podman->container_names()) {
        ids[name] = podman->id_of(name);
    }
    for (const std::string& name : podman->pod_names()) {
        ids[name] = podman->id_of(name);
    }
    return ids;
}

std::size_t Host::starts_of(const std::string& name) const {
    std::size_t starts = 0;
    for (const fakes::EventRecord& event : podman->events()) {
        const auto named = event.attributes.find("name");
        starts +=
            event.action == "start" && named != event.attributes.end() && named->second == name ? 1
                                                                                                : 0;
    }
    return starts;
}

std::vector<std::string> Host::lives(std::size_t first) const {
    std::vector<std::string> lives;
    const auto events = podman->events();
    for (std::size_t i = first; i < events.size(); ++i) {
        const auto named = events[i].attributes.find("name");
        const bool life = events[i].action == "start" || events[i].action == "died";
        if (events[i].type == "container" && life && named != events[i].attributes.end()) {
            lives.push_back(events[i].action + " " + named->second);
        }
    }
    return lives;
}

std::vector<std::string> Host::story(const std::string& name) const {
    std::vector<std::string> states;
    for (const state::Event& event : agent->state().events_since(0)) {
        if (event.app == name) {
            states.push_back(event.state);
        }
    }
    return states;
}

std::vector<std::string> Host::kinds_of_last_change(const std::string& name) const {
    std::vector<std::string> kinds;
    for (const state::ChangeView& change : agent->state().changes(1000)) {
        if (change.subject == name) {
            for (const state::TaskView& task : change.tasks) {
                kinds.push_back(task.kind);
            }
            break;
        }
    }
    return kinds;
}

std::string Host::service_of(const std::string& app) const {
    return plan::service_name(app, agent->state().owner());
}

std::string Host::snapshot() {
    std::string out = picture_of(*podman);
    const supervise::Overview overview = *agent->shared_status().lock();
    for (const supervise::AppStatus& status : overview.apps) {
        out +=
            fmt::format("app {} {} {}/{} generation {}{}\n", status.name, to_string(status.state),
                        status.parts_ready, status.parts_total, status.generation,
                        status.spec == status.deployed_spec ? "" : " not deployed");
    }
    return std::regex_replace(out, std::regex(agent->state().owner()), "OWNER");
}

void Host::give_up(const std::string& why) const {
    std::string text = why;
    if (agent) {
        for (const state::ChangeView& change : agent->state().changes(5)) {
            text += fmt::format("\nchange {} {} {}: {}", change.id, to_string(change.status),
                                change.summary, change.error);
            for (const state::TaskView& task : change.tasks) {
                text += fmt::format("\n  {} {} {} {}", task.id, task.kind, to_string(task.status),
                                    task.wait_reason);
                for (const state::LogLine& line : task.log) {
                    text += "\n    " + line.text;
                }
            }
        }
        const supervise::Overview overview = *agent->shared_status().lock();
        for (const supervise::AppStatus& status : overview.apps) {
            text += fmt::format("\napp {} {}: {}", status.name, to_string(status.state),
                                status.message);
        }
    }
    throw std::runtime_error("cannot settle: " + text);
}

std::set<std::string> changed(const std::map<std::string, std::string>& before,
                              const std::map<std::string, std::string>& after) {
    std::set<std::string> names;
    for (const auto& [name, id] : before) {
        const auto now = after.find(name);
        if (now == after.end() || now->second != id) {
            names.insert(name);
        }
    }
    for (const auto& [name, id] : after) {
        if (!before.contains(name)) {
            names.insert(name);
        }
    }
    return names;
}

}  // namespace podreeve::integration
