//! The graph of a run, and its steps over time, as images.

use super::drawing::Drawing;
use crate::layout::{Direction, Layout, Options, Ordered, Point, Size};
use crate::run::{RunState, StepState, StepStatus};
use crate::text::{fit, format, width};
use crate::units::Micros;
use minijinja::HtmlEscape;
use std::fmt::Write as _;

/// The size of a cell of the layout in pixels.
const CELL: (i32, i32) = (8, 9);
/// Rows of a node in cells, and the cells beside its text.
const ROWS: u16 = 5;
const BESIDE: usize = 4;
/// Pixels that are seen at once.
const PAGE: (f64, f64) = (1100.0, 700.0);
/// Sweeps for fewer crossings, as in the dashboard.
const SWEEPS: u32 = 220;
/// Pixels around a picture.
const MARGIN: i32 = 12;
/// Pixels of the names, of the bars and of a line in the picture of time.
const NAMES: f64 = 220.0;
const BARS: f64 = 760.0;
const LINE: f64 = 18.0;
/// Cells of a name there.
const NAME: usize = 28;

/// What fills a step and what is around it; dark text is readable on all of them.
pub(super) const fn colours(status: StepStatus) -> (&'static str, &'static str) {
    match status {
        StepStatus::Succeeded => ("#d9f2e0", "#2e8b57"),
        StepStatus::Failed => ("#fbdcdc", "#c0392b"),
        StepStatus::Running => ("#d8e8fb", "#2f6fb5"),
        StepStatus::Skipped => ("#ececec", "#8a8a8a"),
        StepStatus::Cancelled => ("#f3e3d3", "#a8671c"),
        StepStatus::Unknown => ("#f3def3", "#8e44ad"),
        StepStatus::Pending | StepStatus::Ready => ("#ffffff", "#8a8a8a"),
    }
}

/// The graph; each step leads to the part of the page about it, unless the picture is `alone`.
pub(super) fn graph(drawing: &Drawing, alone: bool) -> String {
    let sizes: Vec<Size> = drawing
        .nodes
        .iter()
        .map(|node| Size {
            width: (width(&node.name).max(width(&node.details)) + BESIDE) as u16,
            height: ROWS,
        })
        .collect();
    let (laid, direction) = laid_out(&sizes, &drawing.edges);
    let (wide, high) = (
        laid.width * CELL.0 + 2 * MARGIN,
        laid.height * CELL.1 + 2 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" \
         role=\"img\" font-family=\"ui-monospace, monospace\" font-size=\"12\">\n"
    );
    if alone {
        let _ = writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
    }
    out.push_str(
        "<defs><marker id=\"arrow\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\">\
         <path d=\"M0,1 L7,4 L0,7 z\" fill=\"#777\"/></marker></defs>\n",
    );
    edges(&mut out, &laid, direction);
    for (node, place) in drawing.nodes.iter().zip(&laid.nodes) {
        let (fill, line) = colours(node.status);
        let (x, y) = (place.x * CELL.0 + MARGIN, place.y * CELL.1 + MARGIN);
        let (wide, high) = (place.width * CELL.0, place.height * CELL.1);
        if !alone {
            let _ = write!(out, "<a href=\"#step-{}\">", node.row.0);
        }
        let middle = x + wide / 2;
        let _ = write!(
            out,
            "<g><title>{name}: {status}</title>\
             <rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"6\" fill=\"{fill}\" stroke=\"{line}\"/>\
             <text x=\"{middle}\" y=\"{first}\" text-anchor=\"middle\" font-weight=\"600\" fill=\"#1c1c1c\">{name}</text>\
             <text x=\"{middle}\" y=\"{second}\" text-anchor=\"middle\" fill=\"#555\">{details}</text></g>",
            name = HtmlEscape(&node.name),
            status = node.status.word(),
            details = HtmlEscape(&node.details),
            first = y + 19,
            second = y + 35,
        );
        out.push_str(if alone { "\n" } else { "</a>\n" });
    }
    out.push_str("</svg>\n");
    out
}

/// The layout in the direction in which less of the picture is out of sight, and that direction.
fn laid_out(sizes: &[Size], edges: &[(u32, u32)]) -> (Layout, Direction) {
    let ordered = Ordered::new(sizes.len(), edges, SWEEPS);
    let gaps = |direction| Options {
        layer_gap: match direction {
            Direction::Down => 2,
            Direction::Right => 5,
        },
        node_gap: match direction {
            Direction::Down => 2,
            Direction::Right => 1,
        },
        ..Options::new(direction)
    };
    let both = [Direction::Down, Direction::Right]
        .map(|direction| (ordered.layout(sizes, &gaps(direction)), direction));
    let beyond = |laid: &Layout| {
        let (wide, high) = (laid.width * CELL.0, laid.height * CELL.1);
        (f64::from(wide) / PAGE.0).max(f64::from(high) / PAGE.1)
    };
    let [down, right] = both;
    if beyond(&down.0) <= beyond(&right.0).max(1.0) {
        down
    } else {
        right
    }
}

fn edges(out: &mut String, laid: &Layout, direction: Direction) {
    // Lines run through the middles of cells.
    let at = |point: &Point| {
        (
            point.x * CELL.0 + CELL.0 / 2 + MARGIN,
            point.y * CELL.1 + CELL.1 / 2 + MARGIN,
        )
    };
    for route in &laid.routes {
        let mut points: Vec<(i32, i32)> = route.points.iter().map(at).collect();
        if let Some(last) = points.last_mut() {
            // To the border of the box.
            match direction {
                Direction::Down => last.1 -= CELL.1 / 2,
                Direction::Right => last.0 -= CELL.0 / 2,
            }
        }
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#999\" stroke-width=\"1.3\" stroke-linejoin=\"round\" \
             marker-end=\"url(#arrow)\"/>",
            points.join(" ")
        );
    }
}

/// The attempts of each row over time.
pub(super) fn timeline(run: &RunState) -> String {
    let rows = run.steps.iter().zip(0..);
    let rows: Vec<(&StepState, u32)> = rows.filter(|(row, _)| !row.attempts.is_empty()).collect();
    let scale = BARS / run.at.0.max(1) as f64;
    let (wide, high) = (NAMES + BARS + 80.0, rows.len() as f64 * LINE + 2.0 * LINE);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" \
         role=\"img\" font-family=\"ui-monospace, monospace\" font-size=\"12\">\n"
    );
    for part in 0..=4_u64 {
        let x = NAMES + BARS * part as f64 / 4.0;
        let time = format::duration(Micros(run.at.0 / 4 * part));
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{LINE}\" x2=\"{x:.1}\" y2=\"{high}\" stroke=\"#8884\"/>\
             <text x=\"{x:.1}\" y=\"12\" text-anchor=\"middle\" fill=\"currentColor\" opacity=\"0.6\">{time}</text>"
        );
    }
    for (line, (row, at)) in rows.iter().enumerate() {
        let y = LINE * 1.3 + line as f64 * LINE;
        let name = fit(&row.info.id, NAME);
        let name = HtmlEscape(&name);
        let _ = writeln!(
            out,
            "<a href=\"#step-{at}\"><text x=\"0\" y=\"{:.1}\" fill=\"currentColor\">{name}</text></a>",
            y + 11.0
        );
        for attempt in &row.attempts {
            let end = attempt.end.as_ref().map_or(run.at, |(at, _)| *at);
            let failed = attempt
                .end
                .as_ref()
                .is_some_and(|(_, end)| end.error.is_some());
            let status = if failed {
                StepStatus::Failed
            } else {
                row.status
            };
            let (fill, stroke) = colours(status);
            let x = NAMES + attempt.started.0 as f64 * scale;
            let took = end - attempt.started;
            let wide = (took.0 as f64 * scale).max(2.0);
            let _ = writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"13\" rx=\"2\" fill=\"{fill}\" \
                 stroke=\"{stroke}\"><title>{name}, attempt {}: {}</title></rect>",
                attempt.number,
                format::duration(took)
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
