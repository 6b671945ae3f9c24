//! A run as one page for a browser, which needs nothing beside it.

use super::drawing::Drawing;
use super::svg;
use crate::report::page::Page;
use crate::report::{money, result_of};
use crate::run::{RunState, StepState, figures as figures_of};
use crate::text::{escape_json, format, line, visible};
use serde::Serialize;
use serde_json::{Value, json};

const BODY: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A row of the list of steps.
#[derive(Serialize)]
struct Step {
    row: usize,
    id: String,
    tool: String,
    status: &'static str,
    took: String,
    cost: String,
    fill: &'static str,
    line: &'static str,
    call: String,
    error: Option<String>,
    /// What it was called with and what came out.
    values: Vec<(&'static str, String)>,
}

/// The page: graph, steps over time, figures, and every input and output. `status` is the word of the run's state.
///
/// # Errors
/// None that a run can cause: where the template is wrong.
pub(crate) fn html(run: &RunState, status: &str) -> Result<String, minijinja::Error> {
    let result = result_of(run, status);
    let header = run.header.as_deref();
    let text = |value: &Value| line(value.as_str().unwrap_or_default());
    let plan = text(&result["plan"]);
    let run_id = text(&result["run_id"]);
    let started = header.map(|header| line(&header.started_at));
    let page = Page {
        title: format!("{plan}: {status}"),
        heading: plan,
        figures: json!(figures(run, status, &result)),
        style: STYLE,
        body: BODY,
        footer: format!("Run {run_id}, started {}.", started.unwrap_or_default()),
        script: Some((SCRIPT, run_id)),
        values: json!({
            "error": result["error"]["message"].as_str().map(readable),
            "graph": svg::graph(&Drawing::of(run), false),
            "timeline": svg::timeline(run),
            "result": pretty(&result["result"]),
            "steps": run.steps.iter().enumerate().map(|(at, row)| step(run, at, row)).collect::<Vec<_>>(),
        }),
    };
    page.render()
}

fn figures(run: &RunState, status: &str, result: &Value) -> Vec<(&'static str, String)> {
    let mut figures = vec![
        ("status", status.to_owned()),
        ("time", format::duration(figures_of(run, run.at).wall)),
        ("cost", money::of_run(run, "at least ")),
        ("steps completed", result["steps_completed"].to_string()),
    ];
    if let Some(speedup) = result["speedup"].as_f64() {
        figures.push(("faster than one by one", format::times(speedup)));
    }
    if let Some(share) = result["parallel_efficiency"].as_f64() {
        figures.push(("of the best schedule", format::percent(share)));
    }
    let worker = result["worker"].as_str().unwrap_or_default();
    let simulated = result["simulated"].as_bool() == Some(true);
    let invented = if simulated { ", outputs invented" } else { "" };
    figures.push(("worker", format!("{}{invented}", line(worker))));
    figures
}

fn step(run: &RunState, at: usize, row: &StepState) -> Step {
    let (fill, stroke) = svg::colours(row.status);
    let mut call = format!("{} ({})", row.info.tool, row.info.kind);
    if let Some(source) = row.source {
        call = format!("{call}, output from: {}", json!(source));
    }
    if row.attempts.len() > 1 {
        call = format!("{call}, {}", format::count(row.attempts.len(), "attempt"));
    }
    if let Some(tokens) = &row.tokens {
        call = format!(
            "{call}, {} tokens in, {} out",
            format::thousands(tokens.input),
            format::thousands(tokens.output)
        );
    }
    let mut values = Vec::new();
    if let Some(prompt) = row
        .attempts
        .iter()
        .rev()
        .find_map(|one| one.prompt.as_ref())
    {
        values.push(("Prompt or command", readable(prompt)));
    }
    if let Some(last) = row.attempts.iter().next_back() {
        values.push(("Input", pretty(&last.input.to_value())));
    }
    if let Some(output) = &row.output {
        values.push(("Output", pretty(output)));
    }
    if let Some(rejected) = &row.rejected {
        values.push(("Output that was not accepted", pretty(rejected)));
    }
    Step {
        row: at,
        id: line(&row.info.id),
        tool: line(&row.info.tool),
        status: row.status.word(),
        took: if row.service.0 > 0 {
            format::duration(row.service)
        } else {
            String::new()
        },
        cost: row
            .cost
            .map(|cost| money::of_row(run, row, cost))
            .unwrap_or_default(),
        fill,
        line: stroke,
        call: line(&call),
        error: row.error.as_ref().map(|error| readable(&error.message)),
        values,
    }
}

/// A text as it is, any other value as JSON on many lines.
fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => readable(text),
        other => {
            let json = serde_json::to_string_pretty(other).unwrap_or_default();
            escape_json(&json).into_owned()
        }
    }
}

/// A text in which nothing is invisible; its lines stay.
fn readable(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| visible(line, usize::MAX)).collect();
    lines.join("\n")
}
