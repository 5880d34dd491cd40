#include "agent/state/state.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/state/core.h"
#include "agent/state/row_text.h"
#include "runtime/base/digest.h"
#include "runtime/base/log.h"

namespace podreeve::state {
namespace {

struct OpenedStore {
    Store store;
    Memory memory;
};

Result<OpenedStore> open_store(const std::filesystem::path& file) {
    ASSIGN_OR_RETURN(Store store, Store::open(file));
    ASSIGN_OR_RETURN(Memory memory, store.load());
    return OpenedStore{std::move(store), std::move(memory)};
}

Error cannot_open(const std::filesystem::path& file, const Error& error) {
    if (error.message.starts_with("cannot ")) {
        return error;
    }
    return wrap(fmt::format("cannot open {}", file.string()), error);
}

// The file wins; a lost one is taken from the copy in the database.
Result<std::string> settle_owner(const StateDirectory& directory, Store& store, WallTime now) {
    ASSIGN_OR_RETURN(const std::string in_file, directory.read_owner(now));
    ASSIGN_OR_RETURN(const std::string in_store, store.owner());
    std::string owner = !in_file.empty() ? in_file : in_store;
    if (owner.empty()) {
        owner = random_hex(8);
    }
    if (owner != in_file) {
        RETURN_IF_ERROR(directory.write_owner(owner));
    }
    if (owner != in_store) {
        RETURN_IF_ERROR(store.set_owner(owner));
    }
    return owner;
}

Status check_change(const NewChange& change) {
    if (change.tasks.empty()) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot add the change \"{}\": it has no tasks", change.summary));
    }
    bool objects = is_json_object(change.data);
    for (const NewTask& task : change.tasks) {
        objects = objects && is_json_object(task.data);
    }
    if (!objects) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot add the change \"{}\": the data of a change and of a task "
                                "has to be a JSON object",
                                change.summary));
    }
    return {};
}

Status check_free(const Memory& memory, const std::string& subject) {
    for (const ChangeId id : memory.unready) {
        const ChangeRecord& other = *memory.changes.at(id);
        if (!subject.empty() && other.subject == subject) {
            return fail(Code::Conflict, fmt::format("cannot change {}: change {} ({}) is under way",
                                                    subject, id, other.summary));
        }
    }
    return {};
}

TaskRecord make_task(const NewTask& task, TaskId id, WallTime now) {
    TaskRecord record;
    record.id = id;
    record.kind = task.kind;
    record.summary = task.summary;
    record.lanes = {task.lane};
    record.lanes.insert(record.lanes.end(), task.also_lanes.begin(), task.also_lanes.end());
    record.data = task.data;
    record.created = now;
    return record;
}

Result<ChangeRecord> make_change(const NewChange& change, const Transaction& transaction) {
    ChangeRecord record;
    record.id = transaction.memory().last_change + 1;
    record.kind = change.kind;
    record.summary = change.summary;
    record.subject = change.subject;
    record.data = change.data;
    record.created = transaction.now();
    TaskId id = transaction.memory().last_task;
    std::vector<std::vector<std::size_t>> before;
    for (const NewTask& task : change.tasks) {
        before.push_back(task.after);
        record.tasks.push_back(
            std::make_shared<const TaskRecord>(make_task(task, ++id, transaction.now())));
    }
    ASSIGN_OR_RETURN(TaskGraph graph, TaskGraph::make(std::move(before)));
    record.graph = std::make_shared<const TaskGraph>(std::move(graph));
    return record;
}

}  // namespace

State::State(std::unique_ptr<Core> core) : core_(std::move(core)) {}

State::~State() = default;

Result<std::unique_ptr<State>> State::open(const std::filesystem::path& path, Clock& clock) {
    ASSIGN_OR_RETURN(StateDirectory directory, StateDirectory::open(path));
    const std::filesystem::path file = directory.database();
    std::string aside;
    auto opened = open_store(file);
    if (!opened && opened.error().code == Code::Corrupt) {
        const std::string why = opened.error().message;
        ASSIGN_OR_RETURN(aside, directory.set_aside(file, clock.system_now()));
        log::error("{} is corrupt ({}): it was set aside as {} and a new one is begun",
                   file.string(), why, aside);
        opened = open_store(file);
    }
    if (!opened) {
        return cannot_open(file, opened.error());
    }
    ASSIGN_OR_RETURN(std::string owner, settle_owner(directory, opened->store, clock.system_now()));
    auto core = std::make_unique<Core>(clock, std::move(directory), std::move(opened->store),
                                       std::move(opened->memory));
    core->owner = std::move(owner);
    core->health.set_aside = aside;
    return std::unique_ptr<State>(new State(std::move(core)));
}

const std::string& State::owner() const {
    return core_->owner;
}

StoreHealth State::health() const {
    const std::lock_guard lock(core_->data);
    return core_->health;
}

Result<ChangeId> State::add_change(const NewChange& change) {
    RETURN_IF_ERROR(check_change(change));
    ChangeId id = 0;
    {
        Transaction transaction(*core_);
        RETURN_IF_ERROR(check_free(transaction.memory(), change.subject));
        ASSIGN_OR_RETURN(ChangeRecord record, make_change(change, transaction));
        id = record.id;
        transaction.add(std::move(record));
        RETURN_IF_ERROR(transaction.commit(true));
    }
    core_->announce_work();
    return id;
}

Status State::abort_change(ChangeId id) {
    {
        Transaction transaction(*core_);
        ChangeDraft* const change = transaction.change(id);
        if (change == nullptr) {
            return fail(Code::NotFound,
                        fmt::format("cannot abort change {}: there is none of that id", id));
        }
        if (change->record().is_ready()) {
            return fail(Code::Conflict,
                        fmt::format("cannot abort change {}: it has ended already ({})", id,
                                    to_string(derived_status(change->record()))));
        }
        abort_all(*change);
        RETURN_IF_ERROR(transaction.commit(true));
    }
    core_->announce_work();
    return {};
}

Status State::resume_task(TaskId id) {
    {
        Transaction transaction(*core_);
        ChangeDraft* change = nullptr;
        std::size_t position = 0;
        for (const ChangeId unready : transaction.memory().unready) {
            const ChangeRecord& record = *transaction.memory().changes.at(unready);
            if (position = record.position(id); position != record.tasks.size()) {
                change = transaction.change(unready);
                break;
            }
        }
        if (change == nullptr || !change->apply(position, Trigger::Resume, true)) {
            return fail(Code::NotFound,
                        fmt::format("cannot resume task {}: it is not waiting", id));
        }
        RETURN_IF_ERROR(transaction.commit(true));
    }
    core_->announce_work();
    return {};
}

std::optional<ChangeView> State::change(ChangeId id) const {
    const ChangePtr change = core_->find(id);
    return change == nullptr ? std::nullopt : std::optional(view_of(*change));
}

std::vector<ChangeView> State::changes(std::size_t limit) const {
    std::vector<ChangePtr> newest;
    {
        const std::lock_guard lock(core_->data);
        const auto& all = core_->memory.changes;
        for (auto it = all.rbegin(); it != all.rend() && newest.size() < limit; ++it) {
            newest.push_back(it->second);
        }
    }
    std::vector<ChangeView> views;
    views.reserve(newest.size());
    for (const ChangePtr& change : newest) {
        views.push_back(view_of(*change));
    }
    return views;
}

std::optional<ChangeView> State::active_change_of(const std::string& subject) const {
    for (const ChangePtr& change : core_->unready()) {
        if (change->subject == subject) {
            return view_of(*change);
        }
    }
    return std::nullopt;
}

std::vector<AppRecord> State::apps() const {
    const std::lock_guard lock(core_->data);
    std::vector<AppRecord> apps;
    for (const auto& [name, app] : core_->memory.apps) {
        apps.push_back(app);
    }
    return apps;
}

std::optional<AppRecord> State::app(const std::string& name) const {
    const std::lock_guard lock(core_->data);
    const auto it = core_->memory.apps.find(name);
    return it == core_->memory.apps.end() ? std::nullopt : std::optional(it->second);
}

Status State::put_app(const AppRecord& record) {
    Transaction transaction(*core_);
    const auto& apps = transaction.memory().apps;
    if (const auto it = apps.find(record.name); it != apps.end() && it->second == record) {
        return {};
    }
    transaction.put(record);
    return transaction.commit(true);
}

Status State::edit_app(const std::string& name, const std::function<void(AppRecord&)>& edit) {
    Transaction transaction(*core_);
    const auto& apps = transaction.memory().apps;
    const auto known = apps.find(name);
    AppRecord record = known == apps.end() ? AppRecord{.name = name} : known->second;
    edit(record);
    if (known != apps.end() && known->second == record) {
        return {};
    }
    transaction.put(std::move(record));
    return transaction.commit(true);
}

Status State::remove_app(const std::string& name) {
    Transaction transaction(*core_);
    if (!transaction.memory().apps.contains(name)) {
        return {};
    }
    transaction.remove_app(name);
    return transaction.commit(true);
}

Status State::append_event(Event event) {
    std::vector<std::function<void(const Event&)>> listeners;
    {
        Transaction transaction(*core_);
        transaction.append(event);
        RETURN_IF_ERROR(transaction.commit(false));
        const std::lock_guard lock(core_->data);
        listeners = core_->listeners;
    }
    for (const auto& listener : listeners) {
        listener(event);
    }
    return {};
}

std::vector<Event> State::events_since(std::int64_t seq, std::size_t limit) const {
    const std::lock_guard lock(core_->data);
    const auto& events = core_->memory.events;
    auto it = std::ranges::upper_bound(events, seq, {}, &Event::seq);
    std::vector<Event> found;
    for (; it != events.end() && found.size() < limit; ++it) {
        found.push_back(*it);
    }
    return found;
}

std::int64_t State::last_event_seq() const {
    const std::lock_guard lock(core_->data);
    return core_->memory.last_event;
}

void State::on_event(std::function<void(const Event&)> listener) {
    const std::lock_guard lock(core_->data);
    core_->listeners.push_back(std::move(listener));
}

std::uint64_t State::rows_written() const {
    const std::lock_guard lock(core_->data);
    return core_->rows_written;
}

Status State::prune() {
    constexpr auto kReadyAge = std::chrono::hours(24);
    constexpr auto kUnreadyAge = std::chrono::days(3);
    {
        Transaction transaction(*core_);
        auto outdated = core_->store.outdated(transaction.now() - kReadyAge);
        if (!outdated) {
            return wrap("cannot find the changes that are outdated", outdated.error());
        }
        transaction.remove_changes(std::move(*outdated));
        for (const ChangeId id : transaction.memory().unready) {
            // A host that was off for a week has not been stuck for a week.
            const WallTime begun =
                std::max(transaction.memory().changes.at(id)->created, core_->opened);
            if (transaction.now() - begun > kUnreadyAge) {
                abort_unready_lanes(*transaction.change(id));
            }
        }
        RETURN_IF_ERROR(transaction.commit(false));
    }
    core_->announce_work();
    return {};
}

}  // namespace podreeve::state
