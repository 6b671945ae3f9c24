//! What is shown by itself is the fullest picture that fits.

use super::follow::random;
use super::*;
use crate::layout::{Ordered, Size};
use crate::tui::dashboard::panes::graph::geometry::GraphGeometry;
use crate::tui::dashboard::panes::graph::layout_worker::Variants;
use crate::tui::dashboard::panes::graph::shape;

/// The graph's pane on a screen of 120 by 36 cells.
const PANE: (u16, u16) = (68, 31);

fn is_inside(geometry: &GraphGeometry, room: Size) -> bool {
    geometry.layout.nodes.iter().all(|node| {
        node.x >= 0
            && node.y >= 0
            && node.right() <= i32::from(room.width)
            && node.bottom() <= i32::from(room.height)
    })
}

/// Whether some level shows all steps, or all groups of steps, tried one by one without a short cut.
fn some_level_fits(variants: &Variants, room: Size) -> bool {
    [Some(&variants.full), variants.lean.as_ref()]
        .into_iter()
        .flatten()
        .any(|topology| {
            let ordered = Ordered::new(topology.steps.len(), &topology.edges, 220);
            let layers = ordered.layers();
            let layered = shape::ladder().any(|way| {
                let made = GraphGeometry::layered(topology, &ordered, &layers, way, room, false);
                made.is_some_and(|made| is_inside(&made, room) && made.panes(room) <= 1.0)
            });
            let rows = GraphGeometry::lanes(topology, room);
            layered || (rows.rows_fit(room) && is_inside(&rows, room))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_box_is_outside_while_a_smaller_level_fits(
        count in 2u32..=60,
        picks in prop::collection::vec((any::<u16>(), any::<u16>()), 0..90),
        width in 30u16..150,
        height in 8u16..60,
        selected in any::<prop::sample::Index>(),
    ) {
        let state = random(count, &picks);
        let mut pane = GraphPane::new();
        let selected = selected.index(count as usize) as u32;
        draw(&mut pane, &state, Rect::new(0, 0, width, height), Some(selected), &Theme::default());
        let room = Size { width, height };
        let geometry = pane.worker.last().unwrap();
        let whole = geometry.level != Level::Overview
            && is_inside(geometry, room)
            && (geometry.level != Level::Row || geometry.rows_fit(room));
        prop_assert!(
            whole || !some_level_fits(&pane.variants, room),
            "{:?} of {} steps in {width} by {height}",
            geometry.level,
            count
        );
    }

    #[test]
    fn a_plan_of_28_steps_is_seen_whole(
        count in 2u32..=28,
        picks in prop::collection::vec((any::<u16>(), any::<u16>()), 0..45),
    ) {
        let state = random(count, &picks);
        let mut pane = GraphPane::new();
        draw(&mut pane, &state, Rect::new(0, 0, PANE.0, PANE.1), Some(0), &Theme::default());
        let room = Size { width: PANE.0, height: PANE.1 };
        let geometry = pane.worker.last().unwrap();
        prop_assert!(geometry.level != Level::Overview && is_inside(geometry, room));
        prop_assert_eq!(geometry.layout.routes.len(), geometry.topology.edges.len());
        let seen = places(&pane, PANE);
        let steps = geometry.topology.steps.iter();
        for step in steps {
            prop_assert!(seen.iter().any(|(other, _)| other == step), "{step:?} is not seen");
        }
    }

    #[test]
    fn what_stands_below_takes_nothing_from_the_picture(
        count in 2u32..=40,
        picks in prop::collection::vec((any::<u16>(), any::<u16>()), 0..45),
        width in 40u16..150,
        height in 15u16..60,
        most in 3u16..24,
    ) {
        let state = random(count, &picks);
        let area = Rect::new(0, 0, width, height);
        let fewest = most.min(5);
        let mut alone = GraphPane::new();
        draw(&mut alone, &state, area, Some(0), &Theme::default());
        let mut pane = GraphPane::new();
        pane.leave_room(fewest, most);
        draw(&mut pane, &state, area, Some(0), &Theme::default());
        let (before, now) = (alone.worker.last().unwrap(), pane.worker.last().unwrap());
        prop_assert_eq!(now.level, before.level);
        prop_assert_eq!(now.topology.steps.len(), before.topology.steps.len());
        let left = pane.room_left();
        prop_assert!(left == 0 || (fewest..=most).contains(&left), "{left}");
        prop_assert!(left <= height / 2);
        let room = Size { width, height: height - left };
        prop_assert!(left == 0 || is_inside(now, room) && now.panes(room) <= 1.0);
        // Where the picture as it was has the room to spare, that is left.
        let spare = before.free_rows(Size { width, height }).min(height / 2);
        let has_times = before.level == Level::Row && before.has_times(width);
        if spare >= most && before.level != Level::Overview && !has_times {
            prop_assert_eq!(left, most);
        }
    }

    #[test]
    fn a_plan_of_40_steps_is_rows_with_an_overview_beside_them(
        picks in prop::collection::vec((any::<u16>(), any::<u16>()), 50..70),
    ) {
        let state = random(40, &picks);
        let mut pane = GraphPane::new();
        draw(&mut pane, &state, Rect::new(0, 0, PANE.0, PANE.1), Some(0), &Theme::default());
        let room = Size { width: PANE.0, height: PANE.1 };
        let geometry = pane.worker.last().unwrap();
        if geometry.panes(room) > 1.0 {
            prop_assert_eq!(geometry.level, Level::Row);
            prop_assert_eq!(pane.beside.cells.len(), geometry.topology.steps.len());
        }
    }
}
