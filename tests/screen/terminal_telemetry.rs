//! A run in the dashboard of a real terminal is sent to a collector of OpenTelemetry.

use crate::common::process::wait_until;
use crate::common::raw_server::{Act, RawServer};
use crate::common::terminal::Terminal;

#[test]
fn a_run_in_the_dashboard_is_sent_and_nothing_is_printed_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let plan = r#"{"name": "sent", "tools": {"same": {"type": "jq", "filter": "."}},
        "steps": [{"id": "a", "tool": "same", "parameters": {"n": 1}}]}"#;
    std::fs::write(folder.path().join("plan.json"), plan).unwrap();
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    let collector = RawServer::start(vec![vec![Act::Say(answer.to_owned())]]);
    let (home, url) = (folder.path().join("home"), collector.url());
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
    ];
    let arguments = ["run", "plan.json", "--worker", "offline"];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 120, 36, &variables);
    let is_sent = |name: &str| {
        let bodies = collector.bodies();
        bodies.iter().any(|body| body.to_string().contains(name))
    };
    terminal.wait_for("SUCCEEDED");
    wait_until("the step is sent", || is_sent("execute_tool same"));
    let text = terminal.text();
    assert!(!text.contains("OpenTelemetry"), "{text}");
    terminal.press("qq");
    assert_eq!(terminal.wait_for_end(), 0);
    // As long as the dashboard is open, the run can go on.
    assert!(is_sent("invoke_workflow sent"));
}
