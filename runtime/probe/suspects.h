#pragma once

#include <cstdint>
#include <set>
#include <vector>

namespace podreeve::probe {

// Which question it is that the prober hangs or crashes over. All that were under way then are
// suspects, and a suspect is asked only while no other one is (the trial). An answer clears it;
// another hang during its trial convicts it, and it is not asked any more. So one server that knows
// how to stop the prober costs the others two interruptions, and no more.
class Suspects {
  public:
    // trial: the suspect that was being asked, or 0.
    void prober_lost(const std::vector<std::uint32_t>& under_way, std::uint32_t trial);

    void replied(std::uint32_t probe) { suspects_.erase(probe); }

    void forget(std::uint32_t probe);

    bool is_suspect(std::uint32_t probe) const { return suspects_.contains(probe); }

    bool is_convicted(std::uint32_t probe) const { return convicted_.contains(probe); }

  private:
    std::set<std::uint32_t> suspects_, convicted_;
};

}  // namespace podreeve::probe
