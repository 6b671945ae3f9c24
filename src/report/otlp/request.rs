//! Requests to a collector.

use super::attributes::attribute;
use serde_json::{Value, json};

/// The version of the conventions.
const CONVENTIONS: &str = "0.1.0";

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// The end of the address that collectors take it at, and its part in the names of variables.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// The names of the lists that a request has: of resources, of scopes, of what is sent.
    const fn lists(self) -> [&'static str; 3] {
        match self {
            Self::Traces => ["resourceSpans", "scopeSpans", "spans"],
            Self::Metrics => ["resourceMetrics", "scopeMetrics", "metrics"],
            Self::Logs => ["resourceLogs", "scopeLogs", "logRecords"],
        }
    }
}

/// The attributes of the resource.
pub(crate) fn about_this_program() -> Vec<Value> {
    vec![
        attribute("service.name", "plandeck"),
        attribute("service.version", env!("CARGO_PKG_VERSION")),
    ]
}

/// A request with `all` of what is sent, from the program with these attributes: one JSON object.
pub(crate) fn request(signal: Signal, resource: &[Value], all: &[Value]) -> Value {
    let [resources, scopes, list] = signal.lists();
    json!({resources: [{
        "resource": {"attributes": resource},
        scopes: [{
            "scope": {"name": "plandeck", "version": env!("CARGO_PKG_VERSION"),
                "attributes": [attribute("gen_ai.conventions.version", CONVENTIONS)]},
            list: all,
        }],
    }]})
}
