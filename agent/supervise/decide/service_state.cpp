#include "agent/supervise/decide/service_state.h"

namespace podreeve::supervise {

std::string_view to_string(ServiceState state) {
    switch (state) {
        case ServiceState::Initialized:
            return "Initialized";
        case ServiceState::Waiting:
            return "Waiting";
        case ServiceState::Preparing:
            return "Preparing";
        case ServiceState::Starting:
            return "Starting";
        case ServiceState::Running:
            return "Running";
        case ServiceState::Stopping:
            return "Stopping";
        case ServiceState::Finished:
            return "Finished";
        case ServiceState::Failed:
            return "Failed";
        case ServiceState::Skipped:
            return "Skipped";
        case ServiceState::Unknown:
            return "Unknown";
        case ServiceState::CrashLoop:
            return "CrashLoop";
    }
    return "Unknown";
}

std::optional<ServiceState> service_state_from(std::string_view word) {
    for (int i = 0; i <= static_cast<int>(ServiceState::CrashLoop); ++i) {
        if (to_string(static_cast<ServiceState>(i)) == word) {
            return static_cast<ServiceState>(i);
        }
    }
    return std::nullopt;
}

bool is_up(ServiceState state) {
    return state == ServiceState::Running || state == ServiceState::Finished ||
           state == ServiceState::Skipped;
}

}  // namespace podreeve::supervise
