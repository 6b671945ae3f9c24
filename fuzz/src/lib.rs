//! What Plandeck takes from outside, each kind as a function of bytes that must return soon and never panic.
//!
//! `cargo fuzz` runs the functions under a coverage-guided fuzzer; the program `random` runs them on a stable compiler
//! with inputs that are mutated at random. Both start from `corpus/`.

pub mod server;
pub mod targets;

/// A kind of input.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in the corpus.
    pub name: &'static str,
    /// Takes an input in.
    pub run: fn(&[u8]),
    /// Words of its language, for mutations.
    pub words: &'static [&'static str],
}

/// Every kind of input.
pub const TARGETS: [Target; 9] = [
    targets::plan::TARGET,
    targets::catalog::TARGET,
    targets::expression::TARGET,
    targets::events::TARGET,
    targets::store::TARGET,
    targets::http::TARGET,
    targets::model::TARGET,
    targets::usage::TARGET,
    targets::import::TARGET,
];
