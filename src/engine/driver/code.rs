//! Calls of tools that the code of a running call makes.

use super::Driver;
use crate::engine::calls::CodeMessage;
use crate::engine::prepare::MAX_ELEMENTS;
use crate::engine::prices::price_of_call;
use crate::engine::step_instance::StepInstance;
use crate::engine::step_tools::retry_policy;
use crate::engine::{CodeCall, Input};
use crate::plan::{Step, StepInput, StepIx, Template};
use crate::tools::{CodeAnswer, CodePort, CodeRequest, Tool, WarmJail};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// How deep calls of code nest: code that calls a tool whose code calls a tool, and so on.
const MAX_DEPTH: usize = 4;

/// The names of the calls that the running attempts of rows have made.
pub(super) struct CodeRows {
    /// The tools that code can call.
    tools: Arc<[Arc<str>]>,
    used: HashMap<StepIx, Used>,
}

#[derive(Default)]
struct Used {
    ids: HashSet<Arc<str>>,
    /// By tool: the number that may be free first.
    next: HashMap<Arc<str>, u32>,
    /// How many answers the code was told.
    told: u32,
    /// Whether calls that an earlier attempt made keep their outputs.
    keeps: Option<bool>,
}

impl CodeRows {
    /// No calls; code can call these tools.
    pub(super) fn new(tools: Arc<[Arc<str>]>) -> Self {
        Self {
            tools,
            used: HashMap::new(),
        }
    }

    /// An attempt of a row begins.
    pub(super) fn begin(&mut self, row: StepIx) {
        if !self.used.is_empty() {
            self.used.remove(&row);
        }
    }
}

impl Driver {
    /// Has a jail ready where a step runs code, as long as the run goes on.
    pub(super) fn warm_jail(&self) -> Option<WarmJail> {
        let limits = &self.settings.limits;
        let steps = self.plan.steps.iter().enumerate();
        let mut of_code = steps.filter_map(|(at, step)| {
            let tool = self.tools.get(at).filter(|tool| tool.kind().calls_tools)?;
            let parameters = step.parameters.source();
            tool.warm(&parameters, limits.max_memory_mb, limits.max_cpu_percent)
        });
        of_code.next()
    }

    /// Where the code of a call that `tool` carries out has other tools called, if it can have any.
    pub(super) fn code_port(
        &self,
        row: StepIx,
        attempt: u32,
        tool: &dyn Tool,
    ) -> (CodePort, Option<UnboundedSender<CodeAnswer>>) {
        if !tool.kind().calls_tools {
            return (CodePort::default(), None);
        }
        let tools = Arc::clone(&self.code.tools);
        let (port, answers) = self.calls.code_port(row, attempt, tools);
        (port, Some(answers))
    }

    /// The code of a running call asks for something.
    pub(super) fn code_asks(&mut self, message: CodeMessage) {
        let CodeMessage {
            row,
            attempt,
            request,
        } = message;
        let state = self.emitter.state().steps.get(row.at());
        let running = state.and_then(|state| state.running_attempt());
        if running.is_none_or(|running| running.number != attempt) {
            // The attempt has ended since.
            return;
        }
        match request {
            CodeRequest::Waits { answered, told } => {
                let used = self.code.used.get(&row);
                if used.is_none_or(|used| used.told != told) {
                    // It is about to be told something.
                    return;
                }
                self.input(Input::Waits {
                    step: row,
                    answered,
                });
            }
            CodeRequest::Call {
                number,
                tool,
                input,
            } => {
                if let Err(why) = self.call_of_code(row, number, &tool, input) {
                    let answer = CodeAnswer {
                        number,
                        outcome: Err(why.into()),
                        is_made: false,
                    };
                    self.code.used.entry(row).or_default().told += 1;
                    self.calls.tell(row, answer);
                }
            }
        }
    }

    fn call_of_code(
        &mut self,
        caller: StepIx,
        number: u32,
        name: &Arc<str>,
        input: Arc<Value>,
    ) -> Result<(), String> {
        if self.scheduler.depth(caller) >= MAX_DEPTH {
            return Err(format!(
                "{name} is not called: calls of code nest at most {MAX_DEPTH} deep"
            ));
        }
        if self.scheduler.elements() >= MAX_ELEMENTS {
            return Err(format!(
                "{name} is not called: a run may have {MAX_ELEMENTS} elements and calls of code"
            ));
        }
        let Some(tool) = self.tools.call(name, &*self.toolbox).cloned() else {
            return Err(format!("no tool is called {name:?}"));
        };
        let input = StepInput::from(input);
        let prefix = format!("{}/{name}", self.scheduler.key(caller).id);
        let keeps = self.keeps_calls(caller);
        let used = self.code.used.entry(caller).or_default();
        let from = used.next.get(name).copied().unwrap_or_default();
        let scheduler = &self.scheduler;
        let is_free = |id: &Arc<str>| !used.ids.contains(id) && scheduler.may_call(caller, id);
        let rows = &self.emitter.state().steps;
        let before = |id: &str| {
            let row = scheduler.row_of_call(caller, id).filter(|_| keeps)?;
            let row = rows.get(row.at())?;
            row.input().cloned()
        };
        let (id, place) = self
            .reuse
            .name_of_call(&prefix, &input, from, before, is_free);
        used.ids.insert(Arc::clone(&id));
        if place == from {
            used.next.insert(Arc::clone(name), from + 1);
        }
        self.reuse.calls_tools(caller);
        let parameters = Template::Literal(Arc::clone(&input.to_value()));
        let step = Step::new(Arc::clone(&id), Arc::clone(name), parameters);
        let retry = retry_policy(&step, Some(&tool));
        let call = CodeCall {
            number,
            id,
            price: price_of_call(&*tool, &input, retry).map(Box::new),
            retry,
            step: Arc::new(step),
            kind: tool.kind().name.into(),
            input,
        };
        self.input(Input::Called(caller, Box::new(call)));
        Ok(())
    }

    /// Whether calls that an earlier attempt of a row made keep their outputs in the present one.
    fn keeps_calls(&mut self, caller: StepIx) -> bool {
        let known = self.code.used.get(&caller).and_then(|used| used.keeps);
        known.unwrap_or_else(|| {
            let instance = StepInstance {
                row: caller,
                plan: &self.plan,
                scheduler: &self.scheduler,
                tools: &self.tools,
                edited: &self.edited,
                context: &self.context,
            };
            let keeps = self.reuse.keeps_calls(&instance, self.emitter.state());
            self.code.used.entry(caller).or_default().keeps = Some(keeps);
            keeps
        })
    }

    /// Tells the code of a running call what became of a call that it made. What it does with that comes after the
    /// record of it.
    pub(super) fn answer_code(
        &mut self,
        caller: StepIx,
        number: u32,
        outcome: Result<Arc<Value>, Arc<str>>,
    ) {
        self.emitter.flush();
        let answer = CodeAnswer {
            number,
            outcome,
            is_made: true,
        };
        self.code.used.entry(caller).or_default().told += 1;
        self.calls.tell(caller, answer);
    }
}
