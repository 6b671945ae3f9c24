//! Every edge is followed from its source to its target by what the cells of the screen show, as a reader does.
//!
//! The rules of reading: lines run downwards, or to the right where the picture does; what meets a line that has no
//! arm towards it passes behind; an arrow leads into the step that it points at. Beside rows, a line leaves a step
//! below it or at a side without an arrow, and enters it from
//! above or with one; a step right below another waits for it.
//!
//! Lines that meet are joined only if all of them come from one step or all lead to one step: what reaches the cell of
//! a join from several steps leads on to one step alone.

use super::*;
use crate::layout;
use crate::tui::dashboard::panes::graph::wires::{DOWN, LEFT, RIGHT, UP, opposite, weighted};
use std::collections::{BTreeSet, HashMap, HashSet};

/// What the cells of one frame say.
struct Screen<'a> {
    buffer: &'a Buffer,
    nodes: Vec<layout::Rect>,
    level: Level,
    direction: layout::Direction,
    arms: HashMap<String, u8>,
}

type Cell = (i32, i32);

fn step((x, y): Cell, heading: u8) -> Cell {
    match heading {
        UP => (x, y - 1),
        DOWN => (x, y + 1),
        LEFT => (x - 1, y),
        _ => (x + 1, y),
    }
}

fn glyphs() -> HashMap<String, u8> {
    let mut arms = HashMap::new();
    for directions in 1..16 {
        for heavy in 0..16 {
            let glyph = weighted(directions, heavy, false);
            let before = arms.insert(glyph.to_owned(), directions);
            assert!(before.is_none_or(|before| before == directions), "{glyph}");
        }
    }
    // Double borders that a line leaves.
    arms.extend([("╤", DOWN | LEFT | RIGHT), ("╟", UP | DOWN | RIGHT)].map(|(a, b)| (a.into(), b)));
    arms
}

impl Screen<'_> {
    fn symbol(&self, (x, y): Cell) -> &str {
        let at = Position::new(x.max(0) as u16, y.max(0) as u16);
        let is_inside = x >= 0 && y >= 0 && self.buffer.area.contains(at);
        if is_inside {
            self.buffer[at].symbol()
        } else {
            " "
        }
    }

    fn arms(&self, cell: Cell) -> u8 {
        self.arms.get(self.symbol(cell)).copied().unwrap_or(0)
    }

    fn head(&self, cell: Cell) -> Option<u8> {
        match self.symbol(cell) {
            "▸" => Some(RIGHT),
            "◂" => Some(LEFT),
            "▾" => Some(DOWN),
            "▴" => Some(UP),
            _ => None,
        }
    }

    fn node(&self, (x, y): Cell) -> Option<u32> {
        let at = layout::Point { x, y };
        let found = self.nodes.iter().position(|rect| rect.contains(at));
        found.map(|node| node as u32)
    }

    /// Where lines leave a step: the first cell of each outside it, and its heading.
    fn starts(&self, node: u32) -> Vec<(Cell, u8)> {
        let rect = self.nodes[node as usize];
        let forward = match self.direction {
            layout::Direction::Down => DOWN,
            layout::Direction::Right => RIGHT,
        };
        if self.level == Level::Row {
            let at = (rect.x, rect.y);
            let sides = [LEFT, RIGHT].into_iter().filter(|&side| {
                let beside = step(at, side);
                self.head(beside).is_none() && self.arms(beside) & opposite(side) != 0
            });
            let mut starts: Vec<_> = sides.map(|side| (step(at, side), side)).collect();
            let below = step(at, DOWN);
            if self.arms(below) & UP != 0 || self.node(below).is_some() {
                starts.push((below, DOWN));
            }
            return starts;
        }
        let edge: Vec<Cell> = if forward == DOWN {
            (rect.x..rect.right())
                .map(|x| (x, rect.bottom() - 1))
                .collect()
        } else {
            (rect.y..rect.bottom())
                .map(|y| (rect.right() - 1, y))
                .collect()
        };
        let leaves = |cell: &Cell| {
            let outside = step(*cell, forward);
            let touches =
                self.head(outside) == Some(forward) || self.arms(outside) & opposite(forward) != 0;
            if self.level == Level::Pill {
                touches
            } else {
                self.arms(*cell) & forward != 0
                    && cell.0 != rect.x
                    && cell.1 != rect.y
                    && (forward != DOWN || cell.0 != rect.right() - 1)
                    && (forward != RIGHT || cell.1 != rect.bottom() - 1)
            }
        };
        let starts = edge.into_iter().filter(leaves);
        starts.map(|cell| (step(cell, forward), forward)).collect()
    }

    /// What is seen on the way along these lines.
    fn walk(&self, mut open: Vec<(Cell, u8)>) -> Walk {
        let backwards = match self.direction {
            layout::Direction::Down => UP,
            layout::Direction::Right => LEFT,
        };
        let mut walk = Walk::default();
        let mut seen = HashSet::new();
        while let Some((cell, heading)) = open.pop() {
            if !seen.insert((cell, heading)) {
                continue;
            }
            if let Some(head) = self.head(cell).filter(|head| *head == heading) {
                walk.targets.extend(self.node(step(cell, head)));
                continue;
            }
            if let Some(node) = self.node(cell) {
                if self.level == Level::Row && heading == DOWN {
                    walk.targets.insert(node);
                }
                continue;
            }
            let (arms, back) = (self.arms(cell), opposite(heading));
            if arms & back != 0 {
                walk.passed.insert((cell, heading));
                for arm in [UP, RIGHT, DOWN, LEFT] {
                    if arms & arm != 0 && arm != back && arm != backwards {
                        open.push((step(cell, arm), arm));
                    }
                }
                continue;
            }
            // Behind what crosses.
            let across = if matches!(heading, UP | DOWN) {
                LEFT | RIGHT
            } else {
                UP | DOWN
            };
            if arms & across != 0 {
                open.push((step(cell, heading), heading));
            }
        }
        walk
    }

    /// Where lines of several steps that lead to several steps are joined.
    fn joined(&self, walks: &[Walk]) -> Option<Cell> {
        let mut from: HashMap<Cell, (BTreeSet<u32>, BTreeSet<u8>)> = HashMap::new();
        for (node, walk) in walks.iter().enumerate() {
            for &(cell, heading) in &walk.passed {
                let (nodes, headings) = from.entry(cell).or_default();
                nodes.insert(node as u32);
                headings.insert(heading);
            }
        }
        let several = from.into_iter().filter(|(_, (nodes, _))| nodes.len() > 1);
        let mut joined = several.filter(|(cell, (_, headings))| {
            let lines = headings.iter().map(|&heading| (*cell, heading));
            self.walk(lines.collect()).targets.len() > 1
        });
        joined.next().map(|(cell, _)| cell)
    }
}

/// What is seen on the way along lines.
#[derive(Default)]
struct Walk {
    /// The steps that they lead to.
    targets: BTreeSet<u32>,
    /// The cells that they do not pass behind something, with their headings there.
    passed: HashSet<(Cell, u8)>,
}

/// Compares what is seen with what is.
fn follow(pane: &GraphPane, buffer: &Buffer) -> Result<(), String> {
    let geometry = pane.worker.last().unwrap();
    let shift = |rect: &layout::Rect| layout::Rect {
        x: rect.x - pane.origin.x + i32::from(pane.area.x),
        y: rect.y - pane.origin.y + i32::from(pane.area.y),
        ..*rect
    };
    let screen = Screen {
        buffer,
        nodes: geometry.layout.nodes.iter().map(shift).collect(),
        level: geometry.level,
        direction: geometry.direction,
        arms: glyphs(),
    };
    let topology = &geometry.topology;
    let nodes = 0..topology.steps.len() as u32;
    let walks: Vec<Walk> = nodes
        .clone()
        .map(|node| screen.walk(screen.starts(node)))
        .collect();
    for node in nodes {
        let is: BTreeSet<u32> = topology.below[node as usize].iter().copied().collect();
        let seen = &walks[node as usize].targets;
        if is != *seen {
            let label = &topology.labels[node as usize];
            return Err(format!(
                "{:?}: {label} leads to {is:?}, what is drawn to {seen:?}\n{}",
                geometry.level,
                lines(buffer)
            ));
        }
    }
    match screen.joined(&walks) {
        None => Ok(()),
        Some((x, y)) => Err(format!(
            "{:?}: lines from several steps to several steps are joined in column {x} of line {y}\n{}",
            geometry.level,
            lines(buffer)
        )),
    }
}

/// Draws the whole at a level, in the smallest pane that holds it and in a large one.
fn follow_everywhere(
    state: &RunState,
    level: Level,
    right: bool,
    selected: u32,
) -> Result<(), String> {
    let mut size = (30u16, 10u16);
    let mut fitted = false;
    while size.0 < 3_000 {
        let mut pane = GraphPane::new();
        pane.level = Some(level);
        pane.direction = right.then_some(layout::Direction::Right);
        let area = Rect::new(0, 0, size.0, size.1);
        let buffer = draw(&mut pane, state, area, Some(selected), &Theme::default());
        let geometry = pane.worker.last().unwrap();
        let room = layout::Size {
            width: size.0,
            height: size.1,
        };
        let whole = geometry.panes(room) <= 1.0
            && geometry.layout.routes.len() == geometry.topology.edges.len();
        if whole {
            follow(&pane, &buffer)?;
            if fitted {
                return Ok(());
            }
            fitted = true;
            size = (size.0 * 3, size.1 * 3);
        } else {
            size = (size.0 * 5 / 4, size.1 * 5 / 4 + 1);
        }
    }
    Err("it never fits".to_owned())
}

/// A name, a number of steps, and what each of them waits for.
type Crowd = (&'static str, u32, fn(u32) -> Vec<u32>);

/// Shapes in which many edges run close to each other.
fn shapes() -> Vec<Crowd> {
    vec![
        ("chain", 6, |at| at.checked_sub(1).into_iter().collect()),
        ("diamond", 4, |at| {
            [vec![], vec![0], vec![0], vec![1, 2]][at as usize].clone()
        }),
        ("map and reduce", 14, |at| match at {
            0 => vec![],
            13 => (1..13).collect(),
            _ => vec![0],
        }),
        (
            "two for two",
            4,
            |at| if at < 2 { vec![] } else { vec![0, 1] },
        ),
        ("eight for eight", 16, |at| {
            if at < 8 { vec![] } else { (0..8).collect() }
        }),
        ("three for nine", 12, |at| {
            if at < 3 { vec![] } else { (0..3).collect() }
        }),
        ("seven for two", 9, |at| {
            if at < 7 { vec![] } else { (0..7).collect() }
        }),
        // What all wait for in turn, and one that waits for some of it only.
        ("stages", 13, |at| match at {
            0..=2 => vec![],
            3..=6 => (0..3).collect(),
            7..=9 => (3..7).collect(),
            10 => vec![3, 5],
            _ => (7..10).collect(),
        }),
        // Two groups of the same layers, and a step that belongs to both.
        ("twins", 15, |at| match at {
            0..=5 => vec![],
            6..=8 => (0..3).collect(),
            9..=11 => (3..6).collect(),
            12 => (0..6).collect(),
            13 => (6..12).collect(),
            _ => vec![0, 7, 12],
        }),
        ("skips", 7, |at| match at {
            0 => vec![],
            6 => vec![5, 0, 2],
            _ => vec![at - 1],
        }),
        ("research", 23, |at| match at {
            0 => vec![],
            1..=5 => vec![0],
            6..=15 => vec![1 + (at - 6) / 2],
            16..=20 => vec![6 + (at - 16) * 2, 7 + (at - 16) * 2],
            21 => (16..=20).collect(),
            _ => (16..=21).chain([0]).collect(),
        }),
    ]
}

#[test]
fn every_edge_of_crowded_shapes_can_be_followed() {
    for (name, count, on) in shapes() {
        let state = plan(count, |at| format!("s{at}"), on);
        for level in [Level::Row, Level::Pill, Level::Box, Level::Card] {
            for right in [false, true] {
                for selected in [0, count - 1] {
                    let followed = follow_everywhere(&state, level, right, selected);
                    if let Err(words) = followed {
                        panic!("{name}, right: {right}\n{words}");
                    }
                }
            }
        }
    }
}

pub(super) fn random(count: u32, picks: &[(u16, u16)]) -> RunState {
    let on = |at: u32| -> Vec<u32> {
        let ends = picks
            .iter()
            .map(|&(a, b)| (u32::from(a) % count, u32::from(b) % count));
        let on = ends
            .filter(|&(a, b)| a.max(b) == at && a != b)
            .map(|(a, b)| a.min(b));
        on.collect::<BTreeSet<u32>>().into_iter().collect()
    };
    plan(count, |at| format!("s{at}"), on)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_edge_can_be_followed(
        count in 2u32..26,
        picks in prop::collection::vec((any::<u16>(), any::<u16>()), 0..45),
        level in prop::sample::select(vec![Level::Row, Level::Pill, Level::Box, Level::Card]),
        right in any::<bool>(),
        selected in any::<prop::sample::Index>(),
    ) {
        let state = random(count, &picks);
        let selected = selected.index(count as usize) as u32;
        if let Err(words) = follow_everywhere(&state, level, right, selected) {
            return Err(TestCaseError::fail(words));
        }
    }

    #[test]
    fn every_edge_of_dense_stages_can_be_followed(
        stages in prop::collection::vec((1u32..6, any::<bool>()), 2..5),
        picks in prop::collection::vec((any::<u16>(), any::<u16>()), 0..4),
        level in prop::sample::select(vec![Level::Row, Level::Pill, Level::Box, Level::Card]),
        right in any::<bool>(),
        selected in any::<prop::sample::Index>(),
    ) {
        let state = staged(&stages, &picks);
        let selected = selected.index(state.steps.len()) as u32;
        if let Err(words) = follow_everywhere(&state, level, right, selected) {
            return Err(TestCaseError::fail(words));
        }
    }
}

/// Stages, each of so many steps, which wait for all of the stage before or for every second one; and a few edges more.
fn staged(stages: &[(u32, bool)], picks: &[(u16, u16)]) -> RunState {
    let count: u32 = stages.iter().map(|stage| stage.0).sum();
    let mut on: Vec<BTreeSet<u32>> = Vec::new();
    let mut before = 0..0u32;
    for &(steps, all) in stages {
        let first = before.end;
        for step in first..first + steps {
            let waits = before.clone().filter(|at| all || (at + step) % 2 == 0);
            on.push(waits.collect());
        }
        before = first..first + steps;
    }
    for &(a, b) in picks {
        let (a, b) = (u32::from(a) % count, u32::from(b) % count);
        if a != b {
            on[a.max(b) as usize].insert(a.min(b));
        }
    }
    plan(
        count,
        |at| format!("s{at}"),
        |at| on[at as usize].iter().copied().collect(),
    )
}

#[test]
fn every_edge_of_the_sample_plans_can_be_followed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-plans");
    let mut plans = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let file = ["plan.yaml", "plan.json", "plan.txt"].map(|name| folder.join(name));
        let Some(file) = file.into_iter().find(|file| file.exists()) else {
            continue;
        };
        let draft = crate::plan::parse("plan", &std::fs::read(&file).unwrap()).unwrap();
        let checked = draft.check(None, None).unwrap();
        let steps = checked.steps.iter().map(|step| {
            let on: Vec<u32> = step.depends_on.iter().map(|ix| ix.0).collect();
            info(&step.id, &step.tool, &on)
        });
        let state = run(steps.collect());
        plans += 1;
        for level in [Level::Row, Level::Pill, Level::Box, Level::Card] {
            for right in [false, true] {
                let followed = follow_everywhere(&state, level, right, 0);
                assert_eq!(followed, Ok(()), "{}", file.display());
            }
        }
    }
    assert!(plans >= 10, "{plans} plans");
}
