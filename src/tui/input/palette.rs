//! The list of actions of a screen, which is its help and its palette in one: every action with its keys, filtered by
//! what is typed, what is possible now first.

use super::text_field::Field;
use crate::text::fuzzy::{Found, Query, Text};
use ratatui::layout::{Position, Rect};
use std::cmp::Reverse;

/// What was typed into the list of actions, and what is chosen in it.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What was typed.
    pub field: Field,
    /// The place of what is chosen among the actions that are listed.
    pub chosen: usize,
    /// The first line that is shown.
    pub(crate) top: usize,
    /// As of the last frame: how many actions are listed, how many lines are shown, and where each action stands.
    pub(crate) shown: Shown,
}

/// What the last frame of the list showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// The actions that are listed.
    pub count: usize,
    /// The lines that are shown at once.
    pub page: usize,
    /// The actions on the screen, each with its place among those that are listed.
    pub places: Vec<(Rect, usize)>,
}

impl Palette {
    /// Chooses the action `by` places on, going around.
    pub(crate) fn move_by(&mut self, by: isize) {
        let count = self.shown.count as isize;
        if count > 0 {
            self.chosen = (self.chosen as isize + by).rem_euclid(count) as usize;
        }
    }

    /// Chooses the action a page on, or back, but not past the ends.
    pub(crate) fn move_page(&mut self, pages: isize) {
        let by = pages * self.shown.page.max(1) as isize;
        self.scroll(by);
    }

    /// Chooses the action `by` places on, but not past the ends.
    pub(crate) fn scroll(&mut self, by: isize) {
        let last = self.shown.count.saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
    }

    /// Changes what was typed; the best match is chosen.
    pub(crate) fn type_in(&mut self, change: impl FnOnce(&mut Field)) {
        let before = self.field.text().to_owned();
        change(&mut self.field);
        if self.field.text() != before {
            self.chosen = 0;
            self.top = 0;
        }
    }

    /// Chooses the action that is shown at a place; whether there is one.
    pub(crate) fn choose_at(&mut self, at: Position) -> bool {
        let mut places = self.shown.places.iter();
        let found = places.find(|(area, _)| area.contains(at));
        if let Some((_, place)) = found {
            self.chosen = *place;
        }
        found.is_some()
    }
}

/// An action as it stands in the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Its name.
    pub name: &'static str,
    /// Its keys, as they are written for people.
    pub keys: String,
    /// What it does.
    pub description: &'static str,
    /// What it has to do with.
    pub group: &'static str,
    /// What is missing where it is not possible now.
    pub lacks: Option<String>,
    /// Whether it takes what is typed after its name.
    pub takes_argument: bool,
    /// The matched letters of its name and description.
    pub found: Found,
}

/// The actions that fit what was typed, what is possible now first; of those that are alike in this, the better match.
/// A name that was typed out comes first in any case, and what is typed after one that takes it is not searched for.
pub(crate) fn filtered(mut actions: Vec<Listed>, typed: &str) -> Vec<Listed> {
    if let Some((name, _)) = with_argument(typed)
        && let Some(at) = actions
            .iter()
            .position(|action| action.takes_argument && action.name == name)
    {
        let mut only = vec![actions.swap_remove(at)];
        only[0].found = Query::new(name).find(&[name]).unwrap_or_default();
        return only;
    }
    let mut query = Query::new(typed);
    let fields = actions
        .iter()
        .map(|action| [Text::Short(action.name), Text::Prose(action.description)]);
    let ranked = query.rank(fields);
    let exact = typed.trim();
    let mut listed: Vec<Listed> = ranked
        .into_iter()
        .map(|(at, found)| Listed {
            found,
            ..actions[at].clone()
        })
        .collect();
    listed.sort_by_key(|action| {
        let is_other = action.name != exact;
        (
            is_other,
            action.lacks.is_some(),
            Reverse(action.found.score),
        )
    });
    listed
}

/// The name and what follows it, where something does.
pub(crate) fn with_argument(typed: &str) -> Option<(&str, &str)> {
    let (name, argument) = typed.trim_start().split_once(char::is_whitespace)?;
    let argument = argument.trim();
    (!argument.is_empty()).then_some((name, argument))
}

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// The heading of what follows.
    Heading(&'static str),
    /// The action at this place among those listed.
    Action(usize),
}

/// The lines of the list. With nothing typed what is possible stands under the names of its groups, and the rest below.
pub(crate) fn rows(listed: &[Listed], is_filtered: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut heading = "";
    for (at, action) in listed.iter().enumerate() {
        let own = if action.lacks.is_some() {
            "Not possible now"
        } else {
            action.group
        };
        if own != heading && !is_filtered {
            rows.push(Row::Heading(own));
            heading = own;
        }
        rows.push(Row::Action(at));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(name: &'static str, description: &'static str, possible: bool) -> Listed {
        Listed {
            name,
            keys: String::new(),
            description,
            group: "Run",
            lacks: (!possible).then(|| "something".to_owned()),
            takes_argument: name == "theme",
            found: Found::default(),
        }
    }

    fn names(typed: &str) -> Vec<&'static str> {
        let actions = vec![
            action("retry", "run the step again", false),
            action("pause", "start nothing new", true),
            action("resume", "go on", false),
            action("retry-failed", "run every failed step again", true),
            action("theme", "choose the colours", true),
        ];
        let listed = filtered(actions, typed);
        listed.into_iter().map(|action| action.name).collect()
    }

    #[test]
    fn what_is_possible_comes_first() {
        let order = ["pause", "retry-failed", "theme", "retry", "resume"];
        assert_eq!(names(""), order);
        assert_eq!(names("again"), ["retry-failed", "retry"]);
        assert_eq!(names("ret"), ["retry-failed", "retry"]);
        assert_eq!(names("retry"), ["retry", "retry-failed"], "typed out");
    }

    #[test]
    fn what_follows_a_name_is_its_argument() {
        assert_eq!(names("theme light"), ["theme"]);
        assert_eq!(with_argument(" theme  light "), Some(("theme", "light")));
        assert_eq!(with_argument("theme "), None);
        assert!(names("pause light").is_empty());
    }
}
