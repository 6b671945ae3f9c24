//! Requests about tasks.

use super::connection::{Connection, LAST_WORDS};
use super::snapshot::{Snapshot, result};
use crate::tools::ToolError;
use rmcp::model::{
    CancelTaskParams, CancelTaskRequest, ClientRequest, CustomRequest, ErrorCode, GetTaskParams,
    GetTaskRequest, InputResponses, ServerResult, UpdateTaskParams, UpdateTaskRequest,
};
use rmcp::service::ServiceError;
use serde_json::json;

/// Why nothing is known of a task.
pub(super) enum TaskError {
    /// The server does not know it.
    Gone(ToolError),
    /// It could not be asked, and may know it.
    Silent(ToolError),
}

impl TaskError {
    pub(super) fn into_error(self) -> ToolError {
        match self {
            Self::Gone(error) | Self::Silent(error) => error,
        }
    }
}

impl Connection {
    /// How a task stands.
    pub(super) async fn task(&self, id: &str) -> Result<Snapshot, TaskError> {
        let request = GetTaskRequest::new(GetTaskParams::new(id));
        let request = ClientRequest::GetTaskRequest(request);
        let answer = self.about_task(id, request).await?;
        Snapshot::of(&answer).ok_or_else(|| {
            let text = format!(
                "{} answered the question about the task {id} with something else",
                self.name()
            );
            TaskError::Silent(ToolError::permanent(text))
        })
    }

    /// The result of a task, in the lifecycle with a handshake; the server answers once the task has ended.
    pub(super) async fn task_result(&self, id: &str) -> Result<ServerResult, TaskError> {
        let request = CustomRequest::new("tasks/result", Some(json!({"taskId": id})));
        let answer = self
            .about_task(id, ClientRequest::CustomRequest(request))
            .await?;
        Ok(match answer {
            ServerResult::CustomResult(custom) => result(&custom.0),
            answer => answer,
        })
    }

    /// Gives a task what it waits for.
    pub(super) async fn update_task(
        &self,
        id: &str,
        answers: InputResponses,
    ) -> Result<(), TaskError> {
        let request = UpdateTaskRequest::new(UpdateTaskParams::new(id, answers));
        let request = ClientRequest::UpdateTaskRequest(request);
        self.about_task(id, request).await.map(drop)
    }

    /// Has the server end a task that nobody waits for any more.
    pub(super) async fn cancel_task(&self, id: &str) {
        let request = CancelTaskRequest::new(CancelTaskParams::new(id));
        let request = ClientRequest::CancelTaskRequest(request);
        // It may have ended, or not be reachable any more.
        let _ = tokio::time::timeout(LAST_WORDS, self.request(request)).await;
    }

    async fn about_task(
        &self,
        id: &str,
        request: ClientRequest,
    ) -> Result<ServerResult, TaskError> {
        let answer = self.request(request).await;
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let is_gone = matches!(&error, ServiceError::McpError(error) if matches!(
            error.code,
            ErrorCode::INVALID_PARAMS
                | ErrorCode::METHOD_NOT_FOUND
                | ErrorCode::INVALID_REQUEST
                | ErrorCode::RESOURCE_NOT_FOUND
        ));
        let what = format!("the question about the task {id}");
        let (error, _) = self.failed(&what, &error).await;
        Err(if is_gone {
            TaskError::Gone(error)
        } else {
            TaskError::Silent(error)
        })
    }
}
