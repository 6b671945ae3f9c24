//! The messages of one call: what is sent, and what becomes of the task that the agent makes of it.

use super::client::{Client, Endpoint};
use super::progress::{Progress, Standing};
use crate::models::http::RequestError;
use crate::run::{Answer, LogStream, Question};
use crate::tools::{Call, quote};
use a2a::{
    CancelTaskRequest, GetTaskRequest, Message, Part, Role, SendMessageConfiguration,
    SendMessageRequest, SendMessageResponse, StreamResponse, Task, methods,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The waits before a task is asked for again: the first, which doubles, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// How often in a row a task may fail to be asked for.
const MAX_FAILURES: u32 = 5;

/// How often an agent may ask something in one call.
const MAX_QUESTIONS: u32 = 100;

/// How long the cancellation of a task may take.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);

/// One call of an agent.
pub(super) struct Conversation<'a> {
    pub client: &'a Client<'a>,
    pub endpoint: &'a Endpoint,
    pub call: &'a Call,
}

impl Conversation<'_> {
    /// Sends the message and follows what becomes of it until there is an output.
    pub(super) async fn begin(
        &self,
        message: Message,
        progress: &mut Progress,
    ) -> Result<(), RequestError> {
        let request = request(message);
        let log = &self.call.log;
        if self.endpoint.streams {
            if let Err(error) = self.streamed(request, progress).await {
                // What has begun goes on without the stream.
                if progress.task.is_none() || !error.retryable {
                    return Err(error);
                }
                let words = format!("the stream of updates ended: {}", error.message);
                log(LogStream::Note, &words);
            }
        } else {
            self.send(request, progress).await?;
        }
        self.to_end(progress).await
    }

    /// Follows a task that the agent made when an earlier process sent the message.
    pub(super) async fn resume(
        &self,
        id: &str,
        progress: &mut Progress,
    ) -> Result<(), RequestError> {
        progress.task = Some(id.to_owned());
        progress.is_noted = true;
        self.ask(id, progress).await?;
        self.to_end(progress).await
    }

    async fn send(
        &self,
        request: SendMessageRequest,
        progress: &mut Progress,
    ) -> Result<(), RequestError> {
        let (method, log) = (methods::SEND_MESSAGE, &self.call.log);
        match self.client.call(self.endpoint, method, request).await? {
            SendMessageResponse::Task(task) => progress.take_task(task, log),
            SendMessageResponse::Message(message) => {
                progress.take(StreamResponse::Message(message), log);
            }
        }
        self.note(progress).await;
        Ok(())
    }

    /// Gives the agent the user's answer to what it asks.
    async fn answer(
        &self,
        number: u32,
        asked: &str,
        progress: &mut Progress,
    ) -> Result<(), RequestError> {
        let question = Question {
            message: asked.into(),
            schema: Some(Arc::new(json!({
                "type": "object",
                "properties": {"answer": {"type": "string"}},
                "required": ["answer"],
            }))),
            url: None,
        };
        let refused = |why: &str| {
            let asked = quote(asked, 600);
            RequestError::permanent(format!("the agent asks for input: {asked} ({why})")).sent()
        };
        if number > MAX_QUESTIONS {
            return Err(refused("it asks again and again"));
        }
        let text = match self.call.asker.ask(question).await {
            Ok(Answer::Accept(content)) => match &content["answer"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            Ok(Answer::Decline | Answer::Cancel) => {
                return Err(refused("the user gave no answer"));
            }
            Err(why) => return Err(refused(&why)),
        };
        let mut message = Message::new(Role::User, vec![Part::text(text)]);
        message.message_id = format!("{}/{number}", self.call.idempotency_key);
        message.task_id.clone_from(&progress.task);
        message.context_id.clone_from(&progress.context);
        self.send(request(message), progress).await
    }

    async fn streamed(
        &self,
        request: SendMessageRequest,
        progress: &mut Progress,
    ) -> Result<(), RequestError> {
        let method = methods::SEND_STREAMING_MESSAGE;
        let mut updates = self.client.stream(self.endpoint, method, request).await?;
        while let Some(sent) = updates.next::<StreamResponse>().await? {
            progress.take(sent, &self.call.log);
            self.note(progress).await;
            if !matches!(progress.standing(), Standing::Working) {
                break;
            }
        }
        Ok(())
    }

    /// Puts the task on record, so that a later process can ask for it.
    async fn note(&self, progress: &mut Progress) {
        if progress.is_noted {
            return;
        }
        if let Some(id) = progress.open_task() {
            self.call.handle.record(id).await;
            progress.is_noted = true;
        }
    }

    async fn to_end(&self, progress: &mut Progress) -> Result<(), RequestError> {
        let (mut wait, mut questions) = (WAITS.0, 0);
        loop {
            match progress.standing() {
                Standing::Asks(asked) => {
                    questions += 1;
                    self.answer(questions, &asked, progress).await?;
                    continue;
                }
                Standing::Done => return Ok(()),
                Standing::Failed(why) => return Err(RequestError::permanent(why).sent()),
                Standing::Working => {}
            }
            let Some(id) = progress.task.clone() else {
                let words = "the agent ended without a task and without a message";
                return Err(RequestError::permanent(words).sent());
            };
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
            self.ask(&id, progress).await?;
        }
    }

    /// Asks how a task stands, again where the agent could not answer.
    pub(super) async fn ask(&self, id: &str, progress: &mut Progress) -> Result<(), RequestError> {
        let (mut wait, mut failures) = (WAITS.0, 0);
        loop {
            let request = GetTaskRequest {
                id: id.to_owned(),
                history_length: Some(0),
                tenant: None,
            };
            let asked = self
                .client
                .call::<Task>(self.endpoint, methods::GET_TASK, request);
            match asked.await {
                Ok(task) => {
                    progress.take_task(task, &self.call.log);
                    return Ok(());
                }
                Err(error) => {
                    failures += 1;
                    if !error.retryable || failures == MAX_FAILURES {
                        return Err(error.sent());
                    }
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }

    /// Has the agent end a task that nobody waits for any more.
    pub(super) async fn cancel(&self, progress: &Progress) {
        let Some(id) = progress.open_task().cloned() else {
            return;
        };
        let request = CancelTaskRequest {
            id,
            metadata: None,
            tenant: None,
        };
        let method = methods::CANCEL_TASK;
        let cancelled = self.client.call::<Task>(self.endpoint, method, request);
        // It may have ended, or not be reachable any more.
        let _ = tokio::time::timeout(CANCEL_LIMIT, cancelled).await;
    }
}

fn request(message: Message) -> SendMessageRequest {
    SendMessageRequest {
        message,
        configuration: Some(SendMessageConfiguration {
            accepted_output_modes: None,
            task_push_notification_config: None,
            history_length: Some(0),
            return_immediately: Some(true),
        }),
        metadata: None,
        tenant: None,
    }
}

/// What the agent is sent: the step's `task` as text, and everything else as data.
pub(super) fn message(call: &Call) -> Message {
    let empty = Map::new();
    let mut rest = call.input.as_object().unwrap_or(&empty).clone();
    let mut parts = Vec::new();
    if let Some(Value::String(task)) = rest.get("task") {
        parts.push(Part::text(task.clone()));
        rest.shift_remove("task");
    }
    rest.retain(|_, value| !value.is_null() && *value != json!({}));
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::data(Value::Object(rest)));
    }
    let mut message = Message::new(Role::User, parts);
    // A message that is sent again after a crash has the name that it had.
    message.message_id = call.idempotency_key.to_string();
    message
}
