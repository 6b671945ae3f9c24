//! The words and signs of an expression, and where its numbers stand.

/// A word or sign of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Name(&'t str),
    Number(&'t str),
    /// A text literal, without its quotes.
    Text(&'t str),
    Sign(char),
}

/// The words and signs of an expression.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if matches!(character, '"' | '\'') {
            let length = literal(rest, character);
            tokens.push(Token::Text(rest[1..length].trim_end_matches(character)));
            length
        } else if character.is_ascii_digit() {
            let length = number(rest);
            tokens.push(Token::Number(&rest[..length]));
            length
        } else if is_word(character) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Name(&rest[..length]));
            length
        } else {
            if !character.is_whitespace() {
                tokens.push(Token::Sign(character));
            }
            character.len_utf8()
        };
        at += length;
    }
    tokens
}

/// The length of the text literal that `text` begins with.
fn literal(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the number that `text` begins with.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or_default();
        let goes_on = byte.is_ascii_alphanumeric()
            || *byte == b'_'
            || *byte == b'.' && next.is_ascii_digit()
            || matches!(byte, b'+' | b'-')
                && matches!(bytes[at - 1], b'e' | b'E')
                && next.is_ascii_digit();
        if !goes_on {
            break;
        }
        at += 1;
    }
    at
}

/// The numbers in `text` as places, last first: `"x" * 1000000` would be computed while it is compiled.
pub(super) fn numbers(text: &str) -> Vec<std::ops::Range<usize>> {
    let start = text.as_ptr() as usize;
    let mut places: Vec<_> = tokens(text)
        .into_iter()
        .filter_map(|token| match token {
            Token::Number(number) => {
                let at = number.as_ptr() as usize - start;
                Some(at..at + number.len())
            }
            _ => None,
        })
        .collect();
    places.reverse();
    places
}
