#include "agent/state/core.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/state/collision.h"
#include "runtime/base/log.h"

namespace podreeve::state {
namespace {

constexpr std::size_t kEventsOfAnApp = 64;
constexpr std::size_t kEventsInAll = 1000;

// All rows of a change, whatever of it was written when.
Batch::ChangeRows all_rows(const ChangeRecord& change, bool is_new) {
    Batch::ChangeRows rows{&change, is_new, true, {}};
    for (const auto& task : change.tasks) {
        rows.tasks.push_back(task.get());
    }
    return rows;
}

// Beside what this transaction writes, what earlier ones could not; where both touch a change, it
// is written as it is now.
Batch with_unsaved(const Batch& batch,
                   const std::map<ChangeId, ChangeDraft>& drafts,
                   const State::Core& core) {
    const Unsaved& unsaved = core.unsaved;
    Batch whole = batch;
    std::erase_if(whole.changes, [&](const Batch::ChangeRows& rows) {
        return unsaved.changes.contains(rows.change->id);
    });
    for (const auto& [id, is_new] : unsaved.changes) {
        const auto draft = drafts.find(id);
        const auto kept = core.memory.changes.find(id);
        if (draft != drafts.end()) {
            whole.changes.push_back(all_rows(draft->second.record(), is_new));
        } else if (kept != core.memory.changes.end()) {
            whole.changes.push_back(all_rows(*kept->second, is_new));
        }
    }
    whole.apps.clear();
    for (const std::string& name : unsaved.apps) {
        if (const auto app = core.memory.apps.find(name); app != core.memory.apps.end()) {
            whole.apps.push_back(app->second);
        }
    }
    whole.apps.insert(whole.apps.end(), batch.apps.begin(), batch.apps.end());
    whole.events.clear();
    for (const Event& event : core.memory.events) {
        if (unsaved.first_event != 0 && event.seq >= unsaved.first_event) {
            whole.events.push_back(event);
        }
    }
    whole.events.insert(whole.events.end(), batch.events.begin(), batch.events.end());
    whole.removed_events.insert(whole.removed_events.end(), unsaved.removed_events.begin(),
                                unsaved.removed_events.end());
    return whole;
}

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

bool State::Core::goes_on_unwritten(ChangeId id) const {
    const ChangePtr change = find(id);
    return change != nullptr && change->unwritten == Unwritten::Kept;
}

bool State::Core::something_goes_on_unwritten() const {
    return std::ranges::any_of(
        unready(), [](const ChangePtr& change) { return change->unwritten == Unwritten::Kept; });
}

std::unique_lock<std::mutex> State::Core::begin_writing() {
    std::unique_lock lock(writer, std::try_to_lock);
    if (!lock) {
        const DiskWaits::Wait wait = disk.begin();
        lock.lock();
    }
    return lock;
}

void State::Core::amend(ChangeId id, TaskId task, const std::function<void(TaskRecord&)>& edit) {
    const auto writing = begin_writing();
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
    const auto writing = begin_writing();
    if (closed || !is_read_only()) {
        return;
    }
    const DiskWaits::Wait wait = disk.begin();
    if (open_for_writing() && store.probe()) {
        note_commit({});
    }
}

void State::Core::note_unready() {
    const SteadyTime now = clock.steady_now();
    std::erase_if(unready_since,
                  [this](const auto& row) { return !memory.unready.contains(row.first); });
    for (const ChangeId id : memory.unready) {
        // The wall clock tells how old a new one is, but it was not there at the last look.
        const Duration stored =
            clock.system_now() - std::max(memory.changes.at(id)->created, opened);
        unready_since.try_emplace(id, now - std::clamp(stored, Duration::zero(), now - looked));
    }
    looked = now;
}

WallTime State::Core::even_now(const ChangeRecord& change) {
    const SteadyTime now = clock.steady_now();
    std::erase_if(asked_to_go,
                  [this](const auto& row) { return !memory.unready.contains(row.first); });
    if (change.superseded == WallTime{}) {
        asked_to_go[change.id] = now;
        return clock.system_now();
    }
    const Duration stored = std::clamp<Duration>(clock.system_now() - change.superseded,
                                                 Duration::zero(), kSupersededPatience);
    return change.superseded +
           (now - asked_to_go.try_emplace(change.id, now - stored).first->second);
}

Status State::Core::open_for_writing() {
    if (only_read) {
        ASSIGN_OR_RETURN(store, Store::open(directory.database()));
        only_read = false;
    }
    return {};
}

Status State::Core::write(const Batch& batch) {
    if (closed) {
        return fail(Code::Cancelled, "cannot write the state: the agent is ending");
    }
    const DiskWaits::Wait wait = disk.begin();
    RETURN_IF_ERROR(open_for_writing());
    return store.commit(batch);
}

Result<std::vector<ChangeId>> State::Core::find_outdated(WallTime cutoff) {
    const DiskWaits::Wait wait = disk.begin();
    return store.outdated(cutoff);
}

void State::Core::note_commit(const Status& status) {
    const std::lock_guard lock(data);
    rows_written = store.rows_written();
    if (status && health.read_only) {
        health.read_only = false;
        health.message.clear();
        log::info("{} can be written again", directory.database().string());
        if (writable_callback) {
            writable_callback();
        }
    } else if (!status && health.message != status.error().message) {
        health.read_only = true;
        health.message = status.error().message;
        log::error("{}", health.message);
    }
}

Transaction::Transaction(State::Core& core)
    : core_(core), lock_(core.begin_writing()), now_(core.clock.system_now()) {}

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

void Transaction::put(AppRecord app, Unwritten unwritten) {
    puts_[app.name] = unwritten;
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
    Batch merged;
    const bool more = !core_.unsaved.empty();
    if (more) {
        merged = with_unsaved(batch_, drafts_, core_);
    }
    Batch& whole = more ? merged : batch_;
    if (whole.empty()) {
        return {};
    }
    whole.durable = durable;
    Status done = core_.write(whole);
    if (!done) {
        done = Error{done.error().code,
                     fmt::format("cannot write {}: {}; until it can be written again what dies is "
                                 "started again and nothing new is begun",
                                 core_.directory.database().string(), done.error().message)};
    }
    core_.note_commit(done);
    if (done) {
        core_.unsaved = {};
    } else if (keep_what_may_be_unwritten()) {
        done = {};
    }
    adopt();
    return done;
}

bool Transaction::keep_what_may_be_unwritten() {
    std::size_t dropped = std::erase_if(drafts_, [&](const auto& row) {
        return row.second.record().unwritten == Unwritten::Refused;
    });
    dropped += std::erase_if(batch_.apps, [&](const AppRecord& app) {
        return puts_.at(app.name) == Unwritten::Refused;
    });
    dropped += batch_.removed_apps.size() + batch_.removed_changes.size();
    batch_.removed_apps.clear();
    batch_.removed_changes.clear();
    Unsaved& unsaved = core_.unsaved;
    for (const auto& [id, draft] : drafts_) {
        unsaved.changes[id] |= draft.is_new();
    }
    for (const AppRecord& app : batch_.apps) {
        unsaved.apps.insert(app.name);
    }
    if (!batch_.events.empty() && unsaved.first_event == 0) {
        unsaved.first_event = batch_.events.front().seq;
    }
    for (const std::int64_t seq : batch_.removed_events) {
        if (unsaved.first_event == 0 || seq < unsaved.first_event) {
            unsaved.removed_events.push_back(seq);
        }
    }
    return dropped == 0;
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
