//! The server itself, as the protocol sees it.

use super::arguments::Arguments;
use super::tasks;
use super::tools::{ALL, McpTool};
use crate::control::error::ControlError;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, CreateTaskResult,
    GetTaskParams, GetTaskResult, Implementation, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool, ToolAnnotations, UpdateTaskParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use std::path::Path;
use std::sync::Arc;

const INSTRUCTIONS: &str = "Plandeck runs execution plans: DAGs of tool calls that a large model wrote. Check a plan, \
run it, look at its steps and events, and when a step fails, change what it is called with (edit_step) and have the run \
go on: what has succeeded is kept and not paid for again. A person can watch every run with `plandeck attach RUN`.";

/// A server of the tools.
#[derive(Clone, Debug)]
pub(super) struct Server {
    program: Arc<Path>,
}

impl Server {
    /// A server that runs the commands of `program`.
    pub(super) fn new(program: &Path) -> Self {
        Self {
            program: program.into(),
        }
    }

    async fn answer(&self, request: CallToolRequestParams) -> CallToolResult {
        let is_it = |tool: &&McpTool| tool.name == request.name;
        let Some(tool) = ALL.iter().find(is_it) else {
            let names: Vec<&str> = ALL.iter().map(|tool| tool.name).collect();
            return refused(&ControlError::NotFound(format!(
                "no tool is called {:?}; there are: {}",
                request.name,
                names.join(", ")
            )));
        };
        let given = request.arguments.unwrap_or_default();
        if let Some(fault) = tool.fault(&given) {
            return refused(&ControlError::BadRequest(fault));
        }
        let arguments = Arguments {
            given,
            program: Arc::clone(&self.program),
        };
        match (tool.call)(arguments).await {
            Ok(value) => CallToolResult::structured(value),
            Err(error) => refused(&error),
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "passed to `map_err`")]
fn of_task(error: ControlError) -> ErrorData {
    let message = error.to_string();
    match error {
        ControlError::NotFound(_) | ControlError::BadRequest(_) | ControlError::NotNow(_) => {
            ErrorData::invalid_params(message, None)
        }
        _ => ErrorData::internal_error(message, None),
    }
}

fn refused(error: &ControlError) -> CallToolResult {
    CallToolResult::structured_error(error.body())
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tasks();
        let mut config = ServerConfig::new(capabilities.build());
        config.server_info = Implementation::new("plandeck", env!("CARGO_PKG_VERSION"));
        config.instructions = Some(INSTRUCTIONS.to_owned());
        config
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = ALL.iter().map(|tool| {
            let mut listed = Tool::new(tool.name, tool.about, Arc::new(tool.schema()));
            listed.annotations = Some(ToolAnnotations::new().read_only(tool.read_only));
            listed
        });
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let client = context.client_capabilities();
        let has_tasks = client.is_some_and(|client| client.supports_tasks());
        let mut named = ALL.iter().filter(|tool| tool.name == request.name);
        let runs = named.any(|tool| !tool.read_only);
        let result = self.answer(request).await;
        let answer = result.structured_content.as_ref();
        let task = answer.filter(|_| has_tasks && runs).and_then(tasks::begun);
        Ok(match task {
            Some(task) => CallToolResponse::Task(CreateTaskResult::new(task)),
            None => result.into(),
        })
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let now = tasks::now(&request.task_id).await;
        now.map(GetTaskResult::new).map_err(of_task)
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let given = tasks::answer(&self.program, &request.task_id, request.input_responses);
        given.await.map_err(of_task)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::cancel(&request.task_id).await.map_err(of_task)
    }
}
