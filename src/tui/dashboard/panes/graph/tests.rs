//! The graph view, drawn and steered.

use super::folds::Folded;
use super::*;
use crate::plan::{Dialect, StepInput, StepIx};
use crate::run::{
    EventKind, ResourceLimits, RunEvent, RunHeader, RunState, SkipReason, StepInfo, StepKey,
    StepStatus,
};
use crate::tui::Theme;
use crate::tui::dashboard::panes::pane::{Direction, Pane};
use crate::units::{Micros, Money};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::sync::Arc;

mod follow;
mod ladder;

fn info(id: &str, tool: &str, depends_on: &[u32]) -> StepInfo {
    StepInfo {
        id: id.into(),
        tool: tool.into(),
        kind: "jq".into(),
        depends_on: depends_on.iter().map(|&at| StepIx(at)).collect(),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    }
}

/// A run of these steps before anything happened.
fn run(steps: Vec<StepInfo>) -> RunState {
    let header = RunHeader {
        run_id: "r".into(),
        plan: "p".into(),
        dialect: Dialect::Documented,
        started_at: "2026-01-01T00:00:00Z".into(),
        worker: "offline".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::default(),
        rates: crate::run::Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: steps.into(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    };
    let mut state = RunState::default();
    state.apply(&RunEvent {
        seq: 0,
        at: Micros(0),
        kind: EventKind::RunStarted(Arc::new(header)),
    });
    state
}

/// `count` steps in all kinds of states, with dependencies from a function.
fn plan(count: u32, id: impl Fn(u32) -> String, on: impl Fn(u32) -> Vec<u32>) -> RunState {
    let mut state = run((0..count)
        .map(|at| info(&id(at), "fetch_page", &on(at)))
        .collect());
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

fn receipt() -> RunState {
    let mut state = run(vec![
        info("extract", "ocr", &[]),
        info("line_items", "parse", &[0]),
        info("categorize", "categorize_items", &[1]),
        info("validate_totals", "check", &[1]),
        info("check_date", "check", &[0]),
        info("statistics", "stats", &[2, 3]),
        info("summary", "summarise", &[5, 4]),
    ]);
    attempt(&mut state, 2, 2, 1_200_000);
    for (at, status) in [
        (0, StepStatus::Succeeded),
        (1, StepStatus::Succeeded),
        (2, StepStatus::Running),
        (3, StepStatus::Failed),
        (4, StepStatus::Succeeded),
        (5, StepStatus::Skipped),
    ] {
        let step = &mut state.steps[at];
        step.status = status;
        step.service = Micros(310_000 * (at as u64 + 1));
        step.cost = Some(Money::from_usd(0.0004));
    }
    state.steps[5].reason = Some(SkipReason::Upstream);
    state.steps[5].details_mut().because = Some("validate_totals".into());
    state
}

/// Starts a try.
fn attempt(state: &mut RunState, row: u32, number: u32, at: u64) {
    let step = StepKey {
        ix: StepIx(row),
        id: Arc::clone(&state.steps[row as usize].info.id),
    };
    state.apply(&RunEvent {
        seq: state.events,
        at: Micros(at),
        kind: EventKind::AttemptStarted {
            step,
            attempt: number,
            slot: 0,
            input: StepInput::default(),
            reserved: Money::ZERO,
            why: None,
            prompt: None,
        },
    });
}

fn gallery() -> Vec<(&'static str, RunState)> {
    let named = |prefix: &'static str| move |at| format!("{prefix}_{at}");
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
            plan(4, named("part"), |at| match at {
                0 => vec![],
                3 => vec![1, 2],
                _ => vec![0],
            }),
        ),
        (
            "fan-out",
            plan(
                6,
                named("page"),
                |at| if at == 0 { vec![] } else { vec![0] },
            ),
        ),
        (
            "map-reduce",
            plan(102, named("map"), |at| match at {
                0 => vec![],
                101 => (1..101).collect(),
                _ => vec![0],
            }),
        ),
        (
            "research",
            plan(22, named("research"), |at| match at {
                0 => vec![],
                1..=6 => vec![0],
                7..=18 => vec![1 + (at - 7) / 2],
                19 => (7..19).collect(),
                20 => vec![19, 0],
                _ => vec![20, 19],
            }),
        ),
        (
            "components",
            plan(9, named("part"), |at| match at {
                1 | 2 => vec![0],
                4 | 5 => vec![3],
                6 => vec![4, 5],
                _ => vec![],
            }),
        ),
        (
            "bipartite",
            plan(16, named("side"), |at| {
                if at < 8 { vec![] } else { (0..8).collect() }
            }),
        ),
        (
            "long-skip",
            plan(9, named("hop"), |at| match at {
                0 => vec![],
                8 => vec![7, 0],
                _ => vec![at - 1],
            }),
        ),
        (
            "random",
            plan(60, named("node"), |at| {
                if at < 6 {
                    return vec![];
                }
                let mut on = vec![(at * 7 + 3) % (at - 2), (at * 13 + 1) % at];
                on.dedup();
                on
            }),
        ),
        (
            "dense",
            plan(14, named("part_of"), |at| match at {
                0 | 1 => vec![],
                2..=4 => vec![0, 1],
                5 => vec![2, 0],
                6 => vec![2, 3],
                7 => vec![3, 4, 1],
                8 => vec![5, 6, 7],
                9 => vec![6, 7],
                10 => vec![8, 2],
                11 => vec![9, 4],
                12 => vec![10, 11, 8],
                _ => vec![12, 10, 0],
            }),
        ),
        (
            "layered",
            plan(3_000, named("layer"), |at| {
                if at < 50 {
                    vec![]
                } else {
                    vec![at - 50, (at / 50 - 1) * 50 + (at * 7) % 50]
                }
            }),
        ),
    ]
}

const NOW: Micros = Micros(2_400_000);

/// Draws until the layout is there.
fn draw(
    pane: &mut GraphPane,
    state: &RunState,
    area: Rect,
    selected: Option<u32>,
    theme: &Theme,
) -> Buffer {
    pane.sync(state);
    let mut buffer = Buffer::empty(area);
    pane.draw_frame(&mut buffer, area, state, selected.map(StepIx), NOW, theme);
    if pane.is_behind() {
        pane.wait();
        buffer.reset();
        pane.draw_frame(&mut buffer, area, state, selected.map(StepIx), NOW, theme);
    }
    buffer
}

fn lines(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let row: String = (buffer.area.left()..buffer.area.right())
            .map(|x| buffer[(x, y)].symbol())
            .collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

fn screen(pane: &mut GraphPane, state: &RunState, size: (u16, u16), selected: u32) -> String {
    let area = Rect::new(0, 0, size.0, size.1);
    lines(&draw(pane, state, area, Some(selected), &Theme::default()))
}

#[test]
fn plans_of_every_shape_are_readable() {
    for (name, state) in gallery() {
        for (width, height) in [(80, 24), (140, 40)] {
            let seen = screen(&mut GraphPane::new(), &state, (width, height), 2);
            insta::assert_snapshot!(format!("{name}-{width}x{height}"), seen);
        }
    }
}

#[test]
fn every_level_can_be_chosen() {
    let state = receipt();
    for level in Level::ALL {
        let mut pane = GraphPane::new();
        while pane.level() != level {
            pane.zoom(if pane.level() > level { -1 } else { 1 }, &state, None);
        }
        let seen = screen(&mut pane, &state, (100, 26), 2);
        assert_eq!(pane.level(), level);
        insta::assert_snapshot!(format!("level-{level:?}"), seen);
        pane.fit(None);
        screen(&mut pane, &state, (100, 26), 2);
        assert_eq!(pane.level(), Level::Box);
    }
}

#[test]
fn ascii_terminals_get_ascii_only() {
    let theme = Theme {
        ascii: true,
        statuses: {
            let mut looks = Theme::default().statuses;
            for (style, glyph) in looks
                .iter_mut()
                .zip([".", "o", ">", "+", "x", "-", "!", "?"])
            {
                style.glyph = glyph;
            }
            looks
        },
        ..Theme::default()
    };
    let mut state = receipt();
    let info = StepInfo {
        tool: "größe".into(),
        ..StepInfo::clone(&state.steps[0].info)
    };
    state.steps[0].info = info.into();
    for level in Level::ALL {
        let mut pane = GraphPane::new();
        while pane.level() != level {
            pane.zoom(if pane.level() > level { -1 } else { 1 }, &state, None);
        }
        for width in [30, 100] {
            let area = Rect::new(0, 0, width, 12);
            let seen = lines(&draw(&mut pane, &state, area, Some(2), &theme));
            assert!(seen.is_ascii(), "{seen}");
        }
    }
}

#[test]
fn nothing_is_drawn_outside_the_area_and_nothing_fails_at_any_size() {
    for (name, state) in gallery() {
        if state.steps.len() > 200 {
            continue;
        }
        for level in Level::ALL {
            for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (5, 3), (17, 7), (81, 5)] {
                let mut pane = GraphPane::new();
                pane.sync(&state);
                while pane.level() != level {
                    pane.zoom(if pane.level() > level { -1 } else { 1 }, &state, None);
                }
                let whole = Rect::new(0, 0, width + 6, height + 4);
                let area = Rect::new(3, 2, width, height);
                for _ in 0..2 {
                    let mut buffer = Buffer::empty(whole);
                    let theme = Theme::default();
                    pane.draw_frame(&mut buffer, area, &state, Some(StepIx(3)), NOW, &theme);
                    for y in 0..whole.height {
                        for x in 0..whole.width {
                            let inside = area.contains((x, y).into());
                            let cell = &buffer[(x, y)];
                            assert!(
                                inside || cell.symbol() == " ",
                                "{name} {level:?} at {x},{y}"
                            );
                        }
                    }
                    pane.pan(1_000_000, -1_000_000);
                    pane.centre_on(StepIx(0));
                }
            }
        }
    }
}

#[test]
fn states_move_nothing() {
    let mut state = receipt();
    let mut pane = GraphPane::new();
    let size = (100, 40);
    screen(&mut pane, &state, size, 2);
    let cells = |pane: &GraphPane| -> Vec<Option<StepIx>> {
        (0..40)
            .flat_map(|y| (0..100).map(move |x| (x, y)))
            .map(|(x, y)| pane.step_at(Position::new(x, y)))
            .collect()
    };
    let before = cells(&pane);
    for step in state.steps.iter_mut() {
        step.status = StepStatus::Failed;
        step.service = Micros(3_600_000_000);
        step.cost = Some(Money::from_usd(12.5));
    }
    screen(&mut pane, &state, size, 2);
    assert_eq!(before, cells(&pane));
    let geometry = pane.worker.last().unwrap();
    let boxes = geometry.layout.nodes.iter();
    let drawn: i32 = boxes.map(|node| node.width * node.height).sum();
    assert_eq!(before.iter().flatten().count(), drawn as usize);
}

#[test]
fn edges_do_not_colour_the_labels_they_end_at() {
    let state = receipt();
    let mut pane = GraphPane::new();
    let theme = Theme::default();
    let area = Rect::new(0, 0, 100, 20);
    let buffer = draw(&mut pane, &state, area, None, &theme);
    assert_eq!(pane.level(), Level::Pill);
    let y = (0..20)
        .find(|&y| pane.step_at(Position::new(50, y)) == Some(StepIx(0)))
        .unwrap();
    let row: Vec<_> = (0..100).map(|x| &buffer[(x, y)]).collect();
    let label = row.windows(7).find(|cells| {
        let word: String = cells.iter().map(|cell| cell.symbol()).collect();
        word == "extract"
    });
    for cell in label.unwrap() {
        assert_eq!(cell.fg, ratatui::style::Color::Reset);
    }
}

#[test]
fn arrow_keys_follow_the_edges() {
    use Direction::{Down, Left, Right, Up};
    let state = receipt();
    let mut pane = GraphPane::new();
    screen(&mut pane, &state, (100, 40), 0);
    assert_eq!(pane.first(), Some(StepIx(0)));
    let go = |from, towards| pane.neighbour(StepIx(from), towards).map(|step| step.0);
    assert_eq!(go(0, Down), Some(1));
    assert_eq!(go(1, Right), Some(4));
    assert_eq!(go(4, Left), Some(1));
    assert_eq!(go(1, Up), Some(0));
    assert_eq!(go(2, Right), Some(3));
    assert_eq!(go(3, Down), Some(5));
    assert_eq!(go(6, Down), None);
    assert_eq!(go(99, Down), None);
}

#[test]
fn elements_are_folded_into_their_step() {
    let mut state = run(vec![
        info("list", "jq", &[]),
        info("fetch", "http", &[0]),
        info("join", "jq", &[1]),
    ]);
    let step = StepKey {
        ix: StepIx(1),
        id: "fetch".into(),
    };
    let elements: Vec<StepInfo> = (0..100)
        .map(|at| StepInfo {
            parent: Some(StepIx(1)),
            ..info(&format!("fetch[{at}]"), "http", &[0])
        })
        .collect();
    let mut pane = GraphPane::new();
    screen(&mut pane, &state, (80, 24), 1);
    state.apply(&RunEvent {
        seq: 1,
        at: Micros(5),
        kind: EventKind::StepExpanded {
            step,
            count: 100,
            elements: elements.into(),
        },
    });
    for (at, row) in state.steps.iter_mut().skip(3).enumerate() {
        row.status = match at {
            0..83 => StepStatus::Succeeded,
            83..92 => StepStatus::Running,
            92 => StepStatus::Failed,
            _ => StepStatus::Pending,
        };
    }
    let area = Rect::new(0, 0, 80, 24);
    let theme = Theme::default();
    let by_parent = draw(&mut pane, &state, area, Some(1), &theme);
    insta::assert_snapshot!(lines(&by_parent));
    // An element is shown where its step is.
    assert_eq!(by_parent, draw(&mut pane, &state, area, Some(50), &theme));
}

/// Where each step shown at a size is, by the upper left cell of its node.
fn places(pane: &GraphPane, size: (u16, u16)) -> Vec<(StepIx, (u16, u16))> {
    let mut found: Vec<(StepIx, (u16, u16))> = Vec::new();
    for y in 0..size.1 {
        for x in 0..size.0 {
            if let Some(step) = pane.step_at(Position::new(x, y))
                && found.iter().all(|(other, _)| *other != step)
            {
                found.push((step, (x, y)));
            }
        }
    }
    found
}

/// `split`, pages that are fetched and cleaned one by one, and `join` with a tail of its own.
fn pages(count: u32) -> RunState {
    let mut steps = vec![info("split", "jq", &[])];
    for _ in 0..count {
        steps.push(info(&format!("fetch_{}", steps.len()), "http", &[0]));
    }
    let all: Vec<u32> = (1..=count).collect();
    steps.push(info("join", "jq", &all));
    steps.push(info("check", "model", &[count + 1]));
    steps.push(info("report", "model", &[count + 1, count + 2]));
    run(steps)
}

#[test]
fn alike_steps_are_folded_where_they_would_not_fit() {
    let mut state = pages(100);
    for (at, row) in state.steps.iter_mut().enumerate() {
        row.status = match at {
            0..=60 => StepStatus::Succeeded,
            61 => StepStatus::Failed,
            62..=70 => StepStatus::Running,
            _ => StepStatus::Pending,
        };
    }
    let mut pane = GraphPane::new();
    let seen = screen(&mut pane, &state, (100, 30), 0);
    insta::assert_snapshot!(seen);
    assert_eq!(pane.stand_in(StepIx(50)), Some(StepIx(1)));
    // Unfolded they are a row each; folded again they are one.
    assert_eq!(
        pane.toggle_fold(&state, StepIx(50)),
        Some(Folded::Opened(100))
    );
    screen(&mut pane, &state, (100, 30), 50);
    assert_eq!(pane.stand_in(StepIx(50)), Some(StepIx(50)));
    assert_eq!(
        pane.toggle_fold(&state, StepIx(50)),
        Some(Folded::Closed(100))
    );
    assert_eq!(seen, screen(&mut pane, &state, (100, 30), 0));
    // A pane with room for all of them shows all of them.
    let mut pane = GraphPane::new();
    screen(&mut pane, &pages(5), (100, 30), 0);
    assert_eq!(pane.stand_in(StepIx(3)), Some(StepIx(3)));
}

#[test]
fn a_subtree_is_folded_into_its_root() {
    let state = pages(3);
    let mut pane = GraphPane::new();
    let size = (100, 40);
    screen(&mut pane, &state, size, 4);
    // `join` has `check` and `report` for itself; nothing waits for `report`.
    assert_eq!(pane.toggle_fold(&state, StepIx(6)), None);
    assert_eq!(pane.toggle_fold(&state, StepIx(4)), Some(Folded::Closed(3)));
    insta::assert_snapshot!(screen(&mut pane, &state, size, 4));
    assert_eq!(pane.stand_in(StepIx(6)), Some(StepIx(4)));
    assert_eq!(pane.neighbour(StepIx(6), Direction::Up), Some(StepIx(2)));
    assert_eq!(pane.toggle_fold(&state, StepIx(6)), Some(Folded::Opened(3)));
    screen(&mut pane, &state, size, 4);
    assert_eq!(pane.stand_in(StepIx(6)), Some(StepIx(6)));
    // Everything waits for `split` alone.
    assert_eq!(pane.toggle_fold(&state, StepIx(0)), Some(Folded::Closed(7)));
    screen(&mut pane, &state, size, 4);
    assert_eq!(places(&pane, size).len(), 1);
}

#[test]
fn an_expanded_step_can_be_unfolded_and_moves_nothing_else() {
    let mut state = run(vec![
        info("list", "jq", &[]),
        info("other", "jq", &[0]),
        info("fetch", "http", &[0]),
        info("more", "jq", &[0]),
        info("join", "jq", &[1, 2, 3]),
    ]);
    let mut pane = GraphPane::new();
    let size = (140, 40);
    screen(&mut pane, &state, size, 2);
    let before = places(&pane, size);
    let elements: Vec<StepInfo> = (0..3)
        .map(|at| StepInfo {
            parent: Some(StepIx(2)),
            ..info(&format!("fetch[{at}]"), "http", &[0])
        })
        .collect();
    state.apply(&RunEvent {
        seq: 1,
        at: Micros(5),
        kind: EventKind::StepExpanded {
            step: StepKey {
                ix: StepIx(2),
                id: "fetch".into(),
            },
            count: 3,
            elements: elements.into(),
        },
    });
    screen(&mut pane, &state, size, 2);
    assert_eq!(before, places(&pane, size), "folded, they move nothing");
    assert_eq!(pane.toggle_fold(&state, StepIx(2)), Some(Folded::Opened(3)));
    insta::assert_snapshot!(screen(&mut pane, &state, size, 2));
    // An element is a step of its own now, and `fetch` waits for all of them.
    assert_eq!(pane.stand_in(StepIx(6)), Some(StepIx(6)));
    let along = match pane.worker.last().unwrap().direction {
        crate::layout::Direction::Down => Direction::Down,
        crate::layout::Direction::Right => Direction::Right,
    };
    assert_eq!(pane.neighbour(StepIx(5), along), Some(StepIx(2)));
    assert_eq!(pane.toggle_fold(&state, StepIx(6)), Some(Folded::Closed(3)));
    screen(&mut pane, &state, size, 6);
    assert_eq!(before, places(&pane, size));
}

#[test]
fn the_map_leads_to_what_it_shows() {
    let state = plan(
        60,
        |at| format!("hop_{at}"),
        |at| at.checked_sub(1).into_iter().collect(),
    );
    let mut pane = GraphPane::new();
    pane.zoom(1, &state, None);
    let size = (100, 30);
    screen(&mut pane, &state, size, 0);
    let on_map: Vec<(u16, u16)> = (0..size.1)
        .flat_map(|y| (0..size.0).map(move |x| (x, y)))
        .filter(|&(x, y)| pane.has_map_at(Position { x, y }))
        .collect();
    let &(x, y) = on_map.last().unwrap();
    assert_eq!(pane.step_at(Position::new(x, y)), None);
    assert!(places(&pane, size).iter().all(|(step, _)| step.0 < 20));
    pane.show_on_map(Position { x, y });
    screen(&mut pane, &state, size, 0);
    assert!(places(&pane, size).iter().any(|(step, _)| step.0 > 55));
    // What fits needs no map.
    screen(&mut pane, &receipt(), size, 0);
    assert!(
        on_map
            .iter()
            .all(|&(x, y)| !pane.has_map_at(Position { x, y }))
    );
}

#[test]
fn a_step_says_what_it_is_doing() {
    let mut state = run((0..4)
        .map(|at| info(&format!("part_{at}"), "http", &[]))
        .collect());
    attempt(&mut state, 0, 1, 1_000_000);
    attempt(&mut state, 1, 1, 1_000_000);
    attempt(&mut state, 3, 2, 400_000);
    state.steps[1].attempts = crate::run::Attempts::default();
    state.steps[1].details_mut().retry_at = Some(Micros(2_850_000));
    state.steps[2].status = StepStatus::Ready;
    state.steps[2].waiting = Some(crate::run::WaitReason::Budget);
    insta::assert_snapshot!(screen(&mut GraphPane::new(), &state, (80, 6), 0));
}

#[test]
fn names_from_outside_cannot_harm_the_terminal() {
    let state = run(vec![
        info("a\u{1b}[31mb\n\u{202e}c", "\u{7}tool", &[]),
        info("数据处理数据处理数据处理数据处理", "größe", &[0]),
        info("", "", &[1]),
    ]);
    for level in Level::ALL {
        for width in [12, 37, 80] {
            let mut pane = GraphPane::new();
            while pane.level() != level {
                pane.zoom(if pane.level() > level { -1 } else { 1 }, &state, None);
            }
            let seen = screen(&mut pane, &state, (width, 20), 1);
            assert!(
                seen.chars().all(|c| c == '\n' || !c.is_control()),
                "{seen:?}"
            );
            assert!(!seen.contains('\u{202e}'));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_selected_step_can_always_be_brought_into_view(
        count in 1u32..60,
        seed in any::<u32>(),
        width in 1u16..120,
        height in 1u16..40,
        level in 0usize..5,
        selected in any::<prop::sample::Index>(),
    ) {
        let on = |at: u32| -> Vec<u32> {
            let mut on: Vec<u32> = (1..3u32)
                .filter(|_| at > 0)
                .map(|turn| seed.wrapping_mul(turn * 7919 + at) % at.max(1))
                .collect();
            on.sort_unstable();
            on.dedup();
            on
        };
        let state = plan(count, |at| format!("step_{at}"), on);
        let mut pane = GraphPane::new();
        while pane.level() != Level::ALL[level] {
            pane.zoom(if pane.level() > Level::ALL[level] { -1 } else { 1 }, &state, None);
        }
        let step = StepIx(selected.index(count as usize) as u32);
        let area = Rect::new(0, 0, width, height);
        draw(&mut pane, &state, area, Some(step.0), &Theme::default());
        pane.pan(-37, 91);
        pane.keep_visible(Some(step));
        draw(&mut pane, &state, area, Some(step.0), &Theme::default());
        let seen = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .any(|(x, y)| pane.step_at(Position::new(x, y)) == pane.stand_in(step));
        prop_assert!(seen);
    }
}
