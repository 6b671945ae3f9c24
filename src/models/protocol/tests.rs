//! A format that has nothing in common with chat completions: it shows that a format is one file.

use super::{HttpRequest, HttpResponse, Protocol, Refusal, Server, address};
use crate::models::api_quirks::{ApiQuirks, OutputFormat};
use crate::models::http::RequestError;
use crate::models::request::{ChatAnswer, ChatError, ChatRequest};
use crate::models::usage::Usage;
use crate::models::{Environment, Price, Prices, Provider, SmallModelWorker};
use crate::tools::{Call, CallReport, Catalog, CatalogToolbox, ToolOptions, Toolbox};
use crate::units::{Money, Tokens};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use wiremock::matchers::{header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Lines of text: `role: message` in a request, `INPUT OUTPUT` and the answer's text in a response.
#[derive(Debug)]
struct Lines;

static LINES: Provider = Provider {
    name: "lines",
    base: "http://127.0.0.1:9",
    keys: &["LINES_KEY"],
    base_variable: None,
    version: None,
    default_model: "small",
    protocol: &Lines,
};

impl Protocol for Lines {
    fn request(
        &self,
        server: Server<'_>,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
    ) -> Result<HttpRequest, RequestError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = server.key {
            headers.insert("x-key", HeaderValue::from_str(key).unwrap());
        }
        let mut body = format!("{} {:?}\n", request.max_tokens, quirks.format);
        for (role, message) in request.messages {
            let _ = writeln!(body, "{}: {message}", role.as_str());
        }
        Ok(HttpRequest {
            url: address(server.base, &format!("/ask/{}", request.model))?,
            headers,
            body: body.into_bytes(),
        })
    }

    fn answer(&self, body: &[u8]) -> Result<ChatAnswer, ChatError> {
        let body = String::from_utf8_lossy(body);
        let (usage, text) = body
            .split_once('\n')
            .ok_or_else(|| RequestError::transient("the answer has no line of usage"))?;
        Ok(ChatAnswer {
            text: text.to_owned(),
            usage: tokens(usage).unwrap_or_default(),
            ..ChatAnswer::default()
        })
    }

    fn refusal(&self, response: &HttpResponse) -> Refusal {
        let body = String::from_utf8_lossy(&response.body);
        let (usage, message) = body.split_once('\n').unwrap_or(("", &body));
        Refusal {
            message: message.to_owned(),
            retryable: message.contains("busy"),
            retry_after: Some(Duration::from_secs(3)),
            usage: tokens(usage),
        }
    }

    fn usage(&self, _: &Value) -> Option<Usage> {
        None
    }

    fn quirks(&self, _: &str) -> ApiQuirks {
        ApiQuirks {
            format: OutputFormat::Text,
            temperature: false,
            ..ApiQuirks::default()
        }
    }

    fn after_refusal(&self, _: ApiQuirks, _: StatusCode, _: &str, _: bool) -> Option<ApiQuirks> {
        None
    }
}

fn tokens(usage: &str) -> Option<Usage> {
    let (input, output) = usage.split_once(' ')?;
    let (input, output) = (input.parse().ok()?, output.parse().ok()?);
    Some(Usage::from(Tokens::plain(input, output)))
}

async fn call_model_tool(server: &MockServer) -> CallReport {
    let key: Environment = Arc::new(|name| (name == "LINES_KEY").then(|| "k-12345".to_owned()));
    let price = Price::per_million("1", None, "2").unwrap();
    let worker = SmallModelWorker::of_provider(&LINES, "small")
        .environment(key)
        .base_url(&server.uri())
        .prices(Prices::default().with("lines/small", price));
    let definition = json!({"tools": {"total": {"type": "model", "output_schema": {"type": "object",
        "properties": {"total": {"type": "number"}}, "required": ["total"]}}}});
    let source = crate::plan::Source {
        name: "tools.json".into(),
        text: definition.to_string().into(),
    };
    let catalog = Catalog::parse(&source, None).unwrap();
    let toolbox = CatalogToolbox::new(&catalog, &worker, ToolOptions::default());
    let call = Call {
        step: "s".into(),
        attempt: 1,
        input: Arc::new(json!({"text": "Milk 4.50"})),
        model: None,
        name: "k".into(),
        idempotency_key: "k".into(),
        trace: None,
        time_limit: None,
        max_memory_mb: None,
        max_cpu_percent: None,
        cancel: tokio_util::sync::CancellationToken::new(),
        log: Arc::new(|_, _| {}),
        listener: None,
        raw: None,
        asker: crate::tools::Asker::default(),
        handle: crate::tools::CallHandle::default(),
        code: crate::tools::CodePort::default(),
        spend_authorizer: crate::models::SpendAuthorizer::unlimited(),
    };
    toolbox.tool("total").unwrap().call(call).await
}

#[tokio::test]
async fn a_model_tool_runs_on_another_format() {
    let server = MockServer::start().await;
    Mock::given(path("/ask/small"))
        .and(header("x-key", "k-12345"))
        .respond_with(ResponseTemplate::new(200).set_body_string("100 10\n{\"total\": 4.5}"))
        .mount(&server)
        .await;
    let report = call_model_tool(&server).await;
    assert_eq!(*report.output.unwrap(), json!({"total": 4.5}));
    assert_eq!(
        report.cost,
        Some(Money::from_pico(100 * 1_000_000 + 10 * 2_000_000))
    );
    let requests = server.received_requests().await.unwrap();
    let body = String::from_utf8(requests[0].body.clone()).unwrap();
    assert!(body.starts_with("1000 Text\nsystem: "), "{body}");
    assert!(body.ends_with("user: {\"text\":\"Milk 4.50\"}\n"), "{body}");
}

#[tokio::test]
async fn another_format_has_its_own_error_messages() {
    let server = MockServer::start().await;
    Mock::given(path("/ask/small"))
        .respond_with(ResponseTemplate::new(400).set_body_string("100 0\nbusy, k-12345"))
        .mount(&server)
        .await;
    let report = call_model_tool(&server).await;
    assert_eq!(report.cost, Some(Money::from_pico(100 * 1_000_000)));
    let error = report.output.unwrap_err();
    assert!(error.retryable);
    assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
    assert!(error.message.ends_with("busy, [redacted]"), "{error}");
}
