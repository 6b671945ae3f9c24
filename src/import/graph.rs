//! Steps, dependencies and events of spans.
//!
//! Calls of models and tools are steps. What holds them together is not: it says which of them belong together, and so in
//! what order they came. Where the spans say what they waited for, that holds; else what had ended when a span began,
//! among those that are in the same group, is what it waited for.

use super::PriceOf;
use super::about::About;
use super::lanes::lanes;
use super::span::Span;
use super::step_end::{DistinctIds, attempt_end, end_of, error, info_of, start_of};
use super::tree::Tree;
use crate::plan::StepIx;
use crate::run::{EventKind, RunEvent, RunHeader, RunOutcome, StepKey};
use crate::units::Micros;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The events of a run that did what these spans say, and what could not be carried over.
pub(super) fn events(
    name: &str,
    spans: Vec<Span>,
    format: &str,
    price: PriceOf<'_>,
) -> (Vec<RunEvent>, Vec<String>) {
    let mut tree = Tree::of(spans);
    let before = tree.dependencies();
    let mut rows: Vec<usize> = tree
        .order
        .iter()
        .copied()
        .filter(|at| tree.steps[*at])
        .collect();
    rows.sort_by_key(|at| (tree.spans[*at].start, tree.spans[*at].ended(), *at));
    let mut place = vec![None; tree.spans.len()];
    for (row, at) in rows.iter().enumerate() {
        place[*at] = Some(row);
    }
    let mut against = 0;
    let depends_on = rows.iter().enumerate().map(|(row, at)| {
        let all = before[*at].iter();
        let mut places: Vec<usize> = all.filter_map(|at| place[*at]).collect();
        let count = places.len();
        places.retain(|other| *other < row);
        against += count - places.len();
        places.sort_unstable();
        places.dedup();
        places
    });
    let depends_on: Vec<Vec<usize>> = depends_on.collect();
    if against > 0 {
        tree.left_out.push(format!(
            "{against} dependencies on what began later than the step itself"
        ));
    }
    let run = Run {
        tree: &tree,
        rows: &rows,
        depends_on: &depends_on,
        price,
        nothing: Arc::new(json!({})),
    };
    (run.events(name, format), tree.left_out)
}

/// What the events are made of.
struct Run<'r> {
    tree: &'r Tree,
    /// The spans that are steps, by their starts.
    rows: &'r [usize],
    depends_on: &'r [Vec<usize>],
    price: PriceOf<'r>,
    /// The input where none is on record.
    nothing: Arc<Value>,
}

/// When which event of a row comes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    at: u64,
    /// At one moment ends come before starts, but no end before its own start.
    rank: u8,
    row: usize,
    part: Part,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Ready,
    Started,
    AttemptEnded,
    Ended,
}

impl Run<'_> {
    fn span(&self, row: usize) -> &Span {
        &self.tree.spans[self.rows[row]]
    }

    fn events(&self, name: &str, format: &str) -> Vec<RunEvent> {
        let spans = &self.tree.spans;
        let began = spans
            .iter()
            .map(|span| span.start)
            .filter(|at| *at > 0)
            .min()
            .unwrap_or(0);
        let at = |moment: u64| Micros(moment.saturating_sub(began));
        let mut distinct = DistinctIds::default();
        let ids = (0..self.rows.len()).map(|row| distinct.next(&self.span(row).name));
        let ids: Vec<Arc<str>> = ids.collect();
        let times: Vec<(u64, u64)> = (0..self.rows.len())
            .map(|row| (self.span(row).start, self.span(row).ended()))
            .collect();
        let slots = lanes(&times);
        let moments = self.moments(&times, began);
        let kinds = moments.iter().map(|moment| {
            let (row, span) = (moment.row, self.span(moment.row));
            let step = StepKey {
                ix: StepIx(row as u32),
                id: Arc::clone(&ids[row]),
            };
            let kind = match moment.part {
                Part::Ready => EventKind::StepReady { step },
                Part::Started => start_of(step, span, slots[row], &self.nothing),
                Part::AttemptEnded => attempt_end(step, span, self.price),
                Part::Ended => end_of(step, span),
            };
            (at(moment.at), kind)
        });
        let over = spans.iter().map(Span::ended).max().map_or(Micros(0), at);
        let is_over = (0..self.rows.len()).all(|row| self.span(row).end.is_some());
        let most = slots.iter().max().map_or(1, |slot| slot + 1);
        let header = self.header(name, format, (began, most), &ids);
        let start = (Micros(0), EventKind::RunStarted(Arc::new(header)));
        let end = is_over.then(|| (over, self.end(&ids)));
        let mut events = Vec::with_capacity(moments.len() + 2);
        let all = std::iter::once(start).chain(kinds).chain(end);
        events.extend(
            all.zip(0..)
                .map(|((at, kind), seq)| RunEvent { seq, at, kind }),
        );
        events
    }

    /// What happened, in order. `times` are the starts and ends of the rows.
    fn moments(&self, times: &[(u64, u64)], began: u64) -> Vec<Moment> {
        let mut moments = Vec::with_capacity(4 * times.len());
        for (row, (started, ended)) in times.iter().copied().enumerate() {
            let mut add = |at, rank, part| {
                moments.push(Moment {
                    at,
                    rank,
                    row,
                    part,
                });
            };
            let before = self.depends_on[row].iter().map(|other| times[*other].1);
            let ready = before.max().unwrap_or(began).min(started).max(began);
            add(ready, 1, Part::Ready);
            add(started.max(began), 2, Part::Started);
            if self.span(row).end.is_some() {
                let rank = if ended == started { 3 } else { 0 };
                add(ended.max(began), rank, Part::AttemptEnded);
                add(ended.max(began), rank, Part::Ended);
            }
        }
        moments.sort_unstable();
        moments
    }

    /// `began` is when it began, and with it how many steps were running at once at most.
    fn header(
        &self,
        name: &str,
        format: &str,
        (began, most): (u64, u32),
        ids: &[Arc<str>],
    ) -> RunHeader {
        // Those in the same group say the same.
        let mut inside: HashMap<usize, Arc<str>> = HashMap::new();
        let steps = ids.iter().enumerate().map(|(row, id)| {
            let span = self.span(row);
            let depends_on = self.depends_on[row].iter().map(|at| StepIx(*at as u32));
            let group = self.tree.parent(self.rows[row]);
            let inside = group.map(|group| {
                let words = || format!("in {}", self.tree.groups(self.rows[row])).into();
                Arc::clone(inside.entry(group).or_insert_with(words))
            });
            info_of(id, span, depends_on.collect(), inside)
        });
        let mut models: HashMap<&str, usize> = HashMap::new();
        for span in &self.tree.spans {
            if let Some(model) = &span.model {
                *models.entry(model).or_default() += 1;
            }
        }
        let model = models
            .into_iter()
            .max_by_key(|(model, count)| (*count, *model));
        let root = self.tree.roots.first().map(|at| &self.tree.spans[*at]);
        let id = root.map_or("", |root| {
            if root.trace.is_empty() {
                &root.id
            } else {
                &root.trace
            }
        });
        About {
            run_id: if id.is_empty() { name } else { id },
            name,
            worker: model.map_or(format, |(model, _)| model),
            began,
            slots: most,
        }
        .header(steps.collect())
    }

    fn end(&self, ids: &[Arc<str>]) -> EventKind {
        let root = |at: &usize| &self.tree.spans[*at];
        let groups: Vec<&Span> = self.tree.roots.iter().map(root).collect();
        let failed = groups.iter().any(|span| span.error.is_some());
        let first = (0..self.rows.len()).find(|row| self.span(*row).error.is_some());
        let error = first.filter(|_| failed).and_then(|row| {
            let step = StepKey {
                ix: StepIx(row as u32),
                id: Arc::clone(&ids[row]),
            };
            let span = self.span(row);
            Some(Box::new(error(&step, span, span.error.as_ref()?)))
        });
        let outputs = groups.iter().filter_map(|span| span.output.clone());
        let mut outputs: Vec<Arc<Value>> = outputs.collect();
        let result = if outputs.len() == 1 {
            outputs.remove(0)
        } else {
            let last = self.rows.len().checked_sub(1);
            last.and_then(|row| self.span(row).output.clone())
                .unwrap_or_default()
        };
        EventKind::RunEnded {
            status: if failed {
                RunOutcome::Failed
            } else {
                RunOutcome::Succeeded
            },
            result,
            error,
        }
    }
}
