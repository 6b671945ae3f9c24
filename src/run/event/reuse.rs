//! Outputs that are used again: what one of them saved, or why a call was made although one could have been
//! used.
//!
//! Both are decided when a step is about to start, and stand in the events: what is kept changes afterwards,
//! and nobody could say later what was there at that moment.

use crate::units::{Micros, Money};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// Where an output that was not called for came from, and what it saved.
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
    /// Whether a person pinned it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// The resolved parameters that it was used for.
    pub input: Arc<Value>,
}

/// Why a call was made although its output could have been there already.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallReason {
    /// Why the output of the earlier run, which this one goes on with or was forked from, was not taken over.
    #[serde(rename = "anew", default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<RerunReason>,
    /// Why no kept output was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub miss: Option<MissReason>,
}

/// Why an earlier run's output was not taken over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum RerunReason {
    /// A person asked for it to run again.
    Asked,
    /// The earlier run had no output of it.
    Absent,
    /// The step is defined otherwise than then.
    Redefined,
    /// It was under way when the earlier run was cut short.
    #[serde(rename = "under_way")]
    Interrupted,
    /// These steps that it depends on came to something of this run's own.
    Upstream {
        /// Their ids.
        steps: Arc<[Arc<str>]>,
    },
    /// Its input came out otherwise.
    Input {
        /// Where.
        changes: Arc<[InputChange]>,
    },
}

/// Why no kept output was used for a call whose output could have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum MissReason {
    /// The run keeps no outputs, or what is kept could not be read.
    Off,
    /// The run was started with `--fresh`.
    Fresh,
    /// A person asked for this step to be called again.
    Refresh,
    /// Nothing like it was kept.
    Never,
    /// An output for the very same was kept, and was too old.
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
    /// The newest output of this step that was kept was made for something else.
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
    /// The beginning of what stood there, or of where it differs; `None` where nothing stood.
    pub before: Option<Arc<str>>,
    /// The same of what stands there now.
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
    /// The catalog says `cache: false` of the tool.
    Tool,
    /// A call may change something outside, and nothing says that it does not.
    Effects,
    /// A call takes no longer than looking its output up.
    Quick,
    /// The model takes no temperature, so that it may answer otherwise the next time.
    Temperature,
    /// Outputs are invented.
    Simulated,
    /// What determines an output is not known.
    Undetermined,
}
