#include "runtime/podman/types.h"

#include <array>
#include <utility>

namespace podreeve::podman {
namespace {

constexpr std::array kContainerStates{
    std::pair{ContainerState::Unknown, std::string_view("unknown")},
    std::pair{ContainerState::Configured, std::string_view("configured")},
    std::pair{ContainerState::Created, std::string_view("created")},
    std::pair{ContainerState::Initialized, std::string_view("initialized")},
    std::pair{ContainerState::Running, std::string_view("running")},
    std::pair{ContainerState::Stopped, std::string_view("stopped")},
    std::pair{ContainerState::Paused, std::string_view("paused")},
    std::pair{ContainerState::Exited, std::string_view("exited")},
    std::pair{ContainerState::Removing, std::string_view("removing")},
    std::pair{ContainerState::Stopping, std::string_view("stopping")},
};

constexpr std::array kPodStatuses{
    std::pair{PodStatus::Unknown, std::string_view("Unknown")},
    std::pair{PodStatus::Created, std::string_view("Created")},
    std::pair{PodStatus::Running, std::string_view("Running")},
    std::pair{PodStatus::Degraded, std::string_view("Degraded")},
    std::pair{PodStatus::Stopped, std::string_view("Stopped")},
    std::pair{PodStatus::Exited, std::string_view("Exited")},
    std::pair{PodStatus::Paused, std::string_view("Paused")},
    std::pair{PodStatus::Dead, std::string_view("Dead")},
    std::pair{PodStatus::Error, std::string_view("Error")},
};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
    for (const auto& [known, name] : table) {
        if (known == value) {
            return name;
        }
    }
    return table.front().second;
}

template <class Table>
auto value_in(const Table& table, std::string_view text) {
    for (const auto& [known, name] : table) {
        if (name == text) {
            return known;
        }
    }
    return table.front().first;
}

}  // namespace

ContainerState container_state_from(std::string_view text) {
    return value_in(kContainerStates, text);
}

PodStatus pod_status_from(std::string_view text) {
    return value_in(kPodStatuses, text);
}

std::string_view to_string(ContainerState state) {
    return name_in(kContainerStates, state);
}

std::string_view to_string(PodStatus status) {
    return name_in(kPodStatuses, status);
}

}  // namespace podreeve::podman
