//! The header that tells a server of the span that its work is in.

use super::call::Call;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// The name that W3C Trace Context has for it, in headers and in `_meta` of MCP.
pub(super) const TRACEPARENT: &str = "traceparent";

/// Adds the header of a call, where its run is traced and the catalog does not give one itself.
pub(super) fn add_trace(headers: &mut HeaderMap, call: &Call) {
    let trace = call.trace.as_deref();
    let trace = trace.and_then(|trace| HeaderValue::from_str(trace).ok());
    if let Some(trace) = trace {
        let name = HeaderName::from_static(TRACEPARENT);
        headers.entry(name).or_insert(trace);
    }
}
