//! Runs for the tests of panes, written down as events.

use crate::plan::{Dialect, StepInput, StepIx};
use crate::run::{
    AttemptDetails, AttemptEnd, ErrorKind, EventKind, ResourceLimits, Reuse, RunError, RunEvent,
    RunHeader, RunState, StepInfo, StepKey, StepSource, WaitReason,
};
use crate::units::{Micros, Money, Tokens};
use ratatui::buffer::Buffer;
use std::sync::Arc;

/// A step.
pub(crate) fn info(id: &str, tool: &str, kind: &str, depends_on: &[u32]) -> StepInfo {
    StepInfo {
        id: id.into(),
        tool: tool.into(),
        kind: kind.into(),
        depends_on: depends_on.iter().map(|&at| StepIx(at)).collect(),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    }
}

/// A run in the making.
pub(crate) struct RunFixture {
    pub(crate) run: RunState,
    at: Micros,
}

impl RunFixture {
    /// A run of these steps with a budget of ten cents and three slots, started.
    pub(crate) fn new(steps: Vec<StepInfo>) -> Self {
        Self::with(steps, |_| {})
    }

    /// The same with something else known at the start.
    pub(crate) fn with(steps: Vec<StepInfo>, change: impl FnOnce(&mut RunHeader)) -> Self {
        let mut header = RunHeader {
            run_id: "r".into(),
            forked_from: None,
            spent_before: Money::ZERO,
            pace: None,
            rates: crate::run::Rates::default(),
            priced: false,
            plan: "p".into(),
            dialect: Dialect::Documented,
            started_at: "2026-01-01T00:00:00Z".into(),
            worker: "offline".into(),
            simulated: false,
            track_cost: true,
            limits: ResourceLimits {
                max_concurrent: Some(3),
                max_total_cost_usd: Some(Money::from_usd(0.10)),
                ..ResourceLimits::none()
            },
            context: Arc::default(),
            steps: steps.into(),
        };
        change(&mut header);
        let fixture = Self {
            run: RunState::default(),
            at: Micros(0),
        };
        fixture.event(EventKind::RunStarted(Arc::new(header)))
    }

    /// The time of the fixture's clock.
    pub(crate) fn now(&self) -> Micros {
        self.at
    }

    /// Lets it be `ms` milliseconds after the start.
    pub(crate) fn at(mut self, ms: u64) -> Self {
        self.at = Micros(ms * 1_000);
        self
    }

    /// Something happens.
    pub(crate) fn event(mut self, kind: EventKind) -> Self {
        self.run.apply(&RunEvent {
            seq: self.run.events,
            at: self.at,
            kind,
        });
        self
    }

    fn key(&self, ix: u32) -> StepKey {
        StepKey {
            ix: StepIx(ix),
            id: Arc::clone(&self.run.steps[ix as usize].info.id),
        }
    }

    pub(crate) fn ready(self, ix: u32) -> Self {
        let step = self.key(ix);
        self.event(EventKind::StepReady { step })
    }

    pub(crate) fn waits(self, ix: u32, reason: WaitReason) -> Self {
        let step = self.key(ix);
        self.event(EventKind::StepWaiting {
            step,
            reason,
            on: None,
            until: None,
        })
    }

    /// Begins the next attempt.
    pub(crate) fn call(self, ix: u32, slot: u32) -> Self {
        let step = self.key(ix);
        let attempt = self.run.steps[ix as usize].attempts.len() as u32 + 1;
        self.event(EventKind::AttemptStarted {
            step,
            attempt,
            slot,
            input: StepInput::default(),
            reserved: Money::from_usd(0.002),
            why: None,
            prompt: None,
        })
    }

    /// Ends the running attempt, as failed if there is a message, with a retry in `retry_in` ms if given.
    pub(crate) fn end(
        self,
        ix: u32,
        usd: Option<f64>,
        message: Option<&str>,
        retry_in: Option<u64>,
    ) -> Self {
        let step = self.key(ix);
        let row = &self.run.steps[ix as usize];
        let attempt = row.running_attempt().map_or(1, |attempt| attempt.number);
        let started = row
            .running_attempt()
            .map_or(self.at, |attempt| attempt.started);
        let is_model = &*row.info.kind == "model";
        let end = AttemptEnd {
            step,
            attempt,
            service: self.at - started,
            cost: usd.map(Money::from_usd),
            details: AttemptDetails {
                tokens: is_model.then(|| {
                    Box::new(Tokens {
                        cached_input: 20,
                        ..Tokens::plain(310, 45)
                    })
                }),
                model: is_model.then(|| "gpt-4o-mini".into()),
                error: message.map(|message| Box::new(error(message))),
                retry_in: retry_in.map(|ms| Micros(ms * 1_000)),
                ..AttemptDetails::default()
            }
            .boxed(),
            cancelled: false,
        };
        self.event(EventKind::AttemptEnded(Arc::new(end)))
    }

    /// Ends the running attempt and the step as succeeded, at no cost.
    pub(crate) fn succeed(self, ix: u32) -> Self {
        self.end(ix, Some(0.0), None, None)
            .done(ix, StepSource::Call)
    }

    /// Ends a step well.
    pub(crate) fn done(self, ix: u32, source: StepSource) -> Self {
        let step = self.key(ix);
        self.event(EventKind::StepSucceeded {
            step,
            source,
            reused: None,
            output: Arc::default(),
        })
    }

    /// Ends a step with an output from the cache, whose call had cost and taken so much.
    pub(crate) fn cached(self, ix: u32, usd: f64, ms: u64) -> Self {
        let step = self.key(ix);
        let reused = Reuse {
            run_id: "earlier".into(),
            age: Micros(60_000_000),
            cost: Money::from_usd(usd),
            service: Micros(ms * 1_000),
            pinned: false,
            input: StepInput::default(),
        };
        self.event(EventKind::StepSucceeded {
            step,
            source: StepSource::Cache,
            reused: Some(Box::new(reused)),
            output: Arc::default(),
        })
    }

    /// Ends a step badly.
    pub(crate) fn fail(self, ix: u32, message: &str) -> Self {
        let step = self.key(ix);
        self.event(EventKind::StepFailed {
            step,
            error: Box::new(error(message)),
            output: None,
        })
    }

    /// Expands a `for_each` step.
    pub(crate) fn expand(self, ix: u32, count: u32) -> Self {
        let step = self.key(ix);
        let of = StepInfo::clone(&self.run.steps[ix as usize].info);
        let element = |at| StepInfo {
            id: format!("{}[{at}]", of.id).into(),
            ..of.clone()
        };
        let elements = (0..count).map(element).collect();
        self.event(EventKind::StepExpanded {
            step,
            count,
            elements,
        })
    }
}

fn error(message: &str) -> RunError {
    RunError {
        kind: ErrorKind::ToolExecutionError,
        step: None,
        tool_name: None,
        message: message.into(),
        retryable: true,
        attempts: 1,
    }
}

/// `count` steps, each after the one before it.
pub(crate) fn chain(count: u32) -> RunState {
    let before = |at: u32| at.checked_sub(1).into_iter().collect::<Vec<_>>();
    let steps = (0..count).map(|at| info(&format!("s{at}"), "tool", "jq", &before(at)));
    RunFixture::new(steps.collect()).run
}

/// A run with every kind of wait, with retries, failures and elements.
pub(crate) fn eventful() -> RunFixture {
    RunFixture::new(vec![
        info("extract", "receipt_ocr", "model", &[]),
        info("items", "line_item_parser", "model", &[0]),
        info("dates", "check_dates", "jq", &[0]),
        info("pages", "fetch_page", "http", &[0]),
        info("categorize", "categorize_items", "model", &[1]),
        info("stats", "statistics", "code_exec", &[1, 4]),
        info("archive", "store_receipt", "http", &[5]),
        info("summary", "write_summary", "model", &[5, 2]),
    ])
    .ready(0)
    .at(10)
    .call(0, 0)
    .at(330)
    .end(0, Some(0.0007), None, None)
    .done(0, StepSource::Call)
    .ready(1)
    .ready(2)
    .ready(3)
    .at(331)
    .call(1, 0)
    .waits(2, WaitReason::Rate)
    .expand(3, 4)
    .ready(8)
    .ready(9)
    .ready(10)
    .ready(11)
    .call(8, 1)
    .call(9, 2)
    .at(420)
    .succeed(8)
    .call(10, 1)
    .at(480)
    .end(9, Some(0.0), Some("502"), Some(200))
    .at(500)
    .call(2, 2)
    .at(560)
    .succeed(10)
    .at(640)
    .succeed(2)
    .at(700)
    .call(9, 1)
    .at(760)
    .end(9, Some(0.0), Some("502"), None)
    .fail(9, "502")
    .call(11, 1)
    .at(900)
    .end(1, Some(0.0009), Some("no JSON"), Some(100))
    .event(EventKind::RunPaused)
    .at(980)
    .succeed(11)
    .at(1_200)
    .event(EventKind::RunResumed)
    .call(1, 0)
    .at(1_500)
    .end(1, Some(0.0011), None, None)
    .done(1, StepSource::Call)
    .ready(4)
    .waits(4, WaitReason::Budget)
    .at(1_600)
    .call(4, 0)
}

/// The symbols of a buffer.
pub(crate) fn text(buf: &Buffer) -> String {
    let width = usize::from(buf.area.width.max(1));
    let lines = buf.content.chunks(width);
    let line = |cells: &[ratatui::buffer::Cell]| -> String {
        let cells: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        cells.trim_end().to_owned()
    };
    lines.map(line).collect::<Vec<_>>().join("\n")
}
