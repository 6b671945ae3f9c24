use super::*;
use crate::plan::{Dialect, StepIx};
use crate::run::*;
use crate::tui::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;

/// A run of steps named as given, with these dependencies, before anything happened.
pub(super) fn run(steps: &[(&str, &str, &[u32])]) -> RunState {
    let steps: Arc<[StepInfo]> = steps
        .iter()
        .map(|(id, tool, depends_on)| StepInfo {
            id: (*id).into(),
            tool: (*tool).into(),
            kind: "jq".into(),
            depends_on: depends_on.iter().map(|&at| StepIx(at)).collect(),
            description: None,
            parent: None,
            parameters: None,
        })
        .collect();
    let header = RunHeader {
        run_id: "r".into(),
        plan: "p".into(),
        dialect: Dialect::Documented,
        started_at: "2026-01-01T00:00:00Z".into(),
        worker: "offline".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::default(),
        context: Arc::default(),
        steps,
    };
    let mut state = RunState::default();
    state.apply(&RunEvent {
        seq: 0,
        at: Micros(0),
        fact: Fact::RunStarted(Arc::new(header)),
    });
    state
}

pub(super) fn screen(
    pane: &mut GraphPane,
    state: &RunState,
    w: u16,
    h: u16,
    selected: Option<u32>,
) -> String {
    let area = Rect::new(0, 0, w, h);
    let mut buffer = Buffer::empty(area);
    pane.sync(state);
    pane.draw(
        &mut buffer,
        area,
        state,
        selected.map(StepIx),
        Micros(2_400_000),
        &Theme::default(),
    );
    let mut text = String::new();
    for y in 0..h {
        let mut row = String::new();
        for x in 0..w {
            row.push_str(buffer[(x, y)].symbol());
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

pub(super) fn receipt() -> RunState {
    let mut state = run(&[
        ("extract", "ocr", &[]),
        ("line_items", "parse", &[0]),
        ("categorize", "categorize_items", &[1]),
        ("validate_totals", "check", &[1]),
        ("check_date", "check", &[0]),
        ("statistics", "stats", &[2, 3]),
        ("summary", "summarise", &[5, 4]),
    ]);
    for (at, status) in [
        (0, StepStatus::Succeeded),
        (1, StepStatus::Succeeded),
        (2, StepStatus::Running),
        (3, StepStatus::Failed),
        (4, StepStatus::Succeeded),
    ] {
        state.steps[at].status = status;
        state.steps[at].service = Micros(310_000 * (at as u64 + 1));
        state.steps[at].cost = Some(Money::from_usd(0.0004));
    }
    state
}

#[test]
fn look() {
    let state = receipt();
    for (w, h) in [(80, 40), (100, 20), (60, 12), (40, 10)] {
        println!(
            "{w}x{h}\n{}",
            screen(&mut GraphPane::new(), &state, w, h, Some(2))
        );
    }
}
