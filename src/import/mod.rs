//! Runs that other systems recorded, as the events of a run: read-only, for the dashboard, results and exports.
//!
//! A format is a file: it turns text into [`Span`]s. What spans are about is told in `span`, and `graph` makes steps,
//! dependencies and events of them. What cannot be carried over is listed in [`Imported::left_out`], not dropped in silence.

mod about;
mod claude_code;
mod dependencies;
mod follow;
mod graph;
mod lanes;
mod langsmith;
mod members;
mod names;
mod order;
mod otlp;
mod parallel;
pub mod plans;
mod promptflow;
mod span;
mod step_end;
mod tree;
mod value;

pub use follow::{Follower, NotFollowed};
pub use span::{Span, SpanKind};

use crate::run::RunEvent;
use crate::units::{Money, Tokens};

/// The most spans of a file.
pub const MOST_SPANS: usize = 100_000;

/// What a model call with these tokens costs by the name of its model; `None` where it has no price.
pub type PriceOf<'p> = &'p dyn Fn(&str, Tokens) -> Option<Money>;

/// A recorded run.
#[derive(Debug)]
pub struct Imported {
    /// Its events, from its start to its end.
    pub events: Vec<RunEvent>,
    /// What the file is, in words.
    pub format: &'static str,
    /// What could not be carried over, in words.
    pub left_out: Vec<String>,
}

/// Why a file cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is none of the formats that are known.
    #[error("it is none of these: {0}")]
    Unknown(String),
    /// It is one of them, and a part of it is wrong.
    #[error("{format}: {what}")]
    Wrong {
        /// The format.
        format: &'static str,
        /// What is wrong.
        what: String,
    },
    /// It holds nothing that happened.
    #[error("{0}: it holds no spans")]
    Empty(&'static str),
    /// It has more spans than are read.
    #[error("{0} spans are more than {MOST_SPANS}: split the file, or choose a trace")]
    TooMany(usize),
    /// It has no such trace.
    #[error("it has no trace {0}; it has: {1}")]
    NoTrace(String, String),
}

/// Everything that a file holds.
#[derive(Debug, Default)]
struct Recorded {
    /// What it is called.
    name: String,
    spans: Vec<Span>,
    left_out: Vec<String>,
}

/// A format: its name, and its reader. The reader gives `None` where the text is something else.
struct Format {
    name: &'static str,
    read: fn(&Text<'_>) -> Option<Result<Recorded, String>>,
}

const FORMATS: &[Format] = &[
    Format {
        name: "OTLP traces as JSON",
        read: otlp::read,
    },
    Format {
        name: "LangSmith runs (LangChain, LangGraph)",
        read: langsmith::read,
    },
    Format {
        name: "a promptflow run",
        read: promptflow::read,
    },
    Format {
        name: "a Claude Code session",
        read: claude_code::read,
    },
];

/// A file's text: one JSON value, or one a line.
struct Text<'t> {
    values: Vec<&'t str>,
}

impl<'t> Text<'t> {
    /// Whole, where it is one JSON value; else its lines.
    fn of(text: &'t str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim();
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        // A line of JSON lines is a value by itself, and the first one tells.
        let first = lines().next().unwrap_or_default();
        let is_lines = lines().nth(1).is_some()
            && serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok();
        Self {
            values: if is_lines {
                lines().collect()
            } else {
                vec![text]
            },
        }
    }
}

/// Reads what another system recorded. `name` is that of the file. Of a file with several traces the one with the most
/// spans is read, or the one whose id begins with `trace`.
///
/// # Errors
/// When the text is of no known format, a part of it is wrong, or it is too large.
pub fn imported(
    name: &str,
    text: &str,
    trace: Option<&str>,
    price: PriceOf<'_>,
) -> Result<Imported, ImportError> {
    let text = Text::of(text);
    let found = FORMATS
        .iter()
        .find_map(|format| Some((format.name, (format.read)(&text)?)));
    let Some((format, read)) = found else {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        return Err(ImportError::Unknown(names.join(", ")));
    };
    let mut recorded = read.map_err(|what| ImportError::Wrong { format, what })?;
    choose_trace(&mut recorded, trace)?;
    if recorded.spans.is_empty() {
        return Err(ImportError::Empty(format));
    }
    if recorded.spans.len() > MOST_SPANS {
        return Err(ImportError::TooMany(recorded.spans.len()));
    }
    if recorded.name.is_empty() {
        name.clone_into(&mut recorded.name);
    }
    let (events, more) = graph::events(&recorded.name, recorded.spans, format, price);
    recorded.left_out.extend(more);
    Ok(Imported {
        events,
        format,
        left_out: recorded.left_out,
    })
}

/// Keeps the spans of one trace.
fn choose_trace(recorded: &mut Recorded, trace: Option<&str>) -> Result<(), ImportError> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for span in &recorded.spans {
        *counts.entry(&span.trace).or_default() += 1;
    }
    let list = |except: &str| {
        let others = counts.iter().filter(|(id, _)| **id != except);
        let others: Vec<String> = others
            .take(20)
            .map(|(id, count)| format!("{id} ({count} spans)"))
            .collect();
        others.join(", ")
    };
    let chosen = if let Some(trace) = trace {
        counts.keys().find(|id| id.starts_with(trace))
    } else {
        let most = counts.iter().max_by_key(|(_, count)| **count);
        most.map(|(id, _)| id)
    };
    let Some(chosen) = chosen.map(|id| (*id).to_owned()) else {
        return match trace {
            Some(trace) => Err(ImportError::NoTrace(trace.to_owned(), list(""))),
            None => Ok(()),
        };
    };
    if counts.len() > 1 {
        let others = list(&chosen);
        let words = format!("this is trace {chosen}; --trace shows another one: {others}");
        recorded.left_out.push(words);
        recorded.spans.retain(|span| *span.trace == *chosen);
    }
    Ok(())
}
