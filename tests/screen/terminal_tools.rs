//! Programs that tools run have no terminal: they can neither draw on it nor read a password from it.

use crate::common::program::folder;
use crate::common::terminal::Terminal;
use serde_json::json;

#[test]
fn a_tool_neither_draws_on_the_terminal_nor_reads_from_it() {
    let script =
        "echo DRAWN > /dev/tty; read -r password < /dev/tty; echo \"read $password\" > said";
    let tools = json!({"tools": {"t": {"type": "process", "command": ["sh", "-c", script]}}});
    let plan = json!({"steps": [{"id": "a", "tool": "t", "parameters": {}}]});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let arguments = ["run", "plan.json", "--headless", "--worker", "offline"];
    let mut terminal = Terminal::start(folder.path(), &arguments, 100, 30);
    terminal.wait_for_end();
    assert!(!terminal.text().contains("DRAWN"), "{}", terminal.text());
    assert!(
        !folder.path().join("said").exists()
            || std::fs::read_to_string(folder.path().join("said")).unwrap() == "read \n"
    );
}
