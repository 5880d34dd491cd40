#include "agent/observe/ended_jobs.h"

namespace podreeve::observe {
namespace {

bool is_forgotten(const systemd::UnitState& unit) {
    return unit.load_state == "loaded" && unit.active_state == "inactive" &&
           unit.inactive_since == WallTime{} && !unit.has_job;
}

void take_end(const systemd::UnitState& from, systemd::UnitState& to) {
    to.result = from.result;
    to.exit_status = from.exit_status;
    to.invocation = from.invocation;
    to.active_since = from.active_since;
    to.inactive_since = from.inactive_since;
}

}  // namespace

void EndedJobs::recall(Companions& seen) {
    std::map<std::string, systemd::UnitState> known;
    for (const auto& [file, wanted] : seen.wanted) {
        for (const std::string& service : wanted.services) {
            const auto unit = seen.units->units.find(service);
            if (!wanted.ends || unit == seen.units->units.end()) {
                continue;
            }
            const auto before = known_.find(service);
            if (is_forgotten(unit->second) && before != known_.end()) {
                take_end(before->second, unit->second);
            }
            if (unit->second.has_ended_well()) {
                known[service] = unit->second;
            }
        }
    }
    known_ = std::move(known);
}

}  // namespace podreeve::observe
