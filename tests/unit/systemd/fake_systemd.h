#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/mutex.h"

struct sd_bus;

namespace podreeve::systemd {

// A D-Bus daemon of its own in a temporary directory; it ends with this object.
class PrivateBus {
  public:
    PrivateBus();
    ~PrivateBus();
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;

    std::string address() const { return "unix:path=" + (directory_ / "bus").string(); }

    void start();
    void stop();
    // Stopped in its tracks: it takes connections and answers nothing.
    void freeze();

  private:
    std::filesystem::path directory_;
    int pid_ = 0;
};

// What the fake knows of one unit, and what it does when told to.
struct FakeUnit {
    std::string active = "inactive";
    std::string sub = "dead";
    std::string result = "success";
    unsigned main_pid = 0;
    std::string job_result = "done";  // empty: its jobs never end
    // The signal that the job has ended leaves before the reply that names the job.
    bool ends_before_reply = false;
};

// org.freedesktop.systemd1 on a private bus, as far as UnitControl speaks it.
class FakeSystemd {
  public:
    struct World {
        std::map<std::string, FakeUnit> units;
        std::vector<std::string> calls;
        bool needs_reload = true;
    };

    explicit FakeSystemd(const std::string& address);
    ~FakeSystemd();
    FakeSystemd(const FakeSystemd&) = delete;
    FakeSystemd& operator=(const FakeSystemd&) = delete;

    Guarded<World> world;

    sd_bus* bus() const { return bus_; }

    unsigned next_job() { return ++jobs_; }

  private:
    void serve();

    sd_bus* bus_ = nullptr;
    unsigned jobs_ = 0;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace podreeve::systemd
