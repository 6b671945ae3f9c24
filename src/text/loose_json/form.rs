//! The form of a JSON value, token by token.

use super::token::Kind;

/// What a list or an object expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    FirstElement,
    Element,
    CommaInList,
    FirstKey,
    Key,
    Colon,
    Member,
    CommaInObject,
}

/// Follows the form of one value whose root is a list or an object.
#[derive(Clone, Default)]
pub(super) struct Form {
    pub open: Vec<Expects>,
    pub is_done: bool,
}

impl Form {
    /// Takes the next token; false where it cannot stand there.
    pub(super) fn take(&mut self, kind: Kind) -> bool {
        let Some(top) = self.open.last_mut() else {
            return match kind {
                Kind::Open(mark) if !self.is_done => {
                    self.push(mark);
                    true
                }
                _ => false,
            };
        };
        let after_value = match *top {
            Expects::FirstElement | Expects::Element => Some(Expects::CommaInList),
            Expects::Member => Some(Expects::CommaInObject),
            _ => None,
        };
        match (kind, *top) {
            (Kind::Text, Expects::FirstKey | Expects::Key) => *top = Expects::Colon,
            (Kind::Colon, Expects::Colon) => *top = Expects::Member,
            (Kind::Comma, Expects::CommaInList) => *top = Expects::Element,
            (Kind::Comma, Expects::CommaInObject) => *top = Expects::Key,
            (Kind::Close(b']'), Expects::FirstElement | Expects::CommaInList)
            | (Kind::Close(b'}'), Expects::FirstKey | Expects::CommaInObject) => {
                self.open.pop();
                self.is_done = self.open.is_empty();
            }
            (Kind::Text | Kind::Scalar | Kind::Open(_), _) => {
                let Some(next) = after_value else {
                    return false;
                };
                *top = next;
                if let Kind::Open(mark) = kind {
                    self.push(mark);
                }
            }
            _ => return false,
        }
        true
    }

    /// Takes back the comma that was taken last.
    pub(super) fn undo_comma(&mut self) {
        if let Some(top) = self.open.last_mut() {
            *top = match *top {
                Expects::Element => Expects::CommaInList,
                Expects::Key => Expects::CommaInObject,
                other => other,
            };
        }
    }

    fn push(&mut self, mark: u8) {
        self.open.push(if mark == b'{' {
            Expects::FirstKey
        } else {
            Expects::FirstElement
        });
    }

    /// Whether a bracket could close the innermost list or object here.
    pub(super) fn is_between_values(&self) -> bool {
        matches!(
            self.open.last(),
            Some(
                Expects::FirstElement
                    | Expects::CommaInList
                    | Expects::FirstKey
                    | Expects::CommaInObject
            )
        )
    }

    /// The brackets that close all that is open, the innermost first.
    pub(super) fn closers(&self) -> Vec<u8> {
        let closer = |expects: &Expects| match expects {
            Expects::FirstElement | Expects::Element | Expects::CommaInList => b']',
            _ => b'}',
        };
        self.open.iter().rev().map(closer).collect()
    }
}
