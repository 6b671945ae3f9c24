//! The graph of a run in the languages of Mermaid and of Graphviz.

use super::drawing::Drawing;
use super::svg::colours;
use crate::run::{RunState, StepStatus};
use std::fmt::Write as _;

/// A flowchart in the language of Mermaid, which Markdown viewers draw.
pub(crate) fn mermaid(run: &RunState) -> String {
    let drawing = Drawing::of(run);
    let mut text = "flowchart TD\n".to_owned();
    for (at, node) in drawing.nodes.iter().enumerate() {
        let (name, details) = (for_mermaid(&node.name), for_mermaid(&node.details));
        let word = node.status.word();
        let _ = writeln!(text, "    s{at}[\"{name}<br>{details}\"]:::{word}");
    }
    for (from, to) in &drawing.edges {
        let _ = writeln!(text, "    s{from} --> s{to}");
    }
    for status in used(&drawing) {
        let (fill, line) = colours(status);
        let word = status.word();
        let _ = writeln!(
            text,
            "    classDef {word} fill:{fill},stroke:{line},color:#1c1c1c"
        );
    }
    text
}

/// A digraph in the language of Graphviz.
pub(crate) fn dot(run: &RunState) -> String {
    let drawing = Drawing::of(run);
    let header = run.header.as_deref();
    let plan = header.map_or("run", |header| &*header.plan);
    let mut text = format!(
        "digraph \"{}\" {{\n    node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
        for_dot(&crate::text::line(plan))
    );
    for (at, node) in drawing.nodes.iter().enumerate() {
        let (fill, line) = colours(node.status);
        let _ = writeln!(
            text,
            "    s{at} [label=\"{}\\n{}\", tooltip=\"{}\", fillcolor=\"{fill}\", color=\"{line}\"];",
            for_dot(&node.name),
            for_dot(&node.details),
            node.status.word()
        );
    }
    for (from, to) in &drawing.edges {
        let _ = writeln!(text, "    s{from} -> s{to};");
    }
    text.push_str("}\n");
    text
}

/// The statuses that occur, each once.
fn used(drawing: &Drawing) -> Vec<StepStatus> {
    let mut used: Vec<StepStatus> = Vec::new();
    for node in &drawing.nodes {
        if !used.contains(&node.status) {
            used.push(node.status);
        }
    }
    used
}

/// Characters that mean something inside a quoted label are entities there.
fn for_mermaid(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\' => {
                let _ = write!(out, "#{};", u32::from(sign));
            }
            '\n' | '\r' => out.push(' '),
            sign => out.push(sign),
        }
    }
    out
}

fn for_dot(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace(['\n', '\r'], " ")
}
