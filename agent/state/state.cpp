#include "agent/state/state.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "agent/state/collision.h"
#include "agent/state/core.h"
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

// All that is there: half of a state is another one, and an empty one knows no stop that was asked
// for.
Status copy_parts(const std::filesystem::path& file, const std::string& folder) {
    for (const char* const part : {"", "-wal"}) {
        const std::string from = file.string() + part;
        std::error_code error;
        if (std::filesystem::exists(from, error)) {
            std::filesystem::copy_file(from, folder + "/state.db" + part, error);
        }
        if (error) {
            return errno_error(fmt::format("copy {}", from), error.value());
        }
    }
    return {};
}

// What the file and its log say, read from a copy that is gone when this returns: SQLite can read
// no write-ahead log that it cannot write beside. Nothing is ever written to the copy.
Result<OpenedStore> read_copy(const std::filesystem::path& file) {
    namespace fs = std::filesystem;
    std::error_code error;
    std::string path = (fs::temp_directory_path(error) / "podreeve-state-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
        return errno_error("make a directory as " + path, errno);
    }
    const Status copied = copy_parts(file, path);
    Result<OpenedStore> opened =
        copied ? open_store(path + "/state.db") : Result<OpenedStore>(copied.error());
    fs::remove_all(path, error);
    return opened;
}

Error cannot_open(const std::filesystem::path& file, const Error& error) {
    if (error.message.starts_with("cannot ")) {
        return error;
    }
    return wrap(fmt::format("cannot open {}", file.string()), error);
}

// The file wins; a lost one is taken from the copy in the database.
Result<std::string> read_or_make_owner(const StateDirectory& directory,
                                       Store& store,
                                       WallTime now) {
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

// A change and its place in the queue; made under the lock, looked at without.
struct QueuedChange {
    ChangePtr change;
    ChangeId behind = 0;
};

QueuedChange queued_change(const Memory& memory, const ChangePtr& change) {
    return {change, behind(memory, *change)};
}

ChangeView view_of(const QueuedChange& queued) {
    ChangeView view = state::view_of(*queued.change);
    view.behind = queued.behind;
    return view;
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
    std::string only_read;
    if (!opened &&
        (opened.error().code == Code::Unavailable || opened.error().code == Code::Denied)) {
        only_read = cannot_open(file, opened.error()).message;
        if (auto copy = read_copy(file)) {
            opened = std::move(copy);
        }
    }
    if (!opened) {
        return cannot_open(file, opened.error());
    }
    ASSIGN_OR_RETURN(std::string owner,
                     read_or_make_owner(directory, opened->store, clock.system_now()));
    auto core = std::make_unique<Core>(clock, std::move(directory), std::move(opened->store),
                                       std::move(opened->memory));
    core->owner = std::move(owner);
    core->health.set_aside = aside;
    if (!only_read.empty()) {
        core->only_read = true;
        core->note_commit(Error{Code::Unavailable, only_read});
    }
    return std::unique_ptr<State>(new State(std::move(core)));
}

const std::string& State::owner() const {
    return core_->owner;
}

std::filesystem::path State::owner_file() const {
    return core_->directory.owner_file();
}

bool State::look_after_files() {
    const DiskWaits::Wait wait = core_->disk.begin();
    std::error_code error;
    const auto is_gone = [&](const std::filesystem::path& file) {
        return !std::filesystem::exists(file, error) && !error;
    };
    if (is_gone(owner_file())) {
        const Status made = make_private_directory(core_->directory.path());
        const Status written = made ? core_->directory.write_owner(core_->owner) : made;
        if (!written) {
            log::warn("{}", written.error().message);
        }
    }
    return !is_gone(core_->directory.database());
}

StoreHealth State::health() const {
    StoreHealth health;
    {
        const std::lock_guard lock(core_->data);
        health = core_->health;
    }
    if (std::string waits = core_->disk.trouble(); !waits.empty()) {
        health.message = std::move(waits);
    }
    return health;
}

std::optional<ChangeView> State::change(ChangeId id) const {
    QueuedChange queued;
    {
        const std::lock_guard lock(core_->data);
        const auto found = core_->memory.changes.find(id);
        if (found == core_->memory.changes.end()) {
            return std::nullopt;
        }
        queued = queued_change(core_->memory, found->second);
    }
    return view_of(queued);
}

std::vector<Explanation> State::explain(ChangeId id) const {
    ChangePtr change;
    Surroundings around;
    {
        const std::lock_guard lock(core_->data);
        const auto found = core_->memory.changes.find(id);
        if (found == core_->memory.changes.end()) {
            return {};
        }
        change = found->second;
        around = {core_->situation, behind(core_->memory, *change),
                  core_->health.read_only && change->unwritten == Unwritten::Refused};
    }
    return podreeve::state::explain(*change, around);
}

std::vector<ChangeView> State::changes(std::size_t limit) const {
    std::vector<QueuedChange> newest;
    {
        const std::lock_guard lock(core_->data);
        const auto& all = core_->memory.changes;
        for (auto it = all.rbegin(); it != all.rend() && newest.size() < limit; ++it) {
            newest.push_back(queued_change(core_->memory, it->second));
        }
    }
    std::vector<ChangeView> views;
    views.reserve(newest.size());
    for (const QueuedChange& queued : newest) {
        views.push_back(view_of(queued));
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

std::vector<ChangeView> State::active_changes() const {
    std::vector<ChangeView> views;
    for (const ChangePtr& change : core_->unready()) {
        views.push_back(view_of(*change));
    }
    return views;
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

Status State::edit_app(const std::string& name,
                       const std::function<void(AppRecord&)>& edit,
                       Unwritten unwritten) {
    Transaction transaction(*core_);
    const auto& apps = transaction.memory().apps;
    const auto known = apps.find(name);
    AppRecord record = known == apps.end() ? AppRecord{.name = name} : known->second;
    edit(record);
    if (known != apps.end() && known->second == record) {
        return {};
    }
    transaction.put(std::move(record), unwritten);
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

void State::on_writable(std::function<void()> callback) {
    const std::lock_guard lock(core_->data);
    core_->writable_callback = std::move(callback);
}

void State::close() {
    const auto writing = core_->begin_writing();
    if (!std::exchange(core_->closed, true)) {
        const DiskWaits::Wait wait = core_->disk.begin();
        core_->store.close();
    }
}

DiskWaits& State::disk() {
    return core_->disk;
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
        if (core_->closed) {
            return {};
        }
        // A clock that was set forward makes nothing older than this agent has seen it grow.
        const WallTime now = std::min(
            transaction.now(), core_->opened + (core_->clock.steady_now() - core_->opened_steady));
        auto outdated = core_->find_outdated(now - kReadyAge);
        if (!outdated) {
            return wrap("cannot find the changes that are outdated", outdated.error());
        }
        transaction.remove_changes(std::move(*outdated));
        core_->note_unready();
        for (const auto& [id, since] : core_->unready_since) {
            if (core_->clock.steady_now() - since > kUnreadyAge) {
                abort_unready_lanes(*transaction.change(id));
            }
        }
        RETURN_IF_ERROR(transaction.commit(false));
    }
    core_->announce_work();
    return {};
}

}  // namespace podreeve::state
