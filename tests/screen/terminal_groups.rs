//! The page of a group with the program in a real terminal.

use crate::common::program::folder;
use crate::common::terminal::Terminal;
use serde_json::json;

#[test]
fn a_failed_element_is_gone_into_from_the_page_of_its_step() {
    let list = "cat > /dev/null; echo '[3, 5, 8, 13]'";
    let ask = "read -r line; case $line in *':8}') echo 'no lamp at 8' >&2; exit 4;; esac; echo 1";
    let tools = json!({"tools": {
        "list": {"type": "process", "command": ["sh", "-c", list]},
        "ask": {"type": "process", "command": ["sh", "-c", ask]},
    }});
    let plan = json!({"steps": [
        {"id": "chart", "tool": "list", "parameters": {}},
        {"id": "lamps", "tool": "ask", "for_each": "{{chart}}", "parameters": {"n": "{{item}}"}},
    ]});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let mut terminal = Terminal::start(folder.path(), &["run", "plan.json"], 120, 36);
    terminal.wait_for("FAILED");
    terminal.press("G");
    terminal.press("/lamps\r");
    terminal.press("\r");
    terminal.wait_for("failed in its elements");
    let text = terminal.wait_for("✖ lamps[2]");
    assert!(
        text.contains("✖ lamps[2]") && text.contains("median"),
        "{text}"
    );
    // The next cell, back, and into the failed one.
    terminal.press("l");
    terminal.wait_for("✔ lamps[0]");
    terminal.press("h");
    terminal.wait_for("✖ lamps[2]");
    terminal.press("\r");
    terminal.wait_for("✖ lamps[2] ──");
    terminal.press("\x7f");
    terminal.wait_for("✖ lamps ──");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 1);
}
