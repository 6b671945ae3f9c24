//! `plandeck fork`: another run from a recorded one, with something changed.

use super::args::ForkArgs;
use super::context::{from_file, from_text};
use super::failure::Failure;
use super::record::Earlier;
use super::run::run_from;
use super::show::no_such_step;
use crate::engine::{Edit, Recorded};
use crate::plan::{ExecutionPlan, Step, StepIx};
use crate::run::RunState;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// What a fork changes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Steps that run again, with everything that depends on them.
    pub from: Vec<String>,
    inputs: Vec<(String, Value)>,
    outputs: Vec<(String, Value)>,
}

/// Forks a run and gives the exit code.
pub async fn fork(args: ForkArgs) -> Result<u8, Failure> {
    if args.options.record.resume.is_some() {
        return Err(Failure::usage(
            "a run is forked or gone on with: give RUN to fork, or --resume RUN to run",
        ));
    }
    let changes = Changes {
        from: args.from,
        inputs: args
            .input
            .iter()
            .map(|text| input(text))
            .collect::<Result<_, _>>()?,
        outputs: args
            .output
            .iter()
            .map(|text| output(text))
            .collect::<Result<_, _>>()?,
    };
    let earlier = Earlier::fork(&args.run, changes)?;
    run_from(args.options, Some(earlier)).await
}

/// A fork that a person asked for in the dashboard.
pub struct Fork {
    run: Arc<str>,
    step: Arc<str>,
}

impl Fork {
    /// The fork of a shown run from one of its rows.
    pub fn of(run: &RunState, step: StepIx) -> Option<Self> {
        Some(Self {
            run: Arc::clone(&run.header.as_ref()?.run_id),
            step: Arc::clone(&run.steps.get(step.at())?.info.id),
        })
    }

    /// What the new run takes over.
    pub fn earlier(&self) -> Result<Earlier, Failure> {
        let changes = Changes {
            from: vec![self.step.to_string()],
            ..Changes::default()
        };
        Earlier::fork(&self.run, changes)
    }
}

fn pair<'a>(option: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    let pair = text.split_once('=').filter(|(step, _)| !step.is_empty());
    pair.ok_or_else(|| {
        Failure::usage(format!(
            "{option} {text}: give it as STEP=JSON or STEP=@FILE"
        ))
    })
}

fn input(text: &str) -> Result<(String, Value), Failure> {
    let (step, value) = pair("--input", text)?;
    let value = match value.strip_prefix('@') {
        Some(file) => from_file(Path::new(file))?,
        None => serde_json::from_str(value)
            .map_err(|error| Failure::usage(format!("--input {step}: no JSON: {error}")))?,
    };
    Ok((step.to_owned(), value))
}

fn output(text: &str) -> Result<(String, Value), Failure> {
    let (step, value) = pair("--output", text)?;
    let value = match value.strip_prefix('@') {
        Some(file) => from_file(Path::new(file))?,
        None => from_text(value),
    };
    Ok((step.to_owned(), value))
}

impl Changes {
    /// Makes the changes to what a fork takes over.
    pub fn apply(self, recorded: &mut Recorded, plan: &ExecutionPlan) -> Result<(), Failure> {
        for id in &self.from {
            let (_, id) = find(plan, id)?;
            recorded.run_again(&id);
        }
        for (id, value) in self.inputs {
            let (step, id) = find(plan, &id)?;
            if step.id == id && step.for_each.is_some() {
                return Err(Failure::usage(format!(
                    "--input {id}: it runs once for each element of a list; give an element, as {id}[0]"
                )));
            }
            recorded.edits.retain(|edit| *edit.step() != id);
            recorded.edits.push(Edit::Input(id, Arc::new(value)));
        }
        for (id, value) in self.outputs {
            let (_, id) = find(plan, &id)?;
            recorded.edits.push(Edit::Output(id, Arc::new(value)));
        }
        Ok(())
    }
}

/// The step of this id, or the one whose element it names, and the id itself.
fn find<'a>(plan: &'a ExecutionPlan, name: &str) -> Result<(&'a Step, Arc<str>), Failure> {
    if let Some(step) = plan.steps.iter().find(|step| &*step.id == name) {
        return Ok((step, Arc::clone(&step.id)));
    }
    let element_of = |step: &&Step| {
        let index = name
            .strip_prefix(&*step.id)
            .and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']'));
        step.for_each.is_some() && index.is_some_and(|index| index.parse::<u32>().is_ok())
    };
    let unknown = || {
        let ids = plan.steps.iter().map(|step| &*step.id);
        Failure::usage(no_such_step(name, ids))
    };
    let step = plan.steps.iter().find(element_of).ok_or_else(unknown)?;
    Ok((step, name.into()))
}
