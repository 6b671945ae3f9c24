//! Outputs that are used again: what one of them saved, or why a call was made although one could have been
//! used.
//!
//! Both are decided when a step is about to start, and recorded in the events: the cache changes afterwards, and
//! cannot be asked later what it held at that time.

use crate::plan::StepInput;
use crate::units::{Micros, Money};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where an output that needed no call came from, and what it saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reuse {
    /// The run that made it.
    pub run_id: Arc<str>,
    /// How old it was when it was used.
    #[serde(rename = "age_ms")]
    pub age: Micros,
    /// What the call had cost.
    pub cost: Money,
    /// How long it had taken.
    #[serde(rename = "service_ms")]
    pub service: Micros,
    /// Whether the user pinned it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// The resolved parameters that it was used for.
    pub input: StepInput,
}

/// Why a call was made although its output could have been there already.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallReason {
    /// Why the output of the earlier run, which this one resumes or was forked from, was not taken over.
    #[serde(rename = "anew", default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<RerunReason>,
    /// Why no cached output was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub miss: Option<MissReason>,
}

/// Why an earlier run's output was not taken over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum RerunReason {
    /// The user asked for it to run again.
    Asked,
    /// The earlier run had no output of it.
    Absent,
    /// The step's definition has changed since.
    Redefined,
    /// It was running when the earlier run was interrupted.
    #[serde(rename = "under_way")]
    Interrupted,
    /// A secret was left out of its recorded output, and a step needs it.
    Redacted,
    /// These steps that it depends on have new outputs in this run.
    Upstream {
        /// Their ids.
        steps: Arc<[Arc<str>]>,
    },
    /// Its input differs.
    Input {
        /// Where.
        changes: Arc<[InputChange]>,
    },
}

/// Why no cached output was used for a call whose output could have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum MissReason {
    /// The run caches no outputs, or the cache could not be read.
    Off,
    /// The run was started with `--fresh`.
    Fresh,
    /// The user asked for this step to be called again.
    Refresh,
    /// The cached output is not what the step expects.
    Rejected,
    /// No output of this step is cached.
    Never,
    /// An output of the same call is cached, but is too old.
    Expired {
        /// The run that made it.
        run_id: Arc<str>,
        /// How old it was.
        #[serde(rename = "age_ms")]
        age: Micros,
        /// How old it may have been.
        #[serde(rename = "limit_ms")]
        limit: Micros,
    },
    /// The newest cached output of this step was made by a different call.
    Differs {
        /// The run that made it.
        run_id: Arc<str>,
        /// How old it was.
        #[serde(rename = "age_ms")]
        age: Micros,
        /// How the input differs; only the first places.
        changes: Arc<[InputChange]>,
        /// What differs in the tool, by name: `prompt`, `model`, `url`.
        parts: Arc<[Arc<str>]>,
    },
}

/// One place in which an input differs from an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputChange {
    /// The place, as `text` or `items[3].price`; empty for the whole.
    pub path: Arc<str>,
    /// The old value, cut to the part that differs; `None` where there was none.
    pub before: Option<Arc<str>>,
    /// The same for the new value; `None` where there is none.
    pub after: Option<Arc<str>>,
    /// The steps whose outputs it is made of.
    #[serde(default, skip_serializing_if = "<[Arc<str>]>::is_empty")]
    pub steps: Arc<[Arc<str>]>,
    /// The context values that it is made of.
    #[serde(default, skip_serializing_if = "<[Arc<str>]>::is_empty")]
    pub context: Arc<[Arc<str>]>,
}

/// Why outputs of a step are never used again for the same input, unless one is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotReused {
    /// The step says `cache: false`.
    Step,
    /// The catalog says `cache: false` for the tool.
    Tool,
    /// A call may change something outside, and is not declared to only read.
    Effects,
    /// A call takes no longer than looking its output up.
    Quick,
    /// The model takes no temperature, so that it may answer differently the next time.
    Temperature,
    /// Outputs are simulated.
    Simulated,
    /// What determines an output is not known.
    Undetermined,
}
