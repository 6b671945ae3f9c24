-- The catalog with which a run called its tools: hash of a blob, which runs with the same one share.
ALTER TABLE run_details ADD COLUMN catalog BLOB;
