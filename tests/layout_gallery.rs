//! The pictures in `docs/gallery/`: what the DAG pane makes of plans of every shape.
//!
//! The test fails where a picture is not what the program draws; `UPDATE_GALLERY=1 cargo test --test
//! layout_gallery` draws them anew.

use plandeck::plan::{Dialect, StepIx};
use plandeck::run::{
    Fact, Micros, Money, ResourceLimits, RunEvent, RunHeader, RunState, StepInfo, StepStatus,
};
use plandeck::tui::Theme;
use plandeck::tui::graph::GraphPane;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::path::Path;
use std::sync::Arc;

/// What one step waits for.
type Edges = Box<dyn Fn(u32) -> Vec<u32>>;

struct Picture {
    name: &'static str,
    steps: u32,
    label: fn(u32) -> String,
    edges: Edges,
}

fn pictures() -> Vec<Picture> {
    let picture = |name, steps, label, edges: Edges| Picture {
        name,
        steps,
        label,
        edges,
    };
    vec![
        picture(
            "chain",
            6,
            |at| ["read", "clean", "extract", "check", "merge", "report"][at as usize].to_owned(),
            Box::new(|at| at.checked_sub(1).into_iter().collect()),
        ),
        picture(
            "diamond",
            4,
            |at| ["extract", "categorize", "validate", "summary"][at as usize].to_owned(),
            Box::new(|at| match at {
                0 => vec![],
                3 => vec![1, 2],
                _ => vec![0],
            }),
        ),
        picture(
            "map-reduce",
            102,
            |at| match at {
                0 => "split".to_owned(),
                101 => "reduce".to_owned(),
                at => format!("map_{at}"),
            },
            Box::new(|at| match at {
                0 => vec![],
                101 => (1..101).collect(),
                _ => vec![0],
            }),
        ),
        picture(
            "deep-research",
            23,
            |at| match at {
                0 => "question".to_owned(),
                1..=5 => format!("search_{at}"),
                6..=15 => format!("read_page_{at}"),
                16..=20 => format!("notes_{}", at - 15),
                21 => "outline".to_owned(),
                _ => "report".to_owned(),
            },
            Box::new(|at| match at {
                0 => vec![],
                1..=5 => vec![0],
                6..=15 => vec![1 + (at - 6) / 2],
                16..=20 => vec![6 + (at - 16) * 2, 7 + (at - 16) * 2],
                21 => (16..=20).collect(),
                _ => (16..=21).chain([0]).collect(),
            }),
        ),
        picture(
            "two-components",
            9,
            |at| format!("{}_{}", if at < 5 { "invoice" } else { "photo" }, at),
            Box::new(|at| match at {
                1 | 2 => vec![0],
                3 => vec![1, 2],
                4 => vec![3],
                6 | 7 => vec![5],
                8 => vec![6, 7],
                _ => vec![],
            }),
        ),
        picture(
            "bipartite",
            16,
            |at| format!("{}_{}", if at < 8 { "source" } else { "target" }, at % 8),
            Box::new(|at| if at < 8 { vec![] } else { (0..8).collect() }),
        ),
        picture(
            "long-skip",
            7,
            |at| {
                ["load", "ocr", "lines", "items", "sums", "audit", "summary"][at as usize]
                    .to_owned()
            },
            Box::new(|at| match at {
                0 => vec![],
                6 => vec![5, 0, 2],
                _ => vec![at - 1],
            }),
        ),
        picture(
            "wide",
            201,
            |at| {
                if at == 0 {
                    "list".to_owned()
                } else {
                    format!("fetch_page_{at}")
                }
            },
            Box::new(|at| if at == 0 { vec![] } else { vec![0] }),
        ),
        picture(
            "random",
            500,
            |at| format!("call_{at}"),
            Box::new(|at| {
                let mut on = vec![];
                for turn in 0..at % 3 {
                    let back = 1 + at.wrapping_mul(2_654_435_761).rotate_left(turn * 9) % 60;
                    on.extend(at.checked_sub(back));
                }
                on
            }),
        ),
        picture(
            "layered",
            10_000,
            |at| format!("call_{at}"),
            Box::new(|at| {
                if at < 100 {
                    vec![]
                } else {
                    let layer = (at / 100 - 1) * 100;
                    vec![layer + at % 100, layer + at * 7 % 100]
                }
            }),
        ),
    ]
}

/// A run in which the first three quarters have been gone through, with some failures.
fn part_way(picture: &Picture) -> RunState {
    let steps: Arc<[StepInfo]> = (0..picture.steps)
        .map(|at| StepInfo {
            id: (picture.label)(at).into(),
            tool: "call_tool".into(),
            kind: "model".into(),
            depends_on: (picture.edges)(at).into_iter().map(StepIx).collect(),
            description: None,
            parent: None,
            parameters: None,
            not_reused: None,
            sequential: false,
            price: None,
        })
        .collect();
    let header = RunHeader {
        run_id: "gallery".into(),
        plan: picture.name.into(),
        dialect: Dialect::Documented,
        started_at: "2026-01-01T00:00:00Z".into(),
        worker: "offline".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::default(),
        rates: plandeck::run::Rates::default(),
        priced: false,
        context: Arc::default(),
        steps,
        forked_from: None,
    };
    let mut state = RunState::from_events(&[RunEvent {
        seq: 0,
        at: Micros(0),
        fact: Fact::RunStarted(Arc::new(header)),
    }]);
    let done = state.steps.len() * 3 / 4;
    for (at, step) in state.steps.iter_mut().enumerate() {
        if at >= done + 3 {
            continue;
        }
        step.status = match at {
            at if at >= done => StepStatus::Ready,
            at if at % 23 == 11 => StepStatus::Failed,
            _ => StepStatus::Succeeded,
        };
        if at < done {
            step.service = Micros(90_000 + 61_000 * (at as u64 % 37));
            step.cost = Some(Money::from_usd(0.0001 * (1 + at % 9) as f64));
        }
    }
    state
}

fn drawn(state: &RunState, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut pane = GraphPane::new();
    let mut buffer = Buffer::empty(area);
    loop {
        pane.sync(state);
        buffer.reset();
        let theme = Theme::default();
        pane.draw(&mut buffer, area, state, Some(StepIx(0)), Micros(0), &theme);
        if !pane.is_busy() {
            break;
        }
        std::thread::yield_now();
    }
    let mut text = String::new();
    for y in 0..height {
        let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[test]
fn the_gallery_shows_what_the_program_draws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gallery");
    let update = std::env::var_os("UPDATE_GALLERY").is_some();
    let mut outdated = Vec::new();
    for picture in pictures() {
        let state = part_way(&picture);
        for (width, height) in [(80, 24), (200, 60)] {
            let file = folder.join(format!("{}-{width}x{height}.txt", picture.name));
            let text = drawn(&state, width, height);
            if update {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, text).unwrap();
            } else if std::fs::read_to_string(&file).ok() != Some(text) {
                outdated.push(file);
            }
        }
    }
    assert!(
        outdated.is_empty(),
        "out of date; UPDATE_GALLERY=1 cargo test --test layout_gallery draws them anew: {outdated:?}"
    );
}
