//! Ids of traces and spans, which are the same for the same attempt each time that they are worked out; and the form in which
//! programs tell each other of them.

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

/// What the tools of a run are told of its trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceContext {
    /// The span that the run is in.
    pub(crate) parent: Option<TraceParent>,
}

impl TraceContext {
    /// The span of an attempt, as W3C Trace Context has it: what a tool does for it is inside of that span.
    pub(crate) fn of_attempt(&self, run_id: &str, step: &str, attempt: u32) -> String {
        let own = || trace_of(run_id);
        let trace = self.parent.as_ref().map(|parent| parent.trace.clone());
        let flags = u8::from(self.parent.as_ref().is_none_or(|parent| parent.is_sampled));
        let span = attempt_span(run_id, step, attempt);
        format!("00-{}-{span}-{flags:02x}", trace.unwrap_or_else(own))
    }
}

/// The trace of a run that is in no other span.
pub(crate) fn trace_of(run_id: &str) -> String {
    blake3::hash(run_id.as_bytes()).to_hex()[..32].to_owned()
}

/// The span of a run where it began.
pub(crate) fn run_span(run_id: &str) -> String {
    span_of(run_id, &["run"])
}

/// The span of an attempt.
pub(crate) fn attempt_span(run_id: &str, step: &str, attempt: u32) -> String {
    span_of(run_id, &[step, &attempt.to_string()])
}

/// The span of this part of a run, or of what else has an id.
pub(crate) fn span_of(run_id: &str, of: &[&str]) -> String {
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

    #[test]
    fn a_tool_is_told_of_the_span_of_its_attempt() {
        let alone = TraceContext::default().of_attempt("r", "a", 2);
        let read = TraceParent::read(&alone).unwrap();
        assert_eq!(
            (read.trace, read.span),
            (trace_of("r"), attempt_span("r", "a", 2))
        );
        assert!(read.is_sampled);
        let parent = TraceParent {
            trace: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            span: "b7ad6b7169203331".to_owned(),
            is_sampled: false,
        };
        let inside = TraceContext {
            parent: Some(parent.clone()),
        };
        let read = TraceParent::read(&inside.of_attempt("r", "a", 2)).unwrap();
        assert_eq!((read.trace, read.is_sampled), (parent.trace, false));
        assert_eq!(read.span, attempt_span("r", "a", 2));
    }
}
