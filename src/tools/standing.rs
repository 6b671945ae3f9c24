//! What became of a call that an earlier process made.

use super::call::CallReport;
use serde_json::Value;
use std::sync::Arc;

/// What a server says about a call that it gave a handle.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It has ended, with this report.
    Ended(Box<CallReport>),
    /// The server knows that it has not begun, and that it will not.
    NotBegun(Arc<Value>),
    /// The server is still at it; what it says is evidence.
    Working(Arc<Value>),
    /// The server does not know it, or cannot be asked: why.
    Unknown(Arc<str>),
}
