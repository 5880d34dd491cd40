#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "agent/state/memory.h"
#include "agent/state/sqlite.h"
#include "runtime/base/result.h"

namespace podreeve::state {

// How many ready changes are kept, by prune and in memory.
inline constexpr std::size_t kReadyChangesKept = 500;

// The SQLite file: WAL, one transaction a commit, prepared statements. Not thread-safe; the
// writer's lock of the state serialises its calls.
//
// Durability: synchronous=NORMAL, so a commit survives the death of the process at any instant and
// costs no fsync; a batch marked durable is written with synchronous=FULL and survives a power cut,
// and with it everything that was committed before.
class Store {
  public:
    // Opens or makes the file, brings its schema up to date and checks it. Corrupt: the file is no
    // database or is damaged, not a podreeve state, or of contents that make no sense. Unsupported:
    // written by a newer podreeve.
    static Result<Store> open(const std::filesystem::path& file);

    Result<Memory> load();
    Status commit(const Batch& batch);
    // Writes something of no consequence, to see whether that can be done.
    Status probe();

    // Nothing else may be called after it.
    void close() { const Store closed = std::move(*this); }

    // Ready changes that ended before cutoff, or are older than the newest kReadyChangesKept.
    Result<std::vector<ChangeId>> outdated(WallTime cutoff);

    Result<std::string> owner();
    Status set_owner(const std::string& owner);

    // Rows inserted, changed and deleted by commits.
    std::uint64_t rows_written() const { return rows_written_; }

    const sqlite::Database& database() const { return db_; }  // for tests

    // Tests make a commit fail here: called with the transaction written and not yet committed.
    std::function<Status()> before_commit;
    // Called when the commit is on the disk.
    std::function<void()> after_commit;

  private:
    explicit Store(sqlite::Database db) : db_(std::move(db)) {}

    Status prepare();
    Status set_durable(bool durable);
    Status write(const Batch& batch);
    Status in_transaction(const std::function<Status()>& work);
    std::array<sqlite::Statement*, 10> statements();  // all of the below
    Status write_change(const Batch::ChangeRows& rows);
    Status insert_task(const ChangeRecord& change, const TaskRecord& task);
    Status update_task(const TaskRecord& task);
    Status write_events(const Batch& batch);

    Status load_changes(Memory& memory);
    Status load_tasks(ChangeRecord& change);
    Status load_apps(Memory& memory);
    Status load_events(Memory& memory);

    sqlite::Database db_;  // closed after the statements below are gone
    sqlite::Statement insert_change_, update_change_, delete_change_;
    sqlite::Statement insert_task_, update_task_, select_tasks_;
    sqlite::Statement upsert_app_, delete_app_;
    sqlite::Statement insert_event_, delete_event_;
    std::optional<bool> durable_;
    std::uint64_t rows_written_ = 0;
};

}  // namespace podreeve::state
