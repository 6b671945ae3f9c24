//! The form of references that only one dialect has.

use std::ops::Range;

/// How the references of a dialect are written.
pub(in crate::plan) struct ReferenceSyntax {
    /// Its own form besides `{{…}}`, `${…}` and `step:…`.
    pub own: Option<OwnReference>,
    /// Whether a reference alone says what a step waits for: the dialect has no `depends_on` that could differ.
    pub declare: bool,
}

impl ReferenceSyntax {
    /// What a dialect has that brings nothing of its own.
    pub(crate) const COMMON: Self = Self {
        own: None,
        declare: false,
    };
}

/// A reference by number: some marks around an id that is a number or ends with one.
pub(in crate::plan) struct OwnReference {
    /// What stands before and after the id, letters in any case. The first that fits is taken.
    pub forms: &'static [(&'static str, &'static str)],
    /// What the id begins with before its digits.
    pub id_prefix: &'static str,
    /// Whether it may be an amount of money: where no step has the id, or a number goes on after it.
    pub may_be_amount: bool,
    /// Whether `.field` and `[0]` may follow it.
    pub has_path: bool,
    /// What every reference begins with, also one that names nothing.
    pub placeholder: Option<&'static str>,
}

/// A reference that was found.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::plan) struct OwnFound {
    pub id: Range<usize>,
    pub path: Range<usize>,
    /// Whether the digits go on as those of an amount do: `$1,041`, `$1.50`.
    pub is_amount: bool,
}

impl OwnReference {
    /// The reference that stands at `at`.
    pub(crate) fn find(&self, text: &str, at: usize) -> Option<OwnFound> {
        self.forms.iter().find_map(|(before, after)| {
            let rest = text.get(at..)?;
            let matches = rest.get(..before.len())?.eq_ignore_ascii_case(before);
            let id = rest.get(before.len()..).filter(|_| matches)?;
            let id = id.strip_prefix(self.id_prefix)?;
            let digits = leading_digits(id);
            let length = self.id_prefix.len() + digits;
            let end = id[digits..].strip_prefix(after).filter(|_| digits > 0)?;
            let start = at + before.len();
            let end = text.len() - end.len();
            let length_of_path = if self.has_path { path(&text[end..]) } else { 0 };
            Some(OwnFound {
                id: start..start + length,
                path: end..end + length_of_path,
                is_amount: self.may_be_amount && after.is_empty() && is_amount(&text[end..]),
            })
        })
    }

    /// Whether one could begin with this byte.
    pub(crate) fn begins_with(&self, byte: u8) -> bool {
        self.forms
            .iter()
            .any(|(before, _)| before.as_bytes().first() == Some(&byte))
    }

    /// The end of the index that stands at `at` directly after a reference.
    pub(crate) fn index_after(&self, text: &str, at: usize) -> Option<usize> {
        let inner = text.get(at..)?.strip_prefix('[')?;
        let close = key(inner)?;
        let is_reference = self.has_path
            && self.forms.iter().any(|(before, after)| {
                let id = text[..at].strip_suffix(after);
                let stem = id.map(|id| id.trim_end_matches(|c: char| c.is_ascii_digit()));
                stem.is_some_and(|stem| stem.ends_with(before) && Some(stem) != id)
            });
        is_reference.then_some(at + close + 2)
    }

    /// The length of what looks like a reference at `at` and is none.
    pub(crate) fn placeholder(&self, text: &str, at: usize) -> Option<usize> {
        let begins = self.placeholder?;
        let rest = text.get(at..)?;
        let matches = rest.get(..begins.len())?.eq_ignore_ascii_case(begins);
        let mut near = rest.bytes().take(begins.len() + 24);
        let close = near.position(|byte| byte == b'>').filter(|_| matches)?;
        Some(close + 1)
    }
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Whether the digits before `rest` are the beginning of a larger number.
fn is_amount(rest: &str) -> bool {
    if let Some(fraction) = rest.strip_prefix('.') {
        return leading_digits(fraction) > 0;
    }
    rest.strip_prefix(',')
        .is_some_and(|thousands| leading_digits(thousands) == 3)
}

/// The length of `.field`, `[0]` and `["key"]` at the beginning of a text, in any number.
fn path(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        let more = if let Some(field) = rest.strip_prefix('.') {
            let begins = field.starts_with(|c: char| c.is_alphabetic() || c == '_');
            let name = field
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(field.len());
            begins.then_some(1 + name)
        } else if let Some(inner) = rest.strip_prefix('[') {
            key(inner).map(|close| close + 2)
        } else {
            None
        };
        match more {
            Some(more) => length += more,
            None => return length,
        }
    }
}

/// The length of the index or quoted key that a closing bracket follows. It is read from its beginning and not from
/// that bracket, which may be far away or missing, once for each bracket that opens.
fn key(inner: &str) -> Option<usize> {
    let length = match inner.bytes().next()? {
        quote @ (b'"' | b'\'') => {
            let quoted = &inner.as_bytes()[1..];
            let end = quoted
                .iter()
                .position(|byte| *byte == quote || *byte == b']');
            let end = end.filter(|end| *end > 0 && quoted[*end] == quote)?;
            end + 2
        }
        first => {
            let sign = usize::from(first == b'-');
            let digits = leading_digits(&inner[sign..]);
            Some(sign + digits).filter(|_| digits > 0)?
        }
    };
    (inner.as_bytes().get(length) == Some(&b']')).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONEY: OwnReference = OwnReference {
        forms: &[("${", "}"), ("$", "")],
        id_prefix: "",
        may_be_amount: true,
        has_path: true,
        placeholder: None,
    };
    const TASK: OwnReference = OwnReference {
        forms: &[("<GENERATED>-", ""), ("<GENERATED-", ">")],
        id_prefix: "",
        may_be_amount: false,
        has_path: false,
        placeholder: Some("<GENERATED"),
    };

    #[test]
    fn references_end_where_their_path_does() {
        for (text, id, path) in [
            ("$1", "1", ""),
            ("${12} m", "12", ""),
            ("$1.", "1", ""),
            ("$1, then", "1", ""),
            ("$1.name.", "1", ".name"),
            ("${1}.a[0][\"b c\"]['d'] e", "1", ".a[0][\"b c\"]['d']"),
            ("$1[-1]", "1", "[-1]"),
            ("$1[see]", "1", ""),
            ("$1.output", "1", ".output"),
        ] {
            let found = MONEY.find(text, 0).unwrap();
            assert_eq!((&text[found.id], &text[found.path]), (id, path), "{text}");
            assert!(!found.is_amount, "{text}");
        }
        for text in ["$1,041", "$1,041,000", "$1.50"] {
            assert!(MONEY.find(text, 0).unwrap().is_amount, "{text}");
        }
        assert_eq!(MONEY.find("${1.x}", 0), None);
        assert!(!MONEY.find("$1,0415", 0).unwrap().is_amount);
    }

    #[test]
    fn an_index_is_read_from_its_beginning() {
        for (text, length) in [
            ("0]", Some(1)),
            ("-12] x]", Some(3)),
            ("\"a b\"]", Some(5)),
            ("'é']", Some(4)),
            ("\"\"]", None),
            ("\"a]\"]", None),
            ("'a\"]", None),
            ("-]", None),
            ("]", None),
            ("0", None),
            ("a]", None),
        ] {
            assert_eq!(key(text), length, "{text}");
        }
    }

    /// An effort that grows with the square of the length would not end here.
    #[test]
    fn each_byte_of_a_long_text_is_read_a_few_times() {
        for part in [
            "9",
            "$1",
            "$9[",
            "$1[\"",
            "1[",
            "<GENERATED",
            "<",
            "$1.a",
            "$1,",
        ] {
            let text = part.repeat(200_000);
            for reference in [MONEY, TASK] {
                for at in 0..text.len() {
                    let _ = reference.find(&text, at);
                    let _ = reference.index_after(&text, at);
                    let _ = reference.placeholder(&text, at);
                }
            }
        }
    }

    #[test]
    fn marks_may_stand_on_both_sides() {
        for text in ["<GENERATED>-10", "<GENERATED-10>", "<generated>-10"] {
            assert_eq!(&text[TASK.find(text, 0).unwrap().id], "10", "{text}");
        }
        for (text, length) in [
            ("<GENERATED> x", Some(11)),
            ("<GENERATED-text>", Some(16)),
            ("<GENERATED", None),
        ] {
            assert_eq!(
                (TASK.find(text, 0), TASK.placeholder(text, 0)),
                (None, length),
                "{text}"
            );
        }
    }
}
