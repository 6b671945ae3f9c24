//! The calls of tools that code in a sandbox makes, on the parent's side. What the sandbox says is not trusted: only what
//! the text of the code names is called, so often and with so much.

use super::protocol::{Answer, Functions, Outcome};
use crate::text::json::footprint;
use crate::tools::code_names::Callable;
use crate::tools::code_port::{CodeAnswer, CodePort, CodeRequest};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// The most calls that one run of code makes, the most that are open at once, and the most memory that the parameters
/// of one take, in bytes.
const MAX_CALLS: usize = 10_000;
const MAX_OPEN: usize = 1_000;
const MAX_INPUT: usize = 64 << 20;

/// Names that a message lists.
const LISTED: usize = 30;

/// The calls of one run of code.
pub(super) struct ToolCalls<'a> {
    port: Option<&'a CodePort>,
    callable: Callable,
    numbers: HashSet<u32>,
    open: HashSet<u32>,
    /// How many calls were refused here.
    refused: u32,
}

impl<'a> ToolCalls<'a> {
    /// None yet. Code that names no tool makes none.
    pub(super) fn of(code: &str, port: Option<&'a CodePort>) -> Self {
        let tools = port.map_or(&[][..], |port| port.tools());
        let callable = Callable::of(code, tools);
        Self {
            port: port.filter(|_| !callable.is_empty()),
            callable,
            numbers: HashSet::new(),
            open: HashSet::new(),
            refused: 0,
        }
    }

    /// The functions that the code has for them.
    pub(super) fn functions(&self) -> Option<Functions> {
        self.port?;
        let mut names: Vec<String> = self.callable.functions.keys().cloned().collect();
        names.sort();
        let any = self.callable.any;
        Some(Functions { names, any })
    }

    /// Whether the code may continue before anything else is told to it: a call was made.
    pub(super) fn any_made(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Makes a call; the answer where it is refused. `None` comes later.
    pub(super) async fn call(
        &mut self,
        number: u32,
        name: &str,
        is_tool: bool,
        input: Value,
    ) -> Option<Answer<'static>> {
        let why = self.make(number, name, is_tool, input).await.err()?;
        self.refused += 1;
        Some(Answer {
            number,
            is_made: false,
            outcome: Outcome::Error(Cow::Owned(why)),
        })
    }

    async fn make(
        &mut self,
        number: u32,
        name: &str,
        is_tool: bool,
        input: Value,
    ) -> Result<(), String> {
        let Some(port) = self.port else {
            return Err("the code has no tools to call".to_owned());
        };
        let tool = if is_tool {
            let mut tools = port.tools().iter();
            let known = self
                .callable
                .any
                .then(|| tools.find(|tool| &***tool == name));
            known.flatten().cloned()
        } else {
            self.callable.functions.get(name).cloned()
        };
        let Some(tool) = tool else {
            return Err(unknown(name, port.tools()));
        };
        if !self.numbers.insert(number) || self.numbers.len() > MAX_CALLS {
            return Err(format!("the code makes more than {MAX_CALLS} calls"));
        }
        if self.open.len() >= MAX_OPEN {
            return Err(format!(
                "the code has {MAX_OPEN} calls open at once; await some first"
            ));
        }
        if !input.is_object() {
            return Err(format!("the parameters of {tool} are no object"));
        }
        if footprint(&input) > MAX_INPUT {
            return Err(format!(
                "the parameters of {tool} take more than {} MB",
                MAX_INPUT >> 20
            ));
        }
        let input = Arc::new(input);
        let request = CodeRequest::Call {
            number,
            tool,
            input,
        };
        if !port.ask(request).await {
            return Err("the run takes no more calls".to_owned());
        }
        self.open.insert(number);
        Ok(())
    }

    /// The code can do nothing until one of its calls has ended. It has seen so many answers to calls that were made, and so
    /// many in all: where a refusal is on its way to it, it does not wait.
    pub(super) async fn waits(&self, answered: u32, seen: u32) {
        if let Some(port) = self.port.filter(|_| !self.open.is_empty())
            && let Some(told) = seen.checked_sub(self.refused)
        {
            port.ask(CodeRequest::Waits { answered, told }).await;
        }
    }

    /// Waits for the next answer, for ever where none can come. Dropping the future loses none.
    pub(super) async fn answer(&self) -> CodeAnswer {
        match self.port.filter(|_| !self.open.is_empty()) {
            Some(port) => port.answer().await,
            None => std::future::pending().await,
        }
    }

    /// Takes an answer on its way to the code.
    pub(super) fn ended(&mut self, number: u32) {
        self.open.remove(&number);
    }
}

/// An answer as the sandbox reads it.
pub(super) fn answer_to(answer: &CodeAnswer) -> Answer<'_> {
    let outcome = match &answer.outcome {
        Ok(output) => Outcome::Output(Cow::Borrowed(&**output)),
        Err(why) => Outcome::Error(Cow::Borrowed(&**why)),
    };
    Answer {
        number: answer.number,
        is_made: answer.is_made,
        outcome,
    }
}

fn unknown(name: &str, tools: &[Arc<str>]) -> String {
    let mut listed: Vec<&str> = tools.iter().map(|tool| &**tool).collect();
    listed.sort_unstable();
    let more = listed.len().saturating_sub(LISTED);
    listed.truncate(LISTED);
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    let name = crate::tools::quote(name, 100);
    format!(
        "there is no tool {name}; the code can call {}{more}",
        listed.join(", ")
    )
}
