//! The resources of the control interface.

use super::access::Token;
use super::error::ControlError;
use super::event_log::EventLog;
use super::live_status::LiveStatus;
use super::plan_request::PlanRequest;
use super::run_so_far::RunSoFar;
use super::stream::events_from;
use super::verb::{CommandRequest, find_step};
use super::verbs;
use crate::report::result_of;
use crate::run::{CommandError, RunCommand, RunPhase, RunState, RunWord};
use crate::session::{
    CommandSender, DefinedTool, LiveEdits, Liveness, Previewer, SessionError, saving,
    until_recorded,
};
use crate::text::escape_json;
use crate::units::Micros;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// The most bytes of a request: outputs may be large.
const LARGEST: usize = 64 << 20;
/// How long an answer to a command waits for what it causes.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);
/// How long a client that is there first waits for the first event of the run.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// What the resources are made of.
#[derive(Debug)]
pub(super) struct Interface {
    log: Arc<EventLog>,
    commands: CommandSender,
    run: Mutex<RunSoFar>,
    previewer: Previewer,
    /// Where edits of the plan go, if whoever runs it takes any.
    edits: Option<LiveEdits>,
    /// One edit of the plan is worked out at a time, on top of those before it.
    editing: Mutex<()>,
    /// The moment that events count from.
    origin: Instant,
}

impl Interface {
    /// The interface of the run behind `log`.
    pub(super) fn new(
        log: Arc<EventLog>,
        commands: CommandSender,
        (previewer, edits): (Previewer, Option<LiveEdits>),
        origin: Instant,
    ) -> Arc<Self> {
        Arc::new(Self {
            run: Mutex::new(RunSoFar::new(&log)),
            log,
            commands,
            previewer,
            edits,
            editing: Mutex::default(),
            origin,
        })
    }

    /// The run, once its first event has come: a client may be there before it.
    async fn begun(&self) -> MutexGuard<'_, RunSoFar> {
        let mut reached = self.log.reached();
        let begun = reached.wait_for(|reached| reached.ended || reached.events > 0);
        let _ = tokio::time::timeout(BEGIN_WITHIN, begun).await;
        self.run.lock().await
    }

    /// Sends what a request asks for to the engine. Returns the number of the last event before it.
    async fn command(&self, request: &CommandRequest) -> Result<u64, ControlError> {
        let mut run = self.begun().await;
        let run = run.now().await?;
        let commands = verbs::commands(request, run)?;
        let seq = run.events.saturating_sub(1);
        self.send(commands, seq).await?;
        Ok(seq)
    }

    /// Sends commands to the engine, and waits for what they cause after the event of this number.
    async fn send(&self, commands: Vec<RunCommand>, seq: u64) -> Result<(), ControlError> {
        let mut reached = self.log.reached();
        for command in commands {
            self.commands.send(command).map_err(|error| match error {
                CommandError::Busy => ControlError::Busy,
                CommandError::RunOver => ControlError::Over,
            })?;
        }
        // A client that looks at once should see what it has done; a command may also cause no event.
        let caused = reached.wait_for(|reached| reached.ended || reached.events > seq + 1);
        let _ = tokio::time::timeout(ANSWER_WITHIN, caused).await;
        Ok(())
    }
}

/// The resources; with a token for those who have it.
pub(super) fn routes(interface: Arc<Interface>, token: Option<Token>) -> Router {
    let routes = Router::new()
        .route("/v1/run", get(run))
        .route("/v1/status", get(status))
        .route("/v1/events", get(events))
        .route("/v1/commands", post(command))
        .route("/v1/preview", post(preview))
        .route("/v1/model-call", get(model_call))
        .route("/v1/tool-definition", get(tool_definition))
        .route("/v1/save", post(save))
        .route("/v1/plan", post(edit_plan))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(interface);
    match token {
        None => routes,
        Some(token) => routes.layer(middleware::from_fn_with_state(token, guarded)),
    }
}

async fn guarded(State(token): State<Token>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    if token.is_in(given.and_then(|value| value.to_str().ok())) {
        next.run(request).await
    } else {
        ControlError::Unauthorized.into_response()
    }
}

async fn run(State(interface): State<Arc<Interface>>) -> Result<Response, ControlError> {
    let mut run = interface.begun().await;
    let mut result = run_as_json(run.now().await?);
    result["now_ms"] = json!(Micros::from(interface.origin.elapsed()).ms());
    Ok(json_response(StatusCode::OK, &result))
}

/// Where the run is, without the events being read.
async fn status(State(interface): State<Arc<Interface>>) -> Json<LiveStatus> {
    let reached = *interface.log.reached().borrow();
    Json(LiveStatus {
        run_id: Arc::clone(interface.log.run_id()),
        events: reached.events,
        ended: reached.ended,
        now_ms: Micros::from(interface.origin.elapsed()).ms(),
    })
}

/// The result so far, with the number of events that it rests on and whether the run is paused.
fn run_as_json(run: &RunState) -> Value {
    let status = match run.phase {
        RunPhase::Ended(outcome) => RunWord::from(outcome),
        _ => RunWord::Running,
    };
    let mut result = result_of(run, status.word());
    result["paused"] = json!(run.phase == RunPhase::Paused);
    result["events"] = json!(run.events);
    if let Some(to) = &run.hand_over {
        result["hand_over"] = json!(to);
    }
    for (name, asked) in [
        ("questions", open_questions(run)),
        ("approvals", open_approvals(run)),
    ] {
        if !asked.is_empty() {
            result[name] = json!(asked);
        }
    }
    result
}

/// What running calls ask the user.
fn open_questions(run: &RunState) -> Vec<Value> {
    let rows = run.steps.iter();
    let asked = rows.filter_map(|row| {
        let mut question = json!(row.open_question()?);
        let attempt = row.running_attempt()?;
        question["step"] = json!(row.info.id);
        question["attempt"] = json!(attempt.number);
        question["number"] = json!(attempt.questions.len());
        Some(question)
    });
    asked.collect()
}

/// The calls that wait for an approval, with what each would be made with.
fn open_approvals(run: &RunState) -> Vec<Value> {
    let rows = run.steps.iter();
    let asked = rows.filter_map(|row| {
        let asked = row.asked_approval()?;
        Some(json!({"step": row.info.id, "call": asked.call, "input": asked.input}))
    });
    asked.collect()
}

#[derive(Deserialize)]
struct From {
    from: Option<String>,
}

async fn events(
    State(interface): State<Arc<Interface>>,
    Query(query): Query<From>,
    headers: HeaderMap,
) -> Result<Response, ControlError> {
    // What a client of server-sent events sends when it connects again.
    let last = headers.get("last-event-id");
    let last = last.and_then(|last| last.to_str().ok()?.parse::<u64>().ok());
    let from = match (query.from, last) {
        (Some(from), _) => from.parse().map_err(|_| {
            ControlError::BadRequest(format!("from={from}: must be the number of an event"))
        })?,
        (None, Some(last)) => last.saturating_add(1),
        (None, None) => 0,
    };
    let kind = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((kind, events_from(&interface.log, from)).into_response())
}

async fn command(
    State(interface): State<Arc<Interface>>,
    body: Bytes,
) -> Result<Response, ControlError> {
    let request: CommandRequest = serde_json::from_slice(&body)
        .map_err(|error| ControlError::BadRequest(format!("the request: {error}")))?;
    let seq = interface.command(&request).await?;
    Ok(json_response(
        StatusCode::ACCEPTED,
        &json!({"accepted": true, "seq": seq}),
    ))
}

async fn preview(
    State(interface): State<Arc<Interface>>,
    body: Bytes,
) -> Result<Response, ControlError> {
    let request: CommandRequest = serde_json::from_slice(&body)
        .map_err(|error| ControlError::BadRequest(format!("the request: {error}")))?;
    let mut run = interface.begun().await;
    let run = run.now().await?;
    let preview = verbs::preview(&request, run, &interface.previewer, Liveness::Live)?;
    Ok(json_response(StatusCode::OK, &json!(preview)))
}

/// Of which step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfStep {
    step: String,
}

async fn model_call(
    State(interface): State<Arc<Interface>>,
    Query(of): Query<OfStep>,
) -> Result<Response, ControlError> {
    let mut run = interface.begun().await;
    let run = run.now().await?;
    let step = find_step(run, &of.step)?;
    let call = interface.previewer.model_call(run, step);
    let call = call.ok_or_else(|| {
        ControlError::NotNow(format!("step {} asks no model by its plan", of.step))
    })?;
    Ok(json_response(StatusCode::OK, &json!(call)))
}

async fn tool_definition(
    State(interface): State<Arc<Interface>>,
    Query(of): Query<OfStep>,
) -> Result<Response, ControlError> {
    let edits = interface.edits.clone().unwrap_or_default();
    let run = interface.begun().await.now().await?.clone();
    let known = edits.tool(&run, &of.step);
    let DefinedTool { name, entry } =
        known.map_err(|error| ControlError::NotNow(error.to_string()))?;
    let answer = json!({"tool": name, "definition": entry});
    Ok(json_response(StatusCode::OK, &answer))
}

/// Whether what would be written is only shown.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SaveRequest {
    dry_run: bool,
}

async fn save(
    State(interface): State<Arc<Interface>>,
    body: Bytes,
) -> Result<Response, ControlError> {
    let body = if body.is_empty() { &b"{}"[..] } else { &body };
    let request: SaveRequest = serde_json::from_slice(body)
        .map_err(|error| ControlError::BadRequest(format!("the request: {error}")))?;
    let (run_id, events) = {
        let mut run = interface.begun().await;
        let run = run.now().await?;
        let run_id = run.header.as_ref().map(|header| Arc::clone(&header.run_id));
        (run_id.unwrap_or_default(), run.events)
    };
    until_recorded(&run_id, events).await;
    let not_now = |error: SessionError| ControlError::NotNow(error.to_string());
    let saving = saving(&run_id).await.map_err(not_now)?;
    if !request.dry_run {
        saving.write().map_err(not_now)?;
    }
    let written = !request.dry_run && !saving.files.is_empty();
    Ok(json_response(StatusCode::OK, &saving.to_value(written)))
}

async fn edit_plan(
    State(interface): State<Arc<Interface>>,
    body: Bytes,
) -> Result<Response, ControlError> {
    let request: PlanRequest = serde_json::from_slice(&body)
        .map_err(|error| ControlError::BadRequest(format!("the request: {error}")))?;
    let dry_run = request.dry_run;
    let edit = request.edit()?;
    let Some(edits) = &interface.edits else {
        let why = "the process of this run does not go on with an edited plan";
        return Err(ControlError::NotNow(why.to_owned()));
    };
    let _alone = interface.editing.lock().await;
    let run = interface.begun().await.now().await?.clone();
    let hands_over = RunCommand::HandOver(Some(Box::default()));
    if let Some(why) = hands_over.refusal(&run) {
        return Err(ControlError::NotNow(why));
    }
    let proposed = edits.propose(&run, &edit).await;
    let proposed = proposed.map_err(|error| ControlError::NotNow(error.to_string()))?;
    if dry_run {
        return Ok(json_response(StatusCode::OK, &json!(proposed.preview)));
    }
    edits.accept(&proposed);
    let to = proposed.to;
    let answer = json!({"accepted": true, "run_id": to.run_id, "held": to.held, "preview": proposed.preview});
    let command = RunCommand::HandOver(Some(Box::new(to)));
    let seq = run.events.saturating_sub(1);
    interface.send(vec![command], seq).await?;
    Ok(json_response(StatusCode::ACCEPTED, &answer))
}

async fn nothing_here(request: Request) -> ControlError {
    ControlError::NotFound(format!(
        "{}: there are GET /v1/run, GET /v1/status, GET /v1/events, GET /v1/model-call, GET /v1/tool-definition, POST /v1/commands, POST /v1/preview, POST /v1/save and POST /v1/plan",
        request.uri().path()
    ))
}

async fn wrong_method(request: Request) -> Response {
    let error = ControlError::BadRequest(format!(
        "{} does not take {}",
        request.uri().path(),
        request.method()
    ));
    json_response(StatusCode::METHOD_NOT_ALLOWED, &error.body())
}

fn json_response(status: StatusCode, value: &Value) -> Response {
    let text = value.to_string();
    let body = Body::from(escape_json(&text).into_owned());
    let kind = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, kind, body).into_response()
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status());
        json_response(
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            &self.body(),
        )
    }
}
