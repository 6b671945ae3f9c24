//! The `plandeck` program.

fn main() {}
