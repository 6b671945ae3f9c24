//! Tools that Python in the embedded interpreter calls as async functions.

use super::printer::Printer;
use super::protocol::Functions;
use super::python_values::{from_json, to_json};
use crate::tools::code_names::CALL_TOOL;
use monty::{FunctionCall, MontyRun, RunProgress};
use monty_types::{
    ExcType, ExtFunctionResult, MontyException, MontyObject, NameLookupResult, PrintWriter,
    ResourceTracker,
};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Who makes the calls.
pub(super) trait Host {
    /// Has a call made: of a function, or (`is_tool`) of a tool by its name.
    fn call(&mut self, number: u32, name: String, is_tool: bool, input: Value);
    /// Waits until one of the calls has ended: which, and its output or why there is none. `None` where nothing more comes.
    fn wait(&mut self) -> Option<(u32, Result<Value, String>)>;
}

/// The tools of a piece of code.
pub(super) struct Tools<'a> {
    pub functions: &'a Functions,
    pub host: &'a mut dyn Host,
}

impl Tools<'_> {
    /// What the functions are called.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let any = self.functions.any.then(|| CALL_TOOL.to_owned());
        self.functions.names.iter().cloned().chain(any)
    }
}

/// Runs the code to its end.
///
/// # Errors
/// What it raises.
pub(super) fn run(
    runner: MontyRun,
    values: Vec<MontyObject>,
    tracker: ResourceTracker,
    printer: &mut Printer<'_>,
    tools: Tools<'_>,
) -> Result<MontyObject, MontyException> {
    let host = tools.host;
    let mut open: HashSet<u32> = HashSet::new();
    let mut answers: HashMap<u32, ExtFunctionResult> = HashMap::new();
    let mut progress = runner.start(values, tracker, PrintWriter::Callback(printer))?;
    loop {
        progress = match progress {
            RunProgress::Complete(output) => return Ok(output),
            RunProgress::FunctionCall(call) => match parameters(&call) {
                Ok((name, is_tool, input)) => {
                    open.insert(call.call_id);
                    host.call(call.call_id, name, is_tool, input);
                    call.resume_pending(PrintWriter::Callback(printer))?
                }
                Err(error) => call.resume(
                    ExtFunctionResult::Error(error),
                    PrintWriter::Callback(printer),
                )?,
            },
            RunProgress::ResolveFutures(waiting) => {
                let pending = waiting.pending_call_ids().to_vec();
                while !pending.iter().any(|number| answers.contains_key(number)) {
                    let answer = if open.is_empty() { None } else { host.wait() };
                    let Some((number, outcome)) = answer else {
                        let error = exception("the code waits for something that never comes");
                        return Err(error);
                    };
                    open.remove(&number);
                    let result = match outcome {
                        Ok(output) => ExtFunctionResult::Return(from_json(&output)),
                        Err(why) => ExtFunctionResult::Error(exception(&why)),
                    };
                    answers.insert(number, result);
                }
                let known = pending.iter();
                let known = known
                    .filter_map(|number| Some((*number, answers.remove(number)?)))
                    .collect();
                waiting.resume(known, PrintWriter::Callback(printer))?
            }
            RunProgress::NameLookup(name) => {
                name.resume(NameLookupResult::Undefined, PrintWriter::Callback(printer))?
            }
            RunProgress::OsCall(call) => {
                let error = MontyException::new(
                    ExcType::NotImplementedError,
                    Some("files and the system are not supported".to_owned()),
                );
                call.resume(
                    ExtFunctionResult::Error(error),
                    PrintWriter::Callback(printer),
                )?
            }
        };
    }
}

fn exception(why: &str) -> MontyException {
    MontyException::new(ExcType::RuntimeError, Some(why.to_owned()))
}

/// What a call calls, whether that is a tool by its name, and with which parameters: by name, or one object.
fn parameters(call: &FunctionCall) -> Result<(String, bool, Value), MontyException> {
    let refused = |why: String| MontyException::new(ExcType::TypeError, Some(why));
    let function = &call.function_name;
    let mut positional = call.args.iter();
    let is_tool = function == CALL_TOOL;
    let name = if is_tool {
        let Some(MontyObject::String(name)) = positional.next() else {
            let why = format!("{CALL_TOOL} needs the name of a tool first, as text");
            return Err(refused(why));
        };
        name.clone()
    } else {
        function.clone()
    };
    let to_value = |value: &MontyObject| {
        to_json(value.clone(), &mut 0, 0)
            .map_err(|why| refused(why.replace("`output`", &format!("a parameter of {name}"))))
    };
    let mut input = match positional.next().map(to_value).transpose()? {
        None => Map::new(),
        Some(Value::Object(input)) => input,
        Some(_) => {
            let why = format!("{name} takes its parameters by name, or as one dict");
            return Err(refused(why));
        }
    };
    if positional.next().is_some() {
        return Err(refused(format!("{name} takes its parameters by name")));
    }
    for (key, value) in &call.kwargs {
        if let MontyObject::String(key) = key {
            input.insert(key.clone(), to_value(value)?);
        }
    }
    Ok((name, is_tool, Value::Object(input)))
}
