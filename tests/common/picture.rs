//! A terminal's screen as an SVG picture: text as text, lines and blocks as shapes, so that they meet whatever
//! font the reader has.

use std::collections::BTreeMap;
use std::fmt::Write;

const CELL_WIDTH: f32 = 8.5;
const CELL_HEIGHT: f32 = 18.0;
const FONT_SIZE: f32 = 14.0;
const MARGIN: f32 = 14.0;
const TITLE: f32 = 34.0;

const INK: &str = "#d5d9e0";
const PAPER: &str = "#15181e";
const FRAME: &str = "#20242c";

/// The sixteen colours a terminal brings; what the program gives as true colour stays as it is.
const SIXTEEN: [&str; 16] = [
    "#1c2027", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8cdd5",
    "#6b7280", "#f28b93", "#b3d99b", "#f0d59a", "#8ac6f7", "#d9a0ea", "#7fd0da", "#f5f7fa",
];

/// Draws `screen` in a window with a title.
pub(crate) fn svg(screen: &vt100::Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let width = f32::from(columns) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f32::from(rows) * CELL_HEIGHT + TITLE + MARGIN;
    let ground = ground(screen);
    let mut paper = String::new();
    let mut text = String::new();
    let mut strokes: BTreeMap<(String, u8), String> = BTreeMap::new();
    let mut blocks = String::new();
    for row in 0..rows {
        let y = TITLE + f32::from(row) * CELL_HEIGHT;
        let mut word: Option<Run> = None;
        for column in 0..columns {
            let x = MARGIN + f32::from(column) * CELL_WIDTH;
            let Some(cell) = screen.cell(row, column) else {
                continue;
            };
            if cell.is_wide_continuation() {
                continue;
            }
            let look = Look::of(cell);
            let cells = if cell.is_wide() { 2.0 } else { 1.0 };
            if look.paper != ground {
                // A hair wider than the cell: two rectangles side by side would show a seam.
                let _ = write!(
                    paper,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{}\"/>",
                    CELL_WIDTH * cells + 0.4,
                    look.paper
                );
            }
            let mark = cell.contents().chars().next().unwrap_or(' ');
            let is_letter = mark.is_ascii() && (mark != ' ' || cell.underline());
            if !is_letter || word.as_ref().is_some_and(|word| word.look != look) {
                write_run(&mut text, word.take(), y);
            }
            if let Some(arms) = arms(mark) {
                for weight in [1, 2] {
                    if arms.contains(&weight) {
                        let path = strokes.entry((look.ink.clone(), weight)).or_default();
                        stroke(path, mark, arms.map(|arm| arm == weight), x, y);
                    }
                }
            } else if let Some((left, top, wide, tall, opacity)) = block(mark) {
                let _ = write!(
                    blocks,
                    "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" fill=\"{}\" opacity=\"{opacity}\"/>",
                    x + left * CELL_WIDTH,
                    y + top * CELL_HEIGHT,
                    wide * CELL_WIDTH,
                    tall * CELL_HEIGHT,
                    look.ink
                );
            } else if is_letter {
                let word = word.get_or_insert_with(|| Run::new(look, x));
                word.text.push(mark);
                word.cells += 1.0;
            } else if mark != ' ' {
                // Fonts give other signs any width they like, so that each stands alone.
                let mut sign = Run::new(look, x);
                sign.text.push_str(cell.contents());
                sign.cells = cells;
                write_run(&mut text, Some(sign), y);
            }
        }
        write_run(&mut text, word, y);
    }
    let mut lines = String::new();
    for ((colour, weight), path) in &strokes {
        let _ = write!(
            lines,
            "<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"{}\"/>",
            if *weight == 2 { 2.4 } else { 1.2 }
        );
    }
    let mut buttons = String::new();
    for (at, colour) in ["#e0675f", "#e0b24f", "#67b168"].iter().enumerate() {
        let _ = write!(
            buttons,
            "<circle cx=\"{:.0}\" cy=\"17\" r=\"5.5\" fill=\"{colour}\"/>",
            20.0 + at as f32 * 18.0
        );
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         role=\"img\" aria-label=\"{title}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"9\" fill=\"{FRAME}\"/>\n\
         <path d=\"M0 {top} H{width:.0} V{flat:.0} a9 9 0 0 1 -9 9 H9 a9 9 0 0 1 -9 -9 Z\" fill=\"{ground}\"/>\n\
         {buttons}\n\
         <text x=\"{middle:.0}\" y=\"21\" text-anchor=\"middle\" font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#9aa2af\">{title}</text>\n\
         {paper}\n\
         <g fill=\"none\" stroke-linecap=\"butt\">{lines}</g>\n{blocks}\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"{FONT_SIZE}\" xml:space=\"preserve\">\n{text}</g>\n</svg>\n",
        top = TITLE - 2.0,
        flat = height - 9.0,
        middle = width / 2.0,
        title = escaped(title),
    )
}

/// The background that most cells have.
fn ground(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            if let Some(cell) = screen.cell(row, column) {
                *counts.entry(Look::of(cell).paper).or_default() += 1;
            }
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or_else(|| PAPER.to_owned(), |(colour, _)| colour)
}

/// How a cell looks.
#[derive(Clone, PartialEq)]
struct Look {
    ink: String,
    paper: String,
    /// The rest, as attributes of SVG text.
    attributes: String,
}

impl Look {
    fn of(cell: &vt100::Cell) -> Self {
        let mut ink = colour(cell.fgcolor(), INK);
        let mut paper = colour(cell.bgcolor(), PAPER);
        if cell.inverse() {
            std::mem::swap(&mut ink, &mut paper);
        }
        let attributes = [
            (cell.bold(), " font-weight=\"bold\""),
            (cell.dim(), " opacity=\"0.6\""),
            (cell.italic(), " font-style=\"italic\""),
            (cell.underline(), " text-decoration=\"underline\""),
        ];
        Self {
            ink,
            paper,
            attributes: attributes
                .into_iter()
                .filter_map(|(there, attribute)| there.then_some(attribute))
                .collect(),
        }
    }
}

struct Run {
    look: Look,
    x: f32,
    cells: f32,
    text: String,
}

impl Run {
    fn new(look: Look, x: f32) -> Self {
        Self {
            look,
            x,
            cells: 0.0,
            text: String::new(),
        }
    }
}

fn write_run(into: &mut String, run: Option<Run>, y: f32) {
    let Some(Run {
        look,
        x,
        cells,
        text,
    }) = run
    else {
        return;
    };
    let _ = writeln!(
        into,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{}>{}</text>",
        y + CELL_HEIGHT * 0.74,
        cells * CELL_WIDTH,
        look.ink,
        look.attributes,
        escaped(&text),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn colour(colour: vt100::Color, default: &str) -> String {
    match colour {
        vt100::Color::Default => default.to_owned(),
        vt100::Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        vt100::Color::Idx(at @ 0..=15) => SIXTEEN[usize::from(at)].to_owned(),
        vt100::Color::Idx(at @ 16..=231) => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let at = at - 16;
            format!(
                "#{:02x}{:02x}{:02x}",
                level(at / 36),
                level(at / 6 % 6),
                level(at % 6)
            )
        }
        vt100::Color::Idx(at) => {
            let grey = 8 + 10 * (at - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

/// The arms of a line-drawing sign: up, right, down, left; 1 is light, 2 heavy.
fn arms(mark: char) -> Option<[u8; 4]> {
    Some(match mark {
        '─' | '╌' | '┄' | '┈' => [0, 1, 0, 1],
        '│' | '╎' | '┆' | '┊' => [1, 0, 1, 0],
        '┌' | '╭' => [0, 1, 1, 0],
        '┐' | '╮' => [0, 0, 1, 1],
        '└' | '╰' => [1, 1, 0, 0],
        '┘' | '╯' => [1, 0, 0, 1],
        '├' => [1, 1, 1, 0],
        '┤' => [1, 0, 1, 1],
        '┬' => [0, 1, 1, 1],
        '┴' => [1, 1, 0, 1],
        '┼' => [1, 1, 1, 1],
        '╴' => [0, 0, 0, 1],
        '╵' => [1, 0, 0, 0],
        '╶' => [0, 1, 0, 0],
        '╷' => [0, 0, 1, 0],
        '━' => [0, 2, 0, 2],
        '┃' => [2, 0, 2, 0],
        '┏' => [0, 2, 2, 0],
        '┓' => [0, 0, 2, 2],
        '┗' => [2, 2, 0, 0],
        '┛' => [2, 0, 0, 2],
        '┣' => [2, 2, 2, 0],
        '┫' => [2, 0, 2, 2],
        '┳' => [0, 2, 2, 2],
        '┻' => [2, 2, 0, 2],
        '╋' => [2, 2, 2, 2],
        // Two lines are drawn as one that is heavy: at this size they would run into each other.
        '═' => [0, 2, 0, 2],
        '║' => [2, 0, 2, 0],
        '╔' => [0, 2, 2, 0],
        '╗' => [0, 0, 2, 2],
        '╚' => [2, 2, 0, 0],
        '╝' => [2, 0, 0, 2],
        '╤' => [0, 2, 1, 2],
        '╧' => [1, 2, 0, 2],
        '╟' => [2, 1, 2, 0],
        '╢' => [2, 0, 2, 1],
        _ => return None,
    })
}

fn stroke(path: &mut String, mark: char, arms: [bool; 4], x: f32, y: f32) {
    let (cx, cy) = (x + CELL_WIDTH / 2.0, y + CELL_HEIGHT / 2.0);
    let ends = [
        (cx, y),
        (x + CELL_WIDTH, cy),
        (cx, y + CELL_HEIGHT),
        (x, cy),
    ];
    let there: Vec<(f32, f32)> = ends
        .into_iter()
        .zip(arms)
        .filter_map(|(end, arm)| arm.then_some(end))
        .collect();
    if let ('╭' | '╮' | '╰' | '╯', [(ax, ay), (bx, by)]) = (mark, &there[..]) {
        let _ = write!(path, "M{ax:.2} {ay:.2}Q{cx:.2} {cy:.2} {bx:.2} {by:.2}");
        return;
    }
    let gaps = "╌┄┈╎┆┊".contains(mark);
    for (ex, ey) in there {
        if gaps {
            let (mx, my) = (cx + (ex - cx) * 0.7, cy + (ey - cy) * 0.7);
            let (nx, ny) = (cx + (ex - cx) * 0.2, cy + (ey - cy) * 0.2);
            let _ = write!(path, "M{nx:.2} {ny:.2}L{mx:.2} {my:.2}");
        } else {
            let _ = write!(path, "M{cx:.2} {cy:.2}L{ex:.2} {ey:.2}");
        }
    }
}

/// A block sign as a part of its cell: left, top, width, height, opacity.
fn block(mark: char) -> Option<(f32, f32, f32, f32, f32)> {
    let code = mark as u32;
    Some(match mark {
        '▁'..='█' => {
            let part = (code - 0x2580) as f32 / 8.0;
            (0.0, 1.0 - part, 1.0, part, 1.0)
        }
        '▉'..='▏' => (0.0, 0.0, 1.0 - (code - 0x2588) as f32 / 8.0, 1.0, 1.0),
        '▀' => (0.0, 0.0, 1.0, 0.5, 1.0),
        '▐' => (0.5, 0.0, 0.5, 1.0, 1.0),
        '░' => (0.0, 0.0, 1.0, 1.0, 0.25),
        '▒' => (0.0, 0.0, 1.0, 1.0, 0.5),
        '▓' => (0.0, 0.0, 1.0, 1.0, 0.75),
        '▮' => (0.2, 0.2, 0.6, 0.6, 1.0),
        '▯' => (0.2, 0.2, 0.6, 0.6, 0.3),
        _ => return None,
    })
}
