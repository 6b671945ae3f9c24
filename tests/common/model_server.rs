//! A server on this machine that speaks the chat-completions format, takes its time, and counts tokens.

use serde_json::{Value, json};
use std::time::Duration;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// What is said to a request that has a certain text in it.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The text that the request has in it.
    pub to: String,
    /// What the model says.
    pub says: Value,
    /// How long it takes.
    pub after: Duration,
}

struct Answers(Vec<Answer>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap_or_default();
        let asked = body["messages"].to_string();
        let Some(answer) = self.0.iter().find(|answer| asked.contains(&answer.to)) else {
            return ResponseTemplate::new(404)
                .set_body_json(json!({"error": {"message": "no answer to this"}}));
        };
        let says = answer.says.to_string();
        ResponseTemplate::new(200)
            .set_delay(answer.after)
            .set_body_json(json!({
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "model": body["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": says}}],
                "usage": {
                    "prompt_tokens": asked.len() / 4,
                    "completion_tokens": says.len() / 4,
                    "total_tokens": asked.len() / 4 + says.len() / 4,
                },
            }))
    }
}

/// The server, with a runtime of its own that ends with it.
pub(crate) struct ModelServer {
    runtime: tokio::runtime::Runtime,
    server: MockServer,
}

impl ModelServer {
    /// Starts a server that knows these answers.
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        Self::answering(Answers(answers))
    }

    /// Starts a server that answers in its own way.
    pub(crate) fn answering(answers: impl Respond + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(method("POST"))
                .and(path("/v1/chat/completions"))
                .respond_with(answers)
                .mount(&server)
                .await;
            server
        });
        Self { runtime, server }
    }

    /// Starts a server of exchange rates, at which every currency is worth this much.
    #[allow(dead_code, reason = "not every test program has such a plan")]
    pub(crate) fn rates(rate: f64) -> Self {
        let server = Self::answering(ResponseTemplate::new(404));
        let body = json!({"amount": 1.0, "rates": {"EUR": rate}});
        let mock = Mock::given(method("GET"))
            .and(path("/v1/latest"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body));
        server.runtime.block_on(mock.mount(&server.server));
        server
    }

    /// What `--base-url` takes.
    pub(crate) fn url(&self) -> String {
        format!("{}/v1", self.server.uri())
    }

    /// The requests so far: the `authorization` header and the body.
    pub(crate) fn requests(&self) -> Vec<(String, Value)> {
        let requests = self.runtime.block_on(self.server.received_requests());
        requests
            .unwrap_or_default()
            .into_iter()
            .map(|request| {
                let header = request.headers.get("authorization");
                let header = header.and_then(|value| value.to_str().ok()).unwrap_or("");
                (header.to_owned(), request.body_json().unwrap_or_default())
            })
            .collect()
    }
}
