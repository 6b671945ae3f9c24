-- What attempts sent to models and received, as it went over the wire, without secrets.
CREATE TABLE exchanges (
    run               INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step              TEXT    NOT NULL,
    attempt           INTEGER NOT NULL,
    exchange          INTEGER NOT NULL,         -- within the attempt, from 1
    url               TEXT    NOT NULL,
    request           BLOB    NOT NULL,         -- hash of a blob
    request_bytes     INTEGER NOT NULL,         -- over the wire
    request_left_out  INTEGER NOT NULL,         -- of the text, in its middle
    status            INTEGER,                  -- NULL where no response came
    response          BLOB    NOT NULL,         -- hash of a blob
    response_bytes    INTEGER NOT NULL,
    response_left_out INTEGER NOT NULL,
    PRIMARY KEY (run, step, attempt, exchange)
) STRICT, WITHOUT ROWID;
