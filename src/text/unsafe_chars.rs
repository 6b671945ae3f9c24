//! The one list of characters that must not reach a reader as they are.
//!
//! Text from plans, tools and models may hold characters that a terminal obeys (control characters), that change
//! the order in which text is read (bidirectional controls), or that are invisible (zero-width characters, tags),
//! so that one text passes for another. Every way out uses this list: the screen drops these characters or draws
//! a sign for them ([`super::clean`]), messages leave them out ([`super::message`]), diagnostics spell them out
//! ([`visible`]), and JSON that is printed escapes them ([`escape_json`]). [`for_terminal`] is the last gate before a
//! terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// U+200D, which joins emoji (and letters of some scripts) into one sign.
const JOINER: char = '\u{200d}';
/// U+200C, which keeps two letters of a script that joins them apart, as Persian words need it.
const NON_JOINER: char = '\u{200c}';

/// ESC, which begins an escape sequence.
const ESCAPE: char = '\u{1b}';

/// Whether `c` is on the list: a control character, a line or paragraph separator, a bidirectional control, or a
/// character that takes no place on a screen (Unicode's `Default_Ignorable_Code_Point`, interlinear annotation).
///
/// U+200C, U+200D and the variation selectors U+FE00 to U+FE0F are on it, though they belong to many emoji and to the
/// words of some scripts: [`find_unsafe`] accepts them where they do.
pub fn is_unsafe(c: char) -> bool {
    match c {
        ' '..='~' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' => true,
        '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' => true,
        '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' => true,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// The first character of `text` that is on the list, except where it belongs to a visible sign: U+200D between
/// two emoji, U+200C and U+200D between two letters of a script that joins its letters, and a variation selector
/// after a character that has variants (`❤️`, `1️⃣`).
pub fn find_unsafe(text: &str) -> Option<char> {
    if super::is_plain(text) {
        return None;
    }
    judged(text).find_map(|(c, is_unsafe)| is_unsafe.then_some(c))
}

/// What a character of the list is, for a message: `the control character U+001B`.
pub(crate) fn name_of_unsafe(c: char) -> String {
    let what = match c {
        '\u{200c}' | '\u{200d}' => "a joiner where nothing is joined,",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "the control of the reading direction"
        }
        '\u{2028}' | '\u{2029}' => "the line separator",
        c if c.is_control() => "the control character",
        _ => "the invisible character",
    };
    format!("{what} U+{:04X}", u32::from(c))
}

/// The text with characters of the list spelled out as `\u{202e}`, cut after `limit` characters.
pub(crate) fn visible(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit) + 4);
    for (count, (c, is_unsafe)) in judged(text).enumerate() {
        if count == limit {
            drop_joiner(&mut shown);
            shown.push('…');
            break;
        }
        if is_unsafe {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// JSON text with characters of the list escaped as `\u202e`, so that it reads as the same value and cannot steer
/// a terminal. The line feeds, tabs and carriage returns between its parts stay.
pub(crate) fn escape_json(json: &str) -> Cow<'_, str> {
    if all_bytes(json, |byte| is_harmless(byte) || byte == b'\r') {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for (c, is_unsafe) in judged(json) {
        if is_unsafe && !matches!(c, '\n' | '\r' | '\t') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Printed text with characters of the list spelled out as `\u{202e}`: what is left are line feeds, tabs, and the
/// escape sequences for colours and weights.
///
/// This is the last gate before a terminal. Text from outside is made safe where it is put into a message: a colour
/// in it would pass here.
pub(crate) fn for_terminal(text: &str) -> Cow<'_, str> {
    if all_bytes(text, is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(ESCAPE) {
        spell_out(&rest[..at], &mut safe);
        let style = style_at_start(&rest[at..]).unwrap_or_default();
        if style.is_empty() {
            spell_out("\u{1b}", &mut safe);
        }
        safe.push_str(style);
        rest = &rest[at + style.len().max(ESCAPE.len_utf8())..];
    }
    spell_out(rest, &mut safe);
    Cow::Owned(safe)
}

/// The escape sequence for colours and weights (`ESC [ 1;31 m`) that `text` begins with.
pub(super) fn style_at_start(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix(ESCAPE)?.strip_prefix('[')?;
    let end = parameters.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'))?;
    let style = text.len() - parameters.len() + end + 1;
    (parameters[end..].starts_with('m')).then(|| &text[..style])
}

fn spell_out(text: &str, into: &mut String) {
    for (c, is_unsafe) in judged(text) {
        if is_unsafe && !matches!(c, '\n' | '\t') {
            // Writing to a string cannot fail.
            let _ = write!(into, "\\u{{{:x}}}", u32::from(c));
        } else {
            into.push(c);
        }
    }
}

/// Whether every byte of a text is `wanted`. It looks at a piece at a time without a way out of it, which the compiler
/// makes a few instructions of.
pub(super) fn all_bytes(text: &str, wanted: impl Fn(u8) -> bool) -> bool {
    let all_wanted = |piece: &[u8]| piece.iter().fold(true, |all, byte| all & wanted(*byte));
    text.as_bytes().chunks(256).all(all_wanted)
}

/// Whether a byte is of printable ASCII, a line feed or a tab.
fn is_harmless(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// The characters of `text`, each with whether it is unsafe in its place.
pub(crate) fn judged(text: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    let mut chars = text.chars().peekable();
    let mut before = None;
    std::iter::from_fn(move || {
        let c = chars.next()?;
        let is_unsafe = is_unsafe(c) && !belongs(before, c, chars.peek().copied());
        before = (!is_unsafe).then_some(c);
        Some((c, is_unsafe))
    })
}

/// Whether `c`, which is on the list, is part of a visible sign between `before` and `after`. `before` is `None`
/// where nothing that is kept is directly before it.
pub(super) fn belongs(before: Option<char>, c: char, after: Option<char>) -> bool {
    match (before, c, after) {
        (Some(before), JOINER, Some(after)) => {
            (is_pictograph(before) || is_selector(before)) && is_pictograph(after)
                || is_joining_letter(before) && is_joining_letter(after)
        }
        (Some(before), NON_JOINER, Some(after)) => {
            is_joining_letter(before) && is_joining_letter(after)
        }
        (Some(before), c, _) if is_selector(c) => {
            let has_variants = before >= '\u{a9}' || matches!(before, '0'..='9' | '#' | '*');
            has_variants && !is_unsafe(before)
        }
        _ => false,
    }
}

/// Takes a joiner from the end of `text`: what it joined was cut off.
pub(super) fn drop_joiner(text: &mut String) {
    if text.ends_with(JOINER) {
        text.pop();
    }
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// The blocks of arrows, signs and emoji whose members are joined into one picture.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Letters and marks of the scripts in which a joiner changes the shape of a letter: Arabic to Sinhala, Khmer,
/// Mongolian.
fn is_joining_letter(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{dff}' | '\u{1780}'..='\u{18aa}') && !is_unsafe(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::message;
    use proptest::prelude::*;

    /// One of each group of the list.
    const UNSAFE: &str = "\0\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200c}\u{200e}\
        \u{2028}\u{202e}\u{2060}\u{2064}\u{2069}\u{206f}\u{3164}\u{feff}\u{fff9}\u{1d173}\u{e0001}\u{e007f}\u{e0100}";

    #[test]
    fn every_group_is_on_the_list() {
        for c in UNSAFE.chars().chain(['\u{200d}', '\u{fe0f}']) {
            assert!(is_unsafe(c), "{c:?}");
            assert_eq!(find_unsafe(&format!("a{c}b")), Some(c));
        }
        for c in ['a', 'é', '漢', '🎉', '\u{301}', '…', '⣿', '\u{fffd}'] {
            assert!(!is_unsafe(c), "{c:?}");
        }
    }

    #[test]
    fn joiners_and_selectors_of_a_sign_are_accepted() {
        for sign in ["👩‍🔬", "🏳️‍🌈", "❤️‍🔥", "👩🏽‍🚀", "1️⃣", "क्‍ष", "☠️"]
        {
            assert_eq!(find_unsafe(sign), None, "{sign:?}");
            assert_eq!(visible(sign, 80), sign);
            assert_eq!(message::clean(sign, 80), sign);
            assert_eq!(escape_json(sign), sign);
        }
        for hidden in [
            "a\u{200d}b",
            "a\u{fe0f}\u{200d}🔥",
            "👩\u{200d}",
            "\u{200d}👩",
            "❤\u{fe0f}\u{fe0f}",
        ] {
            assert!(find_unsafe(hidden).is_some(), "{hidden:?}");
        }
    }

    #[test]
    fn what_is_printed_as_json_is_the_same_value() {
        let value = serde_json::json!({"a\u{202e}": ["\u{9b}31m", "\u{e0041}", "tab\t", "👩‍🔬"]});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let escaped = escape_json(&text);
        assert!(escaped.contains("\\u202e") && escaped.contains("\\u009b31m"));
        assert!(escaped.contains("\\udb40\\udc41") && escaped.contains("👩‍🔬"));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            value
        );
    }

    #[test]
    fn colours_pass_to_a_terminal_and_nothing_else_that_it_obeys() {
        for kept in ["\u{1b}[1;38:5:9mred\u{1b}[0m\n\t…", "\u{1b}[m"] {
            assert_eq!(for_terminal(kept), kept);
        }
        for (text, shown) in [
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{1b}[31", "\\u{1b}[31"),
            ("\u{1b}\u{1b}[31mé\r", "\\u{1b}\u{1b}[31mé\\u{d}"),
            ("a\u{202e}b\u{9b}", "a\\u{202e}b\\u{9b}"),
        ] {
            assert_eq!(for_terminal(text), shown);
        }
    }

    fn hostile() -> impl Strategy<Value = String> {
        let signs = "[ab 1é漢🎉👩🔬❤क\u{94d}\u{301}\u{200d}\u{fe0f}\n\t\r\u{1b}\\[\\]]";
        let piece = prop_oneof![
            "\\PC",
            signs,
            proptest::sample::select(UNSAFE.chars().collect::<Vec<_>>()).prop_map(String::from),
            any::<char>().prop_map(String::from),
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn joiners_belong_to_words_and_emoji() {
        for text in ["می\u{200c}روم", "क्\u{200d}ष", "👩\u{200d}🔬"] {
            assert_eq!(find_unsafe(text), None, "{text:?}");
            assert_eq!(visible(text, 20), text);
        }
        for text in ["a\u{200c}b", "می\u{200c}", "\u{200c}می", "👩\u{200c}🔬"] {
            assert!(find_unsafe(text).is_some(), "{text:?}");
        }
        assert_eq!(name_of_unsafe('\u{1b}'), "the control character U+001B");
        assert_eq!(name_of_unsafe('\u{200b}'), "the invisible character U+200B");
    }

    proptest! {
        #[test]
        fn no_way_out_lets_a_character_of_the_list_through(text in hostile(), most in 0usize..40) {
            let on_screen = crate::text::line(&text);
            prop_assert!(!on_screen.chars().any(is_unsafe), "{on_screen:?}");
            prop_assert_eq!(&crate::text::line(&on_screen), &on_screen);
            for line in crate::text::wrap(&text, most, 20).lines {
                prop_assert!(!line.chars().any(is_unsafe), "{line:?}");
            }
            let spelled = visible(&text, most);
            prop_assert_eq!(find_unsafe(&spelled), None);
            let whole = visible(&text, usize::MAX);
            prop_assert_eq!(visible(&whole, usize::MAX), whole);
            let lines = |text: &str| text.split('\n').find_map(find_unsafe);
            for said in [message::clean(&text, most), message::quote_end(&text, most)] {
                prop_assert_eq!(lines(&said), None, "{:?}", said);
            }
            let whole = message::clean(&text, usize::MAX);
            prop_assert_eq!(message::clean(&whole, usize::MAX), whole);
            let printed = for_terminal(&text);
            let unstyled = printed.split(ESCAPE).enumerate().all(|(at, part)| {
                let is_style = part.starts_with('[') && part.contains('m');
                let mut lines = part.split(['\n', '\t']);
                lines.all(|line| find_unsafe(line).is_none()) && (at == 0 || is_style)
            });
            prop_assert!(unstyled, "{printed:?}");
            let json = serde_json::to_string(&text).unwrap();
            let escaped = escape_json(&json);
            prop_assert_eq!(find_unsafe(&escaped), None);
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }

        #[test]
        fn harmless_text_stays_as_it_is(text in "[ -~éßñ漢字🎉👩🔬…→µ]{0,40}") {
            prop_assert_eq!(find_unsafe(&text), None);
            prop_assert_eq!(crate::text::line(&text), text.clone());
            prop_assert_eq!(visible(&text, usize::MAX), text.clone());
            prop_assert_eq!(message::clean(&text, usize::MAX), text.clone());
            prop_assert_eq!(&*escape_json(&text), &*text);
            prop_assert_eq!(&*for_terminal(&text), &*text);
        }
    }
}
