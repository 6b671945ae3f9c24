//! Changes values in the text of a JSON or YAML file and keeps everything else as it is written: comments, quotes, order,
//! indentation.
//!
//! A change is one splice of the text. For each there are several ways to write the new value; the text is read again
//! after each, and the first way is taken after which the file holds exactly what it is to hold. So a way that would
//! change something else, through an anchor for instance, is never taken.

mod change;
mod items;
mod json;
mod layout;
#[cfg(test)]
mod tests;
mod yaml;
mod yaml_places;

use super::dialects::id_text;
use super::node::{Kind, Node};
use super::path::Segment;
use super::read;
use change::{Change, next_change};
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;

/// A part of a text, and what stands there instead.
type Splice = (Range<usize>, String);

/// As many places of one value are changed at most.
const MAX_CHANGES: usize = 1_000;
/// The members of an object around a plan that hold the plan.
const AROUND: [&str; 4] = ["plan", "execution_plan", "workflow", "tasks"];

/// A value as YAML, or as JSON where YAML would say something else.
pub(crate) fn yaml_of(value: &Value) -> String {
    let text = serde_saphyr::to_string(value).ok();
    let text = text.filter(|text| read::data(text).ok().as_ref() == Some(value));
    text.unwrap_or_else(|| serde_json::to_string_pretty(value).unwrap_or_default())
}

/// The text of a JSON or YAML file in which values are changed.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    text: String,
    root: Node,
    is_json: bool,
}

impl Document {
    /// Reads a text.
    ///
    /// # Errors
    /// Where it is neither JSON nor YAML as it stands: a plan that is repaired when it is read has no places that could
    /// be changed.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let (root, is_json) = read_strictly(text).ok_or(
            "the file is neither JSON nor YAML as it stands; it is repaired whenever it is read",
        )?;
        Ok(Self {
            text: text.to_owned(),
            root,
            is_json,
        })
    }

    /// The text as it is now.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The value at the end of a path; `None` where there is none.
    pub(crate) fn get(&self, path: &[Segment]) -> Option<Value> {
        Some(follow(&self.root, path)?.to_value())
    }

    /// The path of the plan itself: it may stand in an object around it.
    pub(crate) fn plan(&self) -> Vec<Segment> {
        let is_plan = |node: &Node| node.get("steps").is_some() || node.as_list().is_some();
        if is_plan(&self.root) {
            return Vec::new();
        }
        let around = AROUND
            .iter()
            .find(|key| self.root.get(key).is_some_and(is_plan));
        around
            .map(|key| Segment::Field((*key).into()))
            .into_iter()
            .collect()
    }

    /// The path of the list of steps.
    pub(crate) fn steps(&self) -> Option<Vec<Segment>> {
        let mut path = self.plan();
        if matches!(follow(&self.root, &path)?.kind, Kind::Object(_)) {
            path.push(Segment::Field("steps".into()));
        }
        follow(&self.root, &path)?.as_list()?;
        Some(path)
    }

    /// The path of a step of the plan.
    pub(crate) fn step(&self, id: &str) -> Option<Vec<Segment>> {
        let mut path = self.steps()?;
        let steps = follow(&self.root, &path)?.as_list()?;
        let at = steps.iter().position(|step| {
            let own = step.get("id").or_else(|| step.get("step_id"));
            own.and_then(id_text).is_some_and(|own| &*own == id)
        })?;
        path.push(Segment::Index(at as i64));
        Some(path)
    }

    /// Has `value` stand at the end of a path. The objects before it have to exist, the last of them excepted.
    ///
    /// # Errors
    /// Where it cannot be written there without changing something else; the text is as it was.
    pub(crate) fn set(&mut self, path: &[Segment], value: &Value) -> Result<(), String> {
        let before = self.clone();
        for _ in 0..MAX_CHANGES {
            let Some(change) = next_change(&self.root, path, value) else {
                return Ok(());
            };
            let made = self.make(&change).or_else(|why| {
                // A list whose items have no places of their own is written as a whole.
                let list = change.list().ok_or(why)?;
                let wanted = change.applied(self.root.to_value()).ok_or_else(no_place)?;
                let whole = value_at(&wanted, list).ok_or_else(no_place)?.clone();
                self.make(&Change::Replace(list.to_vec(), whole))
            });
            if let Err(why) = made {
                *self = before;
                return Err(why);
            }
        }
        *self = before;
        Err("too much of the value differs".to_owned())
    }

    fn make(&mut self, change: &Change) -> Result<(), String> {
        let wanted = change.applied(self.root.to_value()).ok_or_else(no_place)?;
        let ways = if self.is_json {
            json::ways(&self.text, &self.root, change)
        } else {
            yaml::ways(&self.text, &self.root, change)
        };
        for (range, new) in ways {
            let Some((before, after)) =
                self.text.get(..range.start).zip(self.text.get(range.end..))
            else {
                continue;
            };
            let new = layout::with_line_ends_of(&self.text, &new);
            let text = format!("{before}{new}{after}");
            let Some((root, is_json)) = read_strictly(&text) else {
                continue;
            };
            if root.to_value() == wanted {
                self.text = text;
                self.root = root;
                self.is_json = is_json;
                return Ok(());
            }
        }
        Err(no_place())
    }
}

fn no_place() -> String {
    "its place in the file cannot be written without changing something else".to_owned()
}

/// The object or list of a text that is read as it stands, and whether it is JSON.
fn read_strictly(text: &str) -> Option<(Node, bool)> {
    let has_parts = |node: &Node| matches!(node.kind, Kind::Object(_) | Kind::List(_));
    read::strictly(text).filter(|(root, _)| has_parts(root))
}

/// The node at the end of a path.
fn follow<'n>(root: &'n Node, path: &[Segment]) -> Option<&'n Node> {
    path.iter().try_fold(root, |node, segment| match segment {
        Segment::Field(key) => node.get(key),
        Segment::Index(at) => node.as_list()?.get(usize::try_from(*at).ok()?),
    })
}

/// The value at the end of a path.
fn value_at<'v>(root: &'v Value, path: &[Segment]) -> Option<&'v Value> {
    path.iter().try_fold(root, |value, segment| match segment {
        Segment::Field(key) => value.get(&**key),
        Segment::Index(at) => value.get(usize::try_from(*at).ok()?),
    })
}

/// The key of a member as a segment of a path.
fn field(key: &Arc<str>) -> Segment {
    Segment::Field(Arc::clone(key))
}
