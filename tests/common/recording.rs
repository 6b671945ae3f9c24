//! Runs written down as lists of events, for tests that show or fold them.

use plandeck::plan::{Dialect, StepInput, StepIx};
use plandeck::run::{
    AttemptDetails, AttemptEnd, ErrorKind, EventKind, Limit, LogStream, ResourceLimits, RunError,
    RunEvent, RunHeader, RunOutcome, SkipReason, StepInfo, StepKey, StepPrice, StepSource,
    WaitReason,
};
use plandeck::units::{Micros, Money, Tokens};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// A run in the making: first its steps, then what happens, each with the time going on by hand.
pub(crate) struct Recording {
    header: RunHeader,
    steps: Vec<StepInfo>,
    events: Vec<RunEvent>,
    at: Micros,
    attempts: HashMap<u32, (u32, Micros)>,
    slots: Vec<Option<u32>>,
}

#[allow(dead_code, reason = "every test program uses a part of it")]
impl Recording {
    /// A run of the plan with this name, without steps yet.
    pub(crate) fn new(plan: &str) -> Self {
        Self {
            header: RunHeader {
                run_id: "run-1".into(),
                plan: plan.into(),
                dialect: Dialect::Documented,
                started_at: "2026-11-22T10:00:00Z".into(),
                worker: "openai/gpt-4o-mini".into(),
                simulated: false,
                track_cost: true,
                limits: ResourceLimits {
                    max_total_cost_usd: Some(Money::from_usd(0.10)),
                    ..ResourceLimits::command_line()
                },
                rates: plandeck::run::Rates::default(),
                priced: false,
                context: Arc::new(json!({})),
                steps: Arc::new([]),
                forked_from: None,
                spent_before: Money::ZERO,
                pace: None,
            },
            steps: Vec::new(),
            events: Vec::new(),
            at: Micros(0),
            attempts: HashMap::new(),
            slots: Vec::new(),
        }
    }

    /// Changes what is known at the start.
    pub(crate) fn header(mut self, change: impl FnOnce(&mut RunHeader)) -> Self {
        change(&mut self.header);
        self
    }

    /// Adds a step.
    pub(crate) fn step(mut self, id: &str, tool: &str, kind: &str, needs: &[&str]) -> Self {
        let depends_on: Vec<StepIx> = needs.iter().map(|id| self.find(id)).collect();
        let parameters = json!({ "from": needs, "limit": 10 });
        self.steps.push(StepInfo {
            id: id.into(),
            tool: tool.into(),
            kind: kind.into(),
            depends_on: depends_on.into(),
            description: Some(format!("What {id} is for, as the planner put it.").into()),
            parent: None,
            parameters: Some(Arc::new(parameters)),
            not_reused: None,
            sequential: false,
            price: None,
            checks: None,
        });
        self
    }

    /// Adds a step whose dependencies are known by their position in their name (`s12`), without searching.
    pub(crate) fn step_at(mut self, id: &str, tool: &str, kind: &str, needs: &[&str]) -> Self {
        let place = |id: &&str| StepIx(id[1..].parse().expect("a position"));
        self.steps.push(StepInfo {
            id: id.into(),
            tool: tool.into(),
            kind: kind.into(),
            depends_on: needs.iter().map(place).collect(),
            description: None,
            parent: None,
            parameters: None,
            not_reused: None,
            sequential: false,
            price: None,
            checks: None,
        });
        self
    }

    /// Starts the run; the steps without dependencies are ready.
    pub(crate) fn start(mut self) -> Self {
        self.header.steps = self.steps.clone().into();
        let header = Arc::new(self.header.clone());
        self.emit(EventKind::RunStarted(header));
        for at in 0..self.steps.len() {
            if self.steps[at].depends_on.is_empty() {
                let step = self.key_of(StepIx(at as u32));
                self.emit(EventKind::StepReady { step });
            }
        }
        self
    }

    /// Says of every model step what it can cost, also where the run has begun.
    pub(crate) fn priced(mut self) -> Self {
        for step in self.steps.iter_mut().filter(|step| &*step.kind == "model") {
            step.price = Some(Box::new(StepPrice {
                min: Money::from_usd(0.0001),
                expected: Some(Money::from_usd(0.0012)),
                max: Some(Money::from_usd(0.004)),
                attempts: 3,
                times: Some(1),
                sure: true,
            }));
        }
        self.header.priced = true;
        self.header.steps = self.steps.clone().into();
        if let Some(first) = self.events.first_mut() {
            first.kind = EventKind::RunStarted(Arc::new(self.header.clone()));
        }
        self
    }

    /// Lets time go on, in milliseconds.
    pub(crate) fn wait(mut self, ms: u64) -> Self {
        self.at += Micros(ms * 1000);
        self
    }

    /// Makes steps ready.
    pub(crate) fn ready(mut self, ids: &[&str]) -> Self {
        for id in ids {
            let step = self.key(id);
            self.emit(EventKind::StepReady { step });
        }
        self
    }

    /// Holds a ready step.
    pub(crate) fn holds(mut self, id: &str, reason: WaitReason) -> Self {
        let step = self.key(id);
        self.emit(EventKind::StepWaiting {
            step,
            reason,
            on: None,
            until: None,
        });
        self
    }

    /// Holds a ready step because of the rate of this name, for so many milliseconds.
    pub(crate) fn throttles(mut self, id: &str, name: &str, ms: u64) -> Self {
        let step = self.key(id);
        self.emit(EventKind::StepWaiting {
            step,
            reason: WaitReason::Rate,
            on: Some(name.into()),
            until: Some(self.at + Micros(ms * 1000)),
        });
        self
    }

    /// Begins attempts.
    pub(crate) fn call(mut self, ids: &[&str]) -> Self {
        for id in ids {
            let step = self.key(id);
            let ix = step.ix.0;
            let number = self.attempts.get(&ix).map_or(1, |(number, _)| number + 1);
            self.attempts.insert(ix, (number, self.at));
            let free = self
                .slots
                .iter()
                .position(Option::is_none)
                .unwrap_or(self.slots.len());
            self.slots.resize(self.slots.len().max(free + 1), None);
            self.slots[free] = Some(ix);
            self.emit(EventKind::AttemptStarted {
                input: StepInput::from(json!({
                    "text": format!("Fresh Market\nMilk 2.49\nBread 3.10\n{id}"),
                    "options": { "currency": "EUR", "strict": true, "limit": 10 },
                })),
                step,
                attempt: number,
                slot: free as u32,
                reserved: Money::from_usd(0.002),
                why: None,
                prompt: None,
            });
        }
        self
    }

    /// Logs a line of standard error from the running attempt.
    pub(crate) fn log(self, id: &str, text: &str) -> Self {
        self.log_from(LogStream::Stderr, id, text)
    }

    /// Logs a line from the running attempt.
    pub(crate) fn log_from(mut self, stream: LogStream, id: &str, text: &str) -> Self {
        let step = self.key(id);
        let attempt = self.attempts[&step.ix.0].0;
        self.emit(EventKind::AttemptLog {
            step,
            attempt,
            stream,
            text: text.into(),
        });
        self
    }

    /// Ends attempts well.
    pub(crate) fn succeed(self, ids: &[&str]) -> Self {
        ids.iter().fold(self, |run, id| {
            let output = json!({
                "items": [{ "name": "Milk", "price": 2.49 }, { "name": "Bread", "price": 3.1 }],
                "total": 5.59,
                "merchant": "Fresh Market",
                "of": id,
            });
            run.succeed_with(id, output)
        })
    }

    /// Ends an attempt with this output.
    pub(crate) fn succeed_with(mut self, id: &str, output: Value) -> Self {
        self.end(id, None, None);
        let step = self.key(id);
        self.emit(EventKind::StepSucceeded {
            step,
            source: StepSource::Call,
            output: Arc::new(output),
            reused: None,
        });
        self
    }

    /// Ends an attempt badly, with another try in `ms` milliseconds.
    pub(crate) fn stumble(mut self, id: &str, message: &str, ms: u64) -> Self {
        self.end(id, Some(message), Some(Micros(ms * 1000)));
        self
    }

    /// Ends an attempt badly, and with it the step.
    pub(crate) fn fail(mut self, id: &str, message: &str) -> Self {
        self.end(id, Some(message), None);
        let error = Box::new(self.error(id, message));
        let step = self.key(id);
        self.emit(EventKind::StepFailed {
            step,
            error,
            output: None,
        });
        self
    }

    /// Skips steps because of another.
    pub(crate) fn skip(mut self, ids: &[&str], because: &str) -> Self {
        for id in ids {
            let step = self.key(id);
            self.emit(EventKind::StepSkipped {
                step,
                reason: SkipReason::Upstream,
                because: Some(because.into()),
            });
        }
        self
    }

    /// Expands a `for_each` step into `count` elements.
    pub(crate) fn expand(mut self, id: &str, count: usize) -> Self {
        let step = self.key(id);
        let of = self.steps[step.ix.at()].clone();
        let elements: Vec<StepInfo> = (0..count)
            .map(|at| StepInfo {
                id: format!("{id}[{at}]").into(),
                parent: Some(step.ix),
                ..of.clone()
            })
            .collect();
        self.steps.extend(elements.iter().cloned());
        self.emit(EventKind::StepExpanded {
            step,
            count: count as u32,
            elements: elements.into(),
        });
        self
    }

    /// The code of a running step calls a tool, after it had the answers of `after`.
    #[allow(dead_code, reason = "not every test program has code")]
    pub(crate) fn called(mut self, id: &str, tool: &str, after: &[&str]) -> Self {
        let step = self.key(id);
        let row = StepIx(self.steps.len() as u32);
        let before = after.iter().map(|id| self.find(id));
        let call = StepInfo {
            id: format!("{id}/{tool}[0]").into(),
            tool: tool.into(),
            kind: "http".into(),
            depends_on: before.collect(),
            parent: Some(step.ix),
            ..self.steps[step.ix.at()].clone()
        };
        self.steps.push(call.clone());
        let call = Box::new(call);
        self.emit(EventKind::StepCalled { step, row, call });
        self
    }

    /// Pauses.
    pub(crate) fn pause(self) -> Self {
        self.event(EventKind::RunPaused)
    }

    /// Goes on.
    pub(crate) fn resume(self) -> Self {
        self.event(EventKind::RunResumed)
    }

    /// Reaches a limit.
    pub(crate) fn limit(self, limit: Limit) -> Self {
        self.event(EventKind::LimitReached {
            limit,
            message: "it was reached".into(),
        })
    }

    /// Ends the run.
    pub(crate) fn end_run(self, status: RunOutcome) -> Self {
        self.event(EventKind::RunEnded {
            status,
            result: Arc::new(json!({ "total": 5.59 })),
            error: None,
        })
    }

    /// Anything else.
    pub(crate) fn event(mut self, kind: EventKind) -> Self {
        self.emit(kind);
        self
    }

    /// The time so far.
    pub(crate) fn at(&self) -> Micros {
        self.at
    }

    /// The events so far.
    pub(crate) fn events(self) -> Vec<RunEvent> {
        self.events
    }

    /// The events so far, with more to come.
    pub(crate) fn so_far(&self) -> Vec<RunEvent> {
        self.events.clone()
    }

    /// Which step an event is about.
    pub(crate) fn key(&self, id: &str) -> StepKey {
        self.key_of(self.find(id))
    }

    fn key_of(&self, ix: StepIx) -> StepKey {
        StepKey {
            ix,
            id: self.steps[ix.at()].id.clone(),
        }
    }

    fn find(&self, id: &str) -> StepIx {
        let at = self.steps.iter().position(|step| &*step.id == id);
        StepIx(at.unwrap_or_else(|| panic!("no step {id}")) as u32)
    }

    fn error(&self, id: &str, message: &str) -> RunError {
        let ix = self.find(id);
        RunError {
            kind: ErrorKind::ToolExecutionError,
            step: Some(id.into()),
            tool_name: Some(self.steps[ix.at()].tool.clone()),
            message: message.into(),
            retryable: true,
            attempts: self.attempts.get(&ix.0).map_or(0, |(number, _)| *number),
        }
    }

    fn end(&mut self, id: &str, message: Option<&str>, retry_in: Option<Micros>) {
        let step = self.key(id);
        let (attempt, started) = self.attempts[&step.ix.0];
        for slot in &mut self.slots {
            if *slot == Some(step.ix.0) {
                *slot = None;
            }
        }
        let is_model = &*self.steps[step.ix.at()].kind == "model";
        let error = message.map(|message| self.error(id, message));
        self.emit(EventKind::AttemptEnded(Arc::new(AttemptEnd {
            step,
            attempt,
            service: self.at - started,
            cost: Some(if is_model {
                Money::from_usd(0.0007)
            } else {
                Money::ZERO
            }),
            details: AttemptDetails {
                tokens: is_model.then(|| {
                    Box::new(Tokens {
                        cached_input: 20,
                        ..Tokens::plain(310, 45)
                    })
                }),
                model: is_model.then(|| "gpt-4o-mini".into()),
                prompt: is_model
                    .then(|| format!("You are the tool {id}.\n\nAnswer in JSON.").into()),
                answer: is_model
                    .then(|| "{\"items\": [{\"name\": \"Milk\", \"price\": 2.49}]}".into()),
                error: error.map(Box::new),
                retry_in,
                ..AttemptDetails::default()
            }
            .boxed(),
            cancelled: false,
        })));
    }

    fn emit(&mut self, kind: EventKind) {
        self.events.push(RunEvent {
            seq: self.events.len() as u64,
            at: self.at,
            kind,
        });
    }
}

/// The grocery receipt: extract, then three in parallel, then statistics and a summary.
#[allow(dead_code, reason = "every test program uses a part of it")]
pub(crate) fn receipt() -> Recording {
    Recording::new("receipt")
        .step("extract", "receipt_ocr", "model", &[])
        .step("items", "line_item_parser", "model", &["extract"])
        .step("categorize", "categorize_items", "model", &["items"])
        .step("validate", "check_sums", "jq", &["items"])
        .step("dates", "check_dates", "code_exec", &["extract"])
        .step("archive", "store_receipt", "http", &["validate"])
        .step(
            "stats",
            "statistics",
            "code_exec",
            &["categorize", "validate"],
        )
        .step("advice", "spending_advice", "model", &["stats"])
        .step(
            "summary",
            "write_summary",
            "model",
            &["stats", "dates", "advice"],
        )
}

/// The receipt in the middle of its run: two steps done, three running.
#[allow(dead_code, reason = "every test program uses a part of it")]
pub(crate) fn receipt_running() -> Recording {
    receipt()
        .start()
        .wait(2)
        .call(&["extract"])
        .wait(320)
        .succeed(&["extract"])
        .ready(&["items", "dates"])
        .call(&["items", "dates"])
        .wait(540)
        .succeed(&["items"])
        .ready(&["categorize", "validate"])
        .call(&["categorize", "validate"])
        .log("dates", "reading 2026-11-20")
        .wait(800)
}

/// The receipt with a step that failed on its second try and took others with it.
#[allow(dead_code, reason = "every test program uses a part of it")]
pub(crate) fn receipt_failed() -> Recording {
    receipt_running()
        .stumble("validate", "connection reset by peer", 400)
        .succeed(&["dates"])
        .wait(400)
        .call(&["validate"])
        .log("validate", "GET http://127.0.0.1:9/sums")
        .wait(30)
        .fail(
            "validate",
            "the sums differ: items add up to 5.59, the receipt says 5.95\nread from line 14",
        )
        .skip(&["archive", "stats", "advice", "summary"], "validate")
        .wait(200)
        .succeed(&["categorize"])
}
