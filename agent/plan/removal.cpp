#include "agent/plan/removal.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include <nlohmann/json.hpp>

#include "agent/plan/labels.h"
#include "agent/plan/replaced_objects.h"
#include "agent/plan/steps.h"

// Both ways down: for good, and until a person starts the app again.
namespace podreeve::plan {
namespace {

using nlohmann::json;
using podman::ContainerState;
using podman::ContainerSummary;
using podman::PodSummary;

const char* const kGone = "its manifest is gone";
const char* const kWantedDown = "wanted down";

// A pod or a container that stands alone.
struct RemovedUnit {
    const PodSummary* pod = nullptr;
    const ContainerSummary* container = nullptr;

    const std::string& id() const { return pod != nullptr ? pod->id : container->id; }

    const std::string& name() const { return pod != nullptr ? pod->name : container->name; }

    WallTime made() const { return value(pod != nullptr ? pod->created : container->created); }

    const std::map<std::string, std::string>& labels() const {
        return pod != nullptr ? pod->labels : container->labels;
    }

    std::string part() const { return std::string(label(labels(), kPart)); }

    std::uint64_t order() const {
        const std::string_view text = label(labels(), kOrder);
        std::uint64_t order = 0;
        std::from_chars(text.data(), text.data() + text.size(), order);
        return order;
    }

    bool up() const { return pod != nullptr ? is_up(*pod) : is_up(*container); }

    static WallTime value(const std::optional<WallTime>& time) { return time.value_or(WallTime{}); }
};

// Without a spec, the place that each was given when it was made tells the order; and without that,
// the second it was made in, and the name.
std::vector<RemovedUnit> last_first(const AppHoldings& held) {
    std::vector<RemovedUnit> units;
    for (const PodSummary* pod : held.pods) {
        units.push_back({pod, nullptr});
    }
    for (const ContainerSummary* container : held.containers) {
        if (container->pod_id.empty()) {
            units.push_back({nullptr, container});
        }
    }
    const auto key = [](const RemovedUnit& unit) {
        return std::make_tuple(unit.order(), unit.made(), std::cref(unit.name()),
                               std::cref(unit.id()));
    };
    std::sort(units.begin(), units.end(),
              [&](const RemovedUnit& a, const RemovedUnit& b) { return key(b) < key(a); });
    return units;
}

std::size_t stop(const RemovedUnit& unit,
                 json details,
                 const char* reason,
                 StepGraph& graph,
                 const After& after) {
    if (unit.pod != nullptr) {
        return graph.add({StepKind::StopPod, unit.part(), unit.name(), unit.id(), reason},
                         std::move(details), after);
    }
    details["role"] = label(unit.container->labels, kRole);
    return graph.add({StepKind::StopContainer, unit.part(), unit.name(), unit.id(), reason},
                     std::move(details), after);
}

// Podman stops a held service container with its last pod, but not when its members were stopped
// one by one.
After stop_services(const AppHoldings& held,
                    const char* reason,
                    StepGraph& graph,
                    const After& after) {
    After stopped = after;
    for (const ContainerSummary* service : held.services) {
        if (is_up(*service)) {
            stopped = {graph.add(
                {StepKind::StopContainer, kServicePart, service->name, service->id, reason},
                {{"role", kRoleService}}, stopped)};
        }
    }
    return stopped;
}

struct AppRemoval {
    const AppHoldings& held;
    StepGraph& graph;
    bool held_service;

    std::size_t remove(const RemovedUnit& unit, const After& after) {
        if (unit.container != nullptr) {
            return graph.add(
                {StepKind::RemoveContainer, unit.part(), unit.name(), unit.id(), kGone},
                {{"force", true}, {"why", "removed"}}, after);
        }
        return graph.add({StepKind::RemovePod, unit.part(), unit.name(), unit.id(), kGone},
                         {{"why", "removed"},
                          {"force", true},
                          {"old_spec", label(unit.pod->labels, kSpec)},
                          {"old_generation", 0},
                          {"service", held.services.empty() ? "" : held.services.front()->name},
                          {"held", held_service}},
                         after);
    }

    After remove_services(const After& after) {
        After removed = after;
        for (const ContainerSummary* service : held.services) {
            removed.push_back(graph.add(
                {StepKind::RemoveService, kServicePart, service->name, service->id, kGone},
                {{"held", label(service->labels, kRole).empty()}}, after));
        }
        return removed;
    }

    void remove_resources(const After& after) {
        for (const podman::SecretDetails* secret : held.secrets) {
            remove_secret(*secret, kGone, graph, after);
        }
        for (const podman::VolumeDetails* volume : held.volumes) {
            remove_volume(*volume, kGone, graph, after);
        }
    }
};

}  // namespace

std::string find_unknown(const AppHoldings& held) {
    for (const ContainerSummary* container : held.containers) {
        if (container->state == ContainerState::Unknown) {
            return container->name;
        }
    }
    for (const PodSummary* pod : held.pods) {
        for (const PodSummary::Member& member : pod->members) {
            if (member.state == ContainerState::Unknown) {
                return member.name;
            }
        }
    }
    return {};
}

void remove_app(const AppHoldings& held, StepGraph& graph) {
    const bool held_service = std::any_of(
        held.services.begin(), held.services.end(),
        [](const ContainerSummary* service) { return label(service->labels, kRole).empty(); });
    AppRemoval removal{held, graph, held_service};
    const std::vector<RemovedUnit> units = last_first(held);
    After last;
    std::vector<After> stopped(units.size());
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (units[i].up()) {
            last = {stop(units[i], json::object(), kGone, graph, last)};
        }
        stopped[i] = last;
    }
    if (!held_service) {
        last = stop_services(held, kGone, graph, last);
    }
    After removed = last;
    for (std::size_t i = 0; i < units.size(); ++i) {
        removed.push_back(removal.remove(units[i], stopped[i]));
    }
    removal.remove_resources(removal.remove_services(removed));
}

void stop_app(const AppCase& app, StepGraph& graph) {
    const auto grace_of = [&](const RemovedUnit& unit) {
        std::int64_t longest = 0;
        const std::string part = unit.part();
        for (const manifests::ContainerSpec& spec : app.spec.containers) {
            if (unit.pod != nullptr ? spec.pod == part : spec.part == part) {
                longest = std::max<std::int64_t>(longest, spec.stop_grace.count());
            }
        }
        const std::int64_t share = longest * app.app.grace_share / kWholeGrace;
        return longest == 0 ? json::object() : json{{"grace", std::max<std::int64_t>(1, share)}};
    };
    // Reverse order of the spec; what is not in it goes first.
    const auto place_of = [&](const RemovedUnit& unit) {
        const std::string part = unit.part();
        std::size_t place = 0;
        for (const manifests::PodSpec& pod : app.spec.pods) {
            ++place;
            if (unit.pod != nullptr && pod.part == part) {
                return place;
            }
        }
        for (const manifests::ContainerSpec& container : app.spec.containers) {
            ++place;
            if (unit.pod == nullptr && container.part == part) {
                return place;
            }
        }
        return place + 1;
    };
    std::vector<RemovedUnit> units = last_first(app.held);
    std::stable_sort(units.begin(), units.end(), [&](const RemovedUnit& a, const RemovedUnit& b) {
        return place_of(a) > place_of(b);
    });
    After last;
    for (const RemovedUnit& unit : units) {
        if (unit.up()) {
            last = {stop(unit, grace_of(unit), kWantedDown, graph, last)};
        }
    }
    stop_services(app.held, kWantedDown, graph, last);
}

}  // namespace podreeve::plan
