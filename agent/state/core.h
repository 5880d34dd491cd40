#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/state/change_draft.h"
#include "agent/state/memory.h"
#include "agent/state/runner_state.h"
#include "agent/state/state.h"
#include "agent/state/state_directory.h"
#include "agent/state/store.h"
#include "runtime/base/disk_waits.h"

// The inside of State, for the rooms' own files and tests.
namespace podreeve::state {

// Two locks, always taken in this order: writer, held by a transaction from its first look to the
// end of its commit, and data, held only to copy pointers out or to swap new ones in. So a reader
// never waits for the disk; who takes the writer's tells `disk` that it waits.
struct State::Core {
    Core(Clock& the_clock, StateDirectory the_directory, Store the_store, Memory the_memory)
        : clock(the_clock),
          directory(std::move(the_directory)),
          disk(the_clock, directory.path().string()),
          opened(the_clock.system_now()),
          opened_steady(the_clock.steady_now()),
          looked(the_clock.steady_now()),
          store(std::move(the_store)),
          memory(std::move(the_memory)) {}

    // The unready changes, in order of their ids.
    std::vector<ChangePtr> unready() const;
    ChangePtr find(ChangeId id) const;
    bool is_read_only() const;
    // What the runner decides about that change counts, though its last commit may have failed.
    bool goes_on_unwritten(ChangeId id) const;
    bool something_goes_on_unwritten() const;

    // The writer's lock.
    std::unique_lock<std::mutex> begin_writing();

    // Changes the task in the memory alone; written with the next commit that touches it.
    void amend(ChangeId change, TaskId task, const std::function<void(TaskRecord&)>& edit);

    // The runner's: called, without a lock, when something was added or aborted.
    void on_work(std::function<void()> callback);
    void announce_work();
    // The changes that became ready since the last call; kept only while a runner listens.
    std::vector<ChangeId> take_ready();

    // While the last commit failed and nothing is to be written: finds out whether it would work by
    // now, so that the condition ends with its cause.
    void probe();
    // Writes it, to the file itself as soon as that can be opened.
    Status write(const Batch& batch);
    Status open_for_writing();
    Result<std::vector<ChangeId>> find_outdated(WallTime cutoff);
    // Sees since when changes have not ended. A host that was off for a week, or whose clock was
    // set, has not been stuck for a week: it is the time of this agent that counts.
    void note_unready();
    // Now, by the steady clock and the time at which that change was first asked to make way: one
    // that an earlier agent asked has waited for its whole patience at most. Under writer.
    WallTime even_now(const ChangeRecord& change);
    // Remembers how a commit ended, and logs when that is news.
    void note_commit(const Status& status);

    Clock& clock;
    const StateDirectory directory;
    DiskWaits disk;  // of who reads or writes the store, or waits for one who does
    const WallTime opened;
    const SteadyTime opened_steady;
    SteadyTime looked;                             // under writer: at what has not ended, last
    std::map<ChangeId, SteadyTime> unready_since;  // under writer
    std::map<ChangeId, SteadyTime> asked_to_go;    // under writer
    std::string owner;

    std::mutex writer;
    Store store;             // under writer
    bool closed = false;     // under writer
    bool only_read = false;  // under writer: the memory is the file's, which could not be opened
    Unsaved unsaved;         // under writer

    mutable std::mutex data;
    Memory memory;  // read under either lock, changed under both
    StoreHealth health;
    std::uint64_t rows_written = 0;
    std::vector<ChangeId> became_ready;
    std::function<void()> work_callback, writable_callback;
    std::vector<std::function<void(const Event&)>> listeners;
    RunnerState situation;  // of the runner, as its last pass left it
};

// In the data of a change: a person has aborted its undo.
inline constexpr const char* kUndoGivenUp = "undo_given_up";

bool is_undo_given_up(const ChangeRecord& change);

// One step of the state, whole or not at all. Holds the writer's lock while it lives; what it
// touched is dropped with it unless commit() succeeded.
class Transaction {
  public:
    explicit Transaction(State::Core& core);

    const Memory& memory() const { return core_.memory; }

    WallTime now() const { return now_; }

    // The change as it would be committed now; it must be there.
    const ChangeRecord& peek(ChangeId id) const;
    // The change to work on; nullptr when there is none of that id.
    ChangeDraft* change(ChangeId id);
    ChangeDraft& add(ChangeRecord fresh);
    void put(AppRecord app, Unwritten unwritten = Unwritten::Refused);
    void remove_app(std::string name);
    // Gives it its number and lets those go that are too many.
    void append(Event& event);
    void remove_changes(std::vector<ChangeId> ids);

    // Nothing to write is a success. On an error the memory is as it was, but for what may be
    // unwritten; that alone is a success too.
    Status commit(bool durable);

  private:
    Status collect();
    void adopt();
    // Drops what has to be on the disk; true when that was nothing.
    bool keep_what_may_be_unwritten();
    void drop_oldest_events(const Event& added);

    State::Core& core_;
    std::unique_lock<std::mutex> lock_;
    WallTime now_;
    std::map<ChangeId, ChangeDraft> drafts_;
    std::map<std::string, Unwritten> puts_;  // by app
    Batch batch_;
};

}  // namespace podreeve::state
