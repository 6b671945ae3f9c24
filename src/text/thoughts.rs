//! What a model thought aloud: the parts of an answer between `<think>` and `</think>`.

use std::ops::Range;

/// The names of the tags, without their brackets.
const NAMES: [&str; 4] = ["think", "thinking", "thought", "reasoning"];

/// The parts of `text` that are thoughts, with their tags, in order. A tag opens them at the beginning of a line; one
/// that is not closed reaches to the end. A closing tag alone ends thoughts that began before the text.
pub(crate) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    if !text.contains('<') {
        return found;
    }
    let mut at = 0;
    while let Some(less) = text[at..].find('<').map(|less| at + less) {
        at = less + 1;
        if let Some((_, end)) = tag(text, less, "</") {
            found.clear();
            found.push(0..end);
            at = end;
        } else if let Some((name, end)) = tag(text, less, "<")
            && begins_line(text, less)
        {
            let close = closing(text, end, name);
            at = close.unwrap_or(text.len());
            found.push(less..at);
        }
    }
    found
}

/// `text` without its thoughts, and the thoughts without their tags.
pub(crate) fn split(text: &str) -> (String, String) {
    let parts = find(text);
    let mut rest = String::with_capacity(text.len());
    let mut thoughts = Vec::new();
    let mut from = 0;
    for part in &parts {
        rest.push_str(&text[from..part.start]);
        thoughts.push(without_tags(&text[part.clone()]));
        from = part.end;
    }
    rest.push_str(&text[from..]);
    if parts.is_empty() {
        return (rest, String::new());
    }
    (rest.trim().to_owned(), thoughts.join("\n\n"))
}

fn without_tags(thought: &str) -> &str {
    let opened = tag(thought, 0, "<").map_or(thought, |(_, end)| &thought[end..]);
    let close = opened
        .rfind("</")
        .filter(|at| tag(opened, *at, "</").is_some());
    close.map_or(opened, |at| &opened[..at]).trim()
}

/// `text` with blanks in place of these parts, so that every place stays what it is.
pub(crate) fn blanked(text: &str, parts: &[Range<usize>]) -> String {
    let mut blanked = String::with_capacity(text.len());
    let mut from = 0;
    for part in parts {
        blanked.push_str(&text[from..part.start]);
        let blanks = text[part.clone()].bytes();
        blanked.extend(blanks.map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        from = part.end;
    }
    blanked.push_str(&text[from..]);
    blanked
}

/// Whether only blanks that no list or block of YAML would need stand before it in its line.
fn begins_line(text: &str, at: usize) -> bool {
    let before = &text[..at];
    before.trim().is_empty() || before.ends_with('\n')
}

/// The name and the end of the tag at `at` that begins with `opening`.
fn tag(text: &str, at: usize, opening: &str) -> Option<(&'static str, usize)> {
    let rest = text[at..].strip_prefix(opening)?;
    NAMES.into_iter().find_map(|name| {
        let after = rest.get(name.len()..)?;
        let matches = rest.get(..name.len())?.eq_ignore_ascii_case(name);
        (matches && after.starts_with('>')).then(|| (name, at + opening.len() + name.len() + 1))
    })
}

/// The end of the next closing tag of this name.
fn closing(text: &str, from: usize, name: &str) -> Option<usize> {
    let mut at = from;
    while let Some(less) = text[at..].find("</").map(|less| at + less) {
        if let Some((found, end)) = tag(text, less, "</")
            && found == name
        {
            return Some(end);
        }
        at = less + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> String {
        let blanked = blanked(text, &find(text));
        assert_eq!(blanked.len(), text.len());
        blanked.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn thoughts_are_split_from_the_answer() {
        for (text, rest, thoughts) in [
            ("<think>two and two</think>\n4", "4", "two and two"),
            ("so it is 4</think>4", "4", "so it is 4"),
            ("<think>on and on", "", "on and on"),
            ("4", "4", ""),
        ] {
            assert_eq!(
                split(text),
                (rest.to_owned(), thoughts.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn thoughts_are_found_by_their_tags() {
        for (text, answer) in [
            ("no thoughts <b>here</b>", "no thoughts <b>here</b>"),
            ("<think>a\nö</think>b", "b"),
            ("  <THINK>a</think>\n<think>c</think>\nd", "d"),
            ("the tag was in the prompt</think>\nb", "b"),
            ("<think>a <think> b</think> c</think> d", "d"),
            ("<thinking>a</think></thinking> b", "b"),
            ("a\n<reasoning>never closed", "a"),
            ("prompt: |\n  <think>kept", "prompt: | <think>kept"),
            ("<think", "<think"),
            ("<thinker>a</thinker>", "<thinker>a</thinker>"),
        ] {
            assert_eq!(left(text), answer, "{text}");
        }
    }
}
