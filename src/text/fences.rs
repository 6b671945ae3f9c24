//! Code fences, as Markdown has them.

use std::ops::Range;

/// A code fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    /// The line that opens it, without its end.
    pub opening: Range<usize>,
    /// What stands inside, without blanks around it.
    pub content: Range<usize>,
    /// The end of the line that closes it, or of the text.
    pub end: usize,
    /// Whether it is closed; one that is not was cut off.
    pub is_closed: bool,
}

/// The code fences of a text that stand side by side, in order.
pub(crate) fn find(text: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<(Range<usize>, Mark)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        let Some(mark) = Mark::of(line) else { continue };
        match &open {
            None => open = Some((start..start + line.trim_end().len(), mark)),
            Some((opening, first)) if mark.closes(first) => {
                fences.push(fence(text, opening.clone(), start, end, true));
                open = None;
            }
            Some(_) => {}
        }
    }
    if let Some((opening, _)) = open {
        fences.push(fence(text, opening, text.len(), text.len(), false));
    }
    fences
}

fn fence(text: &str, opening: Range<usize>, close: usize, end: usize, is_closed: bool) -> Fence {
    let inner = &text[opening.end..close];
    let start = opening.end + (inner.len() - inner.trim_start().len());
    Fence {
        content: start..start + inner.trim().len(),
        opening,
        end,
        is_closed,
    }
}

/// The marks of a line that opens or closes a fence.
struct Mark {
    sign: char,
    count: usize,
    indent: usize,
    /// Whether nothing stands after the marks.
    is_bare: bool,
}

impl Mark {
    fn of(line: &str) -> Option<Self> {
        let marks = line.trim_start_matches([' ', '\t']);
        let sign = marks.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let after = marks.trim_start_matches(sign);
        let count = marks.len() - after.len();
        let one_line = sign == '`' && after.contains('`');
        (count >= 3 && !one_line).then(|| Self {
            sign,
            count,
            indent: line.len() - marks.len(),
            is_bare: after.trim().is_empty(),
        })
    }

    fn closes(&self, first: &Self) -> bool {
        self.is_bare
            && self.sign == first.sign
            && self.count >= first.count
            && self.indent <= first.indent.max(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Vec<(&str, bool)> {
        find(text)
            .into_iter()
            .map(|fence| (&text[fence.content], fence.is_closed))
            .collect()
    }

    #[test]
    fn fences_close_with_their_own_marks() {
        for (text, found) in [
            ("no fence ``` here", vec![]),
            ("a\n```json\n{}\n```\nb", vec![("{}", true)]),
            ("```\na\n```\n~~~\nb\n~~~", vec![("a", true), ("b", true)]),
            ("````\n```\na\n```\n````", vec![("```\na\n```", true)]),
            (
                "```yaml\nx: |\n    ```\n    y\n    ```\n```",
                vec![("x: |\n    ```\n    y\n    ```", true)],
            ),
            ("```\ncut", vec![("cut", false)]),
            ("```", vec![("", false)]),
        ] {
            assert_eq!(contents(text), found, "{text}");
        }
    }
}
