//! A kind of tool as data: what the rest of the program decides by, without knowing which kinds there are.

use std::time::Duration;

/// How long an output stays good where what made it does not change by itself.
const MONTH: Duration = Duration::from_hours(720);

/// How long what another machine answered stays good.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// The properties of a kind of tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Each is a property of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct ToolKind {
    /// The word for it, as in a catalog's `type`.
    pub name: &'static str,
    /// Whether a call reaches outside this program (a model, a server, another program), so that it is simulated
    /// where outputs are, and billed only once it went out.
    pub reaches_outside: bool,
    /// Whether a tool of this kind that costs nothing for one input costs nothing for any.
    pub free: bool,
    /// Whether calls may be repeated after a failure, where the catalog does not say.
    pub repeatable: bool,
    /// Whether a call is a call of another tool, which the input names.
    pub delegates: bool,
    /// The time that one attempt may take, where the catalog does not say.
    pub timeout: Option<Duration>,
    /// How long cached outputs stay good, where nothing else is said.
    pub time_to_live: Duration,
}

impl ToolKind {
    /// A kind of which nothing is known: it reaches outside, may cost something, and is not repeated.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            reaches_outside: true,
            free: false,
            repeatable: false,
            delegates: false,
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

/// How the engine makes calls of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallPolicy {
    /// Whether a call changes nothing outside (or may be repeated without a further effect), so that a failed one
    /// is tried again without being asked to.
    pub repeatable: bool,
    /// The time that one attempt may take.
    pub timeout: Option<Duration>,
}

impl From<&ToolKind> for CallPolicy {
    fn from(kind: &ToolKind) -> Self {
        Self {
            repeatable: kind.repeatable,
            timeout: kind.timeout,
        }
    }
}
