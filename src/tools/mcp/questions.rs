//! What servers ask the user in the middle of calls.

use super::failure::named;
use crate::run::{Answer, Question};
use crate::text::message::quote;
use crate::tools::{Asker, ToolError};
use rmcp::model::{
    ElicitRequestParams, ElicitResult, ElicitationAction, ErrorCode, ErrorData, InputRequest,
    InputRequests, InputResponses,
};
use rmcp::service::ServiceError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// How much of a question is quoted in an error, in bytes.
const MAX_QUOTED: usize = 2 << 10;

/// The code of a call that is refused until the user has been at addresses.
const ADDRESSES_FIRST: ErrorCode = ErrorCode(-32_042);

/// The maximum of addresses of one such error.
const MAX_ADDRESSES: usize = 16;

/// What is asked.
pub(super) fn question(params: ElicitRequestParams) -> Option<Question> {
    Some(match params {
        ElicitRequestParams::FormElicitationParams {
            message,
            requested_schema,
            ..
        } => Question {
            message: message.into(),
            schema: serde_json::to_value(requested_schema).ok().map(Arc::new),
            url: None,
        },
        ElicitRequestParams::UrlElicitationParams { message, url, .. } => Question {
            message: message.into(),
            schema: None,
            url: Some(url.into()),
        },
        _ => return None,
    })
}

/// The answer as the server gets it; `wants` says whether it wants values.
pub(super) fn answered(answer: Answer, wants: bool) -> ElicitResult {
    match answer {
        Answer::Accept(content) if wants => {
            let content = Arc::unwrap_or_clone(content);
            ElicitResult::new(ElicitationAction::Accept).with_content(content)
        }
        Answer::Accept(_) => ElicitResult::new(ElicitationAction::Accept),
        Answer::Decline => ElicitResult::new(ElicitationAction::Decline),
        Answer::Cancel => ElicitResult::new(ElicitationAction::Cancel),
    }
}

/// Answers everything that a server wants before a call goes on.
pub(super) async fn answers(
    wanted: InputRequests,
    asker: &Asker,
    server: &str,
    tool: &str,
) -> Result<InputResponses, ToolError> {
    let mut responses = InputResponses::new();
    for (key, request) in wanted {
        let response = match request {
            InputRequest::Elicitation(request) => match question(request.params) {
                Some(question) => {
                    let wants = question.schema.is_some();
                    let message = question.message.clone();
                    let answer = asker.ask(question).await;
                    let answer = answer.map_err(|why| refusal(server, tool, &message, &why))?;
                    serde_json::to_value(answered(answer, wants))
                }
                None => return Err(not_possible(server, tool, &key)),
            },
            InputRequest::ListRoots(_) => Ok(json!({"roots": []})),
            _ => return Err(not_possible(server, tool, &key)),
        };
        responses.insert(key, response.unwrap_or(Value::Null));
    }
    Ok(responses)
}

/// What the user has to do at addresses before a call is made, where an error says so.
pub(super) fn addresses(error: &ServiceError) -> Vec<Question> {
    let ServiceError::McpError(ErrorData { code, data, .. }) = error else {
        return Vec::new();
    };
    if *code != ADDRESSES_FIRST {
        return Vec::new();
    }
    let listed = data
        .as_ref()
        .and_then(|data| data["elicitations"].as_array());
    let listed = listed.into_iter().flatten().take(MAX_ADDRESSES);
    let asked = listed.filter_map(|asked| ElicitRequestParams::deserialize(asked).ok());
    asked
        .filter_map(question)
        .filter(|asked| asked.url.is_some())
        .collect()
}

/// Has the user do what is to be done at addresses.
pub(super) async fn visit(
    addresses: Vec<Question>,
    asker: &Asker,
    server: &str,
    tool: &str,
) -> Result<(), ToolError> {
    for address in addresses {
        let message = address.message.clone();
        let answer = asker.ask(address).await;
        let why = match answer {
            Ok(Answer::Accept(_)) => continue,
            Ok(Answer::Decline) => "it was declined".to_owned(),
            Ok(Answer::Cancel) => "it was broken off".to_owned(),
            Err(why) => why,
        };
        return Err(refusal(server, tool, &message, &why));
    }
    Ok(())
}

/// The error of a call whose server asks something that nobody answers.
pub(super) fn refusal(server: &str, tool: &str, asked: &str, why: &str) -> ToolError {
    ToolError::permanent(format!(
        "{} asks \"{}\" during the call of \"{tool}\", and there is no answer: {why}",
        named(server),
        quote(asked, MAX_QUOTED)
    ))
}

fn not_possible(server: &str, tool: &str, what: &str) -> ToolError {
    ToolError::permanent(format!(
        "{} asks for \"{}\" during the call of \"{tool}\", which is not supported; only questions to the user are",
        named(server),
        quote(what, 100)
    ))
}
