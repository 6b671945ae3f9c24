-- One row a run: what a list of runs shows, and nothing that is large.
CREATE TABLE runs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id          TEXT    NOT NULL UNIQUE,
    plan            TEXT    NOT NULL,
    started_at      TEXT    NOT NULL,           -- RFC 3339
    -- `running` until the run has ended; a run whose process is gone is still called so here, and is told
    -- from a live one by its lock file.
    status          TEXT    NOT NULL,
    cost_pico       INTEGER,                    -- 10^-12 dollars; NULL where it is not known or not tracked
    latency_us      INTEGER NOT NULL DEFAULT 0, -- wall-clock time less held time
    steps_completed INTEGER NOT NULL DEFAULT 0,
    steps           INTEGER NOT NULL DEFAULT 0,
    events          INTEGER NOT NULL DEFAULT 0,
    resumed_from    TEXT
) STRICT;

-- What it was started with.
CREATE TABLE run_details (
    run            INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    plan_path      TEXT,
    plan_text      BLOB,                        -- hash of a blob
    catalog_digest BLOB,
    settings       TEXT    NOT NULL DEFAULT '{}',
    origin         TEXT,                        -- the first run of the line, where this one goes on with another
    definitions    BLOB                         -- a digest a step, in the plan's order
) STRICT;

-- The events of a run, many a row, in the form of src/store/codec.
CREATE TABLE chunks (
    run    INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq    INTEGER NOT NULL,                    -- of the first event in it
    events INTEGER NOT NULL,
    codec  INTEGER NOT NULL,                    -- 0 as it is, 1 LZ4 with the length before it
    mark   INTEGER NOT NULL,                    -- the beginning of the blake3 hash of `data`
    data   BLOB    NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT;

-- Large contents, each once, by the blake3 hash of what it is before compression.
CREATE TABLE blobs (
    hash  BLOB    PRIMARY KEY,
    codec INTEGER NOT NULL,
    data  BLOB    NOT NULL
) STRICT;

-- Who needs which blob: what nobody needs can go.
CREATE TABLE run_blobs (
    run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    hash BLOB    NOT NULL,
    PRIMARY KEY (run, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_blobs_by_hash ON run_blobs (hash);

-- Outputs that may be used again, by the digest of what determines them.
CREATE TABLE cache (
    key        BLOB    PRIMARY KEY,
    tool       TEXT    NOT NULL,
    parts      TEXT    NOT NULL,                -- of the key, for the question why it differs: a JSON object
    input      BLOB    NOT NULL,                -- hash of a blob
    output     BLOB    NOT NULL,                -- hash of a blob
    cost_pico  INTEGER NOT NULL,                -- what the call cost
    service_us INTEGER NOT NULL,                -- how long it took
    stored_at  INTEGER NOT NULL,                -- seconds since 1970
    run_id     TEXT    NOT NULL,                -- where it was made
    step       TEXT    NOT NULL
) STRICT;

CREATE INDEX cache_by_step ON cache (tool, stored_at);
CREATE INDEX cache_by_input ON cache (input);
CREATE INDEX cache_by_output ON cache (output);
