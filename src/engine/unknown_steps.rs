//! What is done with steps that were running when an earlier run died.

/// What to do with steps that may or may not have happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownSteps {
    /// Leave them unknown; what depends on them is skipped. The user may still decide.
    #[default]
    Keep,
    /// Run them again.
    Rerun,
    /// Skip them.
    Skip,
}
