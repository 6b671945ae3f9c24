//! The picture and the cast of the dashboard in the README, taken from the real program: `scripts/pictures`.

use crate::common::picture::svg;
use crate::common::terminal::Terminal;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

/// Lets a viewer of the cast read what is there.
fn look(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

#[test]
#[ignore = "writes docs/dashboard.svg and docs/demo.cast"]
fn the_dashboard() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let variables = [
        ("PLANDECK_PACE", ""),
        ("PLANDECK_HOME", home.to_str().unwrap()),
    ];
    let mut terminal = Terminal::start_as(root, &["demo"], 132, 36, &variables);
    terminal.wait_until("half of the translations", |screen| {
        let text = screen.contents();
        text.contains("8/25 ✔") || text.contains("9/25 ✔")
    });
    let picture = svg(&terminal.screen(), "plandeck demo");
    std::fs::write(root.join("docs/dashboard.svg"), picture).unwrap();
    terminal.wait_for("One call asks first");
    terminal.press("A");
    terminal.wait_for("make this call?");
    look(3);
    terminal.press("y");
    terminal.wait_for("edits its input");
    look(3);
    terminal.press("I");
    terminal.wait_for("ctrl-s");
    look(2);
    // From the end of the line with the date to the number of the day.
    terminal.press("\u{1b}[B\u{1b}[F");
    for key in ["\u{1b}[D"; 10] {
        terminal.press(key);
    }
    for key in ["\u{7f}", "\u{7f}", "2", "8"] {
        std::thread::sleep(Duration::from_millis(250));
        terminal.press(key);
    }
    terminal.wait_for("28 February");
    look(1);
    terminal.press("\u{13}");
    terminal.wait_for("enter do it");
    look(3);
    terminal.press("\r");
    terminal.wait_for("SUCCEEDED");
    look(4);
    terminal.press("T");
    look(4);
    terminal.press("q");
    terminal.wait_for_end();
    std::fs::write(root.join("docs/demo.cast"), terminal.cast("plandeck demo")).unwrap();
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
