//! The pictures in `docs/gallery/`: what the DAG pane makes of plans of every shape.
//!
//! The test fails where a picture is not what the program draws; `UPDATE_GALLERY=1 cargo test --test screen
//! gallery` draws them again.

use plandeck::plan::{Dialect, StepInput, StepIx};
use plandeck::run::{
    AttemptDetails, AttemptEnd, ErrorKind, EventKind, ResourceLimits, RunError, RunEvent,
    RunHeader, RunOutcome, RunState, SkipReason, StepInfo, StepKey, StepSource,
};
use plandeck::tui::Theme;
use plandeck::tui::{GraphPane, Pane};
use plandeck::units::{Micros, Money};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
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

/// Slots that the runs have.
const SLOTS: u32 = 8;

/// A plan without what its steps do.
pub(super) struct Shape {
    pub name: String,
    pub ids: Vec<String>,
    /// What each step waits for.
    pub waits: Vec<Vec<u32>>,
}

impl From<&Picture> for Shape {
    fn from(picture: &Picture) -> Self {
        Self {
            name: picture.name.to_owned(),
            ids: (0..picture.steps).map(picture.label).collect(),
            waits: (0..picture.steps).map(&picture.edges).collect(),
        }
    }
}

/// Which steps fail.
fn fails(shape: &Shape, at: u32) -> bool {
    // In the largest plans a failure soon reaches everything below it, so it comes late.
    if shape.ids.len() >= 1_000 {
        at as usize == shape.ids.len() * 95 / 100 + 33
    } else {
        at % 23 == 11
    }
}

/// A run of the plan with a few slots, as an engine would have written it down: what ends frees what waits for it,
/// and what waits for a failure is skipped.
pub(super) fn recorded(shape: &Shape) -> Vec<RunEvent> {
    let steps: Arc<[StepInfo]> = shape
        .ids
        .iter()
        .zip(&shape.waits)
        .map(|(id, waits)| StepInfo {
            id: id.as_str().into(),
            tool: "call_tool".into(),
            kind: "model".into(),
            depends_on: waits.iter().copied().map(StepIx).collect(),
            description: None,
            parent: None,
            parameters: None,
            not_reused: None,
            sequential: false,
            price: None,
            checks: None,
        })
        .collect();
    let mut after: Vec<Vec<u32>> = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        for before in step.depends_on.iter() {
            after[before.at()].push(at as u32);
        }
    }
    let header = RunHeader {
        run_id: "gallery".into(),
        plan: shape.name.as_str().into(),
        dialect: Dialect::Documented,
        started_at: "2026-01-01T00:00:00Z".into(),
        worker: "offline".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits {
            max_concurrent: Some(SLOTS),
            ..ResourceLimits::default()
        },
        rates: plandeck::run::Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: Arc::clone(&steps),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    };
    let mut run = Recorder {
        events: Vec::new(),
        at: Micros(0),
        steps,
    };
    run.emit(EventKind::RunStarted(Arc::new(header)));
    let mut waits: Vec<usize> = run.steps.iter().map(|step| step.depends_on.len()).collect();
    let mut lost: Vec<Option<u32>> = vec![None; waits.len()];
    let mut ready: VecDeque<u32> = (0..shape.ids.len() as u32)
        .filter(|&at| waits[at as usize] == 0)
        .collect();
    for &at in &ready {
        run.emit(EventKind::StepReady { step: run.key(at) });
    }
    // (end, step, start, slot) of running calls.
    let mut calls: BTreeSet<(Micros, u32, Micros, u32)> = BTreeSet::new();
    let mut failed = false;
    loop {
        while calls.len() < SLOTS as usize
            && let Some(at) = ready.pop_front()
        {
            let taken: Vec<u32> = calls.iter().map(|call| call.3).collect();
            let slot = (0..SLOTS)
                .find(|slot| !taken.contains(slot))
                .unwrap_or_default();
            run.emit(EventKind::AttemptStarted {
                step: run.key(at),
                attempt: 1,
                slot,
                input: StepInput::default(),
                reserved: Money::ZERO,
                why: None,
                prompt: None,
            });
            let service = Micros(90_000 + 61_000 * (u64::from(at) * 7 % 37));
            calls.insert((run.at + service, at, run.at, slot));
        }
        let Some((end, at, start, _)) = calls.pop_first() else {
            break;
        };
        run.at = end;
        run.end(at, end - start, fails(shape, at));
        failed |= fails(shape, at);
        let mut open = vec![(at, fails(shape, at).then_some(at))];
        while let Some((at, because)) = open.pop() {
            for &next in &after[at as usize] {
                waits[next as usize] -= 1;
                lost[next as usize] = lost[next as usize].or(because.map(|_| at));
                if waits[next as usize] > 0 {
                    continue;
                }
                let step = run.key(next);
                match lost[next as usize] {
                    None => {
                        run.emit(EventKind::StepReady { step });
                        ready.push_back(next);
                    }
                    Some(before) => {
                        run.emit(EventKind::StepSkipped {
                            step,
                            reason: SkipReason::Upstream,
                            because: Some(Arc::clone(&run.steps[before as usize].id)),
                        });
                        open.push((next, Some(next)));
                    }
                }
            }
        }
    }
    run.emit(EventKind::RunEnded {
        status: if failed {
            RunOutcome::Failed
        } else {
            RunOutcome::Succeeded
        },
        result: Arc::default(),
        error: None,
    });
    run.events
}

struct Recorder {
    events: Vec<RunEvent>,
    at: Micros,
    steps: Arc<[StepInfo]>,
}

impl Recorder {
    fn key(&self, at: u32) -> StepKey {
        StepKey {
            ix: StepIx(at),
            id: Arc::clone(&self.steps[at as usize].id),
        }
    }

    fn emit(&mut self, kind: EventKind) {
        self.events.push(RunEvent {
            seq: self.events.len() as u64,
            at: self.at,
            kind,
        });
    }

    fn end(&mut self, at: u32, service: Micros, fails: bool) {
        let error = RunError {
            kind: ErrorKind::ToolExecutionError,
            step: Some(self.key(at).id),
            tool_name: None,
            message: "it was not there".into(),
            retryable: false,
            attempts: 1,
        };
        self.emit(EventKind::AttemptEnded(Arc::new(AttemptEnd {
            step: self.key(at),
            attempt: 1,
            service,
            cost: Some(Money::from_usd(0.0001 * f64::from(1 + at % 9))),
            details: AttemptDetails {
                error: fails.then(|| Box::new(error.clone())),
                ..AttemptDetails::default()
            }
            .boxed(),
            cancelled: false,
        })));
        let step = self.key(at);
        self.emit(if fails {
            EventKind::StepFailed {
                step,
                error: Box::new(error),
                output: None,
            }
        } else {
            EventKind::StepSucceeded {
                step,
                source: StepSource::Call,
                output: Arc::new(serde_json::json!(format!("output {at}"))),
                reused: None,
            }
        });
    }
}

/// The times that are pictured: before anything was called, at three fifths of the time, and at the end.
fn times(picture: &Picture) -> [(&'static str, RunState, Micros); 3] {
    let events = recorded(&picture.into());
    let end = events.last().map_or(Micros(0), |event| event.at);
    let middle = Micros(end.0 * 3 / 5);
    let until = |time: Micros| events.iter().take_while(move |event| event.at <= time);
    [
        ("before", RunState::from_events(&events[..1]), Micros(0)),
        ("during", RunState::from_events(until(middle)), middle),
        ("after", RunState::from_events(&events), end),
    ]
}

fn drawn(pane: &mut GraphPane, state: &RunState, now: Micros, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    loop {
        pane.sync(state);
        buffer.reset();
        let theme = Theme::default();
        pane.draw_frame(&mut buffer, area, state, Some(StepIx(0)), now, &theme);
        if !pane.is_behind() {
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

/// Pictures in files, which are compared with what the program draws, or drawn again.
pub(super) struct Gallery {
    folder: PathBuf,
    update: bool,
    outdated: Vec<PathBuf>,
}

impl Gallery {
    /// Those in a folder of the repository.
    pub(super) fn in_folder(folder: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            folder,
            update: std::env::var_os("UPDATE_GALLERY").is_some(),
            outdated: Vec::new(),
        }
    }

    /// Takes in what the program draws.
    pub(super) fn show(&mut self, file: &str, text: String) {
        let file = self.folder.join(file);
        if self.update {
            std::fs::write(&file, text).unwrap();
        } else if std::fs::read_to_string(&file).ok() != Some(text) {
            self.outdated.push(file);
        }
    }

    /// Fails where a file is not what the program draws.
    pub(super) fn end(self) {
        assert!(
            self.outdated.is_empty(),
            "out of date; UPDATE_GALLERY=1 cargo test --test screen gallery draws them again: {:?}",
            self.outdated
        );
    }
}

#[test]
fn the_gallery_shows_what_the_program_draws() {
    let mut gallery = Gallery::in_folder("docs/gallery");
    for picture in pictures() {
        let times = times(&picture);
        for (width, height) in [(80, 24), (200, 60)] {
            // One pane for all times, as in the program: nothing moves from one to the next.
            let mut pane = GraphPane::new();
            for (time, state, now) in &times {
                let file = format!("{}-{width}x{height}-{time}.txt", picture.name);
                gallery.show(&file, drawn(&mut pane, state, *now, width, height));
            }
        }
    }
    gallery.end();
}
