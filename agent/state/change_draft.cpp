#include "agent/state/change_draft.h"

#include <algorithm>

#include <fmt/format.h>

namespace podreeve::state {

ChangeDraft::ChangeDraft(ChangePtr base, WallTime now)
    : base_(std::move(base)), record_(std::make_shared<ChangeRecord>(*base_)), now_(now) {}

ChangeDraft::ChangeDraft(ChangeRecord fresh, WallTime now)
    : record_(std::make_shared<ChangeRecord>(std::move(fresh))), now_(now) {}

TaskRecord& ChangeDraft::edit(std::size_t position) {
    auto& own = owned_[position];
    if (own == nullptr) {
        own = std::make_shared<TaskRecord>(task(position));
        record_->tasks[position] = own;
    }
    return *own;
}

bool ChangeDraft::apply(std::size_t position, Trigger trigger, bool has_undo) {
    const TaskStatus status = task(position).status;
    if (status == TaskStatus::Wait && trigger == Trigger::Resume) {
        set_status(edit(position), task(position).waited);
        return true;
    }
    const auto next = next_status(trigger == Trigger::Abort ? effective(task(position)) : status,
                                  trigger, has_undo);
    if (!next || *next == status) {
        return false;
    }
    TaskRecord& task = edit(position);
    if (*next == TaskStatus::Wait) {
        task.waited = *waited_after(status);
    }
    set_status(task, *next);
    return true;
}

bool ChangeDraft::wait(std::size_t position,
                       TaskStatus then,
                       const std::string& why,
                       bool has_undo) {
    const TaskStatus from = task(position).status;
    const auto waited = waited_after(from, then);
    if (!waited) {
        return false;
    }
    apply(position, Trigger::Wait, has_undo);
    if (task(position).status == TaskStatus::Wait) {
        edit(position).waited = *waited;
        edit(position).wait_reason = why;
    }
    return true;
}

void ChangeDraft::set_status(TaskRecord& task, TaskStatus status) {
    task.status = status;
    task.at = {};
    task.wait_reason.clear();
    if (status != TaskStatus::Wait) {
        task.waited = TaskStatus::Default;
    }
    // One that tells nothing of its own is over with its task; what it told stands as it was cut.
    if (status == TaskStatus::Done || (is_ready(status) && task.progress.label.empty())) {
        task.progress.done = task.progress.total;
    }
    task.ready = is_ready(status) ? now_ : WallTime{};
}

std::vector<const TaskRecord*> ChangeDraft::touched() const {
    std::vector<const TaskRecord*> tasks;
    if (is_new()) {
        for (const auto& task : record_->tasks) {
            tasks.push_back(task.get());
        }
        return tasks;
    }
    for (const auto& [position, task] : owned_) {
        if (*task != *base_->tasks[position]) {
            tasks.push_back(task.get());
        }
    }
    return tasks;
}

Status ChangeDraft::finish() {
    const bool ready = all_ready(*record_);
    if (ready && !record_->is_ready()) {
        record_->ready = now_;
    } else if (!ready && record_->is_ready()) {
        return fail(Code::Internal, fmt::format("cannot write change {}: it had ended and would "
                                                "become unready again",
                                                record_->id));
    }
    return {};
}

namespace {

bool shares_lane(const TaskRecord& task, const std::set<int>& lanes) {
    return std::ranges::any_of(task.lanes, [&](int lane) { return lanes.contains(lane); });
}

// One abort on its way through a change.
class Abortion {
  public:
    explicit Abortion(ChangeDraft& change) : change_(change) {}

    void lanes(const std::set<int>& dying) {
        const std::set<int> alive = wholly_alive(dying);
        std::vector<std::size_t> victims;
        for (std::size_t i = 0; i < change_.record().tasks.size(); ++i) {
            if (shares_lane(change_.task(i), dying) && !shares_lane(change_.task(i), alive)) {
                victims.push_back(i);
            }
        }
        aborted_.insert(dying.begin(), dying.end());
        tasks(std::move(victims));
    }

    void tasks(std::vector<std::size_t> queue) {
        std::set<int> more;
        for (std::size_t next = 0; next < queue.size(); ++next) {
            const std::size_t i = queue[next];
            if (!seen_.insert(i).second) {
                continue;
            }
            change_.apply(i, Trigger::Abort, true);
            const auto& own = change_.task(i).lanes;
            if (std::ranges::any_of(own, [&](int lane) { return !aborted_.contains(lane); })) {
                more.insert(own.begin(), own.end());
            }
            const auto& after = change_.record().graph->after[i];
            queue.insert(queue.end(), after.begin(), after.end());
        }
        if (!more.empty()) {
            lanes(more);
        }
    }

  private:
    // The other lanes in which nothing has ended badly or is being undone.
    std::set<int> wholly_alive(const std::set<int>& dying) const {
        std::set<int> alive, dead;
        for (const auto& task : change_.record().tasks) {
            if (shares_lane(*task, dying)) {
                continue;
            }
            const TaskStatus status = effective(*task);
            const bool live = status == TaskStatus::Do || status == TaskStatus::Doing ||
                              status == TaskStatus::Done;
            (live ? alive : dead).insert(task->lanes.begin(), task->lanes.end());
        }
        for (const int lane : dead) {
            alive.erase(lane);
        }
        return alive;
    }

    ChangeDraft& change_;
    std::set<int> aborted_;
    std::set<std::size_t> seen_;
};

}  // namespace

void abort_all(ChangeDraft& change) {
    std::vector<std::size_t> all(change.record().tasks.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = i;
    }
    Abortion(change).tasks(std::move(all));
}

void abort_lanes(ChangeDraft& change, const std::vector<int>& lanes) {
    Abortion(change).lanes({lanes.begin(), lanes.end()});
}

void abort_unready_lanes(ChangeDraft& change) {
    std::set<int> unready;
    for (const auto& task : change.record().tasks) {
        if (!is_ready(task->status)) {
            unready.insert(task->lanes.begin(), task->lanes.end());
        }
    }
    Abortion(change).lanes(unready);
}

}  // namespace podreeve::state
