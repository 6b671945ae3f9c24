//! What the catalog says of how to find out what became of an interrupted call.

use serde_json::{Map, Value};
use std::sync::Arc;

/// How to find out what became of a call of a tool, as the catalog says.
#[derive(Clone, Debug, PartialEq)]
pub enum Recover {
    /// Making the same call under the same name has no further effect.
    Key,
    /// Another tool knows.
    Probe(Arc<ProbeSettings>),
}

/// What is asked, and how the answer is read.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeSettings {
    /// The name of the tool that is called.
    pub tool: Arc<str>,
    /// Its parameters; `{{name}}` is a parameter of the interrupted call, and `{{attempt}}` its name.
    pub with: Map<String, Value>,
    /// A jq filter over its output: null or false where the call did not happen, else the output of the call.
    pub found: Arc<str>,
}

impl Recover {
    /// The tool that is called to find out, where there is one.
    pub(crate) fn probe(&self) -> Option<&str> {
        match self {
            Self::Key => None,
            Self::Probe(probe) => Some(&probe.tool),
        }
    }
}
