//! The `plandeck` program.

use std::process::ExitCode;

/// A step makes dozens of small allocations, and many are freed on another thread than the one that made them. With the
/// system's allocator that took a third of the processor time of a large plan.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    plandeck::cli::main()
}
