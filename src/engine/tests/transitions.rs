//! Which transitions of the scheduler's rows the property test visits, compared with the table in the scheduler's
//! documentation: a transition that is not in it is a fault of one of them, and so is one that never happens.

use crate::engine::Input;
use std::collections::{BTreeMap, BTreeSet};

/// The documentation with the table.
const DOCUMENTATION: &str = include_str!("../scheduler/mod.rs");

/// The inputs, in the order of the table's columns.
const INPUTS: [&str; 8] = [
    "Start",
    "Command",
    "Prepared",
    "Ended",
    "BudgetRequest",
    "Timer",
    "Called",
    "Waits",
];

/// The stage that a row was in, the input, and the stage that it is in after that.
type Transition = (String, String, String);

/// How often each transition happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Transitions(BTreeMap<Transition, u64>);

/// Which column an input belongs to.
pub(super) fn column(input: &Input) -> &'static str {
    match input {
        Input::Start => "Start",
        Input::Command(_) | Input::Unattended => "Command",
        Input::Prepared(..) => "Prepared",
        Input::Ended { .. } => "Ended",
        // Slow motion takes no row to another stage: the table has no column for it.
        Input::Paced(_) => "Paced",
        Input::Released(_) => "Released",
        Input::BudgetRequest(..) | Input::BudgetDenied(..) => "BudgetRequest",
        Input::Refused(..) => "Refused",
        Input::Timer(_) => "Timer",
        Input::Called(..) => "Called",
        Input::Waits { .. } => "Waits",
    }
}

impl Transitions {
    /// Takes note of what every row was doing before and after an input; rows may be new.
    pub(super) fn note(&mut self, input: &str, before: &[&str], after: &[&str]) {
        let before = before.iter().copied().chain(std::iter::repeat("(none)"));
        for (from, to) in before.zip(after) {
            if from != *to {
                let transition = (from.to_owned(), input.to_owned(), (*to).to_owned());
                *self.0.entry(transition).or_default() += 1;
            }
        }
    }

    /// Adds what another run visited.
    pub(super) fn add(&mut self, other: &Self) {
        for (transition, count) in &other.0 {
            *self.0.entry(transition.clone()).or_default() += count;
        }
    }

    /// Whether the table has exactly what happened; what is rare need not have. Where few stories were played,
    /// the table may have more.
    pub(super) fn agree_with_the_table(&self, many: bool) {
        let (common, rare) = table();
        let known = |t: &Transition| common.contains(t) || rare.contains(t);
        let outside: Vec<_> = self.0.iter().filter(|(t, _)| !known(t)).collect();
        assert!(outside.is_empty(), "not in the table: {outside:#?}");
        let never: Vec<_> = common.iter().filter(|t| !self.0.contains_key(t)).collect();
        assert!(!many || never.is_empty(), "never visited: {never:#?}");
    }
}

/// The transitions of the documentation: those that every large number of stories visits, and the rare ones.
fn table() -> (BTreeSet<Transition>, BTreeSet<Transition>) {
    let lines = DOCUMENTATION
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "));
    let mut rows = lines.map(|line| {
        let cells = line.trim_end_matches('|').split('|');
        cells.map(str::trim).collect::<Vec<_>>()
    });
    let head = rows.next().expect("there is a table");
    assert_eq!(head[1..], INPUTS, "the columns");
    let (mut common, mut rare) = (BTreeSet::new(), BTreeSet::new());
    for row in rows.filter(|row| !row[0].starts_with("---")) {
        for (input, cell) in INPUTS.iter().zip(&row[1..]) {
            for to in cell.split_whitespace().filter(|to| *to != "–") {
                let bare = to.trim_matches(['(', ')']);
                let list = if bare == to { &mut common } else { &mut rare };
                list.insert((row[0].to_owned(), (*input).to_owned(), bare.to_owned()));
            }
        }
    }
    (common, rare)
}
