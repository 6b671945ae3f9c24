//! Consent: what a plan would start, reach and run is asked about before it runs, unless it is trusted.
//!
//! A [`Subject`] is everything whose content decides that: the plan, its catalogs, and the scripts that they name. It is
//! judged by [`judge`]; where nothing speaks for it, the answer is a [`TrustRequest`] for the user. Only a [`Consent`]
//! makes a loaded plan an execution, so that no command can forget to ask.

mod consent;
mod judge;
mod memory;
mod request;
mod sample;
mod subject;

pub(crate) use consent::{Consent, TrustedOnce};
pub(crate) use judge::{Judgement, Trust, judge};
pub use memory::MemoryError;
pub(crate) use memory::{Remembered, is_in_trusted_folder};
pub use request::TrustRequest;
pub(crate) use request::{ItemMark, TrustAnswer};
pub(crate) use subject::Subject;
