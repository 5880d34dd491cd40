#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>

#include "agent/handlers/reload_wait.h"
#include "quadlet/stamp.h"
#include "runtime/base/disk_directory.h"
#include "runtime/base/result.h"
#include "runtime/systemd/units.h"

namespace podreeve::handlers {

// What is asked of systemd; runtime/systemd's UnitControl, or a test's. From any thread.
struct UnitCalls {
    using Job = std::function<Result<systemd::JobResult>(const std::string&, const systemd::Call&)>;
    std::function<Result<systemd::UnitState>(const std::string&, const systemd::Call&)> state;
    Job start, stop, restart;
    std::function<Status(const systemd::Call&)> reload;
    std::function<Status(const std::string&, const systemd::Call&)> reset_failed;
};

UnitCalls calls_of(systemd::UnitControl control);

// Shares one daemon-reload among all who need one at the same time: it is not made again for files
// that were written before the last one began. Any thread.
class ReloadGate {
  public:
    // A unit file has changed.
    void touched();
    // How many reloads there have been.
    std::uint64_t count() const;
    // Has systemd read its files, unless it has read all that was touched and there has been a
    // reload since the count was seen. Those who come meanwhile wait, and then need none.
    Status reload(std::uint64_t seen, const std::function<Status()>& call);

    // While one lives, changes that write unit files are committed one after the other: what is
    // carried out of the first is not to be taken for all.
    class Committing {
      public:
        explicit Committing(ReloadGate* gate);  // nullptr: nobody reloads
        ~Committing();
        Committing(const Committing&) = delete;
        Committing& operator=(const Committing&) = delete;

      private:
        ReloadGate* gate_;
    };

    bool is_committing() const;

  private:
    std::mutex reloading_;
    mutable std::mutex mutex_;
    int committing_ = 0;
    // What an earlier run of the agent wrote may not have been read.
    std::uint64_t touched_ = 1, read_ = 0, count_ = 0;
};

// What the steps on companions act on.
struct CompanionWorld {
    UnitCalls systemd;
    std::filesystem::path folder;  // podreeve's own in Quadlet's directory
    quadlet::StampOwner owner;     // whose files there are this agent's
    DiskDirectory kept;            // 0700: former unit files, for undoing
    ReloadGate reloads = {};
    ReloadWaits waits = {};
};

}  // namespace podreeve::handlers
