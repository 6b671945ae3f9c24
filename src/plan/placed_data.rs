//! The value of a file that is not a plan, with the lines in which its parts stand.

use super::diagnostic::Diagnostic;
use super::node::{Kind, Node};
use super::path::Segment;
use super::read;
use serde_json::Value;

/// A value that was read from a text.
pub(crate) struct PlacedData {
    root: Node,
    /// Where each line of the text begins, in bytes.
    lines: Vec<usize>,
}

impl PlacedData {
    /// Reads a text as strictly as a plan: JSON where it begins like JSON, else YAML.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn read(text: &str) -> Result<Self, Diagnostic> {
        let root = read::data_node(text)?;
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Ok(Self { root, lines })
    }

    /// The value.
    pub(crate) fn value(&self) -> Value {
        self.root.to_value()
    }

    /// The line of what a path leads to, from 1; of the part of it that there is, where there is not all of it.
    pub(crate) fn line(&self, path: &[Segment]) -> usize {
        let mut node = &self.root;
        let mut at = node.span.start;
        for segment in path {
            let next = match (&node.kind, segment) {
                (Kind::Object(members), Segment::Field(key)) => members
                    .iter()
                    .find(|member| member.key == *key)
                    .map(|member| (&member.value, member.key_span.start)),
                (Kind::List(list), Segment::Index(index)) => usize::try_from(*index)
                    .ok()
                    .and_then(|index| list.get(index))
                    .map(|node| (node, node.span.start)),
                _ => None,
            };
            let Some((found, start)) = next else { break };
            (node, at) = (found, start);
        }
        self.lines.partition_point(|start| *start <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_line_of_its_key() {
        let text = "a: 1\nlist:\n  - {x: 1}\n  - x:\n      deep: 2\n";
        let data = PlacedData::read(text).unwrap();
        let field = |key: &str| Segment::Field(key.into());
        assert_eq!(data.line(&[]), 1);
        assert_eq!(data.line(&[field("list")]), 2);
        let second = [field("list"), Segment::Index(1), field("x")];
        assert_eq!(data.line(&second), 4);
        assert_eq!(data.line(&[&second[..], &[field("deep")]].concat()), 5);
        // What is not there has the line of what is around it.
        assert_eq!(
            data.line(&[field("list"), Segment::Index(0), field("y")]),
            3
        );
        assert_eq!(data.line(&[field("none"), Segment::Index(3)]), 1);
        let json = PlacedData::read("{\n \"a\": [\n  1]}").unwrap();
        assert_eq!(json.line(&[field("a"), Segment::Index(0)]), 3);
        assert!(PlacedData::read("a: [").is_err());
    }
}
