//! Things beside each other: attempts of one step, and the run held against another run of its plan.

use crate::plan::StepIx;
use crate::run::{Comparison, StepState, Verdict};
use crate::text::format;
use crate::tui::dashboard::history::{Answer, Inquiry, PastRun};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::{Model, Overlay};
use ratatui::text::Line;
use std::sync::Arc;

/// The run that the one shown is held against.
#[derive(Debug)]
pub struct Against {
    /// Which it is.
    pub run: PastRun,
    /// How they differ.
    pub comparison: Comparison,
}

/// The runs to choose from.
#[derive(Debug, Default)]
pub enum Runs {
    /// They have been asked for.
    #[default]
    Asked,
    /// Here they are.
    Found(Vec<PastRun>),
    /// They cannot be told.
    Failed(Arc<str>),
}

/// What is drawn, until something changes that it depends on: the step, the pair, the width, and the moment.
pub(crate) type Key = (Option<StepIx>, usize, u16, usize);

/// Everything about comparing.
#[derive(Debug, Default)]
pub struct Compare {
    /// The run that the one shown is held against.
    pub against: Option<Against>,
    /// The runs to choose from.
    pub runs: Runs,
    /// The one among them that Enter takes.
    pub chosen: usize,
    /// Whether one was taken that is being read.
    pub reading: bool,
    /// The pair that is shown, from 0.
    pub pair: usize,
    /// Lines scrolled down.
    pub scroll: usize,
    /// Lines in all and lines shown, when it was last drawn.
    pub extent: (usize, usize),
    pub(crate) drawn: Option<(Key, Vec<Line<'static>>)>,
}

/// Two things to be seen beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// Two attempts of the selected step, by position, the second the one after the first.
    Attempts(usize),
    /// The selected step in the other run, and in this one.
    Runs,
}

impl Model {
    /// The pairs that the selected step has.
    pub fn pairs(&self) -> Vec<Pair> {
        let Some(row) = self.row() else {
            return Vec::new();
        };
        let attempts = (1..row.attempts.len()).map(|at| Pair::Attempts(at - 1));
        let twin = self.twin(row).map(|_| Pair::Runs);
        attempts.chain(twin).collect()
    }

    /// The same step in the run that this one is held against.
    pub fn twin(&self, row: &StepState) -> Option<&StepState> {
        self.compare.against.as_ref()?.comparison.row(&row.info.id)
    }

    /// How a step stands to the other run, where there is one.
    pub fn verdict(&self, ix: StepIx) -> Option<Verdict> {
        Some(self.compare.against.as_ref()?.comparison.of(ix))
    }

    /// Takes in what changed in the run shown.
    pub(crate) fn keep_comparison(&mut self) {
        if let Some(against) = &mut self.compare.against
            && against.comparison.refresh(&self.run)
        {
            self.graph.set_differing(against.comparison.differing());
        }
    }

    /// Holds the run against no other any more.
    pub(crate) fn end_comparison(&mut self) {
        self.compare.against = None;
        self.graph.set_differing(std::iter::empty());
    }
}

/// Opens what there is to be compared: the step in both runs, else its attempts, else the choice of a run.
pub(crate) fn open(model: &mut Model) -> Vec<Effect> {
    let pairs = model.pairs();
    if pairs.is_empty() {
        return choose(model);
    }
    model.compare.pair = pairs.len() - 1;
    model.compare.scroll = 0;
    model.overlay = Some(Overlay::Beside);
    Vec::new()
}

/// Opens the choice of another run.
pub(crate) fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(header) = model.run.header.as_deref() else {
        return Vec::new();
    };
    let inquiry = Inquiry::Runs {
        run_id: Arc::clone(&header.run_id),
        plan: Arc::clone(&header.plan),
    };
    model.overlay = Some(Overlay::Runs);
    model.compare.runs = Runs::Asked;
    model.compare.chosen = 0;
    model.compare.reading = false;
    vec![Effect::Ask(inquiry)]
}

/// Goes to another pair, around the ends.
pub(crate) fn turn(model: &mut Model, by: isize) {
    let pairs = model.pairs().len().max(1);
    let to = model.compare.pair as isize + by;
    model.compare.pair = to.rem_euclid(pairs as isize) as usize;
    model.compare.scroll = 0;
}

/// Scrolls, or moves the choice.
pub(crate) fn scroll(model: &mut Model, by: isize) {
    let compare = &mut model.compare;
    if model.overlay == Some(Overlay::Runs) {
        let Runs::Found(runs) = &compare.runs else {
            return;
        };
        let most = runs.len().saturating_sub(1);
        compare.chosen = compare.chosen.saturating_add_signed(by).min(most);
    } else {
        let most = compare.extent.0.saturating_sub(compare.extent.1);
        compare.scroll = compare.scroll.saturating_add_signed(by).min(most);
    }
}

/// Takes the chosen run.
pub(crate) fn take(model: &mut Model) -> Vec<Effect> {
    let Runs::Found(runs) = &model.compare.runs else {
        return Vec::new();
    };
    let Some(with) = runs.get(model.compare.chosen).cloned() else {
        return Vec::new();
    };
    model.compare.reading = true;
    let shown = Box::new(model.run.clone());
    vec![Effect::Ask(Inquiry::Compare { with, shown })]
}

/// Takes in what the record says.
pub(crate) fn answer(model: &mut Model, answer: Answer) {
    model.dirty = true;
    match answer {
        Answer::Runs(Ok(runs)) => model.compare.runs = Runs::Found(runs),
        Answer::Runs(Err(why)) => model.compare.runs = Runs::Failed(why),
        Answer::Compared(_, Err(why)) => {
            model.compare.reading = false;
            model.compare.runs = Runs::Failed(why);
        }
        // Whoever has closed the choice in the meantime does not want it any more.
        Answer::Compared(..) if model.overlay != Some(Overlay::Runs) => {}
        Answer::Compared(run, Ok(comparison)) => {
            model.compare.reading = false;
            model.overlay = None;
            let mut comparison = *comparison;
            comparison.refresh(&model.run);
            show(model, Against { run, comparison });
        }
    }
}

fn show(model: &mut Model, against: Against) {
    let comparison = &against.comparison;
    model.graph.set_differing(comparison.differing());
    let count = comparison.differing().count();
    let first = comparison.first();
    let id = first.and_then(|ix| Some(model.run.steps.get(ix.at())?.info.id.to_string()));
    model.notice = Some(match id {
        Some(id) => {
            let verb = if count == 1 { "differs" } else { "differ" };
            format!("{} {verb}; they part at {id}", format::count(count, "step"))
        }
        None => "nothing but the time they took differs, so far as it has ended".to_owned(),
    });
    model.compare.against = Some(against);
    if let Some(first) = first {
        model.follow = false;
        model.select(first);
    }
}
