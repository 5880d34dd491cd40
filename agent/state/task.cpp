#include "agent/state/task.h"

namespace podreeve::state {

std::string_view to_string(TaskStatus status) {
    switch (status) {
        case TaskStatus::Default:
            return "Default";
        case TaskStatus::Hold:
            return "Hold";
        case TaskStatus::Do:
            return "Do";
        case TaskStatus::Doing:
            return "Doing";
        case TaskStatus::Done:
            return "Done";
        case TaskStatus::Abort:
            return "Abort";
        case TaskStatus::Undo:
            return "Undo";
        case TaskStatus::Undoing:
            return "Undoing";
        case TaskStatus::Undone:
            return "Undone";
        case TaskStatus::Error:
            return "Error";
        case TaskStatus::Wait:
            return "Wait";
    }
    return "Default";
}

bool is_ready(TaskStatus status) {
    return status == TaskStatus::Done || status == TaskStatus::Undone ||
           status == TaskStatus::Hold || status == TaskStatus::Error;
}

}  // namespace podreeve::state
