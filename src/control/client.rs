//! A client of the control interface: of a run on this machine by its socket, or of any by its address and token.

use super::live_status::LiveStatus;
use super::plan_request::PlanRequest;
use super::socket;
use super::verb::CommandRequest;
use crate::run::{ModelCall, RunEvent};
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Why a run could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers.
    #[error("the run does not answer: {0}")]
    Unreachable(String),
    /// It answers and refuses.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The name of the error.
        kind: String,
        /// What it says.
        message: String,
    },
}

impl ClientError {
    /// As the interface writes it: `{"error": {"type", "message"}}`.
    pub fn body(&self) -> Value {
        let kind = match self {
            Self::Unreachable(_) => "Unreachable",
            Self::Refused { kind, .. } => kind,
        };
        serde_json::json!({"error": {"type": kind, "message": self.to_string()}})
    }
}

/// A client of one live run.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: String,
    token: Option<String>,
}

impl Client {
    /// The client of a run that is live on this machine, recorded in the store at `home`; `None` where it is not live. A
    /// socket that a dead process left is removed.
    pub fn of_run(home: &Path, run_id: &str) -> Option<Self> {
        let path = socket::find(home, run_id)?;
        if UnixStream::connect(&path).is_err() {
            socket::remove_dead(home, run_id);
            return None;
        }
        let http = builder().unix_socket(path).build().ok()?;
        Some(Self {
            http,
            address: "http://run".to_owned(),
            token: None,
        })
    }

    /// The client of a run at an address of the network, as `http://127.0.0.1:7000`.
    ///
    /// # Errors
    /// When no client can be set up.
    pub fn at(address: &str, token: Option<String>) -> Result<Self, ClientError> {
        let http = builder()
            .build()
            .map_err(|error| ClientError::Unreachable(error.to_string()))?;
        Ok(Self {
            http,
            address: address.trim_end_matches('/').to_owned(),
            token,
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.address));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The run so far.
    ///
    /// # Errors
    /// When it does not answer, or refuses.
    pub async fn run(&self) -> Result<Value, ClientError> {
        answer(self.request(Method::GET, "/v1/run")).await
    }

    /// How far the run is; it is answered at once, however many events there are.
    ///
    /// # Errors
    /// When it does not answer, or refuses.
    pub async fn status(&self) -> Result<LiveStatus, ClientError> {
        answer(self.request(Method::GET, "/v1/status")).await
    }

    /// Sends a command; the answer is `{"accepted": true, "seq": N}`.
    ///
    /// # Errors
    /// When the run does not answer, or refuses.
    pub async fn command(&self, request: &CommandRequest) -> Result<Value, ClientError> {
        answer(self.request(Method::POST, "/v1/commands").json(request)).await
    }

    /// What a command would do, without giving it: a [`Preview`](crate::run::Preview), or its JSON.
    ///
    /// # Errors
    /// When the run does not answer, or refuses.
    pub async fn preview<T: DeserializeOwned>(
        &self,
        request: &CommandRequest,
    ) -> Result<T, ClientError> {
        answer(self.request(Method::POST, "/v1/preview").json(request)).await
    }

    /// What the calls of a step ask a model with by the plan.
    ///
    /// # Errors
    /// When the run does not answer, or the step asks no model.
    pub async fn model_call(&self, step: &str) -> Result<ModelCall, ClientError> {
        let step: String = form_urlencoded::byte_serialize(step.as_bytes()).collect();
        let path = format!("/v1/model-call?step={step}");
        answer(self.request(Method::GET, &path)).await
    }

    /// The definition of the tool that a step calls, or will call: `{"tool": NAME, "definition": {…}}`, without credentials.
    ///
    /// # Errors
    /// When the run does not answer, or the step calls no tool of a catalog.
    pub(crate) async fn tool_definition<T: DeserializeOwned>(
        &self,
        step: &str,
    ) -> Result<T, ClientError> {
        let step: String = form_urlencoded::byte_serialize(step.as_bytes()).collect();
        let path = format!("/v1/tool-definition?step={step}");
        answer(self.request(Method::GET, &path)).await
    }

    /// The edits of the run as changes of its files, as `plandeck save` prints them; written where this is no `dry_run`.
    ///
    /// # Errors
    /// When the run does not answer, or the edits cannot be saved.
    pub async fn save(&self, dry_run: bool) -> Result<Value, ClientError> {
        let asked = serde_json::json!({"dry_run": dry_run});
        answer(self.request(Method::POST, "/v1/save").json(&asked)).await
    }

    /// Edits the structure of the plan, or tells what that would do; the answer of the first is
    /// `{"accepted": true, "run_id", "held", "preview"}`.
    ///
    /// # Errors
    /// When the run does not answer, or refuses.
    pub(crate) async fn edit_plan(&self, request: &PlanRequest) -> Result<Value, ClientError> {
        answer(self.request(Method::POST, "/v1/plan").json(request)).await
    }

    /// The events from number `from` on, as they come.
    ///
    /// # Errors
    /// When the run does not answer, or refuses.
    pub async fn events(&self, from: u64) -> Result<Events, ClientError> {
        let request = self.request(Method::GET, &format!("/v1/events?from={from}"));
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let bytes = response.bytes_stream();
        Ok(Events {
            bytes: bytes.map(|piece| piece.map(|bytes| bytes.to_vec())).boxed(),
            rest: Vec::new(),
            read: VecDeque::new(),
        })
    }
}

fn builder() -> reqwest::ClientBuilder {
    // Set already where the program has asked a model.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ClientError> {
    let response = request.send().await.map_err(|error| unreachable(&error))?;
    if !response.status().is_success() {
        return Err(refused(response).await);
    }
    response.json().await.map_err(|error| unreachable(&error))
}

async fn refused(response: reqwest::Response) -> ClientError {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap_or_default();
    let text = |name: &str| body["error"][name].as_str().map(str::to_owned);
    ClientError::Refused {
        status,
        kind: text("type").unwrap_or_else(|| "Refused".to_owned()),
        message: text("message").unwrap_or_else(|| format!("the run answers with status {status}")),
    }
}

fn unreachable(error: &reqwest::Error) -> ClientError {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    ClientError::Unreachable(words)
}

/// The events of a run as they come.
pub struct Events {
    bytes: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    rest: Vec<u8>,
    read: VecDeque<RunEvent>,
}

impl Events {
    /// The next events: at least one; `None` after the run's last.
    ///
    /// # Errors
    /// When the connection breaks, or what comes are no events.
    pub async fn next(&mut self) -> Result<Option<Vec<RunEvent>>, ClientError> {
        while self.read.is_empty() {
            match self.bytes.next().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(unreachable(&error)),
                Some(Ok(bytes)) => self.take_in(&bytes)?,
            }
        }
        Ok(Some(self.read.drain(..).collect()))
    }

    /// Reads the lines that are complete.
    fn take_in(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        for line in whole.split(|byte| *byte == b'\n') {
            let Some(data) = line.strip_prefix(b"data: ") else {
                continue;
            };
            match serde_json::from_slice(data) {
                Ok(event) => self.read.push_back(event),
                Err(error) => {
                    let said: Value = serde_json::from_slice(data).unwrap_or_default();
                    let message = said["error"]["message"].as_str().map(str::to_owned);
                    return Err(ClientError::Unreachable(
                        message.unwrap_or_else(|| format!("what it sends is no event: {error}")),
                    ));
                }
            }
        }
        Ok(())
    }
}
