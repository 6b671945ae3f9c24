//! The verbs that edit a run's plan and the definitions of its tools: a recorded run is forked with what comes of it, and a
//! live one hands over to a run that goes on with it.

use super::args::run::RunArgs;
use super::args::structure::{DependArgs, InsertArgs, RemoveArgs};
use super::args::verbs::{EditArgs, GoOnArgs, OfRun};
use super::failure::{Failure, NOTHING_RAN};
use super::live_run::{Found, find};
use super::output::{note_line, out_json, out_line};
use super::previewed::out_preview;
use super::run::run_from;
use crate::control::{ClientError, PlanRequest};
use crate::plan::Document;
use crate::session::{Changes, PlanEdit, PriorRun, values_from_file};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// `plandeck insert`.
pub(super) async fn insert(args: InsertArgs) -> Result<u8, Failure> {
    let edit = PlanEdit::Insert {
        step: object(&args.step, STEP)?,
        before: args.before.map(Into::into),
        after: args.after.map(Into::into),
    };
    carry_out(args.of, edit, args.go_on).await
}

/// `plandeck remove`.
pub(super) async fn remove(args: RemoveArgs) -> Result<u8, Failure> {
    carry_out(args.of, PlanEdit::Remove(args.step.into()), args.go_on).await
}

/// `plandeck depend`.
pub(super) async fn depend(args: DependArgs) -> Result<u8, Failure> {
    let ids = |ids: Vec<String>| -> Vec<Arc<str>> { ids.into_iter().map(Into::into).collect() };
    let edit = PlanEdit::Depend {
        step: args.step.into(),
        on: ids(args.on),
        not_on: ids(args.not_on),
    };
    carry_out(args.of, edit, args.go_on).await
}

/// `plandeck edit --tool-definition`.
pub(super) async fn define_tool(args: EditArgs) -> Result<u8, Failure> {
    let given = args.tool_definition.unwrap_or_default();
    let edit = PlanEdit::DefineTool {
        step: args.step.into(),
        patch: object(&given, DEFINITION)?,
    };
    carry_out(args.of, edit, args.go_on).await
}

/// Prints what a live run answers.
fn answer(of: &OfRun, name: &str, answered: Result<Value, ClientError>) -> Result<u8, Failure> {
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) if of.json => {
            out_json(&error.body())?;
            return Ok(NOTHING_RAN);
        }
        Err(error) => return Err(Failure::usage(error.to_string())),
    };
    if of.dry_run {
        out_preview(&answer, of.json)?;
    } else if of.json {
        out_json(&answer)?;
    } else {
        out_line(&handed_over(name, &answer))?;
    }
    Ok(0)
}

/// What comes of an edit of the plan that the live run `name` has accepted with this answer.
pub(super) fn handed_over(name: &str, answer: &Value) -> String {
    let held = answer["held"].as_array().into_iter().flatten();
    let held: Vec<&str> = held.filter_map(Value::as_str).collect();
    let next = answer["run_id"].as_str().unwrap_or_default();
    let holds = if held.is_empty() {
        String::new()
    } else {
        format!("; until then it does not start {}", held.join(", "))
    };
    format!(
        "run {next} goes on with the edited plan once run {name} stands still{holds}\n\
         take it back with: plandeck undo {name}"
    )
}

/// What `--step` takes.
const STEP: &str = "--step: a step is an object, such as {\"id\": \"check\", \"tool\": \"TOOL\", \"parameters\": {}}";

/// What `--tool-definition` takes.
const DEFINITION: &str = "--tool-definition: the change of a tool is an object of its fields, such as {\"timeout_s\": 60}";

/// An object of a command line, JSON or YAML; `wanted` says what it should be.
fn object(given: &str, wanted: &str) -> Result<Map<String, Value>, Failure> {
    let read = if let Some(file) = given.strip_prefix('@') {
        values_from_file(Path::new(file))?
    } else {
        let document = Document::read(given).ok();
        let value = document.and_then(|document| document.get(&[]));
        value.and_then(|value| match value {
            Value::Object(members) => Some(members),
            _ => None,
        })
    };
    read.ok_or_else(|| Failure::usage(wanted))
}

/// Forks the run with the plan as edited, or shows what that would do.
async fn carry_out(of: OfRun, edit: PlanEdit, go_on: GoOnArgs) -> Result<u8, Failure> {
    let run = match find(&of.run, of.token.as_deref())? {
        Found::Stored(run) => run.run_id,
        Found::Live { client, name, .. } => {
            let answered = client.edit_plan(&PlanRequest::of(&edit, of.dry_run)).await;
            return answer(&of, &name, answered);
        }
    };
    let prior = PriorRun::fork(&run, Changes::default())?;
    let edited = edit.of_run(&prior, go_on.source.options())?;
    if !of.dry_run {
        note_line(&format!(
            "run {run} stays as it is: whatever you do with it goes on without this edit"
        ));
    }
    let args = RunArgs {
        plan: Some(edited.file.clone()),
        edited: Some(edited),
        preview_of: Some((edit.verb().into(), Some(edit.step()))),
        dry_run: of.dry_run,
        json: of.json,
        ..go_on.into_run()
    };
    run_from(args, Some(prior)).await
}
