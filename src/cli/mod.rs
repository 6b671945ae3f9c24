//! Arguments to calls, a file for each subcommand.

pub mod sandbox;
