//! What was found out about a call that an interrupted run left behind.

use crate::units::Money;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What was found out about a call that an earlier run was making when its process ended, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    /// The name of the attempt, as it was sent.
    pub name: Arc<str>,
    /// How it was settled.
    pub by: SettledBy,
    /// Whether the call happened; `None` where that is still not known, where the server is still at it, or where it does
    /// not matter because the same call under the same name has no further effect.
    pub happened: Option<bool>,
    /// The tool that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Arc<str>>,
    /// What it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Arc<Value>>,
    /// What it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Arc<Value>>,
    /// Why it could not be found out; where the call happened, why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Arc<str>>,
    /// What was counted as spent for the call in case it had happened, and is not any more because it did not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub released: Money,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(money: &Money) -> bool {
    money.is_zero()
}

/// How a call that was interrupted is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettledBy {
    /// The same call is made again under the same name.
    Key,
    /// A tool was asked.
    Probe,
    /// The server that had given the call a handle was asked about it.
    Handle,
}
