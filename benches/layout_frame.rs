//! The DAG pane: time of a frame at 200×60 while states change, for plans of any size.
//!
//! `cargo bench --bench layout_frame` prints the table. Between two frames at 60 a second, 1,000 changes a second
//! are 17 changed states.

use plandeck::plan::{Dialect, StepIx};
use plandeck::run::{
    EventKind, ResourceLimits, RunEvent, RunHeader, RunState, StepInfo, StepStatus,
};
use plandeck::tui::Theme;
use plandeck::tui::{GraphPane, Level, Pane};
use plandeck::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FRAMES: usize = 1_000;
const CHANGES: usize = 17;

/// Steps in layers of about the square root of their number, each with two parents in the layer above.
fn run(count: usize) -> RunState {
    let width = ((count as f64).sqrt() as usize).max(2);
    let steps: Vec<StepInfo> = (0..count)
        .map(|at| {
            let depends_on = if at < width {
                Vec::new()
            } else {
                let layer = (at / width - 1) * width;
                let mut on = vec![layer + at % width, layer + (at * 7 + 3) % width];
                on.sort_unstable();
                on.dedup();
                on.into_iter().map(|on| StepIx(on as u32)).collect()
            };
            StepInfo {
                id: format!("step_{at}_fetch").into(),
                tool: "fetch_page".into(),
                kind: "http".into(),
                depends_on: depends_on.into(),
                description: None,
                parent: None,
                parameters: None,
                not_reused: None,
                sequential: false,
                price: None,
                checks: None,
            }
        })
        .collect();
    let header = RunHeader {
        run_id: "bench".into(),
        plan: "bench".into(),
        dialect: Dialect::Documented,
        started_at: "2026-01-01T00:00:00Z".into(),
        worker: "offline".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::default(),
        rates: plandeck::run::Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: steps.into(),
        forked_from: None,
        spent_before: plandeck::units::Money::ZERO,
        pace: None,
    };
    RunState::from_events(&[RunEvent {
        seq: 0,
        at: Micros(0),
        kind: EventKind::RunStarted(Arc::new(header)),
    }])
}

fn measure(count: usize, level: Option<Level>) {
    let mut state = run(count);
    let mut pane = GraphPane::new();
    let theme = Theme::default();
    let area = Rect::new(0, 0, 200, 60);
    let mut shown = Buffer::empty(area);
    let mut next = Buffer::empty(area);
    pane.sync(&state);
    if let Some(level) = level {
        while pane.level() != level {
            pane.zoom(if pane.level() > level { -1 } else { 1 }, &state, None);
        }
        pane.zoom(0, &state, None);
    }
    let start = Instant::now();
    pane.draw_frame(&mut shown, area, &state, Some(StepIx(0)), Micros(0), &theme);
    let first = start.elapsed();
    while pane.is_behind() {
        std::thread::sleep(Duration::from_millis(1));
        pane.draw_frame(&mut shown, area, &state, Some(StepIx(0)), Micros(0), &theme);
    }
    let ready = start.elapsed();
    let mut times = Vec::with_capacity(FRAMES);
    let mut changed = 0;
    for frame in 0..FRAMES {
        for change in 0..CHANGES {
            let row = (frame * 7_919 + change * 104_729) % count;
            state.steps[row].status = StepStatus::ALL[(frame + change) % 5];
        }
        let selected = StepIx(((frame / 30) % count) as u32);
        let now = Micros(frame as u64 * 16_667);
        let start = Instant::now();
        next.reset();
        pane.sync(&state);
        pane.draw_frame(&mut next, area, &state, Some(selected), now, &theme);
        changed += shown.diff(&next).len();
        times.push(start.elapsed());
        std::mem::swap(&mut shown, &mut next);
    }
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "| {count} | {:?} | {:.2} | {:.1} | {:.2} | {:.2} | {:.2} | {} |",
        pane.level(),
        ms(first),
        ms(ready),
        ms(times[FRAMES / 2]),
        ms(times[FRAMES * 99 / 100]),
        ms(times[FRAMES - 1]),
        changed / FRAMES
    );
}

fn main() {
    println!(
        "| steps | level | first frame ms | layout ready ms | median ms | 99 % ms | worst ms | cells changed |"
    );
    println!("| --: | --- | --: | --: | --: | --: | --: | --: |");
    for count in [10, 100, 1_000, 10_000] {
        measure(count, None);
        for level in Level::ALL {
            measure(count, Some(level));
        }
    }
}
