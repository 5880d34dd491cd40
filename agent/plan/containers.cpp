#include <fmt/format.h>

#include "agent/plan/labels.h"
#include "agent/plan/verdict.h"

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
bool is_as_specified(const ContainerVerdict& verdict) {
    return label(verdict.found->labels, kSpec) == verdict.hash;
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
        return add("Settling", "BetweenStates",
                   fmt::format("{} is {}; it is made anew if it stays so", found.name,
                               to_string(found.state)));
    }
    return false;
}

void judge_state(const AppCase& app, ContainerVerdict& verdict, std::vector<Condition>& out) {
    const ContainerSummary& found = *verdict.found;
    if (found.state == ContainerState::Paused) {
        out.push_back({"Paused", "PausedByHand",
                       fmt::format("{0} is paused; 'podman unpause {0}' lets it go on", found.name),
                       verdict.spec->part});
        return;
    }
    Revival revived = revival(found, verdict.spec->restart, app.policy.now);
    verdict.finished = revived.finished;
    if (revived.start) {
        verdict.verdict = Verdict::Start;
        verdict.reason = std::move(revived.reason);
    }
}

void judge_found(const AppCase& app, ContainerVerdict& verdict, std::vector<Condition>& out) {
    const ContainerSummary& found = *verdict.found;
    if (is_wedged(app.app, found)) {
        verdict.verdict = Verdict::Recreate;
        verdict.reason = fmt::format("stuck in state {}", to_string(found.state));
    } else if (is_left_alone(app, found, verdict.spec->part, out)) {
        verdict.verdict = Verdict::Withheld;
    } else if (!is_as_specified(verdict)) {
        verdict.verdict = Verdict::Replace;
        verdict.reason = difference(*verdict.spec, found);
    } else {
        judge_state(app, verdict, out);
    }
}

}  // namespace

ContainerVerdict judge_container(const AppCase& app,
                                 std::size_t index,
                                 const ContainerSummary* found,
                                 std::vector<Condition>& conditions) {
    ContainerVerdict verdict;
    verdict.spec = &app.spec.containers[index];
    verdict.hash = app.hashes.containers[index];
    verdict.found = found;
    verdict.renamed =
        found != nullptr && is_as_specified(verdict) && found->name != verdict.spec->name;
    if (found == nullptr) {
        verdict.verdict = Verdict::Create;
        verdict.reason = "absent";
    } else if (found->state != ContainerState::Running || !is_as_specified(verdict)) {
        judge_found(app, verdict, conditions);
    } else if (is_lost(app, *found)) {
        // Then podman knows of the end, and the restart policy says what follows.
        verdict.verdict = Verdict::Stop;
        verdict.reason = "its process is gone, and podman was not told";
        verdict.stop_grace = 0;
    } else if (const auto unwell = app.app.unwell.find(found->id); unwell != app.app.unwell.end()) {
        verdict.verdict = Verdict::Stop;
        verdict.reason = unwell->second.why;
        verdict.stop_grace = unwell->second.stop_grace;
    }
    return verdict;
}

}  // namespace podreeve::plan
