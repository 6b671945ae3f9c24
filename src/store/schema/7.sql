-- Runs of a plan with many contexts: which batch a run belongs to, and for which of its items it stands.
ALTER TABLE runs ADD COLUMN batch TEXT;
ALTER TABLE runs ADD COLUMN batch_key TEXT;
ALTER TABLE runs ADD COLUMN batch_index INTEGER;

CREATE INDEX runs_by_batch ON runs (batch, batch_key) WHERE batch IS NOT NULL;

CREATE TABLE batches (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    batch      TEXT    NOT NULL UNIQUE,
    plan       TEXT    NOT NULL,
    started_at TEXT    NOT NULL,                -- RFC 3339
    settings   TEXT    NOT NULL                 -- what it is resumed with: a JSON object
) STRICT;
