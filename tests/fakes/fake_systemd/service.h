#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/base/unique_fd.h"
#include "tests/fakes/fake_systemd/fake_systemd.h"

namespace podreeve::fakes {

// The thread of a FakeSystemd: serves its methods (methods.cpp), changes units and tells it. What
// has no other word belongs to that thread.
class FakeSystemd::Service {
  public:
    Service(Guarded<World>& world, std::string address);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    // From other threads: runs fn on this one and waits for it.
    void act(const std::function<void()>& fn);
    void hold(const std::string& method);
    void release();

    void join_bus();
    void leave_bus();

    // -- what methods do
    Guarded<World>& world() { return world_; }

    void note(const std::string& line);

    void subscribe() { subscribed_ = true; }

    // The unit of that name, an instance of a template too; nullptr when there is none in the
    // world.
    static FakeUnit* find(World& world, const std::string& name);
    // It was asked for: not in use, it is loaded for the moment. Told after the reply.
    void touch(const std::string& unit);
    // Begins a job; its path. The rest of it happens in run_job().
    std::string begin_job(const std::string& unit);
    void run_job(const std::string& unit, const std::string& method);
    void end_job(const std::string& unit, const std::string& word);
    void reload();
    void reset_failed(const std::string& unit);

    // -- signals
    void tell_changed(const std::string& unit);
    void tell_unit(const char* signal, const std::string& unit);
    void tell_files_changed();

    // Whether the filter has let the call pass: it is held, fails, or is counted.
    int on_call(sd_bus_message* call);

    std::filesystem::path directory_;
    Accepts accepts_;
    std::function<void(const std::string&, bool)> on_job_;

  private:
    void serve();
    void run_actions();
    bool turn_bus();
    void start(FakeUnit& unit, const FakeScript& script);
    void generate();

    Guarded<World>& world_;
    std::string address_;
    UniqueFd woken_;
    sd_bus* bus_ = nullptr;
    bool subscribed_ = false;
    unsigned jobs_ = 0;
    std::vector<std::string> touched_;

    struct Action {
        std::function<void()> fn;
        bool done = false;
    };

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Action*> actions_;  // under mutex_
    std::string held_;             // under mutex_: the method that stands still
    bool stopping_ = false;        // under mutex_
    std::thread thread_;
};

// The D-Bus object path of a unit, and back.
std::string unit_path(const std::string& unit);
std::string unit_at(const char* path);

// Gives the connection systemd's objects.
void add_tables(sd_bus* bus, FakeSystemd::Service& service);

inline constexpr const char* kFakePath = "/org/freedesktop/systemd1";
inline constexpr const char* kFakeUnits = "/org/freedesktop/systemd1/unit";
inline constexpr const char* kFakeManager = "org.freedesktop.systemd1.Manager";
inline constexpr const char* kFakeUnit = "org.freedesktop.systemd1.Unit";
inline constexpr const char* kFakeService = "org.freedesktop.systemd1.Service";

}  // namespace podreeve::fakes
