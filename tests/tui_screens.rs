//! Whole screens, from lists of events and typed keys.

mod common;

use common::recording::{receipt, receipt_failed, receipt_running};
use common::screen::Screen;
use plandeck::run::{RunOutcome, WaitReason};

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 36), (200, 60), (40, 10)];

#[test]
fn running() {
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(columns, rows, receipt_running().events()).at(1700);
        insta::assert_snapshot!(format!("running_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn failed() {
    for (columns, rows) in SIZES {
        let run = receipt_failed().end_run(RunOutcome::Failed);
        let mut screen = Screen::new(columns, rows, run.events()).keys("n 6");
        insta::assert_snapshot!(format!("failed_{columns}x{rows}"), screen.text());
    }
}
