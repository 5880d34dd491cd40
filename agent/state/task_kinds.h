#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "agent/state/task.h"

namespace podreeve::state {

// The handlers of each kind of task. Filled before the first pass and only read from then on.
class TaskKinds {
  public:
    void add(const std::string& kind, TaskHandlers handlers) {
        kinds_.insert_or_assign(kind, std::move(handlers));
    }

    const TaskHandlers* find(const std::string& kind) const {
        const auto it = kinds_.find(kind);
        return it == kinds_.end() ? nullptr : &it->second;
    }

    // An unknown kind is taken to have one, so that it ends in Error on the way back too.
    bool has_undo(const std::string& kind) const {
        const TaskHandlers* const handlers = find(kind);
        return handlers == nullptr || handlers->undo != nullptr;
    }

    bool has_cleanup(const std::string& kind) const {
        const TaskHandlers* const handlers = find(kind);
        return handlers != nullptr && handlers->cleanup != nullptr;
    }

    // How many may run at once; 0 of a kind that is unknown.
    unsigned limit(const std::string& kind) const {
        const TaskHandlers* const handlers = find(kind);
        return handlers == nullptr ? 0 : std::max(handlers->limit, 1U);
    }

    const std::string& sort(const std::string& kind) const {
        const TaskHandlers* const handlers = find(kind);
        return handlers == nullptr || handlers->sort.empty() ? kind : handlers->sort;
    }

    unsigned share(const std::string& kind) const {
        const TaskHandlers* const handlers = find(kind);
        return handlers == nullptr ? 0 : handlers->share;
    }

    bool has_shares() const {
        return std::ranges::any_of(kinds_, [](const auto& row) { return row.second.share > 0; });
    }

  private:
    std::map<std::string, TaskHandlers> kinds_;
};

}  // namespace podreeve::state
