//! Text for display: untrusted text made safe for a grid of cells, and numbers in readable form.
//!
//! Names, outputs and answers come from models and tools. Before any of it is drawn it goes through
//! [`clean`]: control characters become visible signs, what would reorder or hide text is dropped, and every
//! width is counted in cells. Which characters these are is one list, [`is_unsafe`].
//!
//! What is looked for in the answers of models is here too: their thoughts, code fences, and JSON whose form needs
//! repair. So are the JSON Schemas of tools, with a bound of what validating a value takes.

mod bounded_text;
pub(crate) mod diff;
pub(crate) mod fences;
pub(crate) mod format;
pub(crate) mod fuzzy;
pub(crate) mod held_memory;
mod integers;
pub(crate) mod json;
pub(crate) mod loose_json;
pub(crate) mod merge_patch;
pub(crate) mod message;
pub(crate) mod names;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod spool;
pub(crate) mod thoughts;
mod unsafe_chars;
pub(crate) mod value_diff;

pub(crate) use bounded_text::BoundedText;
pub(crate) use integers::{beyond_64_bits, is_beyond_64_bits};
pub(crate) use unsafe_chars::{escape_json, for_terminal, judged, name_of_unsafe, visible};
pub use unsafe_chars::{find_unsafe, is_unsafe};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Marks on one base character that are kept; more would pile up over the neighbouring lines.
const MARKS: usize = 3;

/// The characters of `text` as they may be drawn on one line.
///
/// Line ends become `↵`, a tab a space, other control characters their picture (`␛`). All else on the list of
/// [`is_unsafe`] is dropped, with the joiners and variation selectors of emoji: a terminal may give them another
/// width than we count, and they can make text read as something else.
pub fn clean(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut marks = 0;
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        loop {
            let next = chars.next()?;
            if next == '\r' && chars.peek() == Some(&'\n') {
                continue;
            }
            let Some(shown) = sign(next) else { continue };
            marks = if shown.width() == Some(0) {
                marks + 1
            } else {
                0
            };
            if marks <= MARKS {
                return Some(shown);
            }
        }
    })
}

/// `text` made safe, on one line.
pub fn line(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    clean(text).collect()
}

/// Whether `text` is of printable ASCII alone, so that nothing has to be made safe.
pub(crate) fn is_plain(text: &str) -> bool {
    unsafe_chars::all_bytes(text, |byte| matches!(byte, b' '..=b'~'))
}

/// What is drawn for a character: itself, a sign for a control character, nothing for what is invisible.
fn sign(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('↵'),
        '\t' => Some(' '),
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32),
        '\u{7f}' => Some('␡'),
        '\u{80}'..='\u{9f}' => Some('\u{fffd}'),
        c => (!is_unsafe(c)).then_some(c),
    }
}

/// `text` made safe, on one line, in at most `width` cells; what is cut off shows as `…`.
pub fn fit(text: &str, width: usize) -> String {
    if width == 0 {
        return String::new();
    }
    // Enough characters to overflow the width even where most of them are marks; the rest is never read.
    let head: String = clean(text)
        .take(width.saturating_mul(1 + MARKS) + 8)
        .collect();
    let mut fitted = String::new();
    let mut used = 0;
    let mut graphemes = head.graphemes(true);
    for grapheme in graphemes.by_ref() {
        let cells = grapheme.width();
        if used + cells > width {
            while used + 1 > width {
                let Some(last) = fitted.graphemes(true).next_back() else {
                    break;
                };
                used -= last.width();
                fitted.truncate(fitted.len() - last.len());
            }
            fitted.push('…');
            break;
        }
        used += cells;
        fitted.push_str(grapheme);
    }
    fitted
}

/// The cells that `text` takes once it is made safe.
pub fn width(text: &str) -> usize {
    clean(text).collect::<String>().width()
}

/// `text` filled up with spaces to `width` cells, or cut to it.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let mut padded = fit(text, width);
    let used = padded.width();
    padded.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    padded
}

/// The most telling line of an error message: the first, but of a traceback the last.
pub fn headline(message: &str) -> &str {
    let mut lines = message.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    if first.starts_with("Traceback ") || first.ends_with("Traceback (most recent call last):") {
        lines.next_back().unwrap_or(first)
    } else {
        first
    }
}

/// Text broken into lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrapped {
    /// Safe lines, none wider than asked for.
    pub lines: Vec<String>,
    /// Whether there was more.
    pub cut: bool,
}

/// `text` made safe and broken into at most `most` lines of `width` cells, at spaces where there are any.
pub(crate) fn wrap(text: &str, width: usize, most: usize) -> Wrapped {
    let width = width.max(2);
    let mut lines = Vec::new();
    for paragraph in paragraphs(text) {
        if lines.len() >= most {
            return Wrapped { lines, cut: true };
        }
        // A paragraph is read only as far as the lines left could show.
        let bound = (most - lines.len()).saturating_mul(width.saturating_mul(1 + MARKS)) + 8;
        let safe: String = clean(paragraph).take(bound).collect();
        if !wrap_line(&safe, width, most, &mut lines) {
            return Wrapped { lines, cut: true };
        }
    }
    Wrapped { lines, cut: false }
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// Appends the lines of one paragraph; `false` where they did not all fit.
fn wrap_line(text: &str, width: usize, most: usize, lines: &mut Vec<String>) -> bool {
    let mut line = String::new();
    let mut used = 0;
    for word in words(text, width) {
        let cells = word.width();
        if used + cells > width && used > 0 && cells <= width {
            if !push(&mut line, most, lines) {
                return false;
            }
            used = 0;
            if word.trim().is_empty() {
                continue;
            }
        }
        if cells <= width {
            line.push_str(word);
            used += cells;
            continue;
        }
        for grapheme in pieces(word) {
            let cells = grapheme.width();
            if used + cells > width {
                if !push(&mut line, most, lines) {
                    return false;
                }
                used = 0;
            }
            line.push_str(grapheme);
            used += cells;
        }
    }
    push(&mut line, most, lines)
}

/// The graphemes of a word. A pile of marks that take cells of their own is wider than any character: it is
/// broken up, or a line could not hold it.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    word.graphemes(true).flat_map(|grapheme| {
        let whole = grapheme.width() <= 2;
        let chars = grapheme.char_indices().skip(1).map(|(at, _)| at);
        let cuts: Vec<usize> = chars.filter(|_| !whole).collect();
        let ends = cuts.clone().into_iter().chain([grapheme.len()]);
        let starts = std::iter::once(0).chain(cuts);
        starts.zip(ends).map(move |(from, to)| &grapheme[from..to])
    })
}

/// Parts that are not broken: the text between spaces where it fits a line, else its words; and the spaces.
fn words(text: &str, width: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let runs = std::iter::from_fn(move || {
        let is_space = rest.chars().next()?.is_whitespace();
        let end = rest.find(|c: char| c.is_whitespace() != is_space);
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(run)
    });
    runs.flat_map(move |run| {
        if run.width() <= width {
            vec![run]
        } else {
            run.split_word_bounds().collect()
        }
    })
}

fn push(line: &mut String, most: usize, lines: &mut Vec<String>) -> bool {
    if lines.len() >= most {
        return false;
    }
    lines.push(std::mem::take(line).trim_end().to_owned());
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(fit("a\u{1b}[31mred\u{7}", 40), "a␛[31mred␇");
        assert_eq!(fit("one\r\ntwo\tthree\u{9b}", 40), "one↵two three\u{fffd}");
    }

    #[test]
    fn text_cannot_be_reordered_or_hidden() {
        assert_eq!(fit("safe\u{202e}gpj.exe\u{200b}", 40), "safegpj.exe");
        let piled = format!("z{}", "\u{301}".repeat(500));
        assert_eq!(fit(&piled, 4).chars().count(), 1 + MARKS);
    }

    #[test]
    fn what_is_cut_shows() {
        assert_eq!(fit("categorize_items", 8), "categor…");
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("ab", 2), "ab");
        assert_eq!(fit("abc", 1), "…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn the_headline_of_a_traceback_is_its_last_line() {
        assert_eq!(headline("no total\nsee line 3"), "no total");
        let traceback = "Traceback (most recent call last):\n  File \"x\"\nKeyError: hits\n";
        assert_eq!(headline(traceback), "KeyError: hits");
        assert_eq!(headline(""), "");
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        let wrapped = wrap("a receipt of groceries\nabcdefghijkl", 10, 9);
        assert_eq!(
            wrapped.lines,
            ["a receipt", "of", "groceries", "abcdefghij", "kl"]
        );
        assert!(!wrapped.cut);
        let wrapped = wrap("see rates.csv, line 4", 12, 9);
        assert_eq!(wrapped.lines, ["see", "rates.csv,", "line 4"]);
        assert!(wrap("a b c d e f", 2, 2).cut);
    }

    #[test]
    fn marks_that_take_cells_do_not_make_a_line_too_wide() {
        assert_eq!(wrap("並ᤣ", 0, 9).lines, ["並", "ᤣ"]);
    }

    proptest! {
        #[test]
        fn no_control_character_and_no_overflow(text in "\\PC*|[\\x00-\\x20\\x7f-\\x9f\u{202e}a漢🎉]*", width in 0usize..40) {
            let line = fit(&text, width);
            prop_assert!(line.width() <= width, "{line:?}");
            prop_assert!(!line.chars().any(char::is_control));
            for line in wrap(&text, width, 20).lines {
                prop_assert!(line.width() <= width.max(2), "{line:?}");
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
