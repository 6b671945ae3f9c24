//! The jq line with the program in a real terminal.

use crate::common::program::folder;
use crate::common::terminal::Terminal;
use serde_json::json;

#[test]
fn a_filter_runs_beside_the_screen_and_one_without_end_is_given_up() {
    let output = json!({"ships": [{"name": "Aura", "t": 12}, {"name": "Bore", "t": 40}]});
    let script = format!("echo '{output}'");
    let tools = json!({"tools": {"list": {"type": "process", "command": ["sh", "-c", script]}}});
    let plan = json!({"steps": [{"id": "fleet", "tool": "list", "parameters": {}}]});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let mut terminal = Terminal::start(folder.path(), &["run", "plan.json"], 120, 36);
    terminal.wait_for("SUCCEEDED");
    terminal.press("x\r3");
    terminal.wait_for("Bore");
    // Its list as a table, and the tree again.
    terminal.press("t");
    terminal.wait_for("0  Aura  12");
    terminal.press("t");
    terminal.wait_for("▾ ships");
    terminal.press(".[.ships[] | select(.t > 20) | {was: .name}]");
    terminal.wait_for("was");
    terminal.press("\r");
    terminal.wait_for("was  \"Bore\"");
    // A fault is named, and so is what does not end; the screen goes on meanwhile.
    terminal.press(".\x15.ships | keyz\r");
    terminal.wait_for("the filter keyz is");
    terminal.press(".\x15def f: f; f\r");
    // The keys work meanwhile.
    terminal.press("5");
    terminal.wait_for("Nothing was logged");
    terminal.press("3");
    terminal.wait_for("it did not end within 5 s");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}
