//! A session of Claude Code: lines of messages, in which a model asks for tools and gets their results.

use super::members::Members;
use super::names::Names;
use super::span::{Span, SpanKind};
use super::value::{moment, number, text};
use super::{Recorded, Text};
use crate::units::Tokens;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// What is read of a line. Claude Code writes the results of tools a second time, among other things.
const LINE: Members = Members(&[
    ("type", None),
    ("sessionId", None),
    ("session_id", None),
    ("timestamp", None),
    ("summary", None),
    ("agentId", None),
    ("parent_tool_use_id", None),
    ("parentToolUseID", None),
    ("is_error", None),
    ("result", None),
    ("message", Some(MESSAGE)),
]);
const MESSAGE: Members = Members(&[
    ("role", None),
    ("id", None),
    ("model", None),
    ("content", None),
    ("stop_reason", None),
    ("usage", Some(USAGE)),
]);
const USAGE: Members = Members(&[
    ("input_tokens", None),
    ("output_tokens", None),
    ("cache_read_input_tokens", None),
    ("cache_creation_input_tokens", None),
]);

/// A line as far as it is looked at.
pub(super) fn line(text: &str) -> serde_json::Result<Value> {
    LINE.of(text)
}

pub(super) fn read(text: &Text<'_>) -> Option<Result<Recorded, String>> {
    let mut session = Session::default();
    let mut is_session = false;
    for (at, words) in text.values.iter().enumerate() {
        let entry = match line(words) {
            Ok(entry) => entry,
            Err(_) if !is_session => return None,
            // The last line of a session that is running may be cut off.
            Err(_) if at + 1 == text.values.len() => {
                let words = "the last line is cut off".to_owned();
                session.recorded.left_out.push(words);
                break;
            }
            Err(error) => return Some(Err(format!("line {}: {error}", at + 1))),
        };
        is_session |= is_of_session(&entry);
        if !is_session && at > 20 {
            return None;
        }
        session.take(entry);
    }
    is_session.then(|| Ok(session.end()))
}

/// One line of thought: the main one, or that of an agent.
#[derive(Debug, Default)]
struct Chain {
    /// What the next model call waits for.
    before: Vec<Arc<str>>,
    /// The place of the model call that is not over.
    call: Option<(Arc<str>, usize)>,
    /// When the last line came.
    last: u64,
    /// The prompt of the user, for the next model call.
    said: Option<Value>,
}

/// What the lines of a session so far say.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) recorded: Recorded,
    /// The places of spans that are over since this was last emptied: calls of tools with their results, and calls of models
    /// after which something else came, or that said why they stopped.
    pub(super) over: Vec<usize>,
    /// The places of the calls of models that another piece of was read after they were over.
    pub(super) grown: Vec<usize>,
    chains: HashMap<Arc<str>, Chain>,
    /// The places of the calls of tools, by their ids.
    tools: HashMap<Arc<str>, usize>,
    others: usize,
    /// Of tools and of models.
    names: Names,
}

/// Whether a line is one of a session, and not merely something that has an id of a session.
pub(super) fn is_of_session(entry: &Value) -> bool {
    let knows_session = entry.get("sessionId").is_some() || entry.get("session_id").is_some();
    knows_session && entry.get("message").is_some()
}

impl Session {
    /// Takes in a line.
    pub(super) fn take(&mut self, mut entry: Value) {
        let message = entry.get_mut("message").map(Value::take);
        let Some(mut message) = message else {
            if entry.get("type").and_then(Value::as_str) == Some("summary") {
                let title = text(&entry, "summary").map(|title| title.to_string());
                self.recorded.name = title.unwrap_or_default();
            } else {
                self.others += 1;
            }
            return;
        };
        let of_agent = ["agentId", "parent_tool_use_id", "parentToolUseID"];
        let agent = of_agent.iter().find_map(|name| text(&entry, name));
        let parent = ["parent_tool_use_id", "parentToolUseID"]
            .iter()
            .find_map(|name| text(&entry, name));
        let agent = agent.unwrap_or_default();
        let at = moment(&entry, "timestamp").unwrap_or(0);
        let content = match message.get_mut("content").map(Value::take) {
            Some(Value::Array(parts)) => parts,
            Some(Value::String(words)) => vec![serde_json::json!({"type": "text", "text": words})],
            _ => Vec::new(),
        };
        if message.get("role").and_then(Value::as_str) == Some("assistant") {
            self.asked(&agent, parent.as_ref(), &message, content, at);
        } else {
            self.answered(&agent, content, at);
        }
        self.chains.entry(agent).or_default().last = at;
    }

    /// The model said something, and may have asked for tools.
    fn asked(
        &mut self,
        agent: &Arc<str>,
        parent: Option<&Arc<str>>,
        message: &Value,
        content: Vec<Value>,
        at: u64,
    ) {
        let spans = &mut self.recorded.spans;
        let chain = self.chains.entry(Arc::clone(agent)).or_default();
        let id = text(message, "id").unwrap_or_else(|| format!("message-{}", spans.len()).into());
        // A message comes in pieces, each with the usage so far.
        let known = chain.call.clone().filter(|(call, _)| *call == id);
        let place = known.map_or_else(
            || {
                spans.push(Span {
                    id: Arc::clone(&id),
                    parent: parent.cloned(),
                    name: self.names.get("model"),
                    kind: SpanKind::Model,
                    word: self.names.get("message"),
                    start: if chain.last > 0 { chain.last } else { at },
                    after: std::mem::take(&mut chain.before),
                    input: chain.said.take().map(Arc::new),
                    output: Some(Arc::new(Value::Array(Vec::new()))),
                    ..Span::default()
                });
                spans.len() - 1
            },
            |(_, place)| place,
        );
        let earlier = chain.call.replace((Arc::clone(&id), place));
        match earlier {
            Some((_, earlier)) if earlier != place => self.over.push(earlier),
            Some(_) => self.grown.push(place),
            None => {}
        }
        if message.get("stop_reason").is_some_and(|why| !why.is_null()) {
            self.over.push(place);
        }
        chain.before = vec![Arc::clone(&id)];
        let span = &mut spans[place];
        span.end = Some(at);
        let model = message.get("model").and_then(Value::as_str);
        let model = model.filter(|model| !model.is_empty() && !model.starts_with('<'));
        span.model = model.map(|model| self.names.get(model));
        span.tokens = usage(message).or(span.tokens);
        for part in content.iter().filter(|part| part["type"] == "tool_use") {
            let tool = text(part, "id").unwrap_or_default();
            self.tools.insert(Arc::clone(&tool), spans.len());
            let name = part.get("name").and_then(Value::as_str);
            let name = name.filter(|name| !name.is_empty()).unwrap_or("tool");
            spans.push(Span {
                id: tool,
                parent: parent.cloned(),
                name: self.names.get(name),
                kind: SpanKind::Tool,
                word: self.names.get("tool"),
                start: at,
                after: vec![Arc::clone(&id)],
                input: part.get("input").cloned().map(Arc::new),
                ..Span::default()
            });
        }
        let output = spans[place].output.as_mut().map(Arc::make_mut);
        if let Some(Value::Array(said)) = output {
            said.extend(content);
        }
    }

    /// The user said something, or results of tools came.
    fn answered(&mut self, agent: &Arc<str>, content: Vec<Value>, at: u64) {
        let chain = self.chains.entry(Arc::clone(agent)).or_default();
        self.over.extend(chain.call.take().map(|(_, place)| place));
        for mut part in content {
            if part["type"] != "tool_result" {
                if let Some(words) = part.get_mut("text") {
                    chain.said = Some(words.take());
                }
                continue;
            }
            let tool = text(&part, "tool_use_id").unwrap_or_default();
            let Some(place) = self.tools.get(&tool) else {
                continue;
            };
            let span = &mut self.recorded.spans[*place];
            span.end = Some(at);
            self.over.push(*place);
            let result = part.get_mut("content").map(Value::take);
            let result = result.unwrap_or_default();
            if part["is_error"] == true {
                let words = result
                    .as_str()
                    .map_or_else(|| result.to_string(), str::to_owned);
                span.error = Some(words.into());
            } else {
                span.output = Some(Arc::new(result));
            }
            // They come after the message that asked for them.
            let tools = &self.tools;
            chain.before.retain(|id| tools.contains_key(id));
            chain.before.push(tool);
        }
    }

    /// The places of the calls of models that may go on, in order.
    pub(super) fn open_calls(&self) -> Vec<usize> {
        let calls = self.chains.values().filter_map(|chain| chain.call.as_ref());
        let mut places: Vec<usize> = calls.map(|(_, place)| *place).collect();
        places.sort_unstable();
        places
    }

    /// Whether the last word of the main line is the model's, so that the user is to say something, or nobody is.
    pub(super) fn has_answered(&self) -> bool {
        let main = self.chains.get("");
        main.is_some_and(|chain| chain.call.is_some())
    }

    fn end(mut self) -> Recorded {
        if self.others > 0 {
            let words = format!("{} lines that are no messages", self.others);
            self.recorded.left_out.push(words);
        }
        self.recorded
    }
}

fn usage(message: &Value) -> Option<Tokens> {
    let usage = message.get("usage")?;
    let count = |name: &str| usage.get(name).and_then(number);
    let (cached, written) = (
        count("cache_read_input_tokens").unwrap_or(0),
        count("cache_creation_input_tokens").unwrap_or(0),
    );
    Some(Tokens {
        cached_input: cached,
        cache_write: (written > 0).then_some(written),
        ..Tokens::plain(
            count("input_tokens")? + cached + written,
            count("output_tokens")?,
        )
    })
}
