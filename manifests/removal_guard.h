#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/clock.h"

namespace podreeve::manifests {

// Holds removals that look like a mishap. Those of the last ten minutes are counted against the
// apps there were before the first of them: when they are three or more, and more than half, those
// that are not carried out yet are held, until a person allows them or their manifests are back.
// One or two are nobody's mishap but the one's who made them.
class RemovalGuard {
  public:
    struct Asked {
        const std::set<std::string>& wanted;   // apps whose manifest is believed to be gone
        const std::set<std::string>& there;    // apps that have one
        const std::set<std::string>& allowed;  // by a person
        std::size_t before = 0;                // apps in force before
        bool unclear = false;                  // some file could be any app's manifest
        SteadyTime now;
    };

    // Those of the wanted that stay for now. Of two calls with the same in between nothing the
    // second changes nothing.
    std::set<std::string> evaluate(const Asked& asked);

    // Those held for their number, to be remembered over a restart.
    const std::set<std::string>& held() const { return held_; }

    void recall(std::set<std::string> held) { held_ = std::move(held); }

    static constexpr std::chrono::minutes kWindow{10};
    static constexpr std::size_t kFew = 3;

  private:
    struct Removal {
        std::string app;
        SteadyTime when;
        std::size_t before;
    };

    std::vector<Removal> done_;  // of the last ten minutes, the oldest first
    std::set<std::string> held_;
};

}  // namespace podreeve::manifests
