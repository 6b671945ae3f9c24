//! Text from outside, made fit to be quoted in an error or a log: several lines, bounded, without escape sequences
//! and without the characters of [`super::is_unsafe`].

use super::unsafe_chars::{belongs, drop_joiner, find_unsafe, is_unsafe, style_at_start};

/// Marks the place where something was left out.
const ELLIPSIS: &str = "…";

/// `text` as [`clean`] has it, without blanks around it.
pub(crate) fn quote(text: &str, most: usize) -> String {
    clean(text.trim(), most)
}

/// `text` without unsafe characters (line feeds stay, tabs become spaces, complete escape sequences go whole), and no
/// longer than `most` bytes; a cut is marked with `…`.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most) + ELLIPSIS.len());
    let mut rest = text.chars();
    let mut before = None;
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest = after_escape(rest.as_str()).chars();
            before = None;
            continue;
        }
        let c = match c {
            '\t' => ' ',
            '\n' => '\n',
            c if is_unsafe(c) && !belongs(before, c, rest.clone().next()) => {
                before = None;
                continue;
            }
            c => c,
        };
        if out.len() + c.len_utf8() > most {
            drop_joiner(&mut out);
            out.push_str(ELLIPSIS);
            break;
        }
        before = Some(c);
        out.push(c);
    }
    out
}

/// `text` as [`clean`] leaves it, with the escape sequences for colours and weights in it. Who shows it to a reader
/// that has no use for them cleans it.
pub(crate) fn clean_styled(text: &str, most: usize) -> String {
    if !text.contains('\u{1b}') {
        return clean(text, most);
    }
    let mut out = String::new();
    let mut plain_from = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\u{1b}') {
        let escape = at + found;
        let Some(style) = style_at_start(&text[escape..]) else {
            at = escape + 1;
            continue;
        };
        out.push_str(&clean(&text[plain_from..escape], most));
        at = escape + style.len();
        plain_from = at;
        if out.len() + style.len() > most {
            return out;
        }
        out.push_str(style);
    }
    out.push_str(&clean(&text[plain_from..], most.saturating_sub(out.len())));
    out
}

/// The end of `text`, cleaned as [`quote`] does, at most about `most` bytes of it.
pub(crate) fn quote_end(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.len() <= most {
        return quote(text, most);
    }
    let mut from = text.len() - most;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    format!("{ELLIPSIS}{}", quote(&text[from..], most))
}

/// Whether [`clean`] would leave `text` as it is, but for its length.
pub(crate) fn is_clean(text: &str) -> bool {
    text.split('\n').all(|line| find_unsafe(line).is_none())
}

/// What follows an escape sequence, where `text` is what follows its ESC. Only a complete sequence is skipped: of one
/// that never ends, or is interrupted, the text is a message that the reader would miss.
pub(super) fn after_escape(text: &str) -> &str {
    let end = match text.bytes().next() {
        Some(b'[') => control_sequence(text),
        Some(b']' | b'P' | b'_' | b'^' | b'X') => control_string(text),
        _ => short_sequence(text),
    };
    end.map_or(text, |end| &text[end..])
}

/// The end of a control sequence: parameters, intermediate bytes, and the final byte.
fn control_sequence(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let end = 1 + bytes[1..]
        .iter()
        .position(|byte| !matches!(byte, b' '..=b'?'))?;
    matches!(bytes[end], b'@'..=b'~').then_some(end + 1)
}

/// The end of an operating system command, or another string for the terminal: BEL, or ESC and a backslash. Such a
/// string is of one line.
fn control_string(text: &str) -> Option<usize> {
    let end = text.find(|c: char| c.is_control())?;
    match &text.as_bytes()[end..] {
        [7, ..] => Some(end + 1),
        [0x1b, b'\\', ..] => Some(end + 2),
        [0xc2, 0x9c, ..] => Some(end + 2),
        _ => None,
    }
}

/// The end of a sequence without parameters: intermediate bytes, and the final byte.
fn short_sequence(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|byte| !matches!(byte, b' '..=b'/'))?;
    matches!(bytes[end], b'0'..=b'~').then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_go_whole() {
        assert_eq!(quote("\u{1b}[31mred\u{1b}[0m\tend\u{7}", 100), "red end");
        assert_eq!(quote("a\u{1b}]0;title\u{7}b", 100), "ab");
        assert_eq!(
            quote("a\u{1b}]8;;file:///x\u{1b}\\link\u{1b}]8;;\u{9c}b", 100),
            "alinkb"
        );
        assert_eq!(
            quote("\u{1b}(Bplain\u{1b}7\u{1b}[?25l\u{1b}[2 q.", 100),
            "plain."
        );
    }

    #[test]
    fn colours_and_weights_may_stay() {
        for (text, kept) in [
            (
                "\u{1b}[1;31mred\u{1b}[0m\tend\u{7}",
                "\u{1b}[1;31mred\u{1b}[0m end",
            ),
            ("a\u{1b}]52;c;aGFsZg==\u{7}b\u{1b}[32mc", "ab\u{1b}[32mc"),
            ("\u{1b}[2J\u{1b}[H\u{1b}[?1049hplain", "plain"),
            (
                "\u{1b}[38;5;9mx\u{1b}[m\u{202e}y",
                "\u{1b}[38;5;9mx\u{1b}[my",
            ),
            ("no escapes", "no escapes"),
        ] {
            assert_eq!(clean_styled(text, 100), kept, "{text:?}");
        }
        let flood = "\u{1b}[31m".repeat(1_000);
        assert!(clean_styled(&flood, 64).len() <= 64);
        assert!(
            clean_styled(&format!("{flood}{}", "é".repeat(500)), 64).len() <= 64 + ELLIPSIS.len()
        );
    }

    #[test]
    fn an_unfinished_escape_sequence_hides_no_message() {
        for (text, told) in [
            ("\u{1b}]0;working\nout of paper", "]0;working\nout of paper"),
            ("\u{1b}]0;out of paper", "]0;out of paper"),
            (
                "\u{1b}Pjam in tray 2\n\u{1b}[0mdone",
                "Pjam in tray 2\ndone",
            ),
            ("\u{1b}_stuck\u{1b}[1m fast", "_stuck fast"),
            ("\u{1b}[12;\n40 pages left", "[12;\n40 pages left"),
            ("\u{1b}[38;5", "[38;5"),
            ("tray\u{1b}", "tray"),
            ("one\u{1b}\nline two", "one\nline two"),
            ("\u{1b}é", "é"),
        ] {
            assert_eq!(quote(text, 100), told, "{text:?}");
        }
    }

    #[test]
    fn what_is_cut_is_marked() {
        assert_eq!(quote("abcdef", 3), "abc…");
        assert_eq!(quote_end("abcdef", 3), "…def");
        assert_eq!(quote("ééé", 3), "é…");
    }

    proptest! {
        #[test]
        fn no_control_character_is_left(text in any::<String>(), most in 0usize..40) {
            let quoted = quote(&text, most);
            prop_assert!(quoted.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(is_clean(&quoted));
            prop_assert!(quoted.len() <= most + ELLIPSIS.len());
            let end = quote_end(&text, most);
            prop_assert!(end.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
