#include "agent/reconcile/condition_facts.h"

#include <filesystem>

#include <fmt/format.h>

#include "agent/observe/host_checks.h"
#include "runtime/systemd/units.h"

namespace podreeve::reconcile {
namespace {

using manifests::StartCondition;
using manifests::StartConditionKind;
using supervise::Assessment;
using supervise::ConditionOutcome;

constexpr std::chrono::milliseconds kConnectWithin{200};
constexpr std::chrono::seconds kReplyWithin{2};

Assessment pending(std::string why) {
    return {ConditionOutcome::Pending, std::move(why)};
}

Assessment of_path(const std::string& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) {
        return {};
    }
    return pending(error ? error.message() : "");
}

Assessment of_port(const std::string& text) {
    const auto address = parse_ip_and_port(text);
    if (!address) {
        return {ConditionOutcome::Failed, "is no address"};
    }
    const Status taken = observe::takes_connections(*address, kConnectWithin);
    return taken ? Assessment{} : pending(taken.error().message);
}

Assessment of_network() {
    return observe::has_default_route() ? Assessment{} : pending("there is no default route");
}

Assessment of_image(const std::string& image, podman::Client& podman, std::stop_token stop) {
    const Result<bool> exists = podman.image_exists(image, {kReplyWithin, std::move(stop)});
    if (!exists) {
        return pending(exists.error().message);
    }
    return *exists ? Assessment{} : pending("");
}

Assessment of_unit(const std::string& unit, const std::string& bus) {
    systemd::UnitControl control(bus);
    const Result<systemd::UnitState> state = control.state(unit, kReplyWithin);
    if (!state) {
        return pending(state.error().message);
    }
    if (state->active_state == "active") {
        return {};
    }
    if (state->load_state == "not-found") {
        return {ConditionOutcome::Failed, "there is no such unit"};
    }
    const bool failed = state->active_state == "failed";
    return {failed ? ConditionOutcome::Failed : ConditionOutcome::Pending,
            fmt::format("it is {}", state->active_state)};
}

}  // namespace

supervise::Assessment look_at_leaf(const StartCondition& leaf,
                                   podman::Client& podman,
                                   const std::string& bus,
                                   std::stop_token stop) {
    switch (leaf.kind) {
        case StartConditionKind::Path:
            return of_path(leaf.subject);
        case StartConditionKind::Port:
            return of_port(leaf.subject);
        case StartConditionKind::Network:
            return of_network();
        case StartConditionKind::Image:
            return of_image(leaf.subject, podman, std::move(stop));
        case StartConditionKind::Unit:
            return of_unit(leaf.subject, bus);
        case StartConditionKind::Service:
        case StartConditionKind::Time:
        case StartConditionKind::All:
        case StartConditionKind::Any:
            break;
    }
    return {};
}

}  // namespace podreeve::reconcile
