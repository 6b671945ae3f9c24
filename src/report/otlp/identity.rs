//! Ids of traces and spans: the same for the same attempt each time that they are worked out.

use crate::run::RunState;
use crate::units::Micros;
use std::sync::Arc;

/// The span of another program inside of which a run is, as `TRACEPARENT` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    /// The trace: 32 hexadecimal digits.
    pub(crate) trace: String,
    /// The span: 16 hexadecimal digits.
    pub(crate) span: String,
    /// Whether that program records the trace.
    pub(crate) is_sampled: bool,
}

impl TraceParent {
    /// Reads `00-TRACE-SPAN-FLAGS`, as W3C Trace Context has it; later versions may say more after that.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let mut part = |length: usize| {
            let part = parts.next()?;
            let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            (part.len() == length && part.bytes().all(is_hex)).then_some(part)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let has_more = parts.next().is_some();
        let is_none = |id: &str| id.bytes().all(|byte| byte == b'0');
        if version == "ff" || version == "00" && has_more || is_none(trace) || is_none(span) {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self {
            trace: trace.to_owned(),
            span: span.to_owned(),
            is_sampled: flags & 1 == 1,
        })
    }
}

/// What the ids of a run's spans are made of, and when its spans are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// The span that the run is in.
    pub(crate) parent: Option<TraceParent>,
    /// How many events the run had when this process went on with it; 0 for a run that it began.
    pub(crate) from: u64,
    /// When that was, by the run's clock.
    pub(crate) began: Micros,
    /// How much later than the run's clock says what happens in this process is, in nanoseconds: a run that goes on may
    /// have stood still for days.
    pub(crate) later: i128,
    /// The run that it resumes.
    pub(crate) resumed_from: Option<Arc<str>>,
}

impl Identity {
    /// The trace of this run.
    pub(super) fn trace(&self, run_id: &str) -> String {
        match &self.parent {
            Some(parent) => parent.trace.clone(),
            None => trace_of(run_id),
        }
    }

    /// The span of this run.
    pub(super) fn run_span(&self, run_id: &str) -> String {
        match self.from {
            0 => run_span(run_id),
            from => span_of(run_id, &["run", &from.to_string()]),
        }
    }
}

/// The id of a run.
pub(super) fn run_id(run: &RunState) -> &str {
    run.header.as_deref().map_or("", |header| &header.run_id)
}

/// The trace of a run that is in no other span.
pub(super) fn trace_of(run_id: &str) -> String {
    blake3::hash(run_id.as_bytes()).to_hex()[..32].to_owned()
}

/// The span of a run where it began.
pub(super) fn run_span(run_id: &str) -> String {
    span_of(run_id, &["run"])
}

/// The span of an attempt.
pub(super) fn attempt_span(run_id: &str, step: &str, attempt: u32) -> String {
    span_of(run_id, &[step, &attempt.to_string()])
}

fn span_of(run_id: &str, of: &[&str]) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(trace_of(run_id).as_bytes());
    for part in of {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_as_the_recommendation_says() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let read = TraceParent::read(&format!("00-{trace}-{span}-01")).unwrap();
        assert_eq!(
            (&*read.trace, &*read.span, read.is_sampled),
            (trace, span, true)
        );
        let later = TraceParent::read(&format!("cc-{trace}-{span}-02-what-comes"));
        assert!(!later.unwrap().is_sampled);
        for wrong in [
            String::new(),
            format!("ff-{trace}-{span}-01"),
            format!("00-{trace}-{span}-01-more"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{trace}-{span}"),
            format!("00-{trace}é-{span}-01"),
        ] {
            assert_eq!(TraceParent::read(&wrong), None, "{wrong}");
        }
    }
}
