#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/handlers/companion_world.h"

namespace podreeve::handlers::testing {

// A systemd of a few lines: units that run or do not, and a list of what was done to them. A unit
// is there once it is named.
class FakeUnits {
  public:
    struct Unit {
        std::string active = "inactive";
        unsigned starts = 0;  // also tells one start from another
        bool refuses = false;
        bool limited = false;  // started too often, until its failures are forgotten
    };

    UnitCalls calls();
    std::vector<std::string> journal() const;
    void clear_journal();

    Unit& operator[](const std::string& name) { return units_[name]; }

    // All but the starts, which undoing cannot take back.
    std::string snapshot() const;

    // The bus goes away at the next call that changes anything, before or after the change.
    enum class Cut { None, BeforeWork, BeforeReply };
    void cut_next(const std::string& what, Cut cut);

  private:
    Status act(const std::string& what, const std::function<void()>& change);
    Result<systemd::JobResult> run(const std::string& verb, const std::string& name);

    mutable std::mutex mutex_;
    std::map<std::string, Unit> units_;
    std::vector<std::string> journal_;
    std::string cut_at_;
    Cut cut_ = Cut::None;
};

}  // namespace podreeve::handlers::testing
