//! A connection to a server: the handshake, requests, and their time limits.

use super::child::{self, Startable};
use super::failure::{
    is_answered, lost, named, not_started, of_handshake, of_request, refuses_access, slow_start,
};
use super::http::Reachable;
use super::listeners::{Listeners, Listening};
use super::observed::Observed;
use super::questions::{addresses, answers, visit};
use super::receiver::{LOG_LEVEL, Receiver, log_request};
use super::stdio::SentMark;
use crate::run::Question;
use crate::tools::trace_header::TRACEPARENT;
use crate::tools::{Call, SharedSecrets, ToolError};
use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CancelledNotification, CancelledNotificationParam,
    ClientRequest, CustomRequest, ErrorCode, GetExtensions, ListToolsRequest,
    PaginatedRequestParams, ProtocolVersion, RequestId, RequestMetaObject, ServerResult, Tool,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt, Peer, PeerRequestOptions,
    RunningService, ServiceError,
};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The key in `_meta` under which a server gets the name of an attempt.
const ATTEMPT: &str = "plandeck/attempt";

/// How long the end of a program is waited for, which says why its connection was lost.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often a server may have a call made again before it answers: with what it says, and with what the user says.
const MAX_ROUNDS: u32 = 10;
const MAX_QUESTION_ROUNDS: u32 = 100;

/// How long a server is asked to keep a task: a run is often resumed the next day.
const TASK_LIFE: Duration = Duration::from_hours(24);

/// The maximum number of tools, and of pages, that a server may list.
const MAX_TOOLS: usize = 10_000;
const MAX_PAGES: usize = 1_000;

/// How a server is connected to.
pub(super) enum Way {
    Program(Startable),
    Address(Reachable),
}

/// What a connection shares with its server.
#[derive(Clone)]
pub(super) struct Context {
    pub server: Arc<str>,
    pub listeners: Arc<Listeners>,
    pub secrets: SharedSecrets,
    pub start: Duration,
}

fn unanswered((error, missed): (ServiceError, Missed)) -> Unanswered {
    match addresses(&error) {
        none if none.is_empty() => Unanswered::Missed(missed),
        addresses => Unanswered::Asks(addresses),
    }
}

/// A connection whose handshake is done.
pub(super) struct Connection {
    context: Context,
    peer: Peer<RoleClient>,
    observed: Arc<Observed>,
    is_program: bool,
    /// Whether the next connection brings another token where this one's is not taken any more.
    renews: bool,
    /// Dropping it closes the connection.
    _running: RunningService<RoleClient, Receiver>,
}

/// A call that has no result.
pub(super) enum Missed {
    /// The server never saw it.
    NotSent(ToolError),
    /// It may have been done.
    Sent(ToolError),
}

/// Why a request for a call has no answer.
enum Unanswered {
    Missed(Missed),
    /// The user has to go to addresses first.
    Asks(Vec<Question>),
}

impl Connection {
    /// Connects: without a handshake where the server knows that, else with one.
    pub(super) async fn open(context: Context, mut way: Way) -> Result<Self, ToolError> {
        let newest = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        let limit = context.start;
        let ends = tokio::time::Instant::now() + limit;
        let mut shaken = shake(&context, &mut way, newest, ends).await?;
        if shaken.error().is_some_and(is_puzzled) {
            // It does not know what it was asked, and did not say so in the way that servers should.
            shaken = shake(&context, &mut way, ClientLifecycleMode::Initialize, ends).await?;
        }
        let is_program = matches!(way, Way::Program(_));
        let renews = matches!(&way, Way::Address(reachable) if reachable.renews());
        let Shaken { outcome, observed } = shaken;
        let running = match outcome {
            Ok(running) => running,
            Err(error) => {
                if is_program && matches!(error, ClientInitializeError::ConnectionClosed(_)) {
                    let _ = tokio::time::timeout(LAST_WORDS, observed.ended.cancelled()).await;
                }
                return Err(of_handshake(&context.server, &error, &observed));
            }
        };
        let connection = Self {
            peer: running.peer().clone(),
            _running: running,
            observed,
            is_program,
            renews,
            context,
        };
        connection.ask_for_logs().await;
        Ok(connection)
    }

    /// Whether nothing more can be sent.
    pub(super) fn is_closed(&self) -> bool {
        self.peer.is_transport_closed()
    }

    /// What may explain that an answer does not come.
    pub(super) fn explanation(&self) -> String {
        self.observed.explanation()
    }

    /// Calls a tool; what the server wants to know before it goes on is asked by `asker`. Dropping the future tells the
    /// server that nobody waits any more.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
        call: &Call,
        listening: &Listening,
    ) -> Result<ServerResult, Missed> {
        let mut params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let (mut rounds, mut questions) = (0, 0);
        while rounds < MAX_ROUNDS && questions < MAX_QUESTION_ROUNDS {
            let server = &self.context.server;
            let wanted = match self.ask(tool, params.clone(), call, listening).await {
                Ok(ServerResult::InputRequiredResult(wanted)) => wanted,
                Ok(answer) => return Ok(answer),
                Err(Unanswered::Missed(missed)) => return Err(missed),
                Err(Unanswered::Asks(addresses)) => {
                    rounds += 1;
                    let visited = visit(addresses, &call.asker, server, tool).await;
                    visited.map_err(Missed::Sent)?;
                    continue;
                }
            };
            let requests = wanted.input_requests.unwrap_or_default();
            // It only wants to be asked again with what it says.
            rounds += u32::from(requests.is_empty());
            questions += u32::from(!requests.is_empty());
            let answers = answers(requests, &call.asker, server, tool).await;
            let answers = answers.map_err(Missed::Sent)?;
            params.input_responses = (!answers.is_empty()).then_some(answers);
            params.request_state = wanted.request_state;
        }
        Err(Missed::Sent(ToolError::permanent(format!(
            "{} has the call of \"{tool}\" made again and again without an answer",
            named(&self.context.server)
        ))))
    }

    /// How the server is named in messages.
    pub(super) fn name(&self) -> String {
        named(&self.context.server)
    }

    /// Makes a call; as a task where the server has that tool only so, which it says before anything happens.
    async fn ask(
        &self,
        tool: &str,
        params: CallToolRequestParams,
        call: &Call,
        listening: &Listening,
    ) -> Result<ServerResult, Unanswered> {
        let task = self.has_tasks().then(|| as_task(&params)).flatten();
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let mut sent = self.send(tool, request, call, listening).await;
        if let Some(task) = task.filter(|_| wants_a_task(&sent)) {
            sent = self.send(tool, task, call, listening).await;
        }
        sent.map_err(unanswered)
    }

    async fn send(
        &self,
        tool: &str,
        mut request: ClientRequest,
        call: &Call,
        listening: &Listening,
    ) -> Result<ServerResult, (ServiceError, Missed)> {
        let what = format!("the call of \"{tool}\"");
        let mark = SentMark::default();
        request.extensions_mut().insert(mark.clone());
        let mut meta = RequestMetaObject::new();
        meta.insert(ATTEMPT.to_owned(), call.idempotency_key.as_ref().into());
        if let Some(trace) = call.trace.as_deref() {
            meta.insert(TRACEPARENT.to_owned(), trace.into());
        }
        if self.is_stateless() {
            let (key, level) = LOG_LEVEL;
            meta.insert(key.to_owned(), level.into());
        }
        let options = PeerRequestOptions::no_options().with_meta(meta);
        let sent = self.peer.send_request_with_option(request, options).await;
        let handle = match sent {
            Ok(handle) => handle,
            Err(error) => {
                let (failure, _) = self.failed(&what, &error).await;
                return Err((error, Missed::NotSent(failure)));
            }
        };
        listening.has_progress(handle.progress_token.clone());
        let mut abandoned = Abandoned::new(&self.peer, handle.id.clone());
        let answer = handle.await_response().await;
        abandoned.disarm();
        let error = match answer {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        let (failure, never_sent) = self.failed(&what, &error).await;
        let over_pipes =
            self.is_program && !mark.is_sent() && !matches!(error, ServiceError::McpError(_));
        let is_stale = self.renews && refuses_access(&error);
        let missed = if never_sent || over_pipes || is_stale {
            Missed::NotSent(failure)
        } else {
            Missed::Sent(failure)
        };
        Err((error, missed))
    }

    /// The tools of the server, all pages of them.
    pub(super) async fn tools(&self) -> Result<Vec<Tool>, ToolError> {
        let limit = self.context.start;
        let listed = tokio::time::timeout(limit, self.all_tools()).await;
        listed.unwrap_or_else(|_| {
            Err(ToolError::transient(format!(
                "{} did not list its tools within {} s{}",
                named(&self.context.server),
                limit.as_secs_f64(),
                self.explanation()
            )))
        })
    }

    async fn all_tools(&self) -> Result<Vec<Tool>, ToolError> {
        let refused = |why: &str| {
            let server = named(&self.context.server);
            ToolError::permanent(format!("the list of tools of {server} {why}"))
        };
        let mut tools = Vec::new();
        let mut seen = HashSet::new();
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let params = PaginatedRequestParams::default().with_cursor(cursor.take());
            let request = ListToolsRequest::with_param(params);
            let request = ClientRequest::ListToolsRequest(request);
            let page = match self.request(request).await {
                Ok(ServerResult::ListToolsResult(page)) => page,
                Ok(_) => return Err(refused("cannot be read")),
                Err(error) => return Err(self.failed("the list of tools", &error).await.0),
            };
            tools.extend(page.tools);
            if tools.len() > MAX_TOOLS {
                return Err(refused("is longer than 10,000"));
            }
            match page.next_cursor.filter(|next| !next.is_empty()) {
                None => return Ok(tools),
                Some(next) => {
                    if !seen.insert(next.clone()) {
                        return Err(refused("never ends: a page is its own next one"));
                    }
                    cursor = Some(next);
                }
            }
        }
        Err(refused("has too many pages"))
    }

    pub(super) async fn request(
        &self,
        request: ClientRequest,
    ) -> Result<ServerResult, ServiceError> {
        let options = PeerRequestOptions::no_options();
        let handle = self.peer.send_request_with_option(request, options).await?;
        let mut abandoned = Abandoned::new(&self.peer, handle.id.clone());
        let answer = handle.await_response().await;
        abandoned.disarm();
        answer
    }

    /// Whether it speaks the lifecycle without a handshake, in which every request says what it wants.
    fn is_stateless(&self) -> bool {
        let info = self.peer.peer_info();
        info.is_some_and(|info| info.protocol_version >= ProtocolVersion::V_2026_07_28)
    }

    /// Whether it may have tools that are only called as tasks, which the client asks for.
    fn has_tasks(&self) -> bool {
        let info = self.peer.peer_info();
        !self.is_stateless()
            && info.is_some_and(|info| info.protocol_version >= ProtocolVersion::V_2025_11_25)
    }

    /// A server with a handshake logs what it is once asked for.
    async fn ask_for_logs(&self) {
        let info = self.peer.peer_info();
        let logs = info.is_some_and(|info| info.capabilities.logging.is_some());
        if !logs || self.is_stateless() {
            return;
        }
        let _ = tokio::time::timeout(LAST_WORDS, self.request(log_request())).await;
    }

    pub(super) async fn failed(&self, what: &str, error: &ServiceError) -> (ToolError, bool) {
        let server = &self.context.server;
        if matches!(
            error,
            ServiceError::McpError(_) | ServiceError::UnexpectedResponse
        ) {
            return of_request(server, what, error, &self.observed);
        }
        if self.is_program {
            // Its exit status and its last words come a moment later.
            let _ = tokio::time::timeout(LAST_WORDS, self.observed.ended.cancelled()).await;
            return (lost(server, what, &self.observed), false);
        }
        of_request(server, what, error, &self.observed)
    }
}

/// A handshake that has ended.
struct Shaken {
    outcome: Result<RunningService<RoleClient, Receiver>, ClientInitializeError>,
    observed: Arc<Observed>,
}

impl Shaken {
    fn error(&self) -> Option<&ClientInitializeError> {
        self.outcome.as_ref().err()
    }
}

/// Starts or reaches the server, and shakes hands.
async fn shake(
    context: &Context,
    way: &mut Way,
    lifecycle: ClientLifecycleMode,
    ends: tokio::time::Instant,
) -> Result<Shaken, ToolError> {
    let observed = Arc::<Observed>::default();
    let receiver = Receiver {
        listeners: Arc::clone(&context.listeners),
        secrets: context.secrets.clone(),
    };
    let server = &context.server;
    let shaken = async {
        match way {
            Way::Program(startable) => {
                let (listeners, secrets) = (&context.listeners, &context.secrets);
                let pipes = child::start(startable, listeners, &observed, secrets);
                let pipes = pipes.map_err(|why| not_started(server, &why))?;
                Ok(receiver.serve_with_lifecycle(pipes, lifecycle).await)
            }
            Way::Address(reachable) => {
                let authorized = reachable.authorized().await;
                let authorized = authorized.map_err(|why| not_started(server, &why))?;
                Ok(if let Some(transport) = authorized {
                    receiver.serve_with_lifecycle(transport, lifecycle).await
                } else {
                    let transport = reachable.transport();
                    receiver.serve_with_lifecycle(transport, lifecycle).await
                })
            }
        }
    };
    match tokio::time::timeout_at(ends, shaken).await {
        Err(_) => Err(slow_start(server, context.start, &observed)),
        Ok(outcome) => Ok(Shaken {
            outcome: outcome?,
            observed,
        }),
    }
}

/// Whether a server was lost or answered with something else when it was asked without a handshake.
fn is_puzzled(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::ExpectedInitResult(_) => true,
        ClientInitializeError::ConnectionClosed(when) => when.contains("discover"),
        ClientInitializeError::TransportError { error, context } => {
            context.contains("discover") && is_answered(error)
        }
        _ => false,
    }
}

/// The same call as a task, in the lifecycle with a handshake, where the client asks for one.
fn as_task(params: &CallToolRequestParams) -> Option<ClientRequest> {
    let mut params = serde_json::to_value(params).ok()?;
    params["task"] = json!({"ttl": TASK_LIFE.as_millis() as u64});
    let request = CustomRequest::new("tools/call", Some(params));
    Some(ClientRequest::CustomRequest(request))
}

/// Whether a server says that the tool is only called as a task. Some say it in the result.
fn wants_a_task(answer: &Result<ServerResult, (ServiceError, Missed)>) -> bool {
    let code = ErrorCode::METHOD_NOT_FOUND;
    match answer {
        Err((ServiceError::McpError(error), _)) => error.code == code,
        Ok(ServerResult::CallToolResult(result)) if result.is_error == Some(true) => {
            let said = result.content.first().and_then(|first| first.as_text());
            let begins = format!("MCP error {}: ", code.0);
            said.is_some_and(|said| said.text.starts_with(&begins) && said.text.contains("task"))
        }
        _ => false,
    }
}

/// Tells the server that nobody waits for an answer any more, unless it came.
struct Abandoned<'a> {
    peer: &'a Peer<RoleClient>,
    id: Option<RequestId>,
}

impl<'a> Abandoned<'a> {
    fn new(peer: &'a Peer<RoleClient>, id: RequestId) -> Self {
        Self { peer, id: Some(id) }
    }

    fn disarm(&mut self) {
        self.id = None;
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let peer = self.peer.clone();
        let reason = Some("the call was stopped".to_owned());
        let params = CancelledNotificationParam::new(Some(id), reason);
        runtime.spawn(async move {
            let notification = CancelledNotification::new(params);
            let _ = peer.send_notification(notification.into()).await;
        });
    }
}
