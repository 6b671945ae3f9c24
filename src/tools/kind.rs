//! A kind of tool as data, so that the rest of the program needs no list of kinds.

use std::time::Duration;

/// The time to live of a cached output of a deterministic tool.
const MONTH: Duration = Duration::from_hours(720);

/// The time to live of a cached answer from another machine.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// The properties of a kind of tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Each is a property of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct ToolKind {
    /// Its name, as in a catalog's `type`.
    pub name: &'static str,
    /// Whether a call reaches outside this program (a model, a server, another program), so that it is replaced
    /// when the worker is simulated (a program that only reads is not), and billed only once it was sent.
    pub reaches_outside: bool,
    /// Whether a tool of this kind that costs nothing for one input costs nothing for any.
    pub free: bool,
    /// Whether a failed call is retried by default.
    pub repeatable: bool,
    /// Whether a call computes its output from its input alone, so that what ran into the time limit once does so
    /// again.
    pub deterministic: bool,
    /// Whether a call runs another tool, which the input names.
    pub delegates: bool,
    /// Whether a call can have other tools called: its code awaits them.
    pub calls_tools: bool,
    /// Whether whoever carries out a call is given the name of its attempt, by which a repeated call can be told.
    pub takes_key: bool,
    /// The default time limit of one attempt.
    pub timeout: Option<Duration>,
    /// The default time to live of cached outputs.
    pub time_to_live: Duration,
}

impl ToolKind {
    /// A kind with the most careful properties: it reaches outside, may cost money, and is not retried.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            reaches_outside: true,
            free: false,
            repeatable: false,
            deterministic: false,
            delegates: false,
            calls_tools: false,
            takes_key: false,
            timeout: None,
            time_to_live: MONTH,
        }
    }
}

/// A function of the program itself.
pub static FUNCTION: ToolKind = ToolKind {
    reaches_outside: false,
    ..ToolKind::new("function")
};

/// The retry and time limit policy of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallPolicy {
    /// Whether a call has no side effects (or may be repeated without a further effect), so that a failed call is
    /// retried by default.
    pub repeatable: bool,
    /// Whether an attempt that ran into its time limit would do so again, so that it is not retried.
    pub deterministic: bool,
    /// The time limit of one attempt.
    pub timeout: Option<Duration>,
}

impl From<&ToolKind> for CallPolicy {
    fn from(kind: &ToolKind) -> Self {
        Self {
            repeatable: kind.repeatable,
            deterministic: kind.deterministic,
            timeout: kind.timeout,
        }
    }
}
