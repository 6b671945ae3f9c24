-- The run that this one was forked from; one that resumes a fork has it too.
ALTER TABLE runs ADD COLUMN forked_from TEXT;

-- Whether the user wants this output to be used whatever its age.
ALTER TABLE cache ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;

-- The newest output of a step is asked for at every call that is made.
DROP INDEX cache_by_step;
CREATE INDEX cache_by_step ON cache (tool, step, stored_at);
