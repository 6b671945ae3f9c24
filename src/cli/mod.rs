//! Arguments to calls, a file for each subcommand.
