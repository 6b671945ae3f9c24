//! Another run that goes on with an edited plan, once this one stands still.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What was accepted of an edit of the plan's structure while the run is running. As JSON it is a part of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HandOver {
    /// The run that goes on with the edited plan. It begins when nothing of this one is running any more.
    pub run_id: Arc<str>,
    /// The verb of the edit: `insert`, `remove`, `depend` or `repair`.
    pub verb: Arc<str>,
    /// The id of the step that the edit is about.
    pub step: Arc<str>,
    /// The steps of this run that start no more, because the edited plan has them otherwise or not at all.
    pub held: Vec<Arc<str>>,
}

impl HandOver {
    /// The verb as words.
    pub(crate) fn words(&self) -> String {
        self.verb.replace('_', " ")
    }
}
