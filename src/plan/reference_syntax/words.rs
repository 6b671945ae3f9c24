//! The words that references and expressions are made of.

/// The beginning of `text` up to the first character that neither a name nor a path can have.
pub(super) fn name_and_path(text: &str) -> &str {
    let end = text
        .find(|c: char| !(is_name(c) || matches!(c, '.' | '[' | ']' | '"' | '\'')))
        .unwrap_or(text.len());
    &text[..end]
}

/// The length of the name that `text` begins with; a dash may stand inside it, not at its beginning or end.
pub(super) fn identifier(text: &str) -> usize {
    if text.starts_with('-') {
        return 0;
    }
    let length = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    text[..length].trim_end_matches('-').len()
}

pub(super) fn identifier_without_dash(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len())
}

pub(super) fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '@') || is_joiner(character)
}

/// U+200C and U+200D, which stand inside the words of some scripts.
pub(super) fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// What stands between the braces, without the marks that trim the text around them (`{{-`, `-}}`); and whether each
/// of them is there.
pub(super) fn trim_marks(inner: &str) -> (&str, bool, bool) {
    let (inner, before) = match inner.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (inner, false),
    };
    match inner.strip_suffix('-') {
        Some(rest) => (rest, before, true),
        None => (inner, before, false),
    }
}

/// Whether a name after this character is a member, a filter or the rest of a longer name.
pub(super) fn is_name_before(character: char) -> bool {
    character == '.' || character == '|' || character.is_alphanumeric() || character == '_'
}

pub(super) fn ends_after(text: &str, field: &str) -> bool {
    text.strip_prefix(field).is_some_and(|rest| {
        rest.chars()
            .next()
            .is_none_or(|c| !(c.is_alphanumeric() || c == '_'))
    })
}

pub(super) fn is_keyword(name: &str) -> bool {
    matches!(name, "and" | "or" | "in" | "is" | "if" | "else") || is_word_of_the_language(name)
}

pub(super) fn is_word_of_the_language(name: &str) -> bool {
    matches!(
        name,
        "true" | "false" | "none" | "null" | "True" | "False" | "None" | "not"
    ) || name.starts_with(|c: char| c.is_ascii_digit())
}

/// Names, numbers, quoted texts and signs.
pub(super) fn tokens(text: &str) -> usize {
    let mut count = 0;
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        at += if matches!(character, '"' | '\'') {
            quoted(rest, character)
        } else {
            identifier_without_dash(rest).max(character.len_utf8())
        };
        count += usize::from(!character.is_whitespace());
    }
    count
}

/// The length of the quoted text that `text` begins with.
pub(super) fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + character.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
