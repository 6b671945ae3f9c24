//! The plan of another system, opened in a real terminal.

use crate::common::program::folder;
use crate::common::terminal::Terminal;

#[test]
fn a_plan_of_another_system_is_opened_and_held() {
    let workflow = "type: graph\nschedule: \"@daily\"\nsteps:\n- {name: first, command: touch made}\n\
        - {name: second, command: echo end, depends: first}\n";
    let folder = folder("work.yaml", workflow, "{}");
    let mut terminal = Terminal::start(folder.path(), &["open", "work.yaml"], 120, 36);
    let text = terminal.wait_for("PAUSED");
    assert!(text.contains("first"), "{text}");
    assert!(!folder.path().join("made").exists());
    terminal.press(" ");
    terminal.wait_for("SUCCEEDED");
    assert!(folder.path().join("made").exists());
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}
