#include "agent/state/core.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "runtime/base/log.h"

namespace podreeve::state {
namespace {

constexpr std::size_t kEventsOfAnApp = 64;
constexpr std::size_t kEventsInAll = 1000;

}  // namespace

std::vector<ChangePtr> State::Core::unready() const {
    const std::lock_guard lock(data);
    std::vector<ChangePtr> changes;
    changes.reserve(memory.unready.size());
    for (const ChangeId id : memory.unready) {
        changes.push_back(memory.changes.at(id));
    }
    return changes;
}

ChangePtr State::Core::find(ChangeId id) const {
    const std::lock_guard lock(data);
    const auto it = memory.changes.find(id);
    return it == memory.changes.end() ? nullptr : it->second;
}

bool State::Core::is_read_only() const {
    const std::lock_guard lock(data);
    return health.read_only;
}

void State::Core::amend(ChangeId id, TaskId task, const std::function<void(TaskRecord&)>& edit) {
    const std::lock_guard writing(writer);
    const auto it = memory.changes.find(id);
    if (it == memory.changes.end()) {
        return;
    }
    auto change = std::make_shared<ChangeRecord>(*it->second);
    const std::size_t position = change->position(task);
    if (position == change->tasks.size()) {
        return;
    }
    auto edited = std::make_shared<TaskRecord>(*change->tasks[position]);
    edit(*edited);
    change->tasks[position] = std::move(edited);
    const std::lock_guard lock(data);
    it->second = std::move(change);
}

void State::Core::on_work(std::function<void()> callback) {
    const std::lock_guard lock(data);
    work_callback = std::move(callback);
    became_ready.clear();
}

void State::Core::announce_work() {
    std::function<void()> callback;
    {
        const std::lock_guard lock(data);
        callback = work_callback;
    }
    if (callback) {
        callback();
    }
}

std::vector<ChangeId> State::Core::take_ready() {
    const std::lock_guard lock(data);
    return std::exchange(became_ready, {});
}

void State::Core::probe() {
    const std::lock_guard writing(writer);
    if (is_read_only() && store.probe()) {
        note_commit({});
    }
}

void State::Core::note_commit(const Status& status) {
    const std::lock_guard lock(data);
    rows_written = store.rows_written();
    if (status && health.read_only) {
        health.read_only = false;
        health.message.clear();
        log::info("{} can be written again", directory.database().string());
    } else if (!status && health.message != status.error().message) {
        health.read_only = true;
        health.message = status.error().message;
        log::error("{}", health.message);
    }
}

Transaction::Transaction(State::Core& core)
    : core_(core), lock_(core.writer), now_(core.clock.system_now()) {}

const ChangeRecord& Transaction::peek(ChangeId id) const {
    const auto it = drafts_.find(id);
    return it != drafts_.end() ? it->second.record() : *core_.memory.changes.at(id);
}

ChangeDraft* Transaction::change(ChangeId id) {
    if (const auto it = drafts_.find(id); it != drafts_.end()) {
        return &it->second;
    }
    const auto it = core_.memory.changes.find(id);
    if (it == core_.memory.changes.end()) {
        return nullptr;
    }
    return &drafts_.emplace(id, ChangeDraft(it->second, now_)).first->second;
}

ChangeDraft& Transaction::add(ChangeRecord fresh) {
    const ChangeId id = fresh.id;
    return drafts_.emplace(id, ChangeDraft(std::move(fresh), now_)).first->second;
}

void Transaction::put(AppRecord app) {
    batch_.apps.push_back(std::move(app));
}

void Transaction::remove_app(std::string name) {
    batch_.removed_apps.push_back(std::move(name));
}

void Transaction::append(Event& event) {
    event.seq = core_.memory.last_event + 1;
    event.time = now_;
    batch_.events.push_back(event);
    drop_oldest_events(event);
}

void Transaction::drop_oldest_events(const Event& added) {
    const auto& events = core_.memory.events;
    const auto of_app = [&](const Event& event) { return event.app == added.app; };
    std::size_t of_this = static_cast<std::size_t>(std::ranges::count_if(events, of_app)) + 1;
    std::size_t in_all = events.size() + 1;
    for (const Event& event : events) {
        const bool own = of_app(event);
        if (in_all > kEventsInAll || (own && of_this > kEventsOfAnApp)) {
            batch_.removed_events.push_back(event.seq);
            --in_all;
            of_this -= own ? 1 : 0;
        }
    }
}

void Transaction::remove_changes(std::vector<ChangeId> ids) {
    batch_.removed_changes = std::move(ids);
}

Status Transaction::commit(bool durable) {
    RETURN_IF_ERROR(collect());
    if (batch_.empty()) {
        return {};
    }
    batch_.durable = durable;
    Status done = core_.store.commit(batch_);
    if (!done) {
        done = Error{done.error().code,
                     fmt::format("cannot write {}: {}; nothing new is begun until it can be "
                                 "written again",
                                 core_.directory.database().string(), done.error().message)};
    }
    core_.note_commit(done);
    if (done) {
        adopt();
    }
    return done;
}

Status Transaction::collect() {
    for (auto& [id, draft] : drafts_) {
        const bool was_ready = draft.record().is_ready() && !draft.is_new();
        std::vector<const TaskRecord*> tasks = draft.touched();
        if (tasks.empty() && !draft.change_edited()) {
            continue;
        }
        RETURN_IF_ERROR(draft.finish());
        batch_.changes.push_back({&draft.record(), draft.is_new(),
                                  draft.record().is_ready() != was_ready || draft.change_edited(),
                                  std::move(tasks)});
    }
    return {};
}

void Transaction::adopt() {
    Memory& memory = core_.memory;
    const std::lock_guard lock(core_.data);
    for (auto& [id, draft] : drafts_) {
        const ChangePtr result = draft.result();
        memory.changes[id] = result;
        if (!result->is_ready()) {
            memory.unready.insert(id);
        } else if (memory.unready.erase(id) != 0 && core_.work_callback) {
            core_.became_ready.push_back(id);
        }
        memory.last_change = std::max(memory.last_change, id);
        memory.last_task = std::max(memory.last_task, result->tasks.back()->id);
    }
    for (const ChangeId id : batch_.removed_changes) {
        memory.changes.erase(id);
        memory.unready.erase(id);
    }
    for (AppRecord& app : batch_.apps) {
        const std::string name = app.name;
        memory.apps.insert_or_assign(name, std::move(app));
    }
    for (const std::string& name : batch_.removed_apps) {
        memory.apps.erase(name);
    }
    for (const std::int64_t seq : batch_.removed_events) {
        std::erase_if(memory.events, [seq](const Event& event) { return event.seq == seq; });
    }
    for (Event& event : batch_.events) {
        memory.last_event = event.seq;
        memory.events.push_back(std::move(event));
    }
}

}  // namespace podreeve::state
