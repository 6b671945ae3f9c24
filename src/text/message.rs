//! Text from outside, made fit to be quoted in an error or a log: several lines, bounded, without escape sequences
//! and without the characters of [`super::is_unsafe`].

use super::unsafe_chars::{belongs, drop_joiner, find_unsafe, is_unsafe};

/// Marks the place where something was left out.
const ELLIPSIS: &str = "…";

/// `text` as [`clean`] has it, without blanks around it.
pub fn quote(text: &str, most: usize) -> String {
    clean(text.trim(), most)
}

/// `text` without unsafe characters (line feeds stay, tabs become spaces, escape sequences go whole), and no
/// longer than `most` bytes; a cut is marked with `…`.
pub fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most) + ELLIPSIS.len());
    let mut rest = text.chars().peekable();
    let mut before = None;
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            skip_escape(&mut rest);
            before = None;
            continue;
        }
        let c = match c {
            '\t' => ' ',
            '\n' => '\n',
            c if is_unsafe(c) && !belongs(before, c, rest.peek().copied()) => {
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

/// The end of `text`, cleaned as [`quote`] does, at most about `most` bytes of it.
pub fn quote_end(text: &str, most: usize) -> String {
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
pub fn is_clean(text: &str) -> bool {
    text.split('\n').all(|line| find_unsafe(line).is_none())
}

/// After ESC: a control sequence up to its final byte, an operating system command up to its terminator, or one
/// character.
fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next() {
        Some('[') => {
            for c in rest.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    break;
                }
            }
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while let Some(c) = rest.next() {
                if c == '\u{7}' {
                    break;
                }
                if c == '\u{1b}' {
                    rest.next_if_eq(&'\\');
                    break;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_go_whole() {
        assert_eq!(quote("\u{1b}[31mred\u{1b}[0m\tend\u{7}", 100), "red end");
        assert_eq!(quote("a\u{1b}]0;title\u{7}b", 100), "ab");
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
