//! What was told of a session: where its steps stand in the events so far.

use super::super::about::About;
use super::super::claude_code::Session;
use super::super::step_end::{DistinctIds, attempt_end, end_of, info_of, start_of};
use super::super::value::text;
use super::super::{PriceOf, Span};
use super::FORMAT;
use crate::plan::StepIx;
use crate::run::{EventKind, RunEvent, RunOutcome, RunSetting, StepInfo, StepKey};
use crate::units::Micros;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

struct Row {
    id: Arc<str>,
    slot: u32,
    is_over: bool,
}

/// The slots of what is running.
#[derive(Default)]
struct Slots {
    free: BTreeSet<u32>,
    next: u32,
    /// As many as the run is known to have.
    told: u32,
}

impl Slots {
    fn take(&mut self) -> u32 {
        self.free.pop_first().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

/// What happens at a moment. At one moment ends come before starts, but no end before its own start.
struct Happening {
    at: u64,
    rank: u8,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Started(usize),
    Ended(usize),
}

/// What was told so far.
pub(super) struct Telling {
    /// Where the steps stand, by the places of their spans.
    rows: Vec<Row>,
    ids: DistinctIds,
    places: HashMap<Arc<str>, usize>,
    slots: Slots,
    /// How many steps have started and not ended.
    open: usize,
    /// When the run began, and when the last event was.
    began: u64,
    at: Micros,
    seq: u64,
    /// Whether the last event is the end of the run.
    has_ended: bool,
    last_output: Option<Arc<Value>>,
    nothing: Arc<Value>,
}

impl Telling {
    /// Of a run whose first event has this moment and this number.
    pub(super) fn new(at: Micros, seq: u64) -> Self {
        Self {
            rows: Vec::new(),
            ids: DistinctIds::default(),
            places: HashMap::new(),
            slots: Slots::default(),
            open: 0,
            began: 0,
            at,
            seq,
            has_ended: false,
            last_output: None,
            nothing: Arc::new(json!({})),
        }
    }

    /// The moment and the number of the next event, where nothing more happens until then.
    pub(super) fn next(&self) -> (Micros, u64) {
        (self.at, self.seq)
    }

    /// Whether no step was told, or the last event is the end of the run.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended || self.rows.is_empty()
    }
}

/// Tells what is new of a session.
pub(super) struct Teller<'a> {
    pub(super) telling: &'a mut Telling,
    pub(super) session: &'a mut Session,
    /// What the file is called.
    pub(super) name: &'a str,
    /// The last line of a run without a user.
    pub(super) result: Option<&'a Value>,
    pub(super) price: PriceOf<'a>,
    /// Whether more is there to be read, and everything is told again then: nothing is forgotten, and nothing ends.
    pub(super) is_early: bool,
}

impl Teller<'_> {
    /// The events of what is new; `over` are the places of the spans that are over.
    pub(super) fn told(mut self, mut over: Vec<usize>) -> Vec<RunEvent> {
        let grown = std::mem::take(&mut self.session.grown);
        let grown: BTreeSet<usize> = grown.into_iter().collect();
        let grown = grown
            .into_iter()
            .filter(|at| self.telling.rows.get(*at).is_some_and(|row| row.is_over));
        let grown: Vec<usize> = grown.collect();
        let first = self.telling.rows.len();
        let steps = self.new_steps();
        if self.is_told() {
            over.extend(self.session.open_calls());
        }
        let mut all: Vec<Happening> = Vec::new();
        for at in first..self.telling.rows.len() {
            all.push(Happening {
                at: self.span(at).start,
                rank: 1,
                what: What::Started(at),
            });
        }
        for at in over {
            // Each ends once, whatever says so.
            if std::mem::replace(&mut self.telling.rows[at].is_over, true) {
                continue;
            }
            let span = self.span(at);
            let is_instant = span.ended() == span.start;
            all.push(Happening {
                at: span.ended(),
                rank: if is_instant { 2 } else { 0 },
                what: What::Ended(at),
            });
        }
        all.sort_by_key(|one| (one.at, one.rank));
        let mut events = Vec::new();
        if first == 0 {
            if steps.is_empty() {
                return events;
            }
            let starts = all.iter().map(|one| one.at).filter(|at| *at > 0);
            // Of a run that takes the place of another one the clock goes on.
            self.telling.began = starts.min().unwrap_or(0).saturating_sub(self.telling.at.0);
            self.telling.slots.told = most_at_once(&all).max(1);
            let mut newest = self.session.recorded.spans.iter().rev();
            let model = newest.find_map(|span| span.model.clone());
            let title = &self.session.recorded.name;
            let about = About {
                run_id: &self.session.recorded.spans[0].id,
                name: if title.is_empty() { self.name } else { title },
                worker: model.as_deref().unwrap_or(FORMAT),
                began: self.telling.began,
                slots: self.telling.slots.told,
            };
            let header = about.header(steps.into());
            self.push(&mut events, 0, EventKind::RunStarted(Arc::new(header)));
        } else if all.is_empty() && grown.is_empty() && !self.is_told() {
            return events;
        } else {
            if self.telling.has_ended && !all.is_empty() {
                self.telling.has_ended = false;
                self.push(&mut events, 0, EventKind::RunReopened);
            }
            if !steps.is_empty() {
                let steps = steps.into();
                self.push(&mut events, 0, EventKind::StepsAdded { steps });
            }
        }
        let may_grow = self.session.open_calls();
        for one in &all {
            self.happen(&mut events, one);
            if let What::Ended(at) = one.what
                && !self.is_early
            {
                self.forget(at, may_grow.binary_search(&at).is_ok());
            }
        }
        for at in grown {
            let end = end_of(self.key(at), self.span(at));
            self.push(&mut events, 0, end);
        }
        if !self.is_early {
            self.end(&mut events);
        }
        events
    }

    /// Whether the session said how it ended.
    fn is_told(&self) -> bool {
        self.result.is_some() && !self.is_early
    }

    /// Makes rows of the spans that have none.
    fn new_steps(&mut self) -> Vec<StepInfo> {
        let mut steps = Vec::new();
        for at in self.telling.rows.len()..self.session.recorded.spans.len() {
            let span = &self.session.recorded.spans[at];
            let parent = span
                .parent
                .as_ref()
                .and_then(|id| self.telling.places.get(id));
            // What an agent does first waits for what the agent waited for.
            let of_parent = || Some(&self.session.recorded.spans[*parent?].after);
            let after = if span.after.is_empty() {
                of_parent().unwrap_or(&span.after)
            } else {
                &span.after
            };
            let before = after.iter().filter_map(|id| self.telling.places.get(id));
            let mut before: Vec<StepIx> = before.map(|at| StepIx(*at as u32)).collect();
            before.sort_unstable();
            before.dedup();
            let inside =
                parent.map(|parent| format!("in {}", self.telling.rows[*parent].id).into());
            let id = self.telling.ids.next(&span.name);
            steps.push(info_of(&id, span, before.into(), inside));
            self.telling.places.insert(Arc::clone(&span.id), at);
            self.telling.rows.push(Row {
                id,
                slot: 0,
                is_over: false,
            });
        }
        steps
    }

    fn happen(&mut self, events: &mut Vec<RunEvent>, one: &Happening) {
        match one.what {
            What::Started(at) => {
                let slot = self.telling.slots.take();
                self.telling.rows[at].slot = slot;
                self.telling.open += 1;
                if self.telling.slots.next > self.telling.slots.told {
                    self.telling.slots.told = self.telling.slots.next;
                    let value = Some(self.telling.slots.told);
                    let setting = RunSetting::MaxConcurrent { value };
                    self.push(events, one.at, EventKind::SettingChanged { setting });
                }
                let step = self.key(at);
                self.push(events, one.at, EventKind::StepReady { step });
                let start = start_of(self.key(at), self.span(at), slot, &self.telling.nothing);
                self.push(events, one.at, start);
            }
            What::Ended(at) => {
                self.telling.slots.free.insert(self.telling.rows[at].slot);
                self.telling.open -= 1;
                let attempt = attempt_end(self.key(at), self.span(at), self.price);
                self.push(events, one.at, attempt);
                let end = end_of(self.key(at), self.span(at));
                if let EventKind::StepSucceeded { output, .. } = &end {
                    self.telling.last_output = Some(Arc::clone(output));
                }
                self.push(events, one.at, end);
            }
        }
    }

    /// What was told is not kept, unless more of it may come.
    fn forget(&mut self, at: usize, may_grow: bool) {
        let span = &mut self.session.recorded.spans[at];
        span.input = None;
        if !may_grow {
            span.output = None;
        }
    }

    /// The end of the run, where everything has ended and the model has answered, or the session says so.
    fn end(&mut self, events: &mut Vec<RunEvent>) {
        let is_told = self.is_told();
        let is_still = self.telling.open == 0 && self.session.has_answered();
        if self.telling.has_ended || self.telling.rows.is_empty() || !is_told && !is_still {
            return;
        }
        let open = (0..self.telling.rows.len()).filter(|at| !self.telling.rows[*at].is_over);
        let open: Vec<usize> = if self.telling.open > 0 {
            open.collect()
        } else {
            Vec::new()
        };
        for at in open {
            self.telling.rows[at].is_over = true;
            self.telling.open -= 1;
            let mut attempt = attempt_end(self.key(at), self.span(at), self.price);
            if let EventKind::AttemptEnded(end) = &mut attempt {
                Arc::make_mut(end).cancelled = true;
            }
            self.push(events, 0, attempt);
            let step = self.key(at);
            self.push(events, 0, EventKind::StepCancelled { step });
        }
        let told = self.result;
        let has_failed = told.is_some_and(|told| told["is_error"] == true);
        let said = told.and_then(|told| text(told, "result"));
        let said = said.map(|said| Arc::new(Value::from(&*said)));
        let result = said.or_else(|| self.telling.last_output.clone());
        let status = if has_failed {
            RunOutcome::Failed
        } else {
            RunOutcome::Succeeded
        };
        self.telling.has_ended = true;
        let end = EventKind::RunEnded {
            status,
            result: result.unwrap_or_default(),
            error: None,
        };
        self.push(events, 0, end);
    }

    fn span(&self, at: usize) -> &Span {
        &self.session.recorded.spans[at]
    }

    fn key(&self, at: usize) -> StepKey {
        StepKey {
            ix: StepIx(at as u32),
            id: Arc::clone(&self.telling.rows[at].id),
        }
    }

    /// Adds what happens at this moment, which is never before what was told already.
    fn push(&mut self, events: &mut Vec<RunEvent>, moment: u64, kind: EventKind) {
        self.telling.at = self
            .telling
            .at
            .max(Micros(moment.saturating_sub(self.telling.began)));
        events.push(RunEvent {
            seq: self.telling.seq,
            at: self.telling.at,
            kind,
        });
        self.telling.seq += 1;
    }
}

/// How many are running at once at most.
fn most_at_once(all: &[Happening]) -> u32 {
    let (mut now, mut most) = (0_u32, 0);
    for one in all {
        match one.what {
            What::Started(_) => now += 1,
            What::Ended(_) => now = now.saturating_sub(1),
        }
        most = most.max(now);
    }
    most
}
