#include "agent/supervise/service_state.h"

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
    }
    return "Unknown";
}

}  // namespace podreeve::supervise
