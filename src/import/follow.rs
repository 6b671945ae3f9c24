//! A session of Claude Code that is still being written: its lines in, the events of its run out.
//!
//! The lines that are there at first make a run with the steps that they tell of; each further batch of lines adds steps,
//! starts them and ends them. What was read is not read again, and inputs and outputs are not kept once they were told.
//!
//! A message of a model comes in pieces, and not every version says with which it ends. It is over with the reason why it
//! stopped, when its line of thought goes on, or when nothing more came for a while ([`Follower::settle`]). A piece that
//! comes later still is added to its output.

use super::about::About;
use super::claude_code::{Session, is_of_session};
use super::step_end::{DistinctIds, attempt_end, end_of, info_of, start_of};
use super::value::text;
use super::{MOST_SPANS, PriceOf};
use crate::plan::StepIx;
use crate::run::{EventKind, RunEvent, RunOutcome, RunSetting, StepInfo, StepKey};
use crate::units::{Micros, Money, Tokens};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What the file is, in words.
const FORMAT: &str = "a Claude Code session";

/// Lines after which a file that has none of a session is something else.
const MOST_OTHER_LINES: usize = 20;

/// Why a file cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFollowed(String);

/// What a model call with these tokens costs by the name of its model.
type Price = Box<dyn Fn(&str, Tokens) -> Option<Money> + Send>;

/// Turns the lines of a session into events as they come.
pub struct Follower {
    name: String,
    price: Price,
    session: Session,
    is_session: bool,
    lines: usize,
    /// Where its steps stand, by the places of their spans.
    rows: Vec<Row>,
    ids: DistinctIds,
    places: HashMap<Arc<str>, usize>,
    slots: Slots,
    /// How many steps have started and not ended.
    open: usize,
    /// Whether it has as many spans as are read.
    is_full: bool,
    /// When the run began, and when the last event was.
    began: u64,
    at: Micros,
    seq: u64,
    /// Whether the last event is the end of the run.
    has_ended: bool,
    /// The last line of a run without a user, which says how it ended.
    result: Option<Value>,
    last_output: Option<Arc<Value>>,
    notices: Vec<String>,
    nothing: Arc<Value>,
}

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

impl Follower {
    /// One for the file of this name.
    pub fn new(name: &str, price: impl Fn(&str, Tokens) -> Option<Money> + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            price: Box::new(price),
            session: Session::default(),
            is_session: false,
            lines: 0,
            rows: Vec::new(),
            ids: DistinctIds::default(),
            places: HashMap::new(),
            slots: Slots::default(),
            open: 0,
            is_full: false,
            began: 0,
            at: Micros(0),
            seq: 0,
            has_ended: false,
            result: None,
            last_output: None,
            notices: Vec::new(),
            nothing: Arc::new(json!({})),
        }
    }

    /// Takes in a whole line.
    ///
    /// # Errors
    /// Where the file is no session of Claude Code.
    pub fn line(&mut self, line: &str) -> Result<(), NotFollowed> {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() {
            return Ok(());
        }
        self.lines += 1;
        let other = || {
            let what = format!("it is not {FORMAT}, and nothing else can be followed");
            Err(NotFollowed(what))
        };
        let mut entry: Value = match serde_json::from_str(line) {
            Ok(entry) => entry,
            Err(_) if !self.is_session => return other(),
            Err(error) => {
                let what = format!("line {} is left out: {error}", self.lines);
                self.notices.push(what);
                return Ok(());
            }
        };
        self.is_session |= is_of_session(&entry);
        if !self.is_session && self.lines > MOST_OTHER_LINES {
            return other();
        }
        if self.session.recorded.spans.len() >= MOST_SPANS {
            if !std::mem::replace(&mut self.is_full, true) {
                let what = format!("it has {MOST_SPANS} spans by now: what follows is left out");
                self.notices.push(what);
            }
            return Ok(());
        }
        if entry.get("type").and_then(Value::as_str) == Some("result") {
            self.result = Some(entry);
            return Ok(());
        }
        // What runs without a user says no times; then it happens when it is read.
        if let Some(members) = entry.as_object_mut()
            && !members.contains_key("timestamp")
        {
            members.insert("timestamp".to_owned(), Timestamp::now().to_string().into());
        }
        self.session.take(&entry);
        Ok(())
    }

    /// The events of the lines since the last time.
    pub fn events(&mut self) -> Vec<RunEvent> {
        let over = std::mem::take(&mut self.session.over);
        self.told(over)
    }

    /// The same where nothing more came for a while: messages of models are whole by now.
    pub fn settle(&mut self) -> Vec<RunEvent> {
        let mut over = std::mem::take(&mut self.session.over);
        over.extend(self.session.open_calls());
        self.told(over)
    }

    /// Whether the session said that it is over: nothing more will come.
    pub fn is_over(&self) -> bool {
        self.result.is_some() && (self.has_ended || self.rows.is_empty())
    }

    /// What the user is to know, since the last time.
    pub fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// The file begins from its beginning, or another one took its place: what follows is a run of its own.
    pub fn restart(&mut self) {
        let price = std::mem::replace(&mut self.price, Box::new(|_, _| None));
        let (name, at, seq) = (std::mem::take(&mut self.name), self.at, self.seq);
        *self = Self {
            price,
            at,
            seq,
            ..Self::new(&name, |_, _| None)
        };
    }

    fn told(&mut self, mut over: Vec<usize>) -> Vec<RunEvent> {
        let grown = std::mem::take(&mut self.session.grown);
        let grown: BTreeSet<usize> = grown.into_iter().collect();
        let grown = grown
            .into_iter()
            .filter(|at| self.rows.get(*at).is_some_and(|row| row.is_over));
        let grown: Vec<usize> = grown.collect();
        let first = self.rows.len();
        let steps = self.new_steps();
        if self.result.is_some() {
            over.extend(self.session.open_calls());
        }
        let mut all: Vec<Happening> = Vec::new();
        for at in first..self.rows.len() {
            all.push(Happening {
                at: self.span(at).start,
                rank: 1,
                what: What::Started(at),
            });
        }
        for at in over {
            // Each ends once, whatever says so.
            if std::mem::replace(&mut self.rows[at].is_over, true) {
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
            self.began = starts.min().unwrap_or(0).saturating_sub(self.at.0);
            self.slots.told = most_at_once(&all).max(1);
            let mut newest = self.session.recorded.spans.iter().rev();
            let model = newest.find_map(|span| span.model.clone());
            let title = &self.session.recorded.name;
            let about = About {
                run_id: &self.session.recorded.spans[0].id,
                name: if title.is_empty() { &self.name } else { title },
                worker: model.as_deref().unwrap_or(FORMAT),
                began: self.began,
                slots: self.slots.told,
            };
            let header = about.header(steps.into());
            self.push(&mut events, 0, EventKind::RunStarted(Arc::new(header)));
        } else if all.is_empty() && grown.is_empty() && self.result.is_none() {
            return events;
        } else {
            if self.has_ended && !all.is_empty() {
                self.has_ended = false;
                self.push(&mut events, 0, EventKind::RunReopened);
            }
            if !steps.is_empty() {
                let steps = steps.into();
                self.push(&mut events, 0, EventKind::StepsAdded { steps });
            }
        }
        for one in &all {
            self.happen(&mut events, one);
        }
        for at in grown {
            let end = end_of(self.key(at), self.span(at));
            self.push(&mut events, 0, end);
        }
        self.end(&mut events);
        events
    }

    /// Makes rows of the spans that have none.
    fn new_steps(&mut self) -> Vec<StepInfo> {
        let mut steps = Vec::new();
        for at in self.rows.len()..self.session.recorded.spans.len() {
            let span = &self.session.recorded.spans[at];
            let parent = span.parent.as_ref().and_then(|id| self.places.get(id));
            // What an agent does first waits for what the agent waited for.
            let of_parent = || Some(&self.session.recorded.spans[*parent?].after);
            let after = if span.after.is_empty() {
                of_parent().unwrap_or(&span.after)
            } else {
                &span.after
            };
            let before = after.iter().filter_map(|id| self.places.get(id));
            let mut before: Vec<StepIx> = before.map(|at| StepIx(*at as u32)).collect();
            before.sort_unstable();
            before.dedup();
            let inside = parent.map(|parent| format!("in {}", self.rows[*parent].id).into());
            let id = self.ids.next(&span.name);
            steps.push(info_of(&id, span, before.into(), inside));
            self.places.insert(Arc::clone(&span.id), at);
            self.rows.push(Row {
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
                let slot = self.slots.take();
                self.rows[at].slot = slot;
                self.open += 1;
                if self.slots.next > self.slots.told {
                    self.slots.told = self.slots.next;
                    let value = Some(self.slots.told);
                    let setting = RunSetting::MaxConcurrent { value };
                    self.push(events, one.at, EventKind::SettingChanged { setting });
                }
                let step = self.key(at);
                self.push(events, one.at, EventKind::StepReady { step });
                let start = start_of(self.key(at), self.span(at), slot, &self.nothing);
                self.push(events, one.at, start);
            }
            What::Ended(at) => {
                self.slots.free.insert(self.rows[at].slot);
                self.open -= 1;
                let price: PriceOf<'_> = &*self.price;
                let attempt = attempt_end(self.key(at), self.span(at), price);
                self.push(events, one.at, attempt);
                let end = end_of(self.key(at), self.span(at));
                if let EventKind::StepSucceeded { output, .. } = &end {
                    self.last_output = Some(Arc::clone(output));
                }
                self.push(events, one.at, end);
                self.forget(at);
            }
        }
    }

    /// What was told is not kept, unless more of it may come.
    fn forget(&mut self, at: usize) {
        let may_grow = self.session.open_calls().any(|open| open == at);
        let span = &mut self.session.recorded.spans[at];
        span.input = None;
        if !may_grow {
            span.output = None;
        }
    }

    /// The end of the run, where everything has ended and the model has answered, or the session says so.
    fn end(&mut self, events: &mut Vec<RunEvent>) {
        let is_told = self.result.is_some();
        let is_still = self.open == 0 && self.session.has_answered();
        if self.has_ended || self.rows.is_empty() || !is_told && !is_still {
            return;
        }
        let open = (0..self.rows.len()).filter(|at| !self.rows[*at].is_over);
        let open: Vec<usize> = if self.open > 0 {
            open.collect()
        } else {
            Vec::new()
        };
        for at in open {
            self.rows[at].is_over = true;
            self.open -= 1;
            let mut attempt = attempt_end(self.key(at), self.span(at), &*self.price);
            if let EventKind::AttemptEnded(end) = &mut attempt {
                Arc::make_mut(end).cancelled = true;
            }
            self.push(events, 0, attempt);
            let step = self.key(at);
            self.push(events, 0, EventKind::StepCancelled { step });
        }
        let told = self.result.as_ref();
        let has_failed = told.is_some_and(|told| told["is_error"] == true);
        let said = told.and_then(|told| text(told, "result"));
        let said = said.map(|said| Arc::new(Value::from(&*said)));
        let result = said.or_else(|| self.last_output.clone());
        let status = if has_failed {
            RunOutcome::Failed
        } else {
            RunOutcome::Succeeded
        };
        self.has_ended = true;
        let end = EventKind::RunEnded {
            status,
            result: result.unwrap_or_default(),
            error: None,
        };
        self.push(events, 0, end);
    }

    fn span(&self, at: usize) -> &super::Span {
        &self.session.recorded.spans[at]
    }

    fn key(&self, at: usize) -> StepKey {
        StepKey {
            ix: StepIx(at as u32),
            id: Arc::clone(&self.rows[at].id),
        }
    }

    /// Adds what happens at this moment, which is never before what was told already.
    fn push(&mut self, events: &mut Vec<RunEvent>, moment: u64, kind: EventKind) {
        self.at = self.at.max(Micros(moment.saturating_sub(self.began)));
        events.push(RunEvent {
            seq: self.seq,
            at: self.at,
            kind,
        });
        self.seq += 1;
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

#[cfg(test)]
mod tests;
