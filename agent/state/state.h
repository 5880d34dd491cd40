#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/state/app_record.h"
#include "agent/state/explain.h"
#include "agent/state/task.h"
#include "runtime/base/clock.h"
#include "runtime/base/disk_waits.h"
#include "runtime/base/result.h"

namespace podreeve::state {

struct Event {
    std::int64_t seq = 0;  // set when it is appended
    WallTime time{};
    std::string app{};    // empty: of the agent itself
    std::string state{};  // Running, Failed, … or the kind of agent event
    std::string message{};
};

// A condition of the store that people should see; empty when all is well.
struct StoreHealth {
    bool read_only = false;
    std::string message;    // also when its disk has not answered for a while
    std::string set_aside;  // the name a corrupt file was given at this start
};

// The persisted state: changes, tasks, apps, events, one SQLite file in WAL mode; one transaction a
// commit. Any thread may call; readers get copies and never wait for the disk. A commit that fails
// does not throw or block: the call returns the error and the memory stays as it was, but for what
// may be Unwritten::Kept, events among it. A
// file that is garbage is set aside (name.corrupt-<time>) and a new one begun; the owner id is kept
// in a file of its own beside it, so that the labels on podman's objects stay ours.
// What becomes of a new change whose subject another one is about.
enum class Collision {
    Refuse,     // it is not taken: Conflict, with the id of the other
    Queue,      // it begins when all those before it have ended
    Supersede,  // the same, and those make way: what only waits at once, what is under way by being
                // undone or by ending, whichever is sooner and safe (collision.h)
};

// The kind of a change that undoes one that has ended; its data is that of the other, with that
// one's id as "undoes" and its kind as "undoes_kind".
inline constexpr const char* kUndoKind = "undo-change";

// In the data of a change that only restores or takes away: why it cannot be undone and what to do
// instead. Nothing is built upon such a change either.
inline constexpr const char* kNoUndo = "no_undo";
// In the data of a change that a person aborted: true. What it was to bring was not wanted.
inline constexpr const char* kAbortedByPerson = "aborted_by_person";

enum class AbortedBy { Person, Agent };

class State {
  public:
    // directory: 0700, made when missing. Holds a lock against a second agent (Conflict).
    static Result<std::unique_ptr<State>> open(const std::filesystem::path& directory,
                                               Clock& clock);
    ~State();

    const std::string& owner() const;  // instance id, 16 hex digits
    std::filesystem::path owner_file() const;
    StoreHealth health() const;
    // Writes the owner file again when somebody has removed it, since the next agent would take all
    // that runs for another's. False when the database is gone, too: what is decided is then kept
    // until the agent ends, and no longer. Waits for the disk.
    bool look_after_files();

    // Commits a change. A subject's changes are carried out one after the other.
    Result<ChangeId> add_change(const NewChange& change, Collision collision = Collision::Refuse);
    // Marks for abort; the runner acts on it. Ready changes are Conflict, unknown ones NotFound. Of
    // a change that undoes another, or when a person has aborted it before, the undo is given up:
    // what is not undone by then ends in Error and stays as it is.
    Status abort_change(ChangeId id, AbortedBy by = AbortedBy::Person);
    // Something newer wants that change out of the way, and comes when it is: the change is undone
    // or left to end, whichever is sooner and safe. To be asked again as long as it is in the way;
    // Ok when it is not.
    Status supersede_change(ChangeId id, const std::string& why);
    // Commits a change that runs the undo handlers of all that is done of that one, which has
    // ended; its id. Conflict when it has not, when nothing is to be undone, or when a later change
    // of the same subject has built upon it.
    Result<ChangeId> undo_change(ChangeId id);
    // The changes that can still be undone, or can once those built upon them are; and those that
    // have not ended. Newest first.
    std::vector<ChangeView> undoable() const;
    // What a task in Wait waited for has come: it goes on. NotFound when it is not waiting.
    Status resume_task(TaskId id);
    std::optional<ChangeView> change(ChangeId id) const;
    std::vector<ChangeView> changes(std::size_t limit = 100) const;  // newest first
    // The change of the subject that is under way; those queued behind it come after.
    std::optional<ChangeView> active_change_of(const std::string& subject) const;
    // All changes that have not ended, in order of their ids.
    std::vector<ChangeView> active_changes() const;
    // Why each task of the change that has not ended has not; empty when there is no such change.
    std::vector<Explanation> explain(ChangeId id) const;

    std::vector<AppRecord> apps() const;
    std::optional<AppRecord> app(const std::string& name) const;
    Status put_app(const AppRecord& record);  // writes nothing when equal to what is there
    // Changes what edit says and leaves what others have changed meanwhile: for whoever owns a
    // field of the record and not all of it. An unknown app is begun.
    Status edit_app(const std::string& name,
                    const std::function<void(AppRecord&)>& edit,
                    Unwritten unwritten = Unwritten::Refused);
    Status remove_app(const std::string& name);

    // Appends, keeps the last 64 an app and 1000 in all; tells the listeners.
    Status append_event(Event event);
    std::vector<Event> events_since(std::int64_t seq, std::size_t limit = 1000) const;
    std::int64_t last_event_seq() const;
    // Called after each append, on the appending thread, without the lock.
    void on_event(std::function<void(const Event&)> listener);

    // Called when the store can be written again after it could not, on the thread that wrote and
    // with locks held: it has to post what it wants to do.
    void on_writable(std::function<void()> callback);

    // The end of the writing, in order, for a process in which something does not end: what was
    // committed is in the file, and no commit counts any more.
    void close();

    // Who waits for the disk that the directory is on. Others that read or write there may say so,
    // too.
    DiskWaits& disk();

    // Rows written since open: a pass that finds nothing to do adds none.
    std::uint64_t rows_written() const;

    // Removes ready changes older than a day or beyond the newest 500, and aborts what has not
    // ended after three days of this agent (overlord's rules).
    Status prune();

    struct Core;

    Core& core() { return *core_; }  // for the runner alone

  private:
    explicit State(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace podreeve::state
