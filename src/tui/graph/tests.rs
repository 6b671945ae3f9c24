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

/// `count` steps of the same kind, with dependencies from a function.
pub(super) fn plan(
    count: u32,
    id: impl Fn(u32) -> String,
    depends_on: impl Fn(u32) -> Vec<u32>,
) -> RunState {
    let rows: Vec<(String, Vec<u32>)> = (0..count).map(|at| (id(at), depends_on(at))).collect();
    let rows: Vec<(&str, &str, &[u32])> = rows
        .iter()
        .map(|(id, on)| (id.as_str(), "http", on.as_slice()))
        .collect();
    let mut state = run(&rows);
    for (at, step) in state.steps.iter_mut().enumerate() {
        step.status = match at % 7 {
            0..=3 => StepStatus::Succeeded,
            4 => StepStatus::Running,
            5 => StepStatus::Failed,
            _ => StepStatus::Pending,
        };
        step.service = Micros(137_000 * (at as u64 % 50));
        step.cost = Some(Money::from_usd(0.0004));
    }
    state
}

pub(super) fn gallery() -> Vec<(&'static str, RunState)> {
    vec![
        ("receipt", receipt()),
        (
            "chain",
            plan(
                8,
                |at| format!("step-{at}"),
                |at| at.checked_sub(1).into_iter().collect(),
            ),
        ),
        (
            "diamond",
            plan(
                4,
                |at| format!("part_{at}"),
                |at| match at {
                    0 => vec![],
                    3 => vec![1, 2],
                    _ => vec![0],
                },
            ),
        ),
        (
            "map-reduce",
            plan(
                102,
                |at| format!("map_{at}"),
                |at| match at {
                    0 => vec![],
                    101 => (1..101).collect(),
                    _ => vec![0],
                },
            ),
        ),
        (
            "research",
            plan(
                22,
                |at| format!("research_{at}"),
                |at| match at {
                    0 => vec![],
                    1..=6 => vec![0],
                    7..=18 => vec![1 + (at - 7) / 2],
                    19 => (7..19).collect(),
                    20 => vec![19, 0],
                    _ => vec![20, 19],
                },
            ),
        ),
        (
            "components",
            plan(
                9,
                |at| format!("c{at}x"),
                |at| match at {
                    1 | 2 => vec![0],
                    4 | 5 => vec![3],
                    6 => vec![4, 5],
                    _ => vec![],
                },
            ),
        ),
        (
            "bipartite",
            plan(
                16,
                |at| format!("b_{at}"),
                |at| if at < 8 { vec![] } else { (0..8).collect() },
            ),
        ),
        (
            "skip",
            plan(
                9,
                |at| format!("s_{at}"),
                |at| match at {
                    0 => vec![],
                    8 => vec![7, 0],
                    _ => vec![at - 1],
                },
            ),
        ),
        (
            "wide",
            plan(
                201,
                |at| format!("fetch_page_{at}"),
                |at| if at == 0 { vec![] } else { vec![0] },
            ),
        ),
        (
            "random",
            plan(
                60,
                |at| format!("node_{at}x"),
                |at| {
                    if at < 6 {
                        vec![]
                    } else {
                        let mut on = vec![(at * 7 + 3) % (at - 2), (at * 13 + 1) % at];
                        on.dedup();
                        on
                    }
                },
            ),
        ),
    ]
}

#[test]
fn look() {
    let only = std::env::var("ONLY").unwrap_or_default();
    for (name, state) in gallery() {
        if !only.is_empty() && only != name {
            continue;
        }
        for (w, h) in [(80, 24), (140, 40)] {
            println!(
                "{name} {w}x{h}\n{}",
                screen(&mut GraphPane::new(), &state, w, h, Some(2))
            );
        }
    }
}
