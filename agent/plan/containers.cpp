#include <fmt/format.h>

#include "agent/plan/decision.h"
#include "agent/plan/labels.h"

namespace podreeve::plan {
namespace {

using manifests::ContainerSpec;
using podman::ContainerState;
using podman::ContainerSummary;

// podman may write an image's name out: "web:1" comes back as "docker.io/library/web:1".
bool is_same_image(const std::string& asked, const std::string& seen) {
    return seen == asked || seen.ends_with("/" + asked) || seen == asked + ":latest" ||
           seen.ends_with("/" + asked + ":latest");
}

std::string difference(const ContainerSpec& spec, const ContainerSummary& found) {
    if (!is_same_image(spec.image, found.image)) {
        return fmt::format("spec differs: image {} is to be {}", found.image, spec.image);
    }
    return "spec differs";
}

// But for its name, which the hash covers as the manifest has it: another name in podman alone is
// somebody's rename.
bool is_as_specified(const ContainerDecision& decision) {
    return label(decision.found->labels, kSpec) == decision.hash;
}

// Whether it is left alone, with a condition that says so.
bool is_left_alone(const AppCase& app,
                   const ContainerSummary& found,
                   const std::string& part,
                   std::vector<Condition>& conditions) {
    const auto add = [&](const char* type, const char* reason, std::string message) {
        conditions.push_back({type, reason, std::move(message), part});
        return true;
    };
    if (found.state == ContainerState::Unknown) {
        return add("Unknown", "StateUnknown",
                   fmt::format("podman cannot say in what state {} is; it is left alone until it "
                               "can",
                               found.name));
    }
    const PartPolicy* hold = hold_of(app.app, part);
    if (is_between_states(found.state) && hold != nullptr) {
        return add("BackingOff", "StartHeldBack", hold->why);
    }
    if (is_between_states(found.state)) {
        return add("Transitioning", "BetweenStates",
                   fmt::format("{} is {}; it is recreated if it stays so", found.name,
                               to_string(found.state)));
    }
    return false;
}

void evaluate_state(const AppCase& app, ContainerDecision& decision, std::vector<Condition>& out) {
    const ContainerSummary& found = *decision.found;
    if (found.state == ContainerState::Paused) {
        out.push_back({"Paused", "PausedByHand",
                       fmt::format("{0} is paused; 'podman unpause {0}' lets it go on", found.name),
                       decision.spec->part});
        return;
    }
    Revival revived = revival(found, decision.spec->restart, app.policy.now);
    decision.finished = revived.finished;
    if (revived.start) {
        decision.decision = Decision::Start;
        decision.reason = std::move(revived.reason);
    }
}

void evaluate_found(const AppCase& app, ContainerDecision& decision, std::vector<Condition>& out) {
    const ContainerSummary& found = *decision.found;
    if (is_stuck(app.app, found)) {
        decision.decision = Decision::Recreate;
        decision.reason = fmt::format("stuck in state {}", to_string(found.state));
    } else if (is_left_alone(app, found, decision.spec->part, out)) {
        decision.decision = Decision::Withheld;
    } else if (!is_as_specified(decision)) {
        decision.decision = Decision::Replace;
        decision.reason = difference(*decision.spec, found);
    } else {
        evaluate_state(app, decision, out);
    }
}

}  // namespace

ContainerDecision evaluate_container(const AppCase& app,
                                     std::size_t index,
                                     const ContainerSummary* found,
                                     std::vector<Condition>& conditions) {
    ContainerDecision decision;
    decision.spec = &app.spec.containers[index];
    decision.hash = app.hashes.containers[index];
    decision.found = found;
    decision.renamed =
        found != nullptr && is_as_specified(decision) && found->name != decision.spec->name;
    if (found == nullptr) {
        decision.decision = Decision::Create;
        decision.reason = "absent";
    } else if (found->state != ContainerState::Running || !is_as_specified(decision)) {
        evaluate_found(app, decision, conditions);
    } else if (is_lost(app, *found)) {
        // Then podman knows of the end, and the restart policy says what follows.
        decision.decision = Decision::Stop;
        decision.reason = "its process is gone, and podman does not know";
        decision.stop_grace = 0;
    } else if (const auto unhealthy = app.app.unhealthy.find(found->id);
               unhealthy != app.app.unhealthy.end()) {
        decision.decision = Decision::Stop;
        decision.reason = unhealthy->second.why;
        decision.stop_grace = unhealthy->second.stop_grace;
    }
    return decision;
}

}  // namespace podreeve::plan
