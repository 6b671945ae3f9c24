//! What the tools do.

use super::answer::Answer;
use super::arguments::Arguments;
use super::program as commands;
use crate::control::client::{Client, ClientError};
use crate::control::error::ControlError;
use crate::control::plan_request::PlanRequest;
use crate::control::verb::CommandRequest;
use crate::report::result_of;
use crate::run::{RunEvent, RunState, RunSummary, RunWord};
use crate::store::Store;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the answer to a new run waits for its end.
const END_WITHIN: Duration = Duration::from_secs(1);
/// How long a list of events waits for the next.
const NEWS_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The most events of one answer.
const MOST_EVENTS: usize = 500;

pub(super) async fn check_plan(arguments: Arguments) -> Answer {
    let mut command = vec!["check".to_owned()];
    command.extend(arguments.plan()?);
    command.push("--json".to_owned());
    commands::run(&arguments.program, &command).await
}

pub(super) async fn run_plan(arguments: Arguments) -> Answer {
    let mut command = vec!["run".to_owned()];
    command.extend(arguments.plan()?);
    command.extend(["--detach", "--json"].map(str::to_owned));
    let started = commands::run(&arguments.program, &command).await?;
    let Some(run_id) = started["run_id"].as_str() else {
        return Ok(started);
    };
    let ended = async {
        while find(run_id).is_ok_and(|(_, run)| run.status == RunWord::Running) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let _ = tokio::time::timeout(END_WITHIN, ended).await;
    status_of(run_id).await
}

pub(super) async fn run_status(arguments: Arguments) -> Answer {
    status_of(arguments.run()?).await
}

pub(super) async fn list_events(arguments: Arguments) -> Answer {
    let name = arguments.run()?;
    let from = match arguments.given.get("from") {
        None | Some(Value::Null) => 0,
        Some(from) => from.as_u64().ok_or_else(|| {
            ControlError::BadRequest("from: must be the number of an event".to_owned())
        })?,
    };
    let (store, run) = find(name)?;
    let live = match Client::of_run(store.home(), &run.run_id) {
        None => None,
        Some(client) => unless_gone(live_events(&client, from).await)?,
    };
    let (events, is_over) = if let Some(live) = live {
        live
    } else {
        let events = store.events(&run, from);
        (events.map_err(|error| unreadable(&error))?, true)
    };
    let next = |events: &[RunEvent]| events.last().map_or(from, |event| event.seq + 1);
    let is_whole = events.len() <= MOST_EVENTS;
    let shown = &events[..events.len().min(MOST_EVENTS)];
    Ok(json!({
        "run_id": run.run_id,
        "events": shown,
        "next": next(shown),
        "over": is_over && is_whole,
    }))
}

/// The events of a live run that are there now, or the next. Whether there will be no more.
async fn live_events(client: &Client, from: u64) -> Result<(Vec<RunEvent>, bool), ClientError> {
    let run = client.run().await?;
    let there = run["events"].as_u64().unwrap_or_default();
    let mut stream = client.events(from).await?;
    let mut events = Vec::new();
    loop {
        let read = tokio::time::timeout(NEWS_WITHIN, stream.next()).await;
        match read {
            Err(_) => return Ok((events, false)),
            Ok(more) => match more? {
                None => return Ok((events, true)),
                Some(more) => events.extend(more),
            },
        }
        let reached = events.last().is_some_and(|event| event.seq + 1 >= there);
        if reached || events.len() > MOST_EVENTS {
            return Ok((events, false));
        }
    }
}

pub(super) async fn inspect_step(arguments: Arguments) -> Answer {
    let (name, id) = (arguments.run()?, arguments.needed("step")?);
    let (store, run) = find(name)?;
    let live = match Client::of_run(store.home(), &run.run_id) {
        None => None,
        Some(client) => unless_gone(all_events(&client).await)?,
    };
    let events = match live {
        Some(events) => events,
        None => store.events(&run, 0).map_err(|error| unreadable(&error))?,
    };
    let state = RunState::from_events(&events);
    let row = crate::control::verb::find_step(&state, id)?;
    let result = result_of(&state, run.status.word());
    let steps = result["steps"].as_array().into_iter().flatten();
    let step = steps.into_iter().find(|step| step["id"] == id).cloned();
    let of_step: Vec<&RunEvent> = events
        .iter()
        .filter(|event| event.kind.step().is_some_and(|step| step.ix == row))
        .collect();
    let header = state.header.as_ref();
    let definition = header.and_then(|header| header.steps.get(row.at()));
    let latest = &of_step[of_step.len().saturating_sub(MOST_EVENTS)..];
    Ok(json!({
        "run_id": run.run_id,
        "step": step,
        "definition": definition,
        "events": latest,
    }))
}

/// What a live run answered; `None` where its process ended meanwhile, and the record has everything.
fn unless_gone<T>(answered: Result<T, ClientError>) -> Result<Option<T>, ControlError> {
    match answered {
        Ok(answer) => Ok(Some(answer)),
        Err(ClientError::Unreachable(_)) => Ok(None),
        Err(error) => Err(of_client(error)),
    }
}

/// Every event that a live run has now.
async fn all_events(client: &Client) -> Result<Vec<RunEvent>, ClientError> {
    let run = client.run().await?;
    let there = run["events"].as_u64().unwrap_or_default();
    let mut stream = client.events(0).await?;
    let mut events: Vec<RunEvent> = Vec::new();
    while events.last().is_none_or(|last| last.seq + 1 < there) {
        match stream.next().await? {
            Some(more) => events.extend(more),
            None => break,
        }
    }
    Ok(events)
}

pub(super) async fn preview(arguments: Arguments) -> Answer {
    let request = CommandRequest {
        verb: arguments.needed("verb")?.to_owned(),
        step: arguments.text("step")?.map(str::to_owned),
        input: arguments.given.get("input").cloned(),
        prompt: arguments.text("prompt")?.map(|prompt| Some(prompt.into())),
        model: arguments.text("model")?.map(|model| Some(model.into())),
        temperature: arguments.option("temperature")?,
        max_tokens: arguments.option("max_tokens")?,
        output: arguments.given.get("output").cloned(),
        ..CommandRequest::default()
    };
    let (store, run) = find(arguments.run()?)?;
    if let Some(client) = Client::of_run(store.home(), &run.run_id) {
        return client.preview(&request).await.map_err(of_client);
    }
    let options = options_in_words(&request);
    let mut words = of_step(request.verb, &run.run_id, request.step);
    let json = |value: Option<Value>| value.map(|value| value.to_string());
    let text = |value: Option<Option<Arc<str>>>| value.flatten().map(|text| text.to_string());
    for (option, value) in [
        ("--input", json(request.input)),
        ("--prompt", text(request.prompt)),
        ("--model", text(request.model)),
        ("--output", json(request.output)),
    ] {
        let given = value.map(|value| [option.to_owned(), value]);
        words.extend(given.into_iter().flatten());
    }
    words.extend(options);
    words.extend(["--dry-run", "--json"].map(str::to_owned));
    commands::run(&arguments.program, &words).await
}

/// Does a verb that takes a run and a step.
pub(super) async fn verb(name: &'static str, arguments: Arguments) -> Answer {
    let request = CommandRequest {
        verb: name.to_owned(),
        step: arguments.text("step")?.map(str::to_owned),
        ..CommandRequest::default()
    };
    of_run(&arguments, request, &[]).await
}

pub(super) async fn edit_step(arguments: Arguments) -> Answer {
    let mut request = CommandRequest {
        verb: "edit".to_owned(),
        step: arguments.text("step")?.map(str::to_owned),
        ..CommandRequest::default()
    };
    let mut options = Vec::new();
    if let Some(output) = arguments.given.get("output") {
        "set".clone_into(&mut request.verb);
        options.extend(["--output".to_owned(), output.to_string()]);
        request.output = Some(output.clone());
    }
    if let Some(input) = arguments.given.get("input") {
        options.extend(["--input".to_owned(), input.to_string()]);
        request.input = Some(input.clone());
    }
    if let Some(prompt) = arguments.text("prompt")? {
        options.extend(["--prompt".to_owned(), prompt.to_owned()]);
        request.prompt = Some(Some(prompt.into()));
    }
    if let Some(model) = arguments.text("model")? {
        options.extend(["--model".to_owned(), model.to_owned()]);
        request.model = Some(Some(model.into()));
    }
    request.temperature = arguments.option("temperature")?;
    request.max_tokens = arguments.option("max_tokens")?;
    options.extend(options_in_words(&request));
    of_run(&arguments, request, &options).await
}

/// Edits the structure of the plan of a run.
pub(super) async fn edit_plan(verb: &'static str, arguments: Arguments) -> Answer {
    let mut given = arguments.given.clone();
    given.remove("run_id");
    given.insert("verb".to_owned(), json!(verb));
    let request: PlanRequest = serde_json::from_value(Value::Object(given))
        .map_err(|error| ControlError::BadRequest(error.to_string()))?;
    // What is wrong with it is said before anything is started for it.
    request.clone().edit()?;
    let (store, run) = find(arguments.run()?)?;
    if let Some(client) = Client::of_run(store.home(), &run.run_id) {
        return client.edit_plan(&request).await.map_err(of_client);
    }
    let words = request.command_line(&run.run_id);
    commands::run(&arguments.program, &words).await
}

/// The temperature and the maximum of tokens of a request, as options of the command line.
fn options_in_words(request: &CommandRequest) -> Vec<String> {
    let word = |value: Option<String>| value.unwrap_or_else(|| "default".to_owned());
    let temperature = request.temperature;
    let temperature = temperature.map(|it| word(it.map(|it| it.to_string())));
    let max_tokens = request.max_tokens;
    let max_tokens = max_tokens.map(|it| word(it.map(|it| it.to_string())));
    let options = [("--temperature", temperature), ("--max-tokens", max_tokens)];
    let given = options.into_iter();
    given
        .filter_map(|(name, value)| Some([name.to_owned(), value?]))
        .flatten()
        .collect()
}

pub(super) async fn set_breakpoint(arguments: Arguments) -> Answer {
    let request = CommandRequest {
        verb: "break".to_owned(),
        step: arguments.text("step")?.map(str::to_owned),
        off: is_true(&arguments, "off"),
        ..CommandRequest::default()
    };
    let options: &[String] = if request.off {
        &["--off".to_owned()]
    } else {
        &[]
    };
    of_run(&arguments, request, options).await
}

pub(super) async fn undo_edit(arguments: Arguments) -> Answer {
    let verb = if is_true(&arguments, "redo") {
        "redo"
    } else {
        "undo"
    };
    self::verb(verb, arguments).await
}

fn is_true(arguments: &Arguments, name: &str) -> bool {
    arguments.given.get(name) == Some(&Value::Bool(true))
}

pub(super) async fn approve_step(arguments: Arguments) -> Answer {
    let refuses = arguments.given.get("input") == Some(&Value::Bool(false));
    let request = CommandRequest {
        verb: "approve".to_owned(),
        step: arguments.text("step")?.map(str::to_owned),
        off: refuses,
        ..CommandRequest::default()
    };
    let options: &[String] = if refuses { &["--no".to_owned()] } else { &[] };
    of_run(&arguments, request, options).await
}

pub(super) async fn answer_step(arguments: Arguments) -> Answer {
    let request = CommandRequest {
        verb: "answer".to_owned(),
        step: arguments.text("step")?.map(str::to_owned),
        answer: arguments.given.get("input").cloned(),
        ..CommandRequest::default()
    };
    of_run(&arguments, request, &[]).await
}

async fn of_run(arguments: &Arguments, request: CommandRequest, options: &[String]) -> Answer {
    command(&arguments.program, arguments.run()?, request, options).await
}

/// The command line of a verb. The step to which a run goes on is an option.
fn of_step(verb: String, run: &str, step: Option<String>) -> Vec<String> {
    let goes_there = verb == "resume" && step.is_some();
    let mut words = vec![verb, run.to_owned()];
    words.extend(goes_there.then(|| "--to".to_owned()));
    words.extend(step);
    words
}

/// Sends a command to a live run, or has a recorded one go on with it, until it ends or at least is live.
pub(super) async fn command(
    program: &Path,
    run: &str,
    request: CommandRequest,
    options: &[String],
) -> Answer {
    let (store, run) = find(run)?;
    if let Some(client) = Client::of_run(store.home(), &run.run_id) {
        let mut answer = client.command(&request).await.map_err(of_client)?;
        answer["run_id"] = json!(run.run_id);
        return Ok(answer);
    }
    let mut words = of_step(request.verb, &run.run_id, request.step);
    words.extend(options.iter().cloned());
    words.push("--json".to_owned());
    let child = commands::start(program, &words)?;
    let ends = tokio::spawn(commands::answer(child));
    let home = store.home().to_path_buf();
    let run_id = run.run_id;
    let is_long = async {
        tokio::time::sleep(END_WITHIN).await;
        while Client::of_run(&home, &run_id).is_none() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        ended = ends => ended.map_err(|error| ControlError::Unreadable(error.to_string()))?,
        () = is_long => status_of(&run_id).await,
    }
}

pub(super) async fn diff_runs(arguments: Arguments) -> Answer {
    let runs = [arguments.needed("from")?, arguments.needed("run_id")?];
    let [a, b] = runs.map(str::to_owned);
    let command = ["diff".to_owned(), a, b, "--json".to_owned()];
    commands::run(&arguments.program, &command).await
}

/// Writes the edits of a run back to its files, or only shows what would be written.
pub(super) async fn save_edits(arguments: Arguments) -> Answer {
    let mut command = vec!["save".to_owned(), arguments.run()?.to_owned()];
    if arguments.given.get("dry_run") == Some(&Value::Bool(true)) {
        command.push("--dry-run".to_owned());
    }
    command.push("--json".to_owned());
    commands::run(&arguments.program, &command).await
}

pub(super) async fn explain_step(arguments: Arguments) -> Answer {
    let (run, step) = (arguments.run()?.to_owned(), arguments.needed("step")?);
    let command = [
        "explain".to_owned(),
        run,
        step.to_owned(),
        "--json".to_owned(),
    ];
    commands::run(&arguments.program, &command).await
}

async fn status_of(name: &str) -> Answer {
    let (store, run) = find(name)?;
    if let Some(client) = Client::of_run(store.home(), &run.run_id)
        && let Ok(result) = client.run().await
    {
        return Ok(result);
    }
    // It may have ended meanwhile.
    let (store, run) = find(&run.run_id)?;
    let events = store.events(&run, 0).map_err(|error| unreadable(&error))?;
    Ok(result_of(
        &RunState::from_events(&events),
        run.status.word(),
    ))
}

pub(super) fn find(name: &str) -> Result<(Store, RunSummary), ControlError> {
    let store = Store::open().map_err(|error| ControlError::NotFound(error.to_string()))?;
    let run = store.find(name);
    let run = run.map_err(|error| ControlError::NotFound(error.to_string()))?;
    Ok((store, run))
}

pub(super) fn unreadable(error: &impl std::fmt::Display) -> ControlError {
    ControlError::Unreadable(error.to_string())
}

#[allow(clippy::needless_pass_by_value, reason = "passed to `map_err`")]
fn of_client(error: ClientError) -> ControlError {
    ControlError::NotNow(error.to_string())
}
