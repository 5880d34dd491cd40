-- Ids and sequence numbers are given by the agent and never used twice: AUTOINCREMENT remembers the
-- highest one over pruning. Times are nanoseconds since 1970, 0 for "not yet".
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    summary TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    created INTEGER NOT NULL,
    ready INTEGER NOT NULL
);
CREATE INDEX changes_by_ready ON changes (ready);

-- status and waited are the numbers of TaskStatus. lanes and waits_for are JSON arrays of numbers,
-- log is a JSON array of [time, is_error, text].
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    change_id INTEGER NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    summary TEXT NOT NULL,
    status INTEGER NOT NULL,
    waited INTEGER NOT NULL,
    lanes TEXT NOT NULL,
    waits_for TEXT NOT NULL,
    progress_label TEXT NOT NULL,
    progress_done INTEGER NOT NULL,
    progress_total INTEGER NOT NULL,
    log TEXT NOT NULL,
    data TEXT NOT NULL,
    wait_reason TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    created INTEGER NOT NULL,
    ready INTEGER NOT NULL
);
CREATE INDEX tasks_by_change ON tasks (change_id);

CREATE TABLE apps (
    name TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    spec TEXT NOT NULL,
    deployed_spec TEXT NOT NULL,
    stopped INTEGER NOT NULL,
    extra TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    app TEXT NOT NULL,
    state TEXT NOT NULL,
    message TEXT NOT NULL
);
