//! Variables in the texts of a workflow.

use crate::import::plans::template::is_identifier;
use std::ops::Range;

/// A variable that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// Where it stands, with its sign and its braces.
    pub range: Range<usize>,
    pub name: String,
    /// What follows the name in braces: `.path[0]`, `:-default`.
    pub rest: String,
}

/// The variables that a text names: `$NAME`, `${NAME}`, `${NAME.path}`. Only a default (`${NAME:-$OTHER}`) has variables
/// within it.
pub(super) fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find('$').map(|next| at + next) {
        at = next + 1;
        let is_escaped = text[..next].ends_with('\\');
        let after = &text[at..];
        if let Some(inner) = after.strip_prefix('{') {
            let Some(end) = inner.find('}') else { continue };
            let inner = &inner[..end];
            let (name, rest) = inner.split_at(name_length(inner));
            // A path holds no variable: braces that are never closed must not take in the next ones.
            let is_open = rest.starts_with(['.', '[']) && rest.contains('$');
            if !name.is_empty() && !is_open && !is_escaped {
                found.push(Mention {
                    range: next..at + end + 2,
                    name: name.to_owned(),
                    rest: rest.to_owned(),
                });
            }
        } else {
            let length = after
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(after.len());
            if is_identifier(&after[..length]) && !is_escaped {
                found.push(Mention {
                    range: next..at + length,
                    name: after[..length].to_owned(),
                    rest: String::new(),
                });
            }
        }
    }
    found
}

/// The length of the name at the beginning of what stands in braces; ids of steps have dashes.
fn name_length(inner: &str) -> usize {
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    let end = end.unwrap_or(inner.len());
    // `${NAME-default}`
    let dash = inner[..end]
        .find('-')
        .filter(|_| !inner[end..].starts_with('.'));
    let end = dash.unwrap_or(end);
    match inner.chars().next() {
        Some(first) if first.is_ascii_alphabetic() || first == '_' => end,
        _ => 0,
    }
}

/// The positions (`$1`, `${2}`, `$@`) that a text names.
pub(super) fn has_positions(text: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let after = text[at + 1..].trim_start_matches('{');
        after.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '@' | '*' | '#'))
    })
}

/// Whether a text has a command whose output stands in its place.
pub(super) fn has_commands(text: &str) -> bool {
    text.contains('`') || text.contains("$(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_in_all_their_forms() {
        let text =
            r"echo $A ${B_1} ${C.d[0]} \$E ${F:-x} $1 ${2} ${step-1.stdout} ${G-h} $é ${open";
        let found: Vec<(String, String)> = mentions(text)
            .into_iter()
            .map(|one| (one.name, one.rest))
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (&**a, &**b)).collect();
        let expected = [
            ("A", ""),
            ("B_1", ""),
            ("C", ".d[0]"),
            ("F", ":-x"),
            ("step-1", ".stdout"),
            ("G", "-h"),
        ];
        assert_eq!(found, expected);
        assert!(has_positions("a $1") && has_positions("${2}") && !has_positions("$A $"));
        assert_eq!(&text[mentions(text)[2].range.clone()], "${C.d[0]}");
    }

    #[test]
    fn a_path_whose_braces_are_not_closed_does_not_take_in_the_next_variable() {
        let text = "echo ${OUT.xecho ${OUT.x} ${A:-$B}";
        let found: Vec<&str> = mentions(text)
            .into_iter()
            .map(|one| &text[one.range])
            .collect();
        assert_eq!(found, ["${OUT.x}", "${A:-$B}", "$B"]);
    }
}
