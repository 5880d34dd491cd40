-- superseded: when something newer first asked for the change's place. clean: whether the cleanup of
-- the task is done. doing, undoing: nanoseconds that its handlers have run.
ALTER TABLE changes ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN clean INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN doing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN undoing INTEGER NOT NULL DEFAULT 0;
