//! What a batch and the processes that run its items elsewhere tell each other.
//!
//! All of it is JSON, beside the events of runs as bytes ([`EventPacker`](crate::store::EventPacker)). Whoever does not
//! understand it refuses it, so a change of meaning is a new [`PROTOCOL`].

use crate::engine::UnknownSteps;
use crate::run::{Limit, Rates, ResourceLimits};
use crate::tools::Definition;
use crate::units::Money;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of what is sent.
pub(super) const PROTOCOL: u32 = 1;

/// What all items of a batch have in common: the plan, what it means where the batch was started, and how it runs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct BatchDefinition {
    /// The version of what is sent.
    pub protocol: u32,
    /// The name of the plan's file, by which its text is read.
    pub file: String,
    /// The text of the plan.
    pub text: Arc<str>,
    /// What each of its steps is, as hexadecimal digests in the plan's order.
    pub steps: Vec<String>,
    /// The tools that it calls.
    pub tools: BTreeMap<Arc<str>, Definition>,
    /// The limits of each run, and of all of them in one process; money and calls are shared by all.
    pub limits: ResourceLimits,
    /// The rates of all runs in one process.
    pub rates: Rates,
    /// Whether cost is tracked.
    pub track_cost: bool,
    /// Whether the first failure of a run stops what is independent of it.
    pub fail_fast: bool,
    /// The seed of the random waits between attempts.
    pub seed: u64,
    /// Answers to approvals.
    pub answers: Vec<(Arc<str>, bool)>,
    /// How long a call may be made after it was approved, in seconds.
    pub approval_seconds: Option<f64>,
}

impl BatchDefinition {
    /// Its name: a digest of all of it.
    pub fn digest(&self) -> Arc<str> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        blake3::hash(&text).to_hex().as_str().into()
    }

    /// Whether money or calls are limited, so that runs ask for them.
    pub fn is_limited(&self) -> bool {
        let money = self.limits.max_total_cost_usd.is_some() && self.track_cost;
        money || self.limits.max_tool_calls.is_some()
    }
}

/// An item that is to be run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ItemRequest {
    /// The batch.
    pub batch: Arc<str>,
    /// The digest of its definition.
    pub definition: Arc<str>,
    /// The key of the item.
    pub key: Arc<str>,
    /// Its place in the input, from 0.
    pub index: u64,
    /// The id of its run.
    pub run_id: Arc<str>,
    /// The values that the plan refers to.
    pub context: Map<String, Value>,
    /// How long the run may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<f64>,
    /// Whether steps that failed earlier run again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retry_failed: bool,
    /// What happens to steps that were running when an earlier run was interrupted.
    #[serde(
        default,
        serialize_with = "unknown_to_word",
        deserialize_with = "unknown_from_word"
    )]
    pub unknown: UnknownSteps,
    /// What each step was when the run that goes on was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps_before: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn unknown_to_word<S: Serializer>(
    unknown: &UnknownSteps,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match unknown {
        UnknownSteps::Keep => "keep",
        UnknownSteps::Rerun => "rerun",
        UnknownSteps::Skip => "skip",
    })
}

fn unknown_from_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnknownSteps, D::Error> {
    Ok(match &*String::deserialize(deserializer)? {
        "rerun" => UnknownSteps::Rerun,
        "skip" => UnknownSteps::Skip,
        _ => UnknownSteps::Keep,
    })
}

/// What comes next in the run of an item. It is put on record before the run goes on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ItemStep {
    /// The definition of the batch is not known here, and is needed.
    Definition,
    /// Events have to survive before something is called.
    Events,
    /// Money or calls are needed.
    Funds(FundsRequest),
    /// The run has ended.
    Ended {
        /// What is given back of what was reserved, where something may be.
        settlement: Option<Settlement>,
        /// The shared limit that refused a call.
        limit: Option<(Limit, Arc<str>)>,
    },
    /// The item cannot be run here: why, and what to do.
    Refused {
        /// Why.
        why: String,
        /// What is given back of what was reserved.
        settlement: Option<Settlement>,
    },
}

/// How the run of an item ended, beside its events.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ItemReply {
    /// It has ended; its events say how.
    Ended {
        /// The shared limit that refused a call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<(Limit, Arc<str>)>,
    },
    /// It could not be run, or not to its end.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// A request for money and calls, in all: what was granted before is part of it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct FundsRequest {
    /// Who asks.
    pub item: Arc<str>,
    /// The money that is needed for the next call and those that are running, with what was spent.
    #[serde(with = "pico")]
    pub total: Money,
    /// The same without the next call.
    #[serde(with = "pico")]
    pub held: Money,
    /// What was spent.
    #[serde(with = "pico")]
    pub spent: Money,
    /// The calls that were made, with the next one.
    pub calls: u64,
    /// The calls that will be made, more or less.
    pub more_calls: u64,
}

/// The answer to a request for money and calls: what the run may use in all from now on, and whether that is enough.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct FundsAnswer {
    /// Money.
    #[serde(with = "pico")]
    pub total: Money,
    /// Calls.
    pub calls: u64,
    /// Whether that is what was asked for.
    pub verdict: FundsVerdict,
}

/// Whether a request for money and calls was granted.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FundsVerdict {
    /// It was.
    Granted,
    /// Others have reserved what is missing, and may give it back: it is asked for again later.
    Wait,
    /// There will not be enough.
    Refused {
        /// The limit that is used up.
        limit: Limit,
        /// Why.
        message: Arc<str>,
    },
}

/// What a run that is over has used.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Settlement {
    /// Whose it is.
    pub item: Arc<str>,
    /// What was spent.
    #[serde(with = "pico")]
    pub spent: Money,
    /// The calls that were made.
    pub calls: u64,
}

/// Money as a whole number of 10⁻¹² dollars: a sum of dollars as a decimal fraction may lose its last digit.
pub(crate) mod pico {
    use super::Money;
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
    pub(crate) fn serialize<S: Serializer>(
        money: &Money,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(money.pico())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Money, D::Error> {
        i64::deserialize(deserializer).map(Money::from_pico)
    }
}
