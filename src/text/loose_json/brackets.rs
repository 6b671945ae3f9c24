//! The brackets of a JSON value, and the one repair that they permit.
//!
//! A bracket that is missing, or one too many, is repaired only if every repair of one bracket that gives valid JSON
//! gives the same JSON: `{"a": {"x": 1, "b": 2}` may mean `{"a": {"x": 1}, "b": 2}` as well.

use super::form::Form;
use super::token::{Kind, Token};
use std::collections::HashSet;

/// Upper bound of the tokens that are looked at for one repair.
const MAX_WORK: usize = 2_000_000;
/// Every bracket.
const MARKS: [Kind; 4] = [
    Kind::Close(b'}'),
    Kind::Close(b']'),
    Kind::Open(b'{'),
    Kind::Open(b'['),
];

/// One bracket added or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Added before the token of this number.
    Add(usize, Kind),
    /// The token of this number left out.
    Remove(usize),
}

/// What the brackets of a value are like.
#[derive(Debug)]
pub(super) enum Brackets {
    /// As they should be.
    Sound,
    /// Sound after this change, and after these closing brackets at the end.
    Repaired(Change, Vec<u8>),
    /// The text ends inside the value.
    CutOff,
    /// Beyond repair, from the token of this number on; whether that is because several repairs are possible.
    Broken(usize, bool),
}

/// Looks at the brackets of a value that takes all `tokens`. Where the text `is_whole`, closing brackets at the end may
/// have been forgotten; else what is open there was cut off, unless it is the root alone and an object.
pub(super) fn look(tokens: &[Token], text: &str, is_whole: bool) -> Brackets {
    let mut form = Form::default();
    let broken = tokens.iter().position(|token| !form.take(token.kind));
    if broken.is_none() && form.is_done {
        return Brackets::Sound;
    }
    let open = form.open.len();
    let is_at_end = broken.is_none();
    let may_close = is_whole || (open == 1 && form.closers() == [b'}']);
    if is_at_end && !(may_close && form.is_between_values()) {
        return Brackets::CutOff;
    }
    let last = broken.unwrap_or(tokens.len());
    let left_open = if is_at_end { open - 1 } else { 0 };
    let mut search = Search {
        tokens,
        text,
        left_open,
        work: 0,
        found: None,
    };
    if search.all(last).is_none() {
        return Brackets::Broken(last, true);
    }
    match search.found {
        Some(Repair { change, closers }) => Brackets::Repaired(change, closers),
        None => Brackets::Broken(last, false),
    }
}

/// A change and the closing brackets that the end needs after it.
struct Repair {
    change: Change,
    closers: Vec<u8>,
}

struct Search<'t> {
    tokens: &'t [Token],
    text: &'t str,
    /// How many lists and objects are open at the end after the change.
    left_open: usize,
    work: usize,
    found: Option<Repair>,
}

impl Search<'_> {
    /// Tries every change up to the token of number `last`. `None` where several give different JSON, or where there
    /// is too much to try.
    fn all(&mut self, last: usize) -> Option<()> {
        let mut form = Form::default();
        for at in 0..=last {
            for mark in MARKS {
                let mut changed = form.clone();
                if changed.take(mark) {
                    self.attempt(changed, at, Change::Add(at, mark))?;
                }
            }
            let Some(token) = self.tokens.get(at) else {
                break;
            };
            // Where several brackets are missing at the end, none was too many.
            if self.left_open == 0 && matches!(token.kind, Kind::Open(_) | Kind::Close(_)) {
                self.attempt(form.clone(), at + 1, Change::Remove(at))?;
            }
            if !form.take(token.kind) {
                break;
            }
        }
        Some(())
    }

    /// Follows the tokens from `from` on after a change, which is noted where they fit.
    fn attempt(&mut self, mut form: Form, from: usize, change: Change) -> Option<()> {
        for token in self.tokens.iter().skip(from) {
            self.work += 1;
            if self.work > MAX_WORK {
                return None;
            }
            if !form.take(token.kind) {
                return Some(());
            }
        }
        let fits = if self.left_open == 0 {
            form.is_done
        } else {
            form.open.len() == self.left_open && form.is_between_values()
        };
        if !fits {
            return Some(());
        }
        let repair = Repair {
            change,
            closers: form.closers(),
        };
        self.work += self.tokens.len();
        if gives_a_key_twice(self.json(&repair)) {
            return Some(());
        }
        let Some(found) = &self.found else {
            self.found = Some(repair);
            return Some(());
        };
        self.work += self.tokens.len();
        let same = self.json(found).eq(self.json(&repair));
        // Of the same repairs the last is kept: what is missing is missing at the end rather than before it.
        self.found = Some(repair);
        same.then_some(())
    }

    /// What a repair gives: each token as JSON writes it.
    fn json<'r>(&'r self, repair: &'r Repair) -> impl Iterator<Item = &'r str> {
        let (added, removed) = match repair.change {
            Change::Add(at, mark) => (Some((at, mark)), None),
            Change::Remove(at) => (None, Some(at)),
        };
        let mark = |kind| match kind {
            Kind::Open(b'{') => "{",
            Kind::Open(_) => "[",
            Kind::Close(b'}') => "}",
            _ => "]",
        };
        let added_at = move |number| {
            added
                .filter(|(at, _)| *at == number)
                .map(|(_, kind)| mark(kind))
        };
        let tokens = self.tokens.iter().enumerate();
        let changed = tokens.flat_map(move |(number, token)| {
            let kept = (removed != Some(number)).then(|| token.written(self.text));
            added_at(number).into_iter().chain(kept)
        });
        let closers = repair
            .closers
            .iter()
            .map(move |byte| mark(Kind::Close(*byte)));
        changed.chain(added_at(self.tokens.len())).chain(closers)
    }
}

/// Whether two members of one object have the same key in this JSON, given token by token.
fn gives_a_key_twice<'t>(json: impl Iterator<Item = &'t str>) -> bool {
    let mut open: Vec<HashSet<&str>> = Vec::new();
    let mut last = "";
    for token in json {
        match token {
            "{" | "[" => open.push(HashSet::new()),
            "}" | "]" => {
                open.pop();
            }
            ":" if open.last_mut().is_some_and(|keys| !keys.insert(last)) => return true,
            _ => {}
        }
        last = token;
    }
    false
}
