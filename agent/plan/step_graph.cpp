#include "agent/plan/step_graph.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"

namespace podreeve::plan {

After operator+(After a, const After& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// Drops what another of them waits for anyway: fewer rows to store, and edges a person can read.
void StepGraph::keep_nearest(After& after) {
    std::vector<bool> waits(plan_.steps.size(), false);
    for (const std::size_t before : after) {
        for (std::size_t i = 0; i < waits_[before].size(); ++i) {
            waits[i] = waits[i] || waits_[before][i];
        }
    }
    std::erase_if(after, [&](std::size_t before) { return waits[before]; });
    for (const std::size_t before : after) {
        waits[before] = true;
    }
    waits_.push_back(std::move(waits));
}

std::size_t StepGraph::add(Line line, nlohmann::json details, After after) {
    std::sort(after.begin(), after.end());
    after.erase(std::unique(after.begin(), after.end()), after.end());
    keep_nearest(after);
    Step step;
    step.kind = line.kind;
    step.part = std::move(line.part);
    step.object = std::move(line.object);
    step.id = std::move(line.id);
    step.reason = std::move(line.reason);
    if (undoable_) {
        step.inverse = std::move(line.inverse);
    }
    if (step.inverse.empty()) {
        details["undo"] = false;
    }
    if (clearing_) {
        details["leftover"] = true;
    }
    step.details = json_text(details);
    step.after = std::move(after);
    plan_.steps.push_back(std::move(step));
    return plan_.steps.size() - 1;
}

After StepGraph::ends() const {
    std::vector<bool> waited_for(plan_.steps.size(), false);
    for (const Step& step : plan_.steps) {
        for (const std::size_t before : step.after) {
            waited_for[before] = true;
        }
    }
    After ends;
    for (std::size_t i = 0; i < waited_for.size(); ++i) {
        if (!waited_for[i]) {
            ends.push_back(i);
        }
    }
    return ends;
}

}  // namespace podreeve::plan
