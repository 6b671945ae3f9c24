//! Permission to run a plan.

use super::memory::TrustedPlan;

/// Permission to run a plan, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consent(pub(super) TrustedBy);

/// Why a plan may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustedBy {
    /// It starts, reaches and runs nothing that needs trust.
    Nothing,
    /// `--trust` or `PLANDECK_TRUST=1`.
    Caller,
    /// It is a sample plan, as it came with this program.
    Sample,
    /// Its files lie in trusted folders.
    Folder,
    /// Its content was trusted.
    Content,
    /// The user let it run once.
    Once,
}

impl TrustedBy {
    /// The word in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing_to_trust",
            Self::Caller => "caller",
            Self::Sample => "sample",
            Self::Folder => "folder",
            Self::Content => "content",
            Self::Once => "once",
        }
    }

    /// In words, as `check` has it.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Nothing => {
                "not needed: it starts no program, reaches no host of its own and runs no code"
            }
            Self::Caller => "yes, by --trust or PLANDECK_TRUST=1",
            Self::Sample => "yes, it is a sample plan",
            Self::Folder => "yes, its folder is trusted",
            Self::Content => "yes, its content is trusted",
            Self::Once => "yes, for this run",
        }
    }
}

impl Consent {
    /// Where it came from.
    pub(crate) fn by(self) -> TrustedBy {
        self.0
    }
}

/// What the user let run once, for as long as this process runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedOnce(pub(super) Vec<TrustedPlan>);
