//! The pictures in `docs/gallery/screens/`: the whole dashboard with the sample plans, with plans of many sizes and with
//! long ids, in the middle of a run.
//!
//! The test fails where a picture is not what the program draws; `UPDATE_GALLERY=1 cargo test --test screen gallery`
//! draws them again.

use crate::common::samples;
use crate::common::screen::Screen;
use crate::layout_gallery::{Gallery, Shape, recorded};
use plandeck::plan::{Step, parse};
use plandeck::run::RunEvent;
use plandeck::tui::View;

/// A plan in layers of `width` steps: a step waits for the one above it, and every third for one more.
fn layers(name: &str, steps: u32, width: u32, id: fn(u32) -> String) -> Shape {
    let waits = |at: u32| match at {
        at if at < width => vec![],
        at if at % 3 == 0 => {
            let layer = at / width * width;
            let other = layer - width + at.wrapping_mul(7) % width;
            let above = at - width;
            if other == above {
                vec![above]
            } else {
                vec![above.min(other), above.max(other)]
            }
        }
        at => vec![at - width],
    };
    Shape {
        name: name.to_owned(),
        ids: (0..steps).map(id).collect(),
        waits: (0..steps).map(waits).collect(),
    }
}

fn sample(name: &str) -> Shape {
    let file = samples::sample(name);
    let bytes = std::fs::read(&file).unwrap();
    let plan = parse(&file.display().to_string(), &bytes).unwrap();
    let plan = plan.check(None, None).unwrap();
    let waits = |step: &Step| step.depends_on.iter().map(|ix| ix.0).collect();
    Shape {
        name: name.to_owned(),
        ids: plan.steps.iter().map(|step| step.id.to_string()).collect(),
        waits: plan.steps.iter().map(waits).collect(),
    }
}

fn shapes() -> Vec<Shape> {
    const SAMPLES: [&str; 11] = [
        "abroad",
        "almanac",
        "figures",
        "letter",
        "mend",
        "peaks",
        "receipt",
        "release",
        "research",
        "straggler",
        "tickets",
    ];
    let mut shapes: Vec<Shape> = SAMPLES.into_iter().map(sample).collect();
    let short = |at| format!("call_{at}");
    let long = |at| {
        let subject = [
            "quarterly_revenue",
            "customer_complaints",
            "supplier_contracts",
        ];
        let subject = subject[at as usize % 3];
        format!("summarize_{subject}_of_the_northern_region_{at:02}_for_the_board")
    };
    shapes.extend([
        layers("twelve", 12, 4, short),
        layers("forty", 40, 8, short),
        layers("hundred-and-fifty", 150, 12, short),
        layers("thousand", 1_000, 30, short),
        layers("ten-thousand", 10_000, 100, short),
        layers("long-ids", 15, 5, long),
    ]);
    shapes
}

/// The events up to the middle of the run, and when that is, in milliseconds.
fn first_half(shape: &Shape) -> (Vec<RunEvent>, u64) {
    let mut events = recorded(shape);
    let middle = events.last().map_or(0, |event| event.at.0 * 3 / 5);
    events.retain(|event| event.at.0 <= middle);
    (events, middle / 1_000)
}

/// The screen, once its graph is laid out, without colours.
fn picture(events: Vec<RunEvent>, ms: u64, (columns, rows): (u16, u16)) -> String {
    let mut screen = Screen::new(columns, rows, events).at(ms);
    screen.draw();
    while screen.model.panes.get(View::Graph).is_behind() {
        std::thread::yield_now();
        screen.draw();
    }
    let text = screen.text();
    let lines = text.lines().map(|line| line.trim_matches('"').trim_end());
    lines.fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_gallery_of_screens_shows_what_the_program_draws() {
    let mut gallery = Gallery::in_folder("docs/gallery/screens");
    for shape in shapes() {
        let (events, ms) = first_half(&shape);
        for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
            let file = format!("{}-{columns}x{rows}.txt", shape.name);
            gallery.show(&file, picture(events.clone(), ms, (columns, rows)));
        }
    }
    gallery.end();
}
