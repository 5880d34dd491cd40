#include "agent/health/exec_probes.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "runtime/base/thread.h"
#include "runtime/base/utf8.h"
#include "runtime/podman/command.h"

namespace podreeve::health {
namespace {

constexpr std::ptrdiff_t kAtOnce = 3;
constexpr std::ptrdiff_t kOfThoseThatHung = 1;
// Beginning and killing a command costs podman more than the command: one that has hung this often
// in a row leaves its place empty for so long. Kubernetes' failureThreshold is 3 by default.
constexpr int kHangsOften = 3;
constexpr std::chrono::seconds kRest{1};
constexpr std::chrono::seconds kCounts{2};  // so long
constexpr std::ptrdiff_t kOfOneApp = 2;
constexpr std::size_t kMostThreads = 64;

// The program's own words on why, as far as one line goes.
class FirstLine {
  public:
    explicit FirstLine(const manifests::AppSpec* app) : app_(app) {}

    void take(std::string_view line) {
        constexpr std::size_t kMostTaken = 4096;  // of a line that may have a megabyte
        if (line_.empty()) {
            line_ = line.substr(0, kMostTaken);
        }
    }

    // Secrets are taken out before it is cut: of one that is cut the rest would be told.
    std::string behind(const std::string& what) const {
        constexpr std::size_t kMost = 120;
        const std::string text = clean_text(manifests::without_secrets_of(app_, line_), kMost);
        return text.empty() ? what : fmt::format("{}: {}", what, text);
    }

  private:
    const manifests::AppSpec* app_;
    std::string line_;
};

struct ExecEnd {
    probe::ProbeResult result;
    bool hung = false;  // it had to be ended
};

ExecEnd run_once(podman::Client& podman, const ExecProbe& probe, std::stop_token stop) {
    FirstLine said(probe.spec.get());
    const Result<int> code =
        podman::run_command(podman, {probe.container,
                                     probe.command,
                                     [&](int, std::string_view line) { said.take(line); },
                                     {probe.timeout, stop}});
    if (code) {
        return {*code == 0 ? probe::ProbeResult{0, probe::Outcome::Success, ""}
                           : probe::ProbeResult{0, probe::Outcome::Failure,
                                                said.behind(fmt::format("exit code {}", *code))}};
    }
    if (code.error().code != Code::Timeout) {
        return {{0, probe::Outcome::Unknown,
                 manifests::without_secrets_of(probe.spec.get(), code.error().message)}};
    }
    return {{0, probe::Outcome::Failure,
             said.behind(fmt::format("has not ended within {}", to_short_text(probe.timeout)))},
            true};
}

}  // namespace

probe::ProbeResult run_exec_probe(podman::Client& podman,
                                  const ExecProbe& probe,
                                  std::stop_token stop) {
    return run_once(podman, probe, std::move(stop)).result;
}

struct ExecProbes::Core : std::enable_shared_from_this<ExecProbes::Core> {
    struct Run {
        std::string app;
        std::uint64_t begun = 0;  // the how many-th it is
        bool counts = true;       // as one of those at once
        bool hung_before = false;
        bool makes_way = false;
        TimerHandle no_longer;
        std::stop_source stop;
        std::thread thread = {};
    };

    Core(podman::Client& client, Scheduler& loop, OnResults callback)
        : podman(client), scheduler(loop), on_results(std::move(callback)) {}

    podman::Client& podman;
    Scheduler& scheduler;
    OnResults on_results;
    std::map<std::uint32_t, ExecProbe> probes;
    std::map<std::uint32_t, Run> running;
    std::deque<std::uint32_t> waiting;
    // Questions whose command hung when it was run last: how many times in a row.
    std::map<std::uint32_t, int> hung;
    TimerHandle rest;  // of the place of those that hung
    bool resting = false;
    std::uint32_t last_number = 0;
    std::uint64_t begun = 0;  // runs

    template <class Is>
    std::ptrdiff_t count_runs(Is is) const {
        return std::count_if(running.begin(), running.end(),
                             [&](const auto& row) { return is(row.second); });
    }

    std::ptrdiff_t runs_of(const std::string& app) const;
    bool may_begin(std::uint32_t number, const std::string& app) const;
    void begin_waiting();
    void make_way();
    Run* who_makes_way();
    void begin(std::uint32_t number, const ExecProbe& probe);
    void begin_run(std::uint32_t number, const ExecProbe& probe);
    void ask(std::uint32_t number, const ExecProbe& probe, const std::stop_token& stop);
    void done(const ExecEnd& ended);
    void note_hung(std::uint32_t number);
    void begin_rest();
    void post(ExecEnd ended);
};

std::ptrdiff_t ExecProbes::Core::runs_of(const std::string& app) const {
    return count_runs([&](const Run& run) { return run.app == app; });
}

bool ExecProbes::Core::may_begin(std::uint32_t number, const std::string& app) const {
    const auto counting = count_runs([](const Run& run) { return run.counts; });
    const auto hung_before =
        count_runs([](const Run& run) { return run.counts && run.hung_before; });
    return runs_of(app) < kOfOneApp && counting < kAtOnce && running.size() < kMostThreads &&
           (!hung.contains(number) || (!resting && hung_before < kOfThoseThatHung));
}

// In the order they came, but past those whose app has its share.
void ExecProbes::Core::begin_waiting() {
    for (const std::uint32_t number : std::exchange(waiting, {})) {
        const auto found = probes.find(number);
        if (found == probes.end()) {
            continue;
        }
        if (may_begin(number, found->second.app)) {
            begin(number, found->second);
        } else {
            waiting.push_back(number);
        }
    }
    if (running.size() >= kMostThreads) {
        make_way();
    }
}

// For each app that waits and of which none runs, one.
void ExecProbes::Core::make_way() {
    std::set<std::string> without;
    for (const std::uint32_t number : waiting) {
        if (const std::string& app = probes.at(number).app; runs_of(app) == 0) {
            without.insert(app);
        }
    }
    const auto leaving = count_runs([](const Run& run) { return run.stop.stop_requested(); });
    for (std::ptrdiff_t i = leaving; i < std::ssize(without); ++i) {
        Run* const run = who_makes_way();
        if (run == nullptr) {
            return;
        }
        run->makes_way = true;
        run->stop.request_stop();
    }
}

// Of those that hang, the one that has for longest; first where another of the same app runs.
ExecProbes::Core::Run* ExecProbes::Core::who_makes_way() {
    Run* oldest = nullptr;
    bool oldest_is_second = false;
    for (auto& [number, run] : running) {
        if (run.counts || run.stop.stop_requested()) {
            continue;
        }
        const bool second = runs_of(run.app) > 1;
        if (oldest == nullptr || second > oldest_is_second ||
            (second == oldest_is_second && run.begun < oldest->begun)) {
            oldest = &run;
            oldest_is_second = second;
        }
    }
    return oldest;
}

// One that cannot be run is answered like one that podman could not run.
void ExecProbes::Core::begin(std::uint32_t number, const ExecProbe& probe) {
    const auto thrown = contained([&] { begin_run(number, probe); });
    if (!thrown) {
        return;
    }
    const bool reported = contained_or_logged("an exec probe", [&] {
        post({{number, probe::Outcome::Unknown, "cannot run a command: " + *thrown}});
    });
    if (!reported) {
        running.erase(number);  // whoever asked asks again
    }
}

void ExecProbes::Core::begin_run(std::uint32_t number, const ExecProbe& probe) {
    Run& run = running[number];
    run.app = probe.app;
    run.begun = ++begun;
    run.hung_before = hung.contains(number);
    run.no_longer = scheduler.after(kCounts, [weak = weak_from_this(), number] {
        const auto core = weak.lock();
        if (core && core->running.contains(number)) {
            core->running.at(number).counts = false;
            core->note_hung(number);
            core->begin_waiting();
        }
    });
    // A thread costs a thousandth of what podman takes, and a pool would have as many asleep.
    run.thread = begin_thread("an exec probe", [this, number, probe, stop = run.stop.get_token()] {
        ask(number, probe, stop);
    });
}

// On its own thread, which ends before this goes.
void ExecProbes::Core::ask(std::uint32_t number,
                           const ExecProbe& probe,
                           const std::stop_token& stop) {
    ExecEnd ended;
    const auto thrown = contained([&] { ended = run_once(podman, probe, stop); });
    if (thrown) {
        ended.result = {0, probe::Outcome::Unknown, "internal error: " + *thrown};
    }
    ended.result.probe = number;
    const auto report = [&] { post(ended); };
    if (!contained_or_logged("the end of an exec probe", report)) {
        contained_or_logged("the end of an exec probe",
                            report);  // what is short may be there again
    }
}

void ExecProbes::Core::post(ExecEnd ended) {
    scheduler.post([weak = weak_from_this(), ended = std::move(ended)] {
        if (const auto still = weak.lock()) {
            still->done(ended);
        }
    });
}

void ExecProbes::Core::done(const ExecEnd& ended) {
    probe::ProbeResult result = ended.result;
    if (auto run = running.extract(result.probe)) {
        if (run.mapped().thread.joinable()) {
            run.mapped().thread.join();  // it has said its last
        }
        if (run.mapped().counts && !ended.hung) {
            hung.erase(result.probe);
        } else if (run.mapped().counts) {
            note_hung(result.probe);
        }
        if (run.mapped().makes_way && result.outcome == probe::Outcome::Unknown) {
            result.text = "its command has not ended, and made way for another app's";
        }
    }
    contained_or_logged("the next exec probe", [&] { begin_waiting(); });
    if (probes.contains(result.probe)) {
        on_results({result});
    }
}

// Once a run: when it ends, or when it counts no longer.
void ExecProbes::Core::note_hung(std::uint32_t number) {
    contained_or_logged("noting that a command hangs", [&] {
        if (probes.contains(number) && ++hung[number] >= kHangsOften) {
            begin_rest();
        }
    });
}

void ExecProbes::Core::begin_rest() {
    rest = scheduler.after(kRest, [weak = weak_from_this()] {
        if (const auto core = weak.lock()) {
            core->resting = false;
            core->begin_waiting();
        }
    });
    resting = true;
}

ExecProbes::ExecProbes(podman::Client& podman, Scheduler& scheduler, OnResults on_results)
    : core_(std::make_shared<Core>(podman, scheduler, std::move(on_results))) {}

ExecProbes::~ExecProbes() {
    for (auto& [number, run] : core_->running) {
        run.stop.request_stop();
    }
    for (auto& [number, run] : core_->running) {
        if (run.thread.joinable()) {
            run.thread.join();
        }
    }
}

std::uint32_t ExecProbes::add(ExecProbe probe) {
    core_->probes.emplace(++core_->last_number, std::move(probe));
    return core_->last_number;
}

void ExecProbes::remove(std::uint32_t probe) {
    core_->probes.erase(probe);
    core_->hung.erase(probe);
    if (const auto run = core_->running.find(probe); run != core_->running.end()) {
        run->second.stop.request_stop();
    }
}

void ExecProbes::ask(const std::vector<std::uint32_t>& probes) {
    Core& core = *core_;
    for (const std::uint32_t number : probes) {
        const bool asked = core.running.contains(number) ||
                           std::count(core.waiting.begin(), core.waiting.end(), number) != 0;
        if (!asked && core.probes.contains(number)) {
            core.waiting.push_back(number);
        }
    }
    core.begin_waiting();
}

bool ExecProbes::idle() const {
    return core_->running.empty();
}

}  // namespace podreeve::health
