//! The timeline, the table and the cost view: time of a frame at 200×60 while a large run is running.
//!
//! `cargo bench --bench views_frame` prints the table. Between two frames at 60 a second, 1,000 changes a second
//! are 17 events. In the run measured three quarters of the attempts have ended before the first frame.

use plandeck::plan::{Dialect, StepInput, StepIx};
use plandeck::run::{
    AttemptDetails, AttemptEnd, EventKind, Rates, ResourceLimits, RunEvent, RunHeader, RunState,
    StepInfo, StepKey, StepSource, figures,
};
use plandeck::tui::StepNames;
use plandeck::tui::{CostPane, Pane, PaneContext, Table, Theme, Timeline};
use plandeck::units::{Micros, Money, Tokens};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FRAMES: usize = 1_000;
const CHANGES: usize = 17;
const SLOTS: u32 = 40;

/// A run of `count` steps in which one after the other is called, `SLOTS` at once.
struct Run {
    state: RunState,
    at: u64,
    next: u32,
}

impl Run {
    fn new(count: u32) -> Self {
        let steps: Vec<StepInfo> = (0..count)
            .map(|at| StepInfo {
                id: format!("step_{at}_fetch").into(),
                tool: ["fetch_page", "read_page", "summarise"][at as usize % 3].into(),
                kind: ["http", "process", "model"][at as usize % 3].into(),
                depends_on: Arc::new([]),
                description: None,
                parent: None,
                parameters: None,
                not_reused: None,
                price: None,
                checks: None,
                sequential: false,
            })
            .collect();
        let header = RunHeader {
            run_id: "bench".into(),
            forked_from: None,
            spent_before: Money::ZERO,
            pace: None,
            plan: "bench".into(),
            dialect: Dialect::Documented,
            started_at: "2026-01-01T00:00:00Z".into(),
            worker: "offline".into(),
            simulated: false,
            track_cost: true,
            priced: false,
            rates: Rates::default(),
            limits: ResourceLimits {
                max_concurrent: Some(SLOTS),
                ..ResourceLimits::none()
            },
            context: Arc::default(),
            steps: steps.into(),
        };
        let mut run = Self {
            state: RunState::default(),
            at: 0,
            next: 0,
        };
        run.emit(EventKind::RunStarted(Arc::new(header)));
        run
    }

    fn emit(&mut self, kind: EventKind) {
        self.state.apply(&RunEvent {
            seq: self.state.events,
            at: Micros(self.at),
            kind,
        });
    }

    fn key(&self, ix: u32) -> StepKey {
        StepKey {
            ix: StepIx(ix),
            id: Arc::clone(&self.state.steps[ix as usize].info.id),
        }
    }

    /// The step that was started `SLOTS` steps ago ends, and the next one starts in its slot; then the clock
    /// advances.
    fn step(&mut self) {
        let count = self.state.steps.len() as u32;
        let start = self.next % count;
        if let Some(end) = self.next.checked_sub(SLOTS).map(|end| end % count) {
            let step = self.key(end);
            let attempt = self.state.steps[end as usize].attempts.len() as u32;
            let tokens = Tokens::plain(300, 40);
            let is_model = end % 3 == 2;
            self.emit(EventKind::AttemptEnded(Arc::new(AttemptEnd {
                step: step.clone(),
                attempt,
                service: Micros(u64::from(SLOTS) * 900),
                cost: Some(Money::from_usd(if is_model { 0.0004 } else { 0.0 })),
                details: AttemptDetails {
                    tokens: is_model.then(|| Box::new(tokens)),
                    model: is_model.then(|| "gpt-4o-mini".into()),
                    ..AttemptDetails::default()
                }
                .boxed(),
                cancelled: false,
            })));
            self.emit(EventKind::StepSucceeded {
                step,
                source: StepSource::Call,
                reused: None,
                output: Arc::default(),
            });
        }
        let step = self.key(start);
        self.emit(EventKind::StepReady { step: step.clone() });
        let attempt = self.state.steps[start as usize].attempts.len() as u32 + 1;
        self.emit(EventKind::AttemptStarted {
            step,
            attempt,
            slot: start % SLOTS,
            input: StepInput::default(),
            reserved: Money::from_usd(0.001),
            why: None,
            prompt: None,
        });
        self.next += 1;
        self.at += 900;
    }
}

type Draw<'a> = &'a mut dyn FnMut(&mut Buffer, Rect, &PaneContext<'_>);

fn measure(count: u32, name: &str, draw: Draw<'_>) {
    let mut run = Run::new(count);
    for _ in 0..count * 3 / 4 {
        run.step();
    }
    let theme = Theme::default();
    let area = Rect::new(0, 0, 200, 60);
    let mut shown = Buffer::empty(area);
    let mut next = Buffer::empty(area);
    let mut figures_now = figures(&run.state, Micros(run.at));
    let mut times = Vec::with_capacity(FRAMES);
    let mut first = Duration::ZERO;
    let mut changed = 0;
    for frame in 0..FRAMES {
        for _ in 0..CHANGES / 4 {
            run.step();
        }
        if frame % 60 == 0 {
            figures_now = figures(&run.state, Micros(run.at));
        }
        let names = StepNames::default();
        let breakpoints = std::collections::BTreeSet::new();
        let context = PaneContext {
            run: &run.state,
            figures: &figures_now,
            names: &names,
            breakpoints: &breakpoints,
            selected: Some(StepIx((frame / 30) as u32 % count)),
            now: Micros(run.at),
            theme: &theme,
            follow: false,
            typing: false,
        };
        let start = Instant::now();
        next.reset();
        draw(&mut next, area, &context);
        changed += shown.diff(&next).len();
        let took = start.elapsed();
        if frame == 0 {
            first = took;
        } else {
            times.push(took);
        }
        std::mem::swap(&mut shown, &mut next);
    }
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "| {count} | {name} | {:.2} | {:.2} | {:.2} | {} |",
        ms(first),
        ms(times[times.len() / 2]),
        ms(times[times.len() - 1]),
        changed / FRAMES
    );
}

fn main() {
    println!("| steps | view | first frame ms | median ms | worst ms | cells changed |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for count in [100, 1_000, 10_000, 100_000] {
        let mut slots = Timeline::default();
        measure(count, "timeline by slot", &mut |buf, area, context| {
            slots.draw(buf, area, context);
        });
        let mut near = Timeline::default();
        let mut frames = 0;
        measure(count, "timeline, zoomed in", &mut |buf, area, context| {
            let followed = PaneContext {
                follow: true,
                ..*context
            };
            near.draw(buf, area, &followed);
            if frames < 6 {
                near.zoom(1, context.run, context.selected);
            }
            frames += 1;
        });
        let mut steps = Timeline::default();
        steps.turn();
        measure(count, "timeline by step", &mut |buf, area, context| {
            steps.draw(buf, area, context);
        });
        let mut table = Table::default();
        measure(count, "table, plan's order", &mut |buf, area, context| {
            table.draw(buf, area, context, false);
        });
        let mut sorted = Table::default();
        let mut begun = false;
        measure(count, "table, sorted by time", &mut |buf, area, context| {
            sorted.draw(buf, area, context, false);
            if !std::mem::replace(&mut begun, true) {
                (0..6).for_each(|_| sorted.move_sort(1));
            }
        });
        let mut cost = CostPane::default();
        measure(count, "cost by step", &mut |buf, area, context| {
            cost.draw(buf, area, context);
        });
    }
}
