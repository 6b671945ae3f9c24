//! What a command would do to a run, before it is given: which steps run again, which stay, and what that costs.

use crate::units::{Micros, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// What a command would do to a run. As JSON it is what `--dry-run --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The command, as on the command line: `retry`, `set`.
    pub verb: Arc<str>,
    /// The step that it is given for, where it is for one.
    pub step: Option<Arc<str>>,
    /// What runs because of it, in the plan's order. Where a step gives the same output as before, what depends on it
    /// stays as it is after all.
    pub reruns: Vec<PreviewStep>,
    /// What stays as it is.
    pub stays: Vec<PreviewStep>,
    /// What it asks for and cannot have.
    pub cannot: Vec<PreviewStep>,
    /// What it costs, in dollars.
    pub cost_usd: Range<Money>,
    /// How long it takes, in seconds, with the slots of the run.
    pub seconds: Range<Seconds>,
    /// How many events the run had when this was worked out: with more of them it has to be worked out again.
    #[serde(skip)]
    pub events: u64,
}

/// A step of the plan, or an element of a `for_each` step, and why it is where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewStep {
    /// Its id.
    pub step: Arc<str>,
    /// The reason, in words.
    pub why: Arc<str>,
}

/// The bounds of something and what is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range<T> {
    /// The lower bound: what was asked for runs once, and gives the output that it gave before.
    pub min: T,
    /// What is to be expected, from the record of the run as far as there is one; `None` where nothing is known.
    pub expected: Option<T>,
    /// The upper bound: everything that may run needs all its attempts; `None` where there is none.
    pub max: Option<T>,
}

/// A time that is written in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub Micros);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.0 as f64 / 1e6)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Ok(Self(Micros((seconds.max(0.0) * 1e6).round() as u64)))
    }
}
