//! The graph of a plan that is being made, drawn as a run that has not begun.

use super::item::MadeStep;
use crate::plan::{Dialect, StepIx};
use crate::run::{
    EventKind, Figures, Rates, ResourceLimits, RunEvent, RunHeader, RunState, StepInfo,
};
use crate::tui::dashboard::panes::graph::GraphPane;
use crate::tui::dashboard::panes::pane::Pane;
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::dashboard::state::step_names::StepNames;
use crate::tui::theme::Theme;
use crate::units::{Micros, Money};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The graph of a plan, as far as it has come.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    pane: GraphPane,
    run: RunState,
    names: StepNames,
    steps: Vec<MadeStep>,
    /// How often it has changed.
    version: u64,
}

impl Preview {
    /// Shows these steps.
    pub(super) fn show(&mut self, steps: &[MadeStep]) {
        if self.steps == steps {
            return;
        }
        self.steps = steps.to_vec();
        self.version += 1;
        self.run = state(steps, self.version);
        self.names.keep(&self.run);
        self.pane.sync(&self.run);
        // What came last is seen where not all of it fits.
        if let Some(last) = steps.len().checked_sub(1) {
            self.pane.keep_visible(Some(StepIx(last as u32)));
        }
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether it has to be drawn again soon, because its layout is being worked out.
    pub(super) fn is_behind(&self) -> bool {
        self.pane.is_behind()
    }

    /// Draws it.
    pub(super) fn draw(&mut self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        let context = PaneContext {
            run: &self.run,
            figures: &Figures::default(),
            names: &self.names,
            breakpoints: &BTreeSet::new(),
            selected: None,
            now: Micros(0),
            theme,
            follow: false,
            typing: false,
        };
        self.pane.draw(buf, area, &context);
    }
}

/// A run of these steps that has not begun.
fn state(steps: &[MadeStep], version: u64) -> RunState {
    let header = RunHeader {
        run_id: format!("plan {version}").into(),
        plan: "".into(),
        dialect: Dialect::Documented,
        started_at: "".into(),
        worker: "".into(),
        simulated: false,
        track_cost: false,
        limits: ResourceLimits::none(),
        rates: Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: infos(steps).into(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    };
    RunState::from_events(&[RunEvent {
        seq: 0,
        at: Micros(0),
        kind: EventKind::RunStarted(Arc::new(header)),
    }])
}

/// The steps with what they wait for, as far as that is there. A model may write a circle, which no graph has: what
/// closes one is left out.
fn infos(steps: &[MadeStep]) -> Vec<StepInfo> {
    let places: HashMap<&str, usize> = steps
        .iter()
        .enumerate()
        .map(|(at, step)| (step.id.as_str(), at))
        .collect();
    let mut waits_for: Vec<Vec<usize>> = steps
        .iter()
        .map(|step| {
            let of = step.waits_for.iter();
            let of = of.filter_map(|of| places.get(of.as_str()).copied());
            of.collect()
        })
        .collect();
    let open = in_circles(&waits_for);
    for (at, of) in waits_for.iter_mut().enumerate() {
        of.retain(|of| !(open[at] && open[*of]));
    }
    let infos = steps.iter().zip(waits_for).map(|(step, of)| StepInfo {
        id: step.id.as_str().into(),
        tool: step.tool.as_str().into(),
        kind: "".into(),
        depends_on: of.into_iter().map(|of| StepIx(of as u32)).collect(),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    });
    infos.collect()
}

/// Which steps are in a circle, or wait for one that is.
fn in_circles(waits_for: &[Vec<usize>]) -> Vec<bool> {
    let mut open = vec![true; waits_for.len()];
    let mut left: Vec<usize> = waits_for.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); waits_for.len()];
    for (at, of) in waits_for.iter().enumerate() {
        for of in of {
            dependents[*of].push(at);
        }
    }
    let mut free: Vec<usize> = (0..left.len()).filter(|at| left[*at] == 0).collect();
    while let Some(at) = free.pop() {
        open[at] = false;
        for dependent in &dependents[at] {
            left[*dependent] -= 1;
            if left[*dependent] == 0 {
                free.push(*dependent);
            }
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(id: &str, waits_for: &[&str]) -> MadeStep {
        MadeStep {
            id: id.to_owned(),
            tool: "t".to_owned(),
            waits_for: waits_for.iter().map(|one| (*one).to_owned()).collect(),
            depth: 0,
        }
    }

    #[test]
    fn a_circle_is_drawn_without_its_edges() {
        let steps = [
            step("a", &[]),
            step("b", &["a", "d"]),
            step("c", &["b"]),
            step("d", &["c", "d", "later"]),
            step("e", &["a"]),
        ];
        let infos = infos(&steps);
        let waits_for: Vec<Vec<u32>> = infos
            .iter()
            .map(|info| info.depends_on.iter().map(|of| of.0).collect())
            .collect();
        assert_eq!(waits_for, [vec![], vec![0], vec![], vec![], vec![0]]);
        let mut preview = Preview::default();
        let area = Rect::new(0, 0, 60, 30);
        for count in 1..=steps.len() {
            preview.show(&steps[..count]);
            let mut buf = Buffer::empty(area);
            preview.draw(&mut buf, area, &Theme::default());
            let text: String = buf
                .content()
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect();
            for step in &steps[..count] {
                assert!(
                    text.contains(&format!("· {}", step.id)),
                    "{}: {text}",
                    step.id
                );
            }
        }
    }
}
