//! A run as Markdown: its figures, its graph, its steps and its result.

use super::markdown::{plain, table};
use super::{mermaid, money};
use crate::run::{RunState, figures};
use crate::text::{escape_json, format};
use std::fmt::Write as _;

/// Steps above which the graph is left out: no viewer draws it.
const GRAPH: usize = 200;

/// The report; `status` is the word of the run's state.
pub(crate) fn run_markdown(run: &RunState, status: &str) -> String {
    let header = run.header.as_deref();
    let known = |text: Option<&str>| plain(text.unwrap_or_default());
    let figures = figures(run, run.at);
    let mut text = format!("# {}\n\n", known(header.map(|header| &*header.plan)));
    let facts = [
        ("status", plain(&status.replace('_', " "))),
        ("time", format::duration(figures.wall)),
        ("cost", plain(&money::of_run(run, "at least "))),
        ("worker", known(header.map(|header| &*header.worker))),
        ("started", known(header.map(|header| &*header.started_at))),
        ("run", known(header.map(|header| &*header.run_id))),
    ];
    for (name, value) in facts {
        let _ = writeln!(text, "- {name}: {value}");
    }
    text.push('\n');
    if let Some(error) = &run.error {
        let _ = writeln!(text, "> {}\n", plain(&error.message));
    }
    let rows = run.steps.iter().filter(|row| row.info.parent.is_none());
    if run.steps.len() <= GRAPH {
        let _ = writeln!(text, "```mermaid\n{}```\n", mermaid(run));
    }
    text += "## Steps\n\n";
    text += &table(
        &["step", "status", "time", "cost", "attempts"],
        rows.map(|row| {
            let cost = row.cost.map(|cost| money::of_row(run, row, cost));
            vec![
                plain(&row.info.id),
                row.status.word().to_owned(),
                format::duration(row.service),
                plain(&cost.unwrap_or_default()),
                row.attempts.len().to_string(),
            ]
        }),
    );
    let wrong = run.steps.iter().filter(|row| row.error.is_some());
    let wrong: Vec<_> = wrong.collect();
    if !wrong.is_empty() {
        text += "## Errors\n\n";
        for row in wrong {
            let message = row.error.as_ref().map_or("", |error| &error.message);
            let _ = writeln!(text, "- {}: {}", plain(&row.info.id), plain(message));
        }
        text.push('\n');
    }
    if let Some(result) = &run.result {
        let json = serde_json::to_string_pretty(&**result).unwrap_or_default();
        let json = escape_json(&json).into_owned();
        // A fence that the result itself does not hold.
        let mut fence = "```".to_owned();
        while json.contains(&fence) {
            fence.push('`');
        }
        let _ = writeln!(text, "## Result\n\n{fence}json\n{json}\n{fence}");
    }
    text
}
