//! Requests to an agent: its card, and JSON-RPC with or without a stream of updates.

use crate::models::http::{
    RequestError, is_transient, lost, retry_after, spool_body, transport_error,
};
use crate::models::protocol::SseDecoder;
use crate::text::json;
use crate::tools::quote;
use crate::tools::services::Services;
use a2a::{AgentCard, JsonRpcId, JsonRpcRequest, JsonRpcResponse, SVC_PARAM_VERSION, VERSION};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;

/// Where an agent's card is by convention.
const CARD_PATH: &str = ".well-known/agent-card.json";

/// The most bytes of an answer, and of a stream.
const MAX_BYTES: usize = 32 << 20;

/// The longest pause in a stream.
const IDLE: Duration = Duration::from_mins(2);

/// The transport that is spoken.
const JSON_RPC: &str = "JSONRPC";

/// How to reach an agent.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// Where requests go.
    pub url: Url,
    /// Whether it streams its updates.
    pub streams: bool,
    tenant: Option<String>,
}

/// Makes the requests of one call.
pub(super) struct Client<'a> {
    pub services: &'a Services,
    /// The headers of the catalog.
    pub headers: HeaderMap,
}

impl Client<'_> {
    /// Where the agent at `address` takes requests: its card says so.
    pub(super) async fn endpoint(&self, address: &Url) -> Result<Endpoint, RequestError> {
        let mut place = address.clone();
        let is_card = std::path::Path::new(place.path())
            .extension()
            .is_some_and(|it| it == "json");
        if !is_card {
            let base = place.path().trim_end_matches('/').to_owned();
            place.set_path(&format!("{base}/{CARD_PATH}"));
        }
        let response = self
            .send(Method::GET, &place, None, "application/json")
            .await?;
        let value: Value = read(response, &place).await?;
        let has_interfaces = value.get("supportedInterfaces").is_some();
        if !has_interfaces && value.get("protocolVersion").is_some() {
            let version = quote(value["protocolVersion"].as_str().unwrap_or_default(), 20);
            return Err(RequestError::permanent(format!(
                "the agent speaks version {version} of the Agent2Agent protocol; version 1.0 is needed"
            )));
        }
        let card: AgentCard = serde_json::from_value(value).map_err(|error| {
            let error = quote(&error.to_string(), 200);
            RequestError::permanent(format!("{place} is not the card of an agent: {error}"))
        })?;
        let interfaces = card.supported_interfaces.iter();
        let mut spoken = interfaces.filter(|interface| {
            let is_first = interface.protocol_version.split('.').next() == Some("1");
            interface.protocol_binding.eq_ignore_ascii_case(JSON_RPC) && is_first
        });
        let interface = spoken.next().ok_or_else(|| {
            RequestError::permanent(
                "the agent has no interface with JSON-RPC in version 1 of the Agent2Agent protocol",
            )
        })?;
        let shown = quote(&interface.url, 120);
        let url = place.join(&interface.url);
        let url = url.map_err(|_| {
            RequestError::permanent(format!("the agent's address {shown} is not valid"))
        })?;
        if url.origin() != place.origin() {
            // The headers of the catalog are for the host that it names.
            return Err(RequestError::permanent(format!(
                "the agent's card leads to another host ({shown}); give that one as the `url`"
            )));
        }
        Ok(Endpoint {
            url,
            streams: card.capabilities.streaming == Some(true),
            tenant: interface.tenant.clone(),
        })
    }

    /// The result of a method.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        method: &str,
        params: impl Serialize,
    ) -> Result<T, RequestError> {
        let body = request(endpoint, method, params)?;
        let answer = self
            .send(Method::POST, &endpoint.url, Some(body), "application/json")
            .await?;
        result(read(answer, &endpoint.url).await?)
    }

    /// Calls a method that streams its results.
    pub(super) async fn stream(
        &self,
        endpoint: &Endpoint,
        method: &str,
        params: impl Serialize,
    ) -> Result<Updates, RequestError> {
        let body = request(endpoint, method, params)?;
        let answer = self
            .send(Method::POST, &endpoint.url, Some(body), "text/event-stream")
            .await?;
        let content_type = answer.headers().get(CONTENT_TYPE);
        let is_stream =
            content_type.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"));
        Ok(Updates {
            url: endpoint.url.clone(),
            answer: Some(answer),
            is_stream,
            decoder: SseDecoder::default(),
            bytes: 0,
            ready: VecDeque::new(),
        })
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        body: Option<String>,
        accept: &'static str,
    ) -> Result<Response, RequestError> {
        let client = self.services.http.client(url, true)?;
        let place = format!("{method} {}", shown(url));
        let mut headers = self.headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Ok(name) = HeaderName::try_from(SVC_PARAM_VERSION) {
            headers.insert(name, HeaderValue::from_static(VERSION));
        }
        let mut request = client.request(method, url.clone());
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(body);
        }
        let answer = request.headers(headers).send().await;
        let answer = answer.map_err(|error| transport_error(error, url).at(&place))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let wait = retry_after(answer.headers());
        let text = spool_body(answer, MAX_BYTES).await.ok();
        let text = text
            .and_then(|text| text.into_bytes().ok())
            .unwrap_or_default();
        let said = self
            .services
            .secrets
            .now()
            .quote(&String::from_utf8_lossy(&text), 600);
        let message = format!("{place} answered {status}: {said}");
        let message = message.trim_end_matches([':', ' ']).to_owned();
        Err(RequestError::refused(message, is_transient(status), wait))
    }
}

/// The results of a method that streams them; of one that does not, its only one.
pub(super) struct Updates {
    url: Url,
    /// `None` once all of it has been taken.
    answer: Option<Response>,
    is_stream: bool,
    decoder: SseDecoder,
    bytes: usize,
    ready: VecDeque<String>,
}

impl Updates {
    /// The next result; `None` after the last one.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, RequestError> {
        if !self.is_stream {
            let Some(answer) = self.answer.take() else {
                return Ok(None);
            };
            return result(read(answer, &self.url).await?).map(Some);
        }
        loop {
            if let Some(data) = self.ready.pop_front() {
                return result(parse(data.as_bytes(), &self.url)?).map(Some);
            }
            let Some(answer) = &mut self.answer else {
                return Ok(None);
            };
            let chunk = tokio::time::timeout(IDLE, answer.chunk()).await;
            let chunk = chunk.map_err(|_| {
                RequestError::timeout(format!("the agent sent nothing for {} s", IDLE.as_secs()))
            })?;
            let chunk = chunk.map_err(|error| transport_error(error, &self.url).sent())?;
            let Some(chunk) = chunk else {
                self.answer = None;
                continue;
            };
            self.bytes += chunk.len();
            if self.bytes > MAX_BYTES {
                let limit = MAX_BYTES >> 20;
                return Err(RequestError::permanent(format!(
                    "the agent sent more than {limit} MB"
                ))
                .sent());
            }
            let events = self.decoder.push(&chunk).into_iter();
            self.ready.extend(events.map(|event| event.data));
        }
    }
}

fn request(
    endpoint: &Endpoint,
    method: &str,
    params: impl Serialize,
) -> Result<String, RequestError> {
    let fault = |error: serde_json::Error| RequestError::permanent(error.to_string());
    let mut params = serde_json::to_value(params).map_err(fault)?;
    if let Some(tenant) = &endpoint.tenant {
        params["tenant"] = tenant.as_str().into();
    }
    let request = JsonRpcRequest::new(JsonRpcId::Number(1), method, Some(params));
    serde_json::to_string(&request).map_err(fault)
}

async fn read<T: DeserializeOwned>(answer: Response, url: &Url) -> Result<T, RequestError> {
    let body = spool_body(answer, MAX_BYTES).await?;
    parse(&body.into_bytes().map_err(|error| lost(&error))?, url)
}

fn parse<T: DeserializeOwned>(bytes: &[u8], url: &Url) -> Result<T, RequestError> {
    let fault = |error: &dyn std::fmt::Display| {
        let error = quote(&error.to_string(), 200);
        RequestError::permanent(format!("{} sent what is not valid: {error}", shown(url))).sent()
    };
    let value = json::read(bytes).map_err(|error| fault(&error))?;
    serde_json::from_value(value).map_err(|error| fault(&error))
}

fn result<T: DeserializeOwned>(answer: JsonRpcResponse) -> Result<T, RequestError> {
    if let Some(error) = answer.error {
        let said = quote(&error.message, 600);
        return Err(
            RequestError::permanent(format!("the agent refused: {said} ({})", error.code)).sent(),
        );
    }
    let result = answer.result.unwrap_or_default();
    serde_json::from_value(result).map_err(|error| {
        let error = quote(&error.to_string(), 200);
        RequestError::permanent(format!("the agent's answer is not valid: {error}")).sent()
    })
}

/// A place without its query, which may hold a credential.
fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{host}{port}{}", url.path())
}
