//! One character as text formats escape it: JSON and programming languages, addresses and forms, HTML.
//!
//! An escape can be read in several ways: `\\n` is a line feed that was escaped twice, or a backslash before an `n`.
//! All of them are given.

use super::entities::ENTITIES;

/// The longest escape that is read, in bytes.
const MAX_BYTES: usize = 48;

/// The longest run of backslashes that is read as the beginning of an escape.
pub(super) const MAX_BACKSLASHES: usize = MAX_BYTES / 2;

/// The ways to read what stands at one place.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// Characters, each with the length of its escape in bytes.
    pub chars: Vec<(char, usize)>,
    /// Whether the text ends within what may become an escape.
    pub incomplete: bool,
}

/// Whether an escape may begin with this byte.
pub(super) const fn introduces(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'+')
}

/// Reads the escape at `at`.
pub(super) fn read(text: &str, at: usize) -> Readings {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let mut readings = Readings::default();
    let goes_on: fn(&u8) -> bool = match rest.first() {
        Some(b'\\') => {
            backslash(rest, &mut readings.chars);
            |byte| byte.is_ascii_hexdigit() || matches!(byte, b'\\' | b'u' | b'U' | b'x' | b'{')
        }
        Some(b'%') => {
            percent(rest, &mut readings.chars);
            |byte| byte.is_ascii_hexdigit() || *byte == b'%'
        }
        Some(b'&') => {
            entity(rest, &mut readings.chars);
            |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'&' | b'#' | b';')
        }
        Some(b'+') => {
            // A space, as forms write it.
            readings.chars.push((' ', 1));
            return readings;
        }
        _ => return readings,
    };
    readings.incomplete = rest.len() < MAX_BYTES && rest.iter().all(goes_on);
    readings
}

/// `\n`, `\"`, `\u00e9`, `\ud83d\ude00`, `\x41`, `\u{1f600}`, `\U0001f600`. A text that was escaped more than once has
/// more backslashes.
fn backslash(rest: &[u8], chars: &mut Vec<(char, usize)>) {
    let slashes = run(rest, MAX_BACKSLASHES, |byte| byte == b'\\');
    let powers = [2, 4, 8, 16].into_iter();
    chars.extend(
        powers
            .filter(|count| *count <= slashes)
            .map(|count| ('\\', count)),
    );
    let after = &rest[slashes..];
    let letter = match after.first() {
        Some(b'n') => Some('\n'),
        Some(b'r') => Some('\r'),
        Some(b't') => Some('\t'),
        Some(b'b') => Some('\u{8}'),
        Some(b'f') => Some('\u{c}'),
        Some(b'0') => Some('\0'),
        Some(b'e') => Some('\u{1b}'),
        Some(quote @ (b'"' | b'\'' | b'/')) => Some(char::from(*quote)),
        _ => None,
    };
    let escaped = letter.map(|c| (c, 1)).or_else(|| code_point(after));
    chars.extend(escaped.map(|(c, length)| (c, slashes + length)));
}

fn code_point(after: &[u8]) -> Option<(char, usize)> {
    let fixed = |digits: usize| {
        let c = char::from_u32(hex(after.get(1..=digits)?)?)?;
        Some((c, 1 + digits))
    };
    match after.first()? {
        b'x' => fixed(2),
        b'U' => fixed(8),
        b'u' if after.get(1) == Some(&b'{') => {
            let digits = run(&after[2..], 6, |byte| byte.is_ascii_hexdigit());
            let c = char::from_u32(hex(&after[2..2 + digits])?)?;
            (after.get(2 + digits) == Some(&b'}')).then_some((c, 3 + digits))
        }
        b'u' => fixed(4).or_else(|| {
            let high = hex(after.get(1..5)?).filter(|unit| (0xd800..0xdc00).contains(unit))?;
            let second = &after[5..];
            let slashes = run(second, MAX_BACKSLASHES, |byte| byte == b'\\');
            let digits = second.get(slashes..)?.strip_prefix(b"u")?.get(..4)?;
            let low = hex(digits).filter(|unit| (0xdc00..0xe000).contains(unit) && slashes > 0)?;
            let c = char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))?;
            Some((c, 5 + slashes + 5))
        }),
        _ => None,
    }
}

/// `%41`, and `%C3%A9` for a character of several bytes. A text that was encoded more than once has `%2541`.
fn percent(rest: &[u8], chars: &mut Vec<(char, usize)>) {
    for (first, length) in percent_bytes(rest) {
        // Pages in Latin-1 encode one byte for each character.
        chars.push((char::from(first), length));
        let count = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => continue,
        };
        let mut bytes = vec![first];
        let mut end = length;
        while bytes.len() < count {
            let more = rest.get(end..).map(percent_bytes);
            let Some((byte, length)) = more.and_then(|bytes| bytes.last().copied()) else {
                break;
            };
            bytes.push(byte);
            end += length;
        }
        let c = std::str::from_utf8(&bytes).ok();
        chars.extend(c.and_then(|text| text.chars().next()).map(|c| (c, end)));
    }
}

/// The bytes that a percent sign and what follows stand for, each with its length: one for each time that the sign
/// itself may have been encoded.
fn percent_bytes(rest: &[u8]) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    let mut length = 1;
    while rest.first() == Some(&b'%') && length < MAX_BYTES / 2 {
        let Some(byte) = rest.get(length..length + 2).and_then(hex) else {
            break;
        };
        length += 2;
        found.extend(u8::try_from(byte).map(|byte| (byte, length)));
        if byte != u32::from(b'%') {
            break;
        }
    }
    found
}

/// `&amp;`, `&#65;`, `&#x41;`; the semicolon of a number may be missing. A text that was escaped more than once has
/// `&amp;amp;`.
fn entity(rest: &[u8], chars: &mut Vec<(char, usize)>) {
    let mut length = 1;
    while let Some((c, more)) = rest.get(length..).and_then(entity_name) {
        length += more;
        chars.push((c, length));
        if c != '&' || length > MAX_BYTES / 2 {
            break;
        }
    }
}

fn entity_name(name: &[u8]) -> Option<(char, usize)> {
    if let Some(number) = name.strip_prefix(b"#") {
        let is_hex = matches!(number.first(), Some(b'x' | b'X'));
        let digits = &number[usize::from(is_hex)..];
        let count = run(digits, 12, |byte| {
            byte.is_ascii_digit() || is_hex && byte.is_ascii_hexdigit()
        });
        let text = std::str::from_utf8(&digits[..count]).ok()?;
        let code = u32::from_str_radix(text, if is_hex { 16 } else { 10 }).ok()?;
        let closed = digits.get(count) == Some(&b';');
        let length = 1 + usize::from(is_hex) + count + usize::from(closed);
        return Some((char::from_u32(code)?, length));
    }
    let end = name.iter().take(12).position(|byte| *byte == b';')?;
    let known = std::str::from_utf8(&name[..end]).ok()?;
    let (_, c) = ENTITIES.iter().find(|(name, _)| *name == known)?;
    Some((*c, end + 1))
}

/// How many of the first bytes are of a kind.
fn run(bytes: &[u8], most: usize, is_one: impl Fn(u8) -> bool) -> usize {
    let first = bytes.iter().take(most);
    first.take_while(|byte| is_one(**byte)).count()
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
