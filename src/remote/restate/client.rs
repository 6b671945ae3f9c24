//! What is asked of a Restate server, over HTTP: at its ingress, and at its admin interface.

use super::address::RestateAddress;
use super::{CALL, MARK, SERVICE};
use crate::models::http::{read_body, transport_error};
use crate::models::{HttpClients, RequestError};
use crate::text::message::clean;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use std::time::Duration;

/// The most bytes of an answer.
const MOST: usize = 64 << 20;

/// How long a question may take that the server answers at once.
const QUICK: Duration = Duration::from_secs(10);

/// The status with which the server says that an invocation has not ended.
const NOT_READY: u16 = 470;

/// Why a server has not done what it was asked for.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// It cannot be reached, or has broken off: whether it was sent, and what happened.
    #[error("{1}")]
    Lost(bool, String),
    /// It knows nothing of what it was asked about.
    #[error("{0}")]
    NotFound(String),
    /// The invocation has ended without an answer of a worker: it was killed, or no worker could be reached.
    #[error("{0}")]
    Failed(String),
    /// It refuses the request.
    #[error("{0}")]
    Refused(String),
}

/// What the server says of an invocation.
#[derive(Debug)]
pub(super) enum Known {
    /// It has ended, with this answer of the worker.
    Ended(Vec<u8>),
    /// It has not ended.
    Running,
}

/// Whether an invocation is new, or had been there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    New,
    Before,
}

/// A Restate server.
#[derive(Debug)]
pub(super) struct Client {
    pub address: RestateAddress,
    http: HttpClients,
}

impl Client {
    pub(super) fn new(address: RestateAddress) -> Self {
        Self {
            address,
            http: HttpClients::default(),
        }
    }

    /// The version of the server.
    pub(super) async fn version(&self) -> Result<String, ClientError> {
        let request = self.request(Method::GET, &self.address.admin, "version")?;
        let answer = self.answered(request.timeout(QUICK)).await?;
        let version = json_of(&answer);
        Ok(version["version"].as_str().unwrap_or_default().to_owned())
    }

    /// Registers a worker.
    #[cfg(feature = "restate")]
    pub(super) async fn register(&self, body: &Value) -> Result<(), ClientError> {
        let request = self.request(Method::POST, &self.address.admin, "deployments")?;
        let request = request.json(body).timeout(QUICK * 3);
        self.answered(request).await.map(drop)
    }

    /// Whether a worker is registered.
    pub(super) async fn has_workers(&self) -> Result<bool, ClientError> {
        let path = format!("services/{SERVICE}");
        let request = self.request(Method::GET, &self.address.admin, &path)?;
        match self.answered(request.timeout(QUICK)).await {
            Ok(_) => Ok(true),
            Err(ClientError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Leaves a mark, once a worker has answered.
    pub(super) async fn leave_mark(&self, mark: &str, limit: Duration) -> Result<(), ClientError> {
        let path = format!("{SERVICE}/{MARK}");
        let request = self.request(Method::POST, &self.address.ingress, &path)?;
        let request = request.header("idempotency-key", mark).timeout(limit);
        self.answered(request).await.map(drop)
    }

    /// Whether a mark that was left is there still.
    pub(super) async fn has_mark(&self, mark: &str) -> Result<bool, ClientError> {
        match self.output(MARK, mark).await {
            Ok(_) => Ok(true),
            Err(ClientError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Has a handler called, once for each key.
    pub(super) async fn submit(
        &self,
        handler: &str,
        key: &str,
        body: Vec<u8>,
    ) -> Result<Accepted, ClientError> {
        let path = format!("{SERVICE}/{handler}/send");
        let request = self.request(Method::POST, &self.address.ingress, &path)?;
        let kind = match handler {
            CALL => "application/json",
            _ => "application/octet-stream",
        };
        let request = request
            .header("idempotency-key", key)
            .header(CONTENT_TYPE, kind)
            .body(body)
            .timeout(QUICK * 3);
        let answer = json_of(&self.answered(request).await?);
        Ok(match answer["status"].as_str() {
            Some("PreviouslyAccepted") => Accepted::Before,
            _ => Accepted::New,
        })
    }

    /// Waits for the end of a call of a handler.
    pub(super) async fn attach(&self, handler: &str, key: &str) -> Result<Vec<u8>, ClientError> {
        let path = format!("restate/invocation/{SERVICE}/{handler}/{key}/attach");
        self.answered(self.request(Method::GET, &self.address.ingress, &path)?)
            .await
    }

    /// What the server says of a call of a handler.
    pub(super) async fn look_up(&self, handler: &str, key: &str) -> Result<Known, ClientError> {
        self.output(handler, key).await
    }

    async fn output(&self, handler: &str, key: &str) -> Result<Known, ClientError> {
        let path = format!("restate/invocation/{SERVICE}/{handler}/{key}/output");
        let request = self.request(Method::GET, &self.address.ingress, &path)?;
        let response = self.sent(request.timeout(QUICK)).await?;
        if response.status().as_u16() == NOT_READY {
            return Ok(Known::Running);
        }
        self.body(response).await.map(Known::Ended)
    }

    /// Ends a call at once, where it is running.
    pub(super) async fn kill(&self, handler: &str, key: &str) -> Result<(), ClientError> {
        self.stop(handler, key, "kill").await
    }

    /// Asks a handler to end, where it is running.
    pub(super) async fn cancel(&self, handler: &str, key: &str) -> Result<(), ClientError> {
        self.stop(handler, key, "cancel").await
    }

    async fn stop(&self, handler: &str, key: &str, how: &str) -> Result<(), ClientError> {
        let Some(id) = self.invocation(handler, key, "id").await? else {
            return Ok(());
        };
        let path = format!("invocations/{id}/{how}");
        let request = self.request(Method::PATCH, &self.address.admin, &path)?;
        match self.answered(request.timeout(QUICK)).await {
            Ok(_) | Err(ClientError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What keeps a call from being made: why no worker has taken it.
    pub(super) async fn trouble(
        &self,
        handler: &str,
        key: &str,
    ) -> Result<Option<String>, ClientError> {
        self.invocation(handler, key, "last_failure").await
    }

    /// Whether a worker had announced a call, so that it may have been made.
    pub(super) async fn was_begun(&self, key: &str) -> Result<Option<bool>, ClientError> {
        let Some(id) = self.invocation(CALL, key, "id").await? else {
            return Ok(None);
        };
        let rows = format!("select name from sys_journal where id = '{}'", quoted(&id));
        let rows = self.query(&rows).await?;
        let mut names = rows.iter().filter_map(|row| row["name"].as_str());
        Ok((!rows.is_empty()).then(|| names.any(|name| name == "begin")))
    }

    /// Calls a handler of an object, and waits for its answer.
    pub(super) async fn tell(
        &self,
        object: &str,
        (key, handler): (&str, &str),
        body: &Value,
    ) -> Result<(), ClientError> {
        let path = format!("{object}/{key}/{handler}");
        let request = self.request(Method::POST, &self.address.ingress, &path)?;
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        self.answered(request.timeout(QUICK * 3)).await.map(drop)
    }

    /// A column of the invocation of a call.
    async fn invocation(
        &self,
        handler: &str,
        key: &str,
        column: &str,
    ) -> Result<Option<String>, ClientError> {
        let rows = format!(
            "select {column} as found from sys_invocation where target = '{SERVICE}/{handler}' and idempotency_key = '{}'",
            quoted(key)
        );
        let rows = self.query(&rows).await?;
        let found = rows.first().and_then(|row| row["found"].as_str());
        Ok(found.map(str::to_owned))
    }

    /// What a query of SQL finds, an object for each row.
    pub(super) async fn query(&self, query: &str) -> Result<Vec<Value>, ClientError> {
        let request = self.request(Method::POST, &self.address.admin, "query")?;
        let request = request
            .header("accept", "application/json")
            .json(&json!({"query": query}))
            .timeout(QUICK);
        let answer = json_of(&self.answered(request).await?);
        Ok(answer["rows"].as_array().cloned().unwrap_or_default())
    }

    fn request(
        &self,
        method: Method,
        base: &Url,
        path: &str,
    ) -> Result<RequestBuilder, ClientError> {
        let lost = |error: RequestError| ClientError::Refused(error.message);
        let client = self.http.client(base, false).map_err(lost)?;
        Ok(client.request(method, format!("{base}{path}")))
    }

    async fn answered(&self, request: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let response = self.sent(request).await?;
        self.body(response).await
    }

    async fn sent(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let sent = request.send().await;
        sent.map_err(|error| {
            let url = error
                .url()
                .cloned()
                .unwrap_or_else(|| self.address.ingress.clone());
            let error = transport_error(error, &url);
            let place = url.host_str().map_or_else(String::new, |host| {
                let port = url.port_or_known_default().unwrap_or_default();
                format!("{host}:{port}: ")
            });
            ClientError::Lost(error.sent, format!("{place}{}", error.message))
        })
    }

    /// The body of an answer, or why there is none.
    async fn body(&self, response: Response) -> Result<Vec<u8>, ClientError> {
        let status = response.status();
        let source = response.headers().get("x-restate-error-source");
        let of_ingress = source.is_some_and(|source| source.as_bytes() == b"ingress");
        let body = read_body(response, MOST).await;
        let body = body.map_err(|error| ClientError::Lost(true, error.message))?;
        if status.is_success() {
            return Ok(body);
        }
        let answer = json_of(&body);
        let said = answer["message"].as_str();
        let said = said.map_or_else(|| String::from_utf8_lossy(&body), Into::into);
        let said = clean(&said, 300);
        let message = format!("{said} (HTTP {})", status.as_u16());
        Err(match status {
            StatusCode::NOT_FOUND => ClientError::NotFound(message),
            _ if status.is_client_error() => ClientError::Refused(message),
            _ if of_ingress => ClientError::Lost(true, message),
            _ => ClientError::Failed(message),
        })
    }
}

/// The client of a server of which the admin interface alone is known.
#[cfg(feature = "restate")]
pub(super) fn admin_of(admin: &str) -> Result<Client, ClientError> {
    let url = Url::parse(&format!("{}/", admin.trim_end_matches('/')));
    let url = url
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| {
        ClientError::Refused(format!(
            "{admin:?} is no address such as http://127.0.0.1:9070"
        ))
    })?;
    Ok(Client::new(RestateAddress::of_admin(url)))
}

fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// A text within quotes of SQL.
pub(super) fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}
