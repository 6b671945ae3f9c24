//! The edits of a run as changes of its files, before they are written.

use crate::common::recording::receipt_failed;
use crate::common::screen::Screen;
use plandeck::run::RunOutcome;
use plandeck::tui::{EditsDiff, Effect, HistoryAnswer, HistoryQuery, Message};

const DIFF: &str = "--- a/plan.yaml\n+++ b/plan.yaml\n@@ -4,3 +4,3 @@\n   tool: one\n-  model: small # cheap\n+  model: large # cheap\n   id: a\n";

fn shown(columns: u16, rows: u16, known: Result<EditsDiff, &str>) -> Screen {
    let run = receipt_failed().end_run(RunOutcome::Failed);
    let mut screen = Screen::new(columns, rows, run.events()).at(2_200);
    screen.model.forkable = true;
    screen.press("ctrl-w");
    let asked = screen.effects.pop();
    assert!(
        matches!(asked, Some(Effect::Ask(HistoryQuery::EditsDiff { .. }))),
        "{asked:?}"
    );
    answer(&mut screen, known);
    screen
}

fn answer(screen: &mut Screen, known: Result<EditsDiff, &str>) {
    let known = known.map(Box::new).map_err(Into::into);
    screen.send(Message::Answer(HistoryAnswer::EditsDiff(known)));
}

fn known() -> EditsDiff {
    EditsDiff {
        diff: DIFF.to_owned(),
        saved: vec!["model of categorize: step categorize in plan.yaml".to_owned()],
        left_out: vec![
            "output of stats: a plan holds no outputs: it stays with the run".to_owned(),
        ],
    }
}

#[test]
fn the_difference_is_seen_before_it_is_written() {
    for (columns, rows) in [(80, 24), (120, 36)] {
        let mut screen = shown(columns, rows, Ok(known()));
        insta::assert_snapshot!(format!("save_edits_{columns}x{rows}"), screen.text());
        screen.press("enter");
        let asked = screen.effects.pop();
        assert!(
            matches!(&asked, Some(Effect::Ask(HistoryQuery::WriteEdits { diff, .. })) if diff == DIFF),
            "{asked:?}"
        );
        screen.send(Message::Answer(HistoryAnswer::EditsWritten(Ok(()))));
        assert!(screen.model.overlay.is_none());
        assert!(screen.text().contains("the edits are saved"));
    }
}

#[test]
fn another_difference_is_shown_again_and_nothing_is_written_without_one() {
    let mut screen = shown(100, 30, Ok(known()));
    screen.press("enter");
    screen.effects.clear();
    let other = EditsDiff {
        diff: DIFF.replace("large", "larger"),
        ..known()
    };
    answer(&mut screen, Ok(other));
    let text = screen.text();
    assert!(
        text.contains("larger") && text.contains("another one by now"),
        "{text}"
    );
    screen.press("esc");
    assert!(screen.model.overlay.is_none() && screen.effects.is_empty());

    for (known, says) in [
        (Ok(EditsDiff::default()), "nothing to save"),
        (Err("plan.yaml: it has faults"), "it has faults"),
    ] {
        let mut screen = shown(100, 30, known);
        assert!(screen.text().contains(says), "{}", screen.text());
        screen.press("enter");
        assert!(screen.effects.is_empty());
    }
}
