//! One change of a value at a time, from what a file holds to what it is to hold.

use super::{field, follow};
use crate::plan::node::{Kind, Node};
use crate::plan::path::Segment;
use serde_json::{Map, Value};
use std::sync::Arc;

/// One change of what a file holds.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Another value at the end of a path.
    Replace(Vec<Segment>, Value),
    /// A member more of the object there.
    Insert(Vec<Segment>, Arc<str>, Value),
    /// The object there without this member.
    Remove(Vec<Segment>, Arc<str>),
    /// An item more of the list there, which gets this index.
    InsertItem(Vec<Segment>, usize, Value),
    /// The list there without the item of this index.
    RemoveItem(Vec<Segment>, usize),
}

impl Change {
    /// What the file holds after it.
    pub(super) fn applied(&self, mut root: Value) -> Option<Value> {
        match self {
            Self::Replace(path, value) => *target(&mut root, path)? = value.clone(),
            Self::Insert(path, key, value) => {
                let members = target(&mut root, path)?.as_object_mut()?;
                members.insert(key.to_string(), value.clone());
            }
            Self::Remove(path, key) => {
                let members = target(&mut root, path)?.as_object_mut()?;
                members.shift_remove(&**key)?;
            }
            Self::InsertItem(path, at, value) => {
                let items = target(&mut root, path)?.as_array_mut()?;
                if *at > items.len() {
                    return None;
                }
                items.insert(*at, value.clone());
            }
            Self::RemoveItem(path, at) => {
                let items = target(&mut root, path)?.as_array_mut()?;
                if *at >= items.len() {
                    return None;
                }
                items.remove(*at);
            }
        }
        Some(root)
    }

    /// The list that it changes, where it changes the items of one.
    pub(super) fn list(&self) -> Option<&[Segment]> {
        match self {
            Self::InsertItem(path, ..) | Self::RemoveItem(path, _) => Some(path),
            Self::Replace(..) | Self::Insert(..) | Self::Remove(..) => None,
        }
    }
}

fn target<'v>(root: &'v mut Value, path: &[Segment]) -> Option<&'v mut Value> {
    path.iter().try_fold(root, |value, segment| match segment {
        Segment::Field(key) => value.as_object_mut()?.get_mut(&**key),
        Segment::Index(at) => value.as_array_mut()?.get_mut(usize::try_from(*at).ok()?),
    })
}

/// The next change that brings `value` to the end of a path; `None` where it stands there.
pub(super) fn next_change(root: &Node, path: &[Segment], value: &Value) -> Option<Change> {
    for known in (0..=path.len()).rev() {
        let Some(node) = follow(root, &path[..known]) else {
            continue;
        };
        let mut wanted = value.clone();
        for segment in path[known..].iter().skip(1).rev() {
            if let Segment::Field(key) = segment {
                wanted = Value::Object(Map::from_iter([(key.to_string(), wanted)]));
            }
        }
        let here = path[..known].to_vec();
        return match path.get(known) {
            None => difference(node, here, value),
            Some(Segment::Field(key)) => Some(Change::Insert(here, Arc::clone(key), wanted)),
            Some(Segment::Index(_)) => None,
        };
    }
    None
}

fn difference(node: &Node, path: Vec<Segment>, value: &Value) -> Option<Change> {
    let below = |segment: Segment| {
        let mut path = path.clone();
        path.push(segment);
        path
    };
    match (&node.kind, value) {
        (Kind::Object(members), Value::Object(wanted))
            if !members.is_empty() && !wanted.is_empty() =>
        {
            for member in members {
                match wanted.get(&*member.key) {
                    Some(wanted) => {
                        let inner = difference(&member.value, below(field(&member.key)), wanted);
                        if inner.is_some() {
                            return inner;
                        }
                    }
                    // One that is left keeps the object from becoming empty on the way.
                    None if members.len() > 1 => {
                        return Some(Change::Remove(path, Arc::clone(&member.key)));
                    }
                    None => return Some(Change::Replace(path, value.clone())),
                }
            }
            let is_new = |key: &str| members.iter().all(|member| &*member.key != key);
            let (key, wanted) = wanted.iter().find(|(key, _)| is_new(key))?;
            Some(Change::Insert(path, key.as_str().into(), wanted.clone()))
        }
        (Kind::List(items), Value::Array(wanted)) if items.len() == wanted.len() => {
            let mut pairs = items.iter().zip(wanted).enumerate();
            pairs.find_map(|(at, (item, wanted))| {
                difference(item, below(Segment::Index(at as i64)), wanted)
            })
        }
        (Kind::List(items), Value::Array(wanted)) if !items.is_empty() && !wanted.is_empty() => {
            items_differ(items, path, wanted)
        }
        _ if node.to_value() == *value => None,
        _ => Some(Change::Replace(path, value.clone())),
    }
}

/// The next change of a list that is to have more items, or fewer: what is there already is not written again.
fn items_differ(items: &[Node], path: Vec<Segment>, wanted: &[Value]) -> Option<Change> {
    let known: Vec<Value> = items.iter().map(Node::to_value).collect();
    let mut pairs = known.iter().zip(wanted);
    let at = pairs.position(|(known, wanted)| known != wanted);
    let at = at.unwrap_or(known.len().min(wanted.len()));
    let (old, new) = (known.get(at..)?, wanted.get(at..)?);
    let Some(next) = new.first() else {
        return Some(Change::RemoveItem(path, at));
    };
    if old.contains(next) || old.len() > new.len() {
        return Some(Change::RemoveItem(path, at));
    }
    Some(Change::InsertItem(path, at, next.clone()))
}
