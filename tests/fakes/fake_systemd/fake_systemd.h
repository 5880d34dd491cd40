#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/mutex.h"

struct sd_bus;
struct sd_bus_message;

namespace podreeve::fakes {

// One unit as the fake has it; the words are systemd's.
struct FakeUnit {
    std::string active = "inactive";
    std::string sub = "dead";
    std::string result = "success";
    int exit_status = 0;
    unsigned main_pid = 0;
    unsigned restarts = 0;
    unsigned invocation = 0;  // how often it was really started; 0: never
    WallTime active_since{};
    WallTime inactive_since{};
    bool has_file = true;  // without one it is "not-found", though it may still run
    bool masked = false;
    std::string file_state = "static";
    std::filesystem::path source;          // the Quadlet file that it was generated from, if any
    WallTime source_time{};                // of that file when it was read
    unsigned starts = 0;                   // since its failures were last reset
    std::uint64_t stop_usec = 90'000'000;  // TimeoutStopSec=
    unsigned job = 0;                      // the job under way; 0: none
};

// What a unit does when it is told to.
struct FakeScript {
    // How its jobs end; of a start "failed" makes it fail with exit_status. Empty: they do not end
    // before finish_job().
    std::string job_result = "done";
    int exit_status = 1;
    // The signal that a job has ended leaves before the reply that names the job.
    bool ends_before_reply = false;
    // So many starts until its failures are reset, no more; 0: any number.
    unsigned start_limit = 0;
    // A one-shot without RemainAfterExit=: down again, with success, when its start is done.
    bool is_over_at_once = false;
};

// A method that fails.
struct FakeFault {
    std::string error = "org.freedesktop.DBus.Error.Failed";
    std::string message = "It was told to fail";
};

// org.freedesktop.systemd1 on a private bus, as far as podreeve speaks it: a small systemd that
// keeps units, runs jobs on them, and generates some of them from the Quadlet files of a directory
// when it is reloaded. Like the real one it tells changes only when somebody has subscribed, says
// NeedDaemonReload only when asked, and loads a unit that is not in use for as long as a question
// takes, with the signals of its coming and going.
//
// A thread of its own serves the bus. All functions may be called from any other thread and return
// when what they do is done and its signals are sent.
class FakeSystemd {
  public:
    struct World {
        std::map<std::string, FakeUnit> units;
        std::map<std::string, FakeScript> scripts;
        std::map<std::string, FakeFault> faults;  // method → how it fails
        std::vector<std::string> log;             // "StartUnit web.service replace", in order
        std::map<std::string, int> calls;         // method → how often it was called
        WallTime started_at{};
        WallTime loaded_at{};  // the epoch until the first reload
    };

    // Joins the bus.
    explicit FakeSystemd(std::string address);
    ~FakeSystemd();
    FakeSystemd(const FakeSystemd&) = delete;
    FakeSystemd& operator=(const FakeSystemd&) = delete;

    // What is changed here is not told by signals: see change().
    Guarded<World> world;

    int calls(const std::string& method);
    int all_calls();
    void forget_calls();

    // -- as a person or the host does it
    // Changes a unit, a new one too, and tells it.
    void change(const std::string& unit, const std::function<void(FakeUnit&)>& how);
    // Its process dies; it fails, or is restarted at once as with Restart=always.
    void crash(const std::string& unit, bool is_restarted);
    // systemctl mask, unmask: both reload.
    void mask(const std::string& unit);
    void unmask(const std::string& unit);
    void reload();
    // Ends the job of a unit whose script does not.
    void finish_job(const std::string& unit, const std::string& word);

    // -- Quadlet
    // Whether the generator takes a file, by its name and text. By default: one that has the
    // section of its type.
    using Accepts = std::function<bool(const std::string& name, const std::string& text)>;
    // Generates the units of this directory and of those in it, now and with each reload. Where a
    // file cannot be parsed it drops, as podman's generator does, all that lie beside it.
    void generate_from(std::filesystem::path directory, Accepts accepts = {});
    // Called by the fake's thread when a job has started or stopped a unit, for a test that keeps
    // containers behind the units.
    void on_job(std::function<void(const std::string& unit, bool runs)> callback);

    // -- trouble
    void leave();  // the bus, with all jobs that run
    void join();   // again, as another systemd that knows the same units and no subscriber
    // Calls of this method stand still, and with them all of systemd, until release().
    void hold(const std::string& method);
    void release();

    class Service;  // the fake's thread and what it speaks

  private:
    std::unique_ptr<Service> service_;
};

}  // namespace podreeve::fakes
