//! The end of what stands between double braces.

/// Looks for the `}}` that closes a `{{`, past quoted text and inner braces. After the first one that has no
/// proper end it takes the next `}}` whatever stands before it, so that no text costs more than one walk.
#[derive(Default)]
pub(super) struct Closer {
    plain: bool,
    none_after: Option<usize>,
}

impl Closer {
    pub(super) fn find(&mut self, text: &str, from: usize) -> Option<usize> {
        if self.none_after.is_some_and(|at| from >= at) {
            return None;
        }
        if !self.plain {
            if let Some(close) = proper_close(text, from) {
                return Some(close);
            }
            self.plain = true;
        }
        let close = text[from..].find("}}").map(|at| at + from);
        if close.is_none() {
            self.none_after = Some(from);
        }
        close
    }
}

fn proper_close(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut quote = None;
    let mut at = from;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(mark), byte) if mark == byte => quote = None,
            (Some(_), b'\\') => at += 1,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(bytes[at]),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, _) => {}
        }
        at += 1;
    }
    None
}
