//! How large a regular expression is, from its text.

/// The states of a class with most characters in it, and of one that Unicode's tables name.
const MANY: u64 = 5;
const NAMED: u64 = 50;

/// A group that has begun.
#[derive(Default)]
struct Group {
    /// The size of what is in it, without the last part.
    size: u64,
    /// The size of the last part, which a repetition multiplies.
    last: u64,
}

impl Group {
    fn push(&mut self, part: u64) {
        self.size = self.size.saturating_add(self.last);
        self.last = part;
    }

    fn total(&self) -> u64 {
        self.size.saturating_add(self.last)
    }
}

/// About how many states the automaton of a pattern has: one for each character or class, times the counted
/// repetitions around it.
pub(super) fn size(pattern: &str) -> u64 {
    let bytes = pattern.as_bytes();
    let mut outer = Vec::new();
    let mut group = Group::default();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'(' => outer.push(std::mem::take(&mut group)),
            b')' => {
                if let Some(around) = outer.pop() {
                    let inner = std::mem::replace(&mut group, around);
                    group.push(inner.total().max(1));
                }
            }
            b'{' => match count(&bytes[at..]) {
                Some((most, length)) => {
                    group.last = group.last.saturating_mul(most.max(1));
                    at += length;
                }
                None => group.push(1),
            },
            b'*' | b'+' | b'?' => group.last = group.last.saturating_add(1),
            b'[' => {
                let end = end_of_class(bytes, at);
                group.push(of_class(&bytes[at..end]));
                at = end;
            }
            b'\\' => {
                group.push(of_class(&bytes[at - 1..bytes.len().min(at + 1)]));
                at += 1;
            }
            b'.' => group.push(MANY),
            // The bytes of one character.
            0x80..=0xBF => {}
            _ => group.push(1),
        }
    }
    let outer = outer.iter().map(Group::total);
    outer.fold(group.total(), u64::saturating_add)
}

/// The states of a class.
fn of_class(class: &[u8]) -> u64 {
    let mut states = 1;
    for (at, byte) in class.iter().enumerate() {
        states += match byte {
            b'^' if at == 0 => MANY,
            b'\\' => match class.get(at + 1) {
                Some(b'p' | b'P') => NAMED,
                Some(b'W' | b'D' | b'S') => MANY,
                _ => 0,
            },
            _ => 0,
        };
    }
    states
}

/// Whether a pattern looks around or refers back, so that matching can go back again and again.
pub(super) fn goes_back(pattern: &str) -> bool {
    let refers = |at: usize| {
        let next = pattern[at + 1..].chars().next();
        next.is_some_and(|next| next.is_ascii_digit() || next == 'k')
    };
    pattern.match_indices('\\').any(|(at, _)| refers(at))
        || ["(?=", "(?!", "(?<=", "(?<!", "(?>"]
            .iter()
            .any(|opening| pattern.contains(opening))
}

/// The greatest number in `3}`, `3,}` or `3,5}`, and how long that is.
fn count(text: &[u8]) -> Option<(u64, usize)> {
    let end = text.iter().take(40).position(|byte| *byte == b'}')?;
    let text_of_counts = std::str::from_utf8(&text[..end]).ok()?;
    let (min, max) = text_of_counts
        .split_once(',')
        .unwrap_or((text_of_counts, text_of_counts));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if min.is_empty() || !is_number(min) || !is_number(max) {
        return None;
    }
    let number = |text: &str| text.parse().unwrap_or(u64::MAX);
    let most = if max.is_empty() {
        number(min)
    } else {
        number(max)
    };
    Some((most, end + 1))
}

/// Where a class that begins before `at` ends.
fn end_of_class(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(byte) = bytes.get(end) {
        match byte {
            b']' if end > at => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counted_repetitions_multiply() {
        for (pattern, wanted) in [
            ("", 0),
            ("abc", 3),
            ("^[a-z]{2,32}$", 34),
            ("(ab){10}", 20),
            ("((a{100}){100}){100}", 1_000_000),
            ("[{9}]", 1),
            ("\\{9}", 3),
            ("a{,3}", 5),
            ("[]a{9}]{3}", 3),
            ("é{4}", 4),
        ] {
            assert_eq!(size(pattern), wanted, "{pattern}");
        }
        assert_eq!(size("(x?){9}y+"), 20);
        assert!(size("[\\p{L}\\d]{9}") > 450 && size("[^a].{3}") > 20);
        assert!(size("((((x{9999999}){9999999}){9999999}){9999999})") > 1 << 60);
        assert!(goes_back("^(?=.*\\d)") && goes_back("(a)\\1") && !goes_back("^\\d+[.]$"));
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[\\[\\](){}\\\\0-9,aé?*^-]{0,40}") {
            size(&pattern);
            goes_back(&pattern);
        }
    }
}
