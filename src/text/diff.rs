//! Two texts side by side, line by line, and within lines that replace each other word by word.

use similar::{ChangeTag, DiffOp, TextDiff};

/// Lines of a text that are compared.
const LINES: usize = 2_000;
/// Bytes of a line up to which words are compared.
const LINE_BYTES: usize = 4_000;
/// Alike lines that stay before and after what differs.
const CONTEXT: usize = 3;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its text.
    pub text: String,
    /// Whether the other side has something else there.
    pub changed: bool,
}

/// A line of both texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    /// It is in both.
    Alike(String),
    /// It differs, or is in only one of them.
    Apart(Option<Vec<Piece>>, Option<Vec<Piece>>),
    /// As many lines are alike and left out.
    Skipped(usize),
    /// What comes after is not compared: the texts are too long.
    Cut,
}

/// The lines of both texts, those that are alike and far from what differs left out.
pub(crate) fn pairs(before: &str, after: &str) -> Vec<Pair> {
    let (a, cut_a) = lines(before);
    let (b, cut_b) = lines(after);
    let mut pairs = Vec::new();
    let diff = TextDiff::from_slices(&a, &b);
    let ops = diff.ops();
    for (at, op) in ops.iter().enumerate() {
        match *op {
            DiffOp::Equal { old_index, len, .. } => {
                let lead = if at == 0 { 0 } else { CONTEXT };
                let tail = if at + 1 == ops.len() { 0 } else { CONTEXT };
                alike(&a[old_index..old_index + len], lead, tail, &mut pairs);
            }
            DiffOp::Delete {
                old_index, old_len, ..
            } => {
                apart(&a[old_index..old_index + old_len], &[], &mut pairs);
            }
            DiffOp::Insert {
                new_index, new_len, ..
            } => {
                apart(&[], &b[new_index..new_index + new_len], &mut pairs);
            }
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => {
                let (a, b) = (
                    &a[old_index..old_index + old_len],
                    &b[new_index..new_index + new_len],
                );
                apart(a, b, &mut pairs);
            }
        }
    }
    if cut_a || cut_b {
        pairs.push(Pair::Cut);
    }
    pairs
}

/// The difference of two texts of a file, as `patch` reads it; empty where they are the same.
pub(crate) fn unified(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let names = if name.starts_with('/') {
        [name.to_owned(), name.to_owned()]
    } else {
        [format!("a/{name}"), format!("b/{name}")]
    };
    let mut unified = diff.unified_diff();
    unified.context_radius(CONTEXT).header(&names[0], &names[1]);
    unified.to_string()
}

fn lines(text: &str) -> (Vec<&str>, bool) {
    let mut lines = text.lines();
    let first = lines.by_ref().take(LINES).collect();
    (first, lines.next().is_some())
}

fn alike(lines: &[&str], lead: usize, tail: usize, pairs: &mut Vec<Pair>) {
    let whole = |line: &&str| Pair::Alike((*line).to_owned());
    let left_out = lines.len().saturating_sub(lead + tail);
    if left_out < 2 {
        pairs.extend(lines.iter().map(whole));
        return;
    }
    pairs.extend(lines[..lead].iter().map(whole));
    pairs.push(Pair::Skipped(left_out));
    pairs.extend(lines[lines.len() - tail..].iter().map(whole));
}

fn apart(before: &[&str], after: &[&str], pairs: &mut Vec<Pair>) {
    let alone = |line: &&str| {
        vec![Piece {
            text: (*line).to_owned(),
            changed: true,
        }]
    };
    for at in 0..before.len().max(after.len()) {
        pairs.push(match (before.get(at), after.get(at)) {
            (Some(a), Some(b)) if a.len().max(b.len()) <= LINE_BYTES => {
                let (a, b) = words(a, b);
                Pair::Apart(Some(a), Some(b))
            }
            (a, b) => Pair::Apart(a.map(alone), b.map(alone)),
        });
    }
}

/// The pieces of two lines, word by word.
fn words(before: &str, after: &str) -> (Vec<Piece>, Vec<Piece>) {
    let diff = TextDiff::from_words(before, after);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        let changed = change.tag() != ChangeTag::Equal;
        let add = |pieces: &mut Vec<Piece>| match pieces.last_mut() {
            Some(last) if last.changed == changed => last.text.push_str(change.value()),
            _ => pieces.push(Piece {
                text: change.value().to_owned(),
                changed,
            }),
        };
        match change.tag() {
            ChangeTag::Equal => {
                add(&mut a);
                add(&mut b);
            }
            ChangeTag::Delete => add(&mut a),
            ChangeTag::Insert => add(&mut b),
        }
    }
    (a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece(text: &str, changed: bool) -> Piece {
        Piece {
            text: text.to_owned(),
            changed,
        }
    }

    #[test]
    fn what_differs_is_marked_word_by_word() {
        let pairs = pairs("one\nthe sum is 5\nlast", "one\nthe sum is 6\nmore\nlast");
        let expected = [
            Pair::Alike("one".to_owned()),
            Pair::Apart(
                Some(vec![piece("the sum is ", false), piece("5", true)]),
                Some(vec![piece("the sum is ", false), piece("6", true)]),
            ),
            Pair::Apart(None, Some(vec![piece("more", true)])),
            Pair::Alike("last".to_owned()),
        ];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn what_is_alike_and_far_off_is_left_out() {
        let lines: Vec<String> = (0..40).map(|line| format!("line {line}\n")).collect();
        let long = lines.concat();
        let changed = long.replace("line 20\n", "line twenty\n");
        let pairs = pairs(&long, &changed);
        assert_eq!(pairs.len(), 2 + 2 * CONTEXT + 1);
        assert_eq!(pairs[0], Pair::Skipped(17));
        assert_eq!(pairs.last(), Some(&Pair::Skipped(16)));
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = "x\n".repeat(LINES + 1);
        assert_eq!(pairs(&long, "x").last(), Some(&Pair::Cut));
    }

    proptest! {
        #[test]
        fn both_sides_are_whole(a in "([ab ]{0,3}\n){0,8}", b in "([ab ]{0,3}\n){0,8}") {
            let text = |pieces: &Option<Vec<Piece>>| -> Option<String> {
                pieces.as_ref().map(|pieces| pieces.iter().map(|piece| &*piece.text).collect())
            };
            let (mut left, mut right, mut skipped) = (Vec::new(), Vec::new(), 0);
            for pair in pairs(&a, &b) {
                match pair {
                    Pair::Alike(line) => {
                        left.push(line.clone());
                        right.push(line);
                    }
                    Pair::Apart(before, after) => {
                        left.extend(text(&before));
                        right.extend(text(&after));
                    }
                    Pair::Skipped(lines) => skipped += lines,
                    Pair::Cut => unreachable!(),
                }
            }
            if skipped == 0 {
                prop_assert_eq!(left, a.lines().collect::<Vec<_>>());
                prop_assert_eq!(right, b.lines().collect::<Vec<_>>());
            } else {
                prop_assert_eq!(left.len() + skipped, a.lines().count());
                prop_assert_eq!(right.len() + skipped, b.lines().count());
            }
        }
    }
}
