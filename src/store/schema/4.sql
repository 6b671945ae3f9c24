-- The large parts of the inputs of cached outputs: each is a blob of its own, which other inputs and runs share.
CREATE TABLE cache_blobs (
    key  BLOB NOT NULL REFERENCES cache (key) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    PRIMARY KEY (key, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX cache_blobs_by_hash ON cache_blobs (hash);
