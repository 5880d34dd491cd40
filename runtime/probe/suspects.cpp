#include "runtime/probe/suspects.h"

namespace podreeve::probe {

void Suspects::prober_lost(const std::vector<std::uint32_t>& under_way, std::uint32_t trial) {
    for (const std::uint32_t question : under_way) {
        if (question == trial) {
            suspects_.erase(question);
            convicted_.insert(question);
        } else {
            suspects_.insert(question);
        }
    }
}

void Suspects::forget(std::uint32_t question) {
    suspects_.erase(question);
    convicted_.erase(question);
}

}  // namespace podreeve::probe
