//! Whether a plan may run without asking.

use super::consent::{Consent, TrustedBy, TrustedOnce};
use super::memory::{Memory, MemoryError};
use super::request::TrustRequest;
use super::sample;
use super::subject::Subject;
use crate::tools::Reaches;

/// What speaks for a plan without asking.
#[derive(Clone, Copy)]
pub(crate) struct Trust<'a> {
    /// Whether the caller vouches for it.
    pub given: bool,
    /// What was answered earlier in this process.
    pub once: &'a TrustedOnce,
}

/// A judgement on a plan.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// It may run.
    Trusted(Consent),
    /// The user is to be asked.
    Asks(Box<TrustRequest>),
}

impl Judgement {
    /// The consent.
    ///
    /// # Errors
    /// What the user would have to be asked.
    pub(crate) fn or_refused(self) -> Result<Consent, Box<TrustRequest>> {
        match self {
            Self::Trusted(consent) => Ok(consent),
            Self::Asks(request) => Err(request),
        }
    }
}

/// Whether what `reaches` lists may happen.
///
/// # Errors
/// Where the file of what is trusted cannot be used.
pub(crate) fn judge(
    subject: impl FnOnce() -> Subject,
    reaches: Reaches,
    trust: Trust<'_>,
) -> Result<Judgement, MemoryError> {
    let by = |by| Ok(Judgement::Trusted(Consent(by)));
    if !reaches.needs_trust() {
        return by(TrustedBy::Nothing);
    }
    if trust.given {
        return by(TrustedBy::Caller);
    }
    let subject = subject();
    if sample::is_sample(&subject) {
        return by(TrustedBy::Sample);
    }
    let once = &trust.once.0;
    if once.iter().any(|plan| plan.covers(&subject, &reaches)) {
        return by(TrustedBy::Once);
    }
    let memory = Memory::read()?;
    if memory.covers(&subject, &reaches) {
        return by(TrustedBy::Content);
    }
    if memory.has_folders_of(&subject) {
        return by(TrustedBy::Folder);
    }
    let before = once.iter().rev().find(|plan| plan.is_of(&subject));
    let before = before.or_else(|| memory.last_of(&subject));
    let request = TrustRequest::new(subject, reaches, before);
    Ok(Judgement::Asks(Box::new(request)))
}
