//! OTLP traces as JSON, by the `GenAI` conventions of OpenTelemetry and by those of `OpenInference`: a request to a collector,
//! or the lines that a collector writes to a file.
//!
//! The places of the spans are found first; then they are read by all processors.

mod attributes;
mod span;

use super::names::Names;
use super::parallel::in_parts;
use super::{Recorded, Text};
use attributes::{About, KeyValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use span::OtlpSpan;

#[derive(Deserialize)]
struct Traces<'t> {
    #[serde(alias = "resource_spans", rename = "resourceSpans", borrow)]
    resources: Vec<ResourceSpans<'t>>,
}

#[derive(Deserialize)]
struct ResourceSpans<'t> {
    #[serde(borrow, default)]
    resource: Resource<'t>,
    #[serde(
        rename = "scopeSpans",
        alias = "scope_spans",
        alias = "instrumentationLibrarySpans",
        borrow,
        default
    )]
    scopes: Vec<ScopeSpans<'t>>,
}

#[derive(Deserialize)]
struct ScopeSpans<'t> {
    #[serde(borrow, default)]
    spans: Vec<&'t RawValue>,
}

#[derive(Default, Deserialize)]
struct Resource<'t> {
    #[serde(borrow, default)]
    attributes: Vec<KeyValue<'t>>,
}

/// Where a span stands.
struct Place<'t> {
    /// Its line, from 0.
    line: usize,
    text: &'t str,
}

pub(super) fn read(text: &Text<'_>) -> Option<Result<Recorded, String>> {
    let first = text.values.first()?;
    let head = first.get(..first.len().min(4_096)).unwrap_or(first);
    if !head.contains("resourceSpans") && !head.contains("resource_spans") {
        return None;
    }
    Some(read_all(text))
}

fn read_all(text: &Text<'_>) -> Result<Recorded, String> {
    let lines: Vec<(usize, &str)> = text.values.iter().copied().enumerate().collect();
    let parts = in_parts(&lines, |part| {
        let traces = part.iter().map(|(line, value)| {
            let traces: Result<Traces, _> = serde_json::from_str(value);
            let traces = traces.map_err(|error| format!("line {}: {error}", line + 1))?;
            Ok((*line, traces))
        });
        traces.collect::<Result<Vec<_>, String>>()
    });
    let mut places = Vec::new();
    let mut service = None;
    for part in parts {
        for (line, traces) in part? {
            for resource in traces.resources {
                let about = About {
                    own: resource.resource.attributes,
                    of_events: Vec::new(),
                };
                let name = about.get("service.name").and_then(|name| name.as_str());
                service = service.or_else(|| name.map(str::to_owned));
                let spans = resource.scopes.into_iter().flat_map(|scope| scope.spans);
                places.extend(spans.map(|span| Place {
                    line,
                    text: span.get(),
                }));
            }
        }
    }
    let parts = in_parts(&places, |part| {
        let mut names = Names::default();
        let mut workflow = None;
        let spans = part.iter().map(|place| {
            let span: OtlpSpan = serde_json::from_str(place.text)
                .map_err(|error| format!("line {}: a span: {error}", place.line + 1))?;
            let (span, name) = span.read(&mut names);
            let found = name.map(|name| (span.parent.is_none(), name));
            workflow = outer(workflow.take(), found);
            Ok(span)
        });
        let spans = spans.collect::<Result<Vec<_>, String>>()?;
        Ok::<_, String>((spans, workflow))
    });
    let mut recorded = Recorded {
        spans: Vec::with_capacity(places.len()),
        ..Recorded::default()
    };
    let mut workflow = None;
    for part in parts {
        let (spans, of) = part?;
        recorded.spans.extend(spans);
        workflow = outer(workflow, of);
    }
    let workflow = workflow.map(|(_, name)| name);
    recorded.name = workflow.or(service).unwrap_or_default();
    Ok(recorded)
}

/// A workflow's name, and whether it is in no other span.
type Workflow = Option<(bool, String)>;

/// Which of two workflows the trace is about: one that is in no other span, else the one that ended later.
fn outer(first: Workflow, second: Workflow) -> Workflow {
    match (&first, &second) {
        (Some((true, _)), Some((false, _))) | (_, None) => first,
        _ => second,
    }
}
