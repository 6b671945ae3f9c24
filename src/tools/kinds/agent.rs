//! `agent` tools: other agents over the `Agent2Agent` protocol. They are read and displayed; there is no client yet.

use crate::run::NotReused;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolDefinition, ToolSettings,
};
use crate::tools::kind::DAY;
use crate::tools::{Reaches, Tool, ToolKind};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

pub(in crate::tools) static KIND: ToolKind = ToolKind {
    timeout: Some(Duration::from_mins(2)),
    time_to_live: DAY,
    ..ToolKind::new("agent")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &["url"],
    implied_by: &[],
    rank: 6,
    parse: |fields| {
        Arc::new(AgentSettings {
            url: fields.text("url"),
        })
    },
};

/// Another agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AgentSettings {
    /// Its address.
    pub url: Option<Arc<str>>,
}

impl ToolSettings for AgentSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, _context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        Err("this version has no Agent2Agent client".into())
    }

    fn reaches(&self, _definition: &ToolDefinition, reaches: &mut Reaches) {
        if let Some(url) = &self.url {
            reaches.address(url);
        }
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("url", json!(self.url));
        parts.unless_it_reads(false)
    }
}
