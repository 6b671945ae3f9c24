//! The graph of a plan as pictures need it: a node for each step, with its status, time and cost.

use crate::plan::StepIx;
use crate::report::money;
use crate::run::{RunState, StepState, StepStatus};
use crate::text::{fit, format};

/// The most cells of a line in a node.
const WIDTH: usize = 32;

/// A step of the plan.
pub(super) struct Node {
    pub row: StepIx,
    /// Its id, and how many elements it has.
    pub name: String,
    /// Its tool, how long it took and what it cost.
    pub details: String,
    /// Its status.
    pub status: StepStatus,
}

/// The steps of a plan and what they wait for.
pub(super) struct Drawing {
    pub nodes: Vec<Node>,
    /// By positions in `nodes`: what is waited for, and who waits.
    pub edges: Vec<(u32, u32)>,
}

impl Drawing {
    /// The plan of a run; elements of lists and calls of code are part of their steps.
    pub(super) fn of(run: &RunState) -> Self {
        let is_step = |row: &StepState| row.info.parent.is_none() && row.caller.is_none();
        let rows = run.steps.iter().zip(0..).filter(|(row, _)| is_step(row));
        let rows: Vec<(&StepState, u32)> = rows.collect();
        let mut places = vec![None; run.steps.len()];
        for (place, (_, at)) in rows.iter().enumerate() {
            places[*at as usize] = Some(place as u32);
        }
        let place = |ix: &StepIx| places.get(ix.at()).copied().flatten();
        let edges = rows.iter().flat_map(|(row, at)| {
            let before = row.info.depends_on.iter().filter_map(place);
            before.filter_map(|before| Some((before, place(&StepIx(*at))?)))
        });
        Self {
            edges: edges.collect(),
            nodes: rows.iter().map(|(row, at)| node(run, row, *at)).collect(),
        }
    }
}

fn node(run: &RunState, row: &StepState, at: u32) -> Node {
    let elements = row.elements().len();
    let times = if row.is_expanded() {
        format!(" ×{elements}")
    } else {
        String::new()
    };
    let mut details = vec![fit(&row.info.tool, WIDTH / 2)];
    if row.service.0 > 0 {
        details.push(format::duration(row.service));
    }
    if let Some(cost) = row.cost.filter(|cost| !cost.is_zero()) {
        details.push(money::of_row(run, row, cost));
    }
    Node {
        row: StepIx(at),
        name: format!("{}{times}", fit(&row.info.id, WIDTH)),
        details: details.join(" · "),
        status: row.status,
    }
}
