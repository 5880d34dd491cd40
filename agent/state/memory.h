#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/state/records.h"
#include "agent/state/state.h"

namespace podreeve::state {

// Everything that is known without asking the disk: all unready changes, the newest ready ones, the
// apps, the events that are kept.
struct Memory {
    std::map<ChangeId, ChangePtr> changes;
    std::set<ChangeId> unready;
    std::map<std::string, AppRecord> apps;
    std::deque<Event> events;  // by seq
    ChangeId last_change = 0;  // given out before, also to what is pruned by now
    TaskId last_task = 0;
    std::int64_t last_event = 0;
};

// What the memory holds and the disk does not, since it could not be written. Each commit tries to
// write it too.
struct Unsaved {
    std::map<ChangeId, bool> changes;  // true: its row is not there at all
    std::set<std::string> apps;
    std::int64_t first_event = 0;              // and all after it; 0: none
    std::vector<std::int64_t> removed_events;  // of those on the disk

    bool empty() const {
        return changes.empty() && apps.empty() && first_event == 0 && removed_events.empty();
    }
};

// What one transaction writes. The pointers are borrowed until the commit returns.
struct Batch {
    struct ChangeRows {
        const ChangeRecord* change = nullptr;
        bool is_new = false;
        bool write_change = false;
        std::vector<const TaskRecord*> tasks;
    };

    std::vector<ChangeRows> changes;
    std::vector<ChangeId> removed_changes;
    std::vector<AppRecord> apps;
    std::vector<std::string> removed_apps;
    std::vector<Event> events;
    std::vector<std::int64_t> removed_events;
    bool durable = false;  // survives a power cut, not only a kill

    bool empty() const {
        return changes.empty() && removed_changes.empty() && apps.empty() && removed_apps.empty() &&
               events.empty() && removed_events.empty();
    }
};

}  // namespace podreeve::state
