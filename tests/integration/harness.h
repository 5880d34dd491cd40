#pragma once

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/daemon/agent.h"
#include "agent/supervise/status.h"
#include "agent/supervise/supervisor.h"
#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/fake_proc.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::integration {

// Fake time that can be waited on: a thread of the agent that has something to say posts it here.
class Turns final : public Scheduler {
  public:
    explicit Turns(fakes::FakeTime& time) : time_(time) {}

    TimerHandle after(Duration delay, std::function<void()> fn) override {
        return time_.after(delay, contained_as_in_a_loop(std::move(fn)));
    }

    void post(std::function<void()> fn) override;
    // Runs all that was posted; false when there was nothing.
    bool run();
    // Until something is posted; false when that takes longer than a broken test may.
    bool wait();
    // For a schedule that a busy machine makes: a thread that posts when the condition holds goes
    // no further than that post until let_go().
    void hold_who_posts(std::function<bool()> when);
    void let_go();

  private:
    // What a function throws ends neither the real loop nor this one.
    static std::function<void()> contained_as_in_a_loop(std::function<void()> fn);

    fakes::FakeTime& time_;
    std::mutex mutex_;
    std::condition_variable posted_, let_go_;
    std::size_t waiting_ = 0;      // posts that were not run yet
    std::function<bool()> holds_;  // empty: nobody is held
};

// A host of its own for one test: a fake podman on fake time, a directory of manifests, a state
// directory, and the real agent in this process. The test's thread is the agent's loop thread.
// What does not come to rest throws, saying what still turns.
class Host {
  public:
    explicit Host(const std::string& podman_version = "5.4.2");
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    // -- what people do
    void write(const std::string& file, const std::string& text);
    void erase(const std::string& file);

    // -- the agent
    Result<std::unique_ptr<daemon::Agent>> make_agent();
    void start();  // and settles
    void stop();   // as on SIGTERM
    void kill();   // it goes without a word; for podman's side of it see kill_at()
    void restart();

    // Lets the agent do all that it does without time moving on.
    void turn();
    // The same, and moves time on as long as a change is under way.
    void converge();
    // A pass at once, and what follows from it.
    void pass();
    // As `podreeve start|stop|restart APP`, and what follows from it.
    void request(const std::string& app, supervise::Verb verb, bool alone = false);
    // Moves time on, stopping at each timer to let the agent act. Time stands still while a thread
    // of the agent works, however slow the machine is: what the agent waits for in this time is not
    // given up because it is slow in real time.
    void advance(Duration duration);

    // -- kills. The agent dies at podman's request of that number (from 1 on, counted from now): no
    // later request is served and no later commit counts. before: the request is not served
    // either; else its reply never comes.
    enum class Moment { BeforeWork, BeforeReply };
    void kill_at(std::size_t request, Moment moment);
    bool killed() const;
    // What the kill left is all there is: a new agent on it.
    void revive();
    std::size_t requests() const;  // since the last kill_at()

    // The processes of all that runs, and their conmons, can be looked at from now on.
    void show_processes();
    // Process and conmon are killed together, and podman is not told.
    void kill_with_conmon(const std::string& name);

    // -- looking
    supervise::AppStatus app(const std::string& name) const;  // state Initialized: unknown
    std::string state(const std::string& name) const;         // its state, in words
    bool has_condition(const std::string& app, const std::string& type) const;
    std::string service_of(const std::string& app) const;  // what its service container is called
    std::string condition(const std::string& app, const std::string& type) const;  // its message
    std::map<std::string, std::string> ids() const;  // of all containers and pods, by name
    std::size_t starts_of(const std::string& name) const;
    // "start db", "died web", in the order of podman's events since the first.
    std::vector<std::string> lives(std::size_t first = 0) const;
    // The states in an app's events, in order.
    std::vector<std::string> story(const std::string& app) const;
    std::vector<std::string> kinds_of_last_change(const std::string& app) const;
    // All that podman holds but for ids, and how each app stands: equal texts are equal hosts.
    std::string snapshot();

    fakes::TempDir temp;
    std::filesystem::path root = temp.path(), manifests = root / "apps";
    fakes::FakeTime time;
    Turns turns{time};
    // Of no process at all, until show_processes().
    fakes::FakeProc proc;
    std::unique_ptr<fakes::FakePodman> podman;
    daemon::Config config;
    std::unique_ptr<daemon::Agent> agent;
    std::vector<reconcile::PassReport> reports;

  private:
    bool change_under_way() const;
    void on_request();
    void take_last_picture();
    [[noreturn]] void give_up(const std::string& why) const;

    mutable std::mutex kill_mutex_;
    std::size_t requests_ = 0;  // under kill_mutex_, as what follows
    std::size_t kill_at_ = 0;
    Moment moment_ = Moment::BeforeWork;
    bool killed_ = false;
};

using fakes::program_that_cannot_start;
using fakes::program_that_exits;

// The ids that are not the same after, by name.
std::set<std::string> changed(const std::map<std::string, std::string>& before,
                              const std::map<std::string, std::string>& after);

}  // namespace podreeve::integration
