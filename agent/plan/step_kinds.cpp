#include "agent/plan/step_kinds.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace podreeve::plan {
namespace {

// clang-format off
constexpr std::array kRows{
    StepKindRow{StepKind::CheckPorts, "check-ports", "Check that the host ports of {} are free", '~', true},
    StepKindRow{StepKind::PullImage, "pull-image", "Pull image {}", '~', true},
    StepKindRow{StepKind::EnsureNetwork, "ensure-network", "Ensure network {}", '~', true},
    StepKindRow{StepKind::CreateVolume, "create-volume", "Create volume {}", '+', true},
    StepKindRow{StepKind::WriteVolumeFiles, "write-volume-files", "Write the files of volume {}", '~', true},
    StepKindRow{StepKind::CreateSecret, "create-secret", "Create secret {}", '+', true},
    StepKindRow{StepKind::CreateService, "create-service", "Create service container {}", '+', false},
    StepKindRow{StepKind::CreatePod, "create-pod", "Create pod {}", '+', false},
    StepKindRow{StepKind::CreateContainer, "create-container", "Create container {}", '+', false},
    StepKindRow{StepKind::StartPod, "start-pod", "Start pod {}", '~', false},
    StepKindRow{StepKind::StartContainer, "start-container", "Start container {}", '~', false},
    StepKindRow{StepKind::StopContainer, "stop-container", "Stop container {}", '~', false},
    StepKindRow{StepKind::RetainContainer, "retain-container", "Retain container {}", '~', false},
    StepKindRow{StepKind::RenameContainer, "rename-container", "Rename container {}", '~', false},
    StepKindRow{StepKind::RemoveContainer, "remove-container", "Remove container {}", '-', false},
    StepKindRow{StepKind::StopPod, "stop-pod", "Stop pod {}", '~', false},
    StepKindRow{StepKind::RemovePod, "remove-pod", "Remove pod {}", '-', false},
    StepKindRow{StepKind::RemoveService, "remove-service", "Remove service container {}", '-', false},
    StepKindRow{StepKind::RemoveSecret, "remove-secret", "Remove secret {}", '-', false},
    StepKindRow{StepKind::RemoveVolume, "remove-volume", "Remove volume {}", '-', false},
    StepKindRow{StepKind::MarkDeployed, "mark-deployed", "Mark {} as deployed", '~', false},
    StepKindRow{StepKind::NoteUnits, "note-units", "Note which units of {} run", '~', true},
    StepKindRow{StepKind::InstallUnit, "install-unit", "Install unit file {}", '+', true},
    StepKindRow{StepKind::RemoveUnit, "remove-unit", "Remove unit file {}", '-', false},
    StepKindRow{StepKind::ReloadUnits, "reload-units", "Have systemd read the unit files of {}", '~', true},
    StepKindRow{StepKind::StartUnit, "start-unit", "Start unit {}", '~', false},
    StepKindRow{StepKind::StopUnit, "stop-unit", "Stop unit {}", '~', false},
    StepKindRow{StepKind::RestartUnit, "restart-unit", "Restart unit {}", '~', false},
    StepKindRow{StepKind::ResetFailed, "reset-failed", "Forget the failures of unit {}", '~', false},
    StepKindRow{StepKind::RemoveLeftover, "remove-leftover", "Remove what is left of unit {}", '-', false},
};

// clang-format on

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (static_cast<std::size_t>(kRows[i].kind) != i) {
            return false;
        }
    }
    return kRows.size() == static_cast<std::size_t>(StepKind::RemoveLeftover) + 1;
}

static_assert(is_in_order(), "one row a kind, in the order of the kinds");

}  // namespace

const StepKindRow& row_of(StepKind kind) {
    return kRows.at(static_cast<std::size_t>(kind));
}

const StepKindRow* row_named(std::string_view name) {
    const auto row = std::ranges::find(kRows, name, &StepKindRow::name);
    return row == kRows.end() ? nullptr : &*row;
}

std::string_view to_string(StepKind kind) {
    return row_of(kind).name;
}

std::optional<StepKind> step_kind_from(std::string_view name) {
    const StepKindRow* const row = row_named(name);
    return row == nullptr ? std::nullopt : std::optional(row->kind);
}

}  // namespace podreeve::plan
