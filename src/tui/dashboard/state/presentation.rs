//! A run that is shown to an audience: large cards without the inspector, and captions that name keys.

use crate::tui::dashboard::panes::graph::Level;

/// A run that is being presented.
#[derive(Debug)]
pub(crate) struct Presentation {
    /// The level of the graph that was chosen before.
    pub(crate) level: Option<Level>,
    /// The key that was pressed last, and what it did.
    pub(crate) pressed: Option<(String, &'static str)>,
}
