//! Azure `OpenAI`: the formats of `OpenAI` at an address that names the deployment and the version of the API.

use super::open_ai::OpenAi;
use super::responses;
use super::{
    AnswerStream, HttpRequest, Protocol, Server, address, chat_completions, key_header, post,
};
use crate::models::api_quirks::ApiQuirks;
use crate::models::http::RequestError;
use crate::models::request::{ChatAnswer, ChatError, ChatRequest};
use crate::models::structured_output::Subset;
use crate::models::usage::Usage;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// `POST {root}/openai/deployments/{model}/chat/completions?api-version=…`, and `POST {root}/openai/v1/responses` for a
/// model that needs it. The model is the name of the deployment.
#[derive(Debug)]
pub(crate) struct Azure;

impl Protocol for Azure {
    fn request(
        &self,
        server: Server<'_>,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
    ) -> Result<HttpRequest, RequestError> {
        let root = server.root(&["/v1", "/openai"]);
        let (mut url, body) = if quirks.responses {
            let url = address(root, "/openai/v1/responses")?;
            (url, responses::payload(request, quirks))
        } else {
            let mut url = address(root, "/openai/deployments")?;
            if let Ok(mut path) = url.path_segments_mut() {
                path.extend([request.model, "chat", "completions"]);
            }
            (url, chat_completions::payload(request, quirks))
        };
        if let Some(version) = server.version.filter(|_| !quirks.responses) {
            url.query_pairs_mut().append_pair("api-version", version);
        }
        Ok(post(url, self.headers(server.key)?, &body))
    }

    fn headers(&self, key: Option<&str>) -> Result<HeaderMap, RequestError> {
        key_header("api-key", "", key)
    }

    fn models_address(&self, server: Server<'_>) -> Result<reqwest::Url, RequestError> {
        address(server.root(&["/v1", "/openai"]), "/openai/v1/models")
    }

    fn answer(&self, body: &[u8]) -> Result<ChatAnswer, ChatError> {
        OpenAi.answer(body)
    }

    fn stream(&self) -> Option<Box<dyn AnswerStream>> {
        OpenAi.stream()
    }

    fn subset(&self) -> Subset {
        // It refuses a schema with bounds, patterns or formats.
        Subset {
            constraints: false,
            optional: false,
        }
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        OpenAi.usage(body)
    }

    fn quirks(&self, model: &str) -> ApiQuirks {
        OpenAi.quirks(model)
    }

    fn after_refusal(
        &self,
        quirks: ApiQuirks,
        status: StatusCode,
        body: &str,
        with_schema: bool,
    ) -> Option<ApiQuirks> {
        OpenAi.after_refusal(quirks, status, body, with_schema)
    }
}
