//! Logs of real programs in a real terminal.

use crate::common::program::folder;
use crate::common::terminal::Terminal;
use serde_json::json;

#[test]
fn what_a_program_prints_is_followed_while_it_runs() {
    let script = "echo 'reading ledger'; printf 'page 1 of 7\\r' >&2; printf 'page 6 of 7\\r' >&2; \
                  printf '\\033[31mpage 7 is torn\\033[0m\\n' >&2; until [ -e go ]; do sleep 0.05; done; \
                  echo 'all pages read'; until [ -e end ]; do sleep 0.05; done";
    let tools = json!({"tools": {"scan": {"type": "process", "command": ["sh", "-c", script], "cwd": "."}}});
    let plan = json!({"steps": [{"id": "ledger", "tool": "scan", "parameters": {}}]});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let mut terminal = Terminal::start(folder.path(), &["run", "plan.json"], 120, 36);
    terminal.wait_for("RUNNING");
    terminal.press("5");
    // The card on the graph shows the last line, too.
    let text = terminal.wait_until("both streams on the page", |screen| {
        let text = screen.contents();
        text.contains("› reading ledger") && text.contains("page 7 is torn")
    });
    assert!(!text.contains("of 7"), "{text}");
    assert!(!text.contains("all pages read"), "{text}");
    std::fs::write(folder.path().join("go"), "").unwrap();
    terminal.wait_for("› all pages read");
    std::fs::write(folder.path().join("end"), "").unwrap();
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}
