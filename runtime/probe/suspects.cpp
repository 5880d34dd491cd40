#include "runtime/probe/suspects.h"

namespace podreeve::probe {

void Suspects::prober_lost(const std::vector<std::uint32_t>& under_way, std::uint32_t trial) {
    for (const std::uint32_t probe : under_way) {
        if (probe == trial) {
            suspects_.erase(probe);
            convicted_.insert(probe);
        } else {
            suspects_.insert(probe);
        }
    }
}

void Suspects::forget(std::uint32_t probe) {
    suspects_.erase(probe);
    convicted_.erase(probe);
}

}  // namespace podreeve::probe
