//! The picture of the dashboard in the README, taken from the real program:
//! `cargo test --test screen terminal_picture -- --ignored`.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::picture::svg;
use crate::common::program::{run_json, step};
use crate::common::samples::sample;
use crate::common::terminal::Terminal;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

/// What a model would say at each step of the receipt plan: what the rules say, after a while.
fn answers() -> Vec<Answer> {
    let (code, result) = run_json(&sample("receipt"), &[]);
    assert_eq!(code, 0);
    [
        ("header", "Read the head of this till receipt", 900),
        ("items", "List every line of this till receipt", 2100),
        ("totals", "Read the sums that this till receipt", 1200),
        ("categorize", "Give each line a household category", 60_000),
        ("summary", "Write two or three plain sentences", 1500),
    ]
    .into_iter()
    .map(|(id, to, ms)| Answer {
        to: to.to_owned(),
        says: step(&result, id)["output"].clone(),
        after: Duration::from_millis(ms),
    })
    .collect()
}

#[test]
#[ignore = "writes docs/dashboard.svg"]
fn the_dashboard() {
    let server = ModelServer::start(answers());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let url = server.url();
    let mut terminal = Terminal::start_as(
        root,
        &[
            "run",
            "sample-plans/receipt/plan.yaml",
            "--worker",
            "gpt-4o-mini",
            "--base-url",
            &url,
            "--max-total-cost-usd",
            "0.10",
        ],
        132,
        29,
        &[("OPENAI_API_KEY", "none")],
    );
    terminal.wait_for("RUNNING");
    // Follow what runs; the page of the inspector is the one already there, so that the keys are shown again.
    terminal.press("f");
    terminal.press("1");
    terminal.wait_until("the categories to take a while", |screen| {
        let text = screen.contents();
        text.contains("5/8") && text.contains("waiting on categorize (1.")
    });
    std::fs::write(
        root.join("docs/dashboard.svg"),
        svg(
            &terminal.screen(),
            "plandeck run sample-plans/receipt/plan.yaml",
        ),
    )
    .unwrap();
    terminal.press("q");
}

#[test]
fn a_picture_shows_what_the_screen_shows() {
    let size = |count| NonZeroU16::new(count).unwrap();
    let mut screen = vt100::Parser::new(size(2), size(12), 0);
    screen.process("\u{1b}[31mfail\u{1b}[0m ╭─╮ ✔\r\n\u{1b}[7m<&>\u{1b}[0m ▇".as_bytes());
    let picture = svg(screen.screen(), "a \"title\"");
    assert!(
        picture.contains("fill=\"#e06c75\">fail</text>"),
        "{picture}"
    );
    assert!(picture.contains(">✔</text>") && picture.contains("&lt;&amp;&gt;"));
    assert!(
        !picture.contains('╭') && !picture.contains('▇'),
        "lines are drawn, not written"
    );
    assert!(picture.contains("a &quot;title&quot;"));
}
