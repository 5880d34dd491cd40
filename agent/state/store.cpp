#include "agent/state/store.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "agent/state/migrations/migrations.h"
#include "agent/state/row_text.h"
#include "runtime/base/contained.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::state {
namespace {

// SQLite would give a new file the umask's mode; the -wal beside it takes that of the file.
Status make_private_file(const std::filesystem::path& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));

    struct stat info {};

    if (!fd || ::fstat(fd.get(), &info) != 0) {
        return errno_error(fmt::format("open {}", file.string()), errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot open {}: not a regular file", file.string()));
    }
    if ((info.st_mode & 0777) != 0600 && ::fchmod(fd.get(), 0600) != 0) {
        return errno_error(fmt::format("make {} private", file.string()), errno);
    }
    return {};
}

// Exclusive: the agent's lock on the directory keeps a second one away, and nothing else may hold
// SQLite's locks against us. It also does without the shared-memory file.
Status configure(const sqlite::Database& db) {
    RETURN_IF_ERROR(db.run("PRAGMA busy_timeout=2000; PRAGMA locking_mode=EXCLUSIVE;"));
    const auto mode = db.text("PRAGMA journal_mode=WAL");
    if (!mode) {
        return mode.error();
    }
    if (*mode != "wal") {
        return fail(Code::Unavailable, "its file system cannot hold a write-ahead log");
    }
    return db.run("PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;");
}

Status check_whole(const sqlite::Database& db) {
    const auto checked = db.text("PRAGMA quick_check(1)");
    if (!checked) {
        return checked.error();
    }
    return *checked == "ok" ? Status() : Error{Code::Corrupt, *checked};
}

Status migrate(const sqlite::Database& db) {
    ASSIGN_OR_RETURN(const std::int64_t version, db.integer("PRAGMA user_version"));
    const auto known = static_cast<std::int64_t>(kSchemaVersion);
    if (version < 0) {
        return fail(Code::Corrupt, "not a podreeve state");
    }
    if (version > known) {
        return fail(Code::Unsupported,
                    fmt::format("it was written by a newer podreeve (schema {}, this one knows up "
                                "to {}); install that one again or move the file away",
                                version, known));
    }
    ASSIGN_OR_RETURN(const std::int64_t tables, db.integer("SELECT count(*) FROM sqlite_master"));
    if (version == 0 && tables != 0) {
        return fail(Code::Corrupt, "not a podreeve state");
    }
    for (std::int64_t step = version; step < known; ++step) {
        RETURN_IF_ERROR(db.run(fmt::format("BEGIN; {}; PRAGMA user_version={}; COMMIT;",
                                           kMigrations[step], step + 1)));
    }
    return {};
}

}  // namespace

Result<Store> Store::open(const std::filesystem::path& file) {
    RETURN_IF_ERROR(make_private_file(file));
    ASSIGN_OR_RETURN(sqlite::Database db, sqlite::Database::open(file.string()));
    RETURN_IF_ERROR(configure(db));
    RETURN_IF_ERROR(check_whole(db));
    RETURN_IF_ERROR(migrate(db));
    Store store(std::move(db));
    RETURN_IF_ERROR(store.prepare());
    return store;
}

Status Store::prepare() {
    const struct {
        sqlite::Statement& statement;
        std::string_view sql;
    } all[] = {
        {insert_change_,
         "INSERT INTO changes (id, kind, summary, subject, data, created, ready, superseded) "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
        {update_change_, "UPDATE changes SET data = ?, ready = ?, superseded = ? WHERE id = ?"},
        {delete_change_, "DELETE FROM changes WHERE id = ?"},
        {insert_task_,
         "INSERT INTO tasks (id, change_id, kind, summary, lanes, waits_for, created, status, "
         "waited, progress_label, progress_done, progress_total, log, data, wait_reason, "
         "not_before, ready, clean, doing, undoing) "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        {update_task_,
         "UPDATE tasks SET status = ?, waited = ?, progress_label = ?, progress_done = ?, "
         "progress_total = ?, log = ?, data = ?, wait_reason = ?, not_before = ?, ready = ?, "
         "clean = ?, doing = ?, undoing = ? WHERE id = ?"},
        {select_tasks_,
         "SELECT id, kind, summary, status, waited, lanes, waits_for, progress_label, "
         "progress_done, progress_total, log, data, wait_reason, not_before, created, ready, "
         "clean, doing, undoing "
         "FROM tasks WHERE change_id = ? ORDER BY id"},
        {upsert_app_,
         "INSERT INTO apps (name, generation, spec, deployed_spec, stopped, extra) "
         "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
         "generation = excluded.generation, spec = excluded.spec, deployed_spec = "
         "excluded.deployed_spec, stopped = excluded.stopped, extra = excluded.extra"},
        {delete_app_, "DELETE FROM apps WHERE name = ?"},
        {insert_event_,
         "INSERT INTO events (seq, time, app, state, message) VALUES (?, ?, ?, ?, ?)"},
        {delete_event_, "DELETE FROM events WHERE seq = ?"},
    };

    for (const auto& [statement, sql] : all) {
        auto prepared = db_.prepare(sql);
        if (!prepared) {
            // The version says that the tables are there; one that is not is damage. What could not
            // be read, for want of memory or of the disk, says nothing of the file.
            const Error& error = prepared.error();
            return error.code == Code::Internal ? Error{Code::Corrupt, error.message} : error;
        }
        statement = std::move(*prepared);
    }
    return {};
}

std::array<sqlite::Statement*, 10> Store::statements() {
    return {&insert_change_, &update_change_, &delete_change_, &insert_task_,  &update_task_,
            &select_tasks_,  &upsert_app_,    &delete_app_,    &insert_event_, &delete_event_};
}

Status Store::set_durable(bool durable) {
    if (durable_ != durable) {
        durable_.reset();
        RETURN_IF_ERROR(db_.run(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
        durable_ = durable;
    }
    return {};
}

Status Store::commit(const Batch& batch) {
    if (batch.empty()) {
        return {};
    }
    RETURN_IF_ERROR(set_durable(batch.durable));
    const std::uint64_t before = db_.total_changes();
    RETURN_IF_ERROR(in_transaction([&] { return write(batch); }));
    rows_written_ += db_.total_changes() - before;
    if (after_commit) {
        after_commit();
    }
    return {};
}

Status Store::probe() {
    return in_transaction([this] {
        return db_.run(
            "INSERT INTO meta (key, value) VALUES ('probe', '1') ON CONFLICT (key) "
            "DO UPDATE SET value = value + 1");
    });
}

// What throws on the way (no memory for a row's text) has failed like a disk: nothing of it stays,
// neither an open transaction nor half of a statement's values, and the next commit tries anew.
Status Store::in_transaction(const std::function<Status()>& work) {
    Status done;
    const auto thrown = contained([&] {
        done = db_.run("BEGIN IMMEDIATE");
        if (done) {
            done = work();
        }
        if (done && before_commit) {
            done = before_commit();
        }
        if (done) {
            done = db_.run("COMMIT");
        }
    });
    if (thrown) {
        done = Error{Code::Internal, "internal error: " + *thrown};
    }
    if (!done) {
        for (sqlite::Statement* statement : statements()) {
            statement->reset();
        }
        // A full disk may have rolled back already. Should the rollback fail too, the next BEGIN
        // tells.
        if (db_.in_transaction()) {
            static_cast<void>(db_.run("ROLLBACK"));
        }
    }
    return done;
}

Status Store::write(const Batch& batch) {
    for (const Batch::ChangeRows& rows : batch.changes) {
        RETURN_IF_ERROR(write_change(rows));
    }
    for (const ChangeId id : batch.removed_changes) {
        RETURN_IF_ERROR(delete_change_.bind(id).run());
    }
    for (const AppRecord& app : batch.apps) {
        RETURN_IF_ERROR(upsert_app_.bind(app.name)
                            .bind(app.generation)
                            .bind(app.spec)
                            .bind(app.deployed_spec)
                            .bind(std::int64_t{app.stopped})
                            .bind(app.extra)
                            .run());
    }
    for (const std::string& name : batch.removed_apps) {
        RETURN_IF_ERROR(delete_app_.bind(name).run());
    }
    return write_events(batch);
}

Status Store::write_change(const Batch::ChangeRows& rows) {
    const ChangeRecord& change = *rows.change;
    const std::int64_t ready = time_to_number(change.ready);
    if (rows.is_new) {
        RETURN_IF_ERROR(insert_change_.bind(change.id)
                            .bind(change.kind)
                            .bind(change.summary)
                            .bind(change.subject)
                            .bind(change.data)
                            .bind(time_to_number(change.created))
                            .bind(ready)
                            .bind(time_to_number(change.superseded))
                            .run());
    } else if (rows.write_change) {
        RETURN_IF_ERROR(update_change_.bind(change.data)
                            .bind(ready)
                            .bind(time_to_number(change.superseded))
                            .bind(change.id)
                            .run());
    }
    for (const TaskRecord* task : rows.tasks) {
        RETURN_IF_ERROR(rows.is_new ? insert_task(change, *task) : update_task(*task));
    }
    return {};
}

namespace {

// The columns that may change, in the order both statements have them.
void bind_mutable(sqlite::Statement& statement, const TaskRecord& task) {
    statement.bind(static_cast<std::int64_t>(task.status))
        .bind(static_cast<std::int64_t>(task.waited))
        .bind(task.progress.label)
        .bind(task.progress.done)
        .bind(task.progress.total)
        .bind(log_to_text(task.log))
        .bind(task.data)
        .bind(task.wait_reason)
        .bind(time_to_number(task.at))
        .bind(time_to_number(task.ready))
        .bind(std::int64_t{task.clean})
        .bind(task.doing.count())
        .bind(task.undoing.count());
}

}  // namespace

Status Store::insert_task(const ChangeRecord& change, const TaskRecord& task) {
    const auto& before = change.graph->before[change.position(task.id)];
    std::vector<std::int64_t> waits_for(before.begin(), before.end());
    for (std::int64_t& id : waits_for) {
        id += change.tasks.front()->id;
    }
    insert_task_.bind(task.id)
        .bind(change.id)
        .bind(task.kind)
        .bind(task.summary)
        .bind(numbers_to_text({task.lanes.begin(), task.lanes.end()}))
        .bind(numbers_to_text(waits_for))
        .bind(time_to_number(task.created));
    bind_mutable(insert_task_, task);
    return insert_task_.run();
}

Status Store::update_task(const TaskRecord& task) {
    bind_mutable(update_task_, task);
    return update_task_.bind(task.id).run();
}

Status Store::write_events(const Batch& batch) {
    for (const Event& event : batch.events) {
        RETURN_IF_ERROR(insert_event_.bind(event.seq)
                            .bind(time_to_number(event.time))
                            .bind(event.app)
                            .bind(event.state)
                            .bind(event.message)
                            .run());
    }
    for (const std::int64_t seq : batch.removed_events) {
        RETURN_IF_ERROR(delete_event_.bind(seq).run());
    }
    return {};
}

Result<std::vector<ChangeId>> Store::outdated(WallTime cutoff) {
    ASSIGN_OR_RETURN(sqlite::Statement select,
                     db_.prepare("SELECT id FROM changes WHERE ready > 0 AND ready < ?1 UNION "
                                 "SELECT id FROM (SELECT id FROM changes WHERE ready > 0 "
                                 "ORDER BY ready DESC, id DESC LIMIT -1 OFFSET ?2)"));
    select.bind(time_to_number(cutoff)).bind(static_cast<std::int64_t>(kReadyChangesKept));
    std::vector<ChangeId> ids;
    while (true) {
        ASSIGN_OR_RETURN(const bool row, select.step());
        if (!row) {
            return ids;
        }
        ids.push_back(select.integer(0));
    }
}

Result<std::string> Store::owner() {
    return db_.text("SELECT value FROM meta WHERE key = 'owner'");
}

Status Store::set_owner(const std::string& owner) {
    ASSIGN_OR_RETURN(
        sqlite::Statement upsert,
        db_.prepare("INSERT INTO meta (key, value) VALUES ('owner', ?) ON CONFLICT (key) DO UPDATE "
                    "SET value = excluded.value"));
    return upsert.bind(owner).run();
}

}  // namespace podreeve::state
