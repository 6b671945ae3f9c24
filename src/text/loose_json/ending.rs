//! Where a text that was cut off ends: in which object of which list.

use super::token::{Kind, Tokens};

/// The object of a list in which a text ends, and the one that ended before it, by the value of their key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The object that is open, where it has the key already.
    pub inside: Option<String>,
    /// The last object that is complete.
    pub after: Option<String>,
}

/// What is open at some place.
struct Open {
    is_list: bool,
    /// Whether a string is a value rather than a key here.
    after_colon: bool,
    key: String,
    /// The value of the key that is looked for.
    name: Option<String>,
    /// Whether it stands in a list, and in no other object of one.
    is_element: bool,
}

/// Where the text ends whose value begins at `start`; objects are named by the first of `keys` that they have.
pub(crate) fn ending(text: &str, start: usize, keys: &[&str]) -> Ending {
    let mut tokens = Tokens {
        text,
        at: start,
        end: text.len(),
        edits: Vec::new(),
    };
    let mut ending = Ending::default();
    let mut open: Vec<Open> = Vec::new();
    let mut inside_one = false;
    while let Ok(Some(token)) = tokens.next() {
        match token.kind {
            Kind::Open(mark) => {
                let is_element =
                    mark == b'{' && !inside_one && open.last().is_some_and(|parent| parent.is_list);
                inside_one |= is_element;
                open.push(Open {
                    is_list: mark == b'[',
                    after_colon: false,
                    key: String::new(),
                    name: None,
                    is_element,
                });
            }
            Kind::Close(_) => {
                if let Some(closed) = open.pop()
                    && closed.is_element
                {
                    inside_one = false;
                    ending.after = closed.name.or(ending.after);
                }
            }
            Kind::Comma | Kind::Colon => {
                if let Some(top) = open.last_mut() {
                    top.after_colon = token.kind == Kind::Colon;
                }
            }
            Kind::Text | Kind::Scalar => {
                let Some(top) = open.last_mut().filter(|top| !top.is_list) else {
                    continue;
                };
                let written = token.written(text);
                let word = serde_json::from_str(written).unwrap_or_else(|_| written.to_owned());
                if !top.after_colon {
                    top.key = word;
                } else if top.name.is_none() && keys.contains(&top.key.as_str()) {
                    top.name = Some(word);
                }
            }
        }
    }
    let innermost = open.into_iter().find(|outer| outer.is_element);
    ending.inside = innermost.and_then(|element| element.name);
    ending
}
