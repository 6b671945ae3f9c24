//! What a server sends of its own accord: progress and logs.
#![expect(
    deprecated,
    reason = "logs of servers are on their way out of the protocol, and servers have them"
)]

use super::listeners::Listeners;
use super::questions::{answered, question};
use crate::run::{Answer, LogStream};
use crate::text::message::clean;
use crate::tools::SharedSecrets;
use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationCapability, ErrorData, FormElicitationCapability, Implementation,
    JsonObject, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam,
    ProtocolVersion, SetLevelRequest, SetLevelRequestParams, TASKS_EXTENSION_ID,
    UrlElicitationCapability,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient};
use serde_json::Value;
use std::sync::Arc;

/// A longer line of a log is cut, in bytes.
const MAX_LINE: usize = 8 << 10;

/// The key in `_meta` by which a request asks for logs, where there is no handshake, and their level.
pub(super) const LOG_LEVEL: (&str, &str) = ("io.modelcontextprotocol/logLevel", "info");

/// The key in `_meta` under which a server says to which task a request belongs.
const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// Asks a server for its logs, where there is a handshake.
pub(super) fn log_request() -> ClientRequest {
    let level = SetLevelRequestParams::new(LoggingLevel::Info);
    ClientRequest::SetLevelRequest(SetLevelRequest::new(level))
}

/// Takes what a server sends of its own accord.
pub(super) struct Receiver {
    pub listeners: Arc<Listeners>,
    pub secrets: SharedSecrets,
}

impl Receiver {
    fn clean(&self, text: &str) -> String {
        clean(
            &self.secrets.now().redact(&clean(text, usize::MAX)),
            MAX_LINE,
        )
    }
}

impl ClientHandler for Receiver {
    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let Some(question) = question(request) else {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        };
        let wants = question.schema.is_some();
        let task = context
            .meta
            .get(RELATED_TASK)
            .and_then(|task| task.get("taskId"));
        let answer = self
            .listeners
            .ask(task.and_then(Value::as_str), question)
            .await;
        Ok(answered(answer.unwrap_or(Answer::Cancel), wants))
    }

    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        let done = match progress.total {
            Some(total) => format!("progress {} of {total}", progress.progress),
            None => format!("progress {}", progress.progress),
        };
        let text = match progress.message.as_deref().map(|text| self.clean(text)) {
            Some(message) if !message.trim().is_empty() => format!("{done}: {message}"),
            _ => done,
        };
        // The next report stands in its place.
        self.listeners
            .progress(&progress.progress_token, &format!("{text}\r"));
    }

    async fn on_logging_message(
        &self,
        message: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        let level = match message.level {
            LoggingLevel::Debug => "debug: ",
            LoggingLevel::Info | LoggingLevel::Notice => "",
            LoggingLevel::Warning => "warning: ",
            _ => "error: ",
        };
        let logger = message
            .logger
            .map_or_else(String::new, |name| format!("{name}: "));
        let data = match message.data {
            Value::String(text) => text,
            data => data.to_string(),
        };
        let text = self.clean(&format!("{level}{logger}{data}"));
        if !text.is_empty() {
            self.listeners.say(LogStream::Stderr, &text);
        }
    }

    fn get_info(&self) -> ClientConfig {
        let client = Implementation::new("plandeck", env!("CARGO_PKG_VERSION"));
        let mut capabilities = ClientCapabilities::default();
        let tasks = (TASKS_EXTENSION_ID.to_owned(), JsonObject::new());
        capabilities.extensions = Some([tasks].into());
        let elicitation = ElicitationCapability::new().with_form(FormElicitationCapability::new());
        capabilities.elicitation = Some(elicitation.with_url(UrlElicitationCapability::new()));
        ClientConfig::new(capabilities, client)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}
