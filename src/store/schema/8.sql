-- What a view of a batch reads of its runs: all that has changed since it read last, and how each step stands.
ALTER TABLE runs ADD COLUMN change INTEGER;          -- grows with each change of a run of this batch; NULL outside of one
ALTER TABLE runs ADD COLUMN step_figures BLOB;       -- in the form of src/store/codec/figures.rs

CREATE INDEX runs_by_change ON runs (batch, change) WHERE batch IS NOT NULL;

ALTER TABLE batches ADD COLUMN items INTEGER;        -- how many items it has
ALTER TABLE batches ADD COLUMN resumed_at TEXT;      -- RFC 3339
