//! The pieces of Markdown that reports are made of: what comes from plans and tools stays text.

use crate::text::line;
use std::fmt::Write as _;

/// A text in which nothing is markup, on one line.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in line(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ':' | '/' | '-' | '%' | '$' | '=') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// A table; columns after the first are numbers and end at the right. Cells are Markdown already.
pub(super) fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|", heads.join(" | "));
    for at in 0..heads.len() {
        text.push_str(if at == 0 { " --- |" } else { " ---: |" });
    }
    text.push('\n');
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_no_markup() {
        let text = plain("a|b `c` <b>*d*</b> [e](f)\n# g");
        assert!(!text.contains('\n'), "{text}");
        assert_eq!(
            text.replace('\\', ""),
            line("a|b `c` <b>*d*</b> [e](f)\n# g")
        );
        for mark in ["|", "`", "<", "*", "[", "#"] {
            let bare = text.replace(&format!("\\{mark}"), "");
            assert!(!bare.contains(mark), "{mark} in {text}");
        }
        let table = table(&["A", "B"], [vec!["x".to_owned(), "1".to_owned()]]);
        assert_eq!(table, "| A | B |\n| --- | ---: |\n| x | 1 |\n\n");
    }
}
