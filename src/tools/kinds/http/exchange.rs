//! The requests and answers of one call: one of each, or those of all pages.

use super::HttpSettings;
use super::answer::{Answer, Received};
use super::pages::{self, Next};
use super::request::Prepared;
use crate::models::CostBasis;
use crate::models::http::RequestError;
use crate::models::off_thread::off_thread;
use crate::run::ErrorKind;
use crate::tools::kinds::jq::JqRule;
use crate::tools::services::Services;
use crate::tools::{Call, CallReport, Secrets, ToolError, quote};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of the answers of one call.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// What is requested, and what becomes of the answer.
pub(super) struct Request {
    pub http: HttpSettings,
    /// Shapes each answer.
    pub response: Option<JqRule>,
    /// Finds the next page.
    pub next: Option<Next>,
    /// The folder of the catalog.
    pub folder: Option<Arc<PathBuf>>,
    pub timeout: Option<Duration>,
}

impl Request {
    /// The folder of the catalog.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref().map(PathBuf::as_path)
    }
}

pub(super) fn failure(secrets: &Secrets, error: &RequestError) -> ToolError {
    ToolError {
        kind: if error.timed_out {
            ErrorKind::TimeoutError
        } else {
            ErrorKind::ToolExecutionError
        },
        retryable: error.retryable,
        retry_after: error.retry_after,
        ..ToolError::permanent(secrets.quote(&error.message, 1_000))
    }
}

/// The requests and answers of one call.
pub(super) struct Exchange<'a> {
    pub request: &'a Request,
    pub services: &'a Services,
    pub call: &'a Call,
    pub secrets: &'a Arc<Secrets>,
}

impl Exchange<'_> {
    /// The output: of the only answer, or of all pages together. What came back, and whether anything was sent, is noted
    /// in the report.
    pub(super) async fn all(
        &self,
        mut prepared: Prepared,
        report: &mut CallReport,
    ) -> Result<Value, ToolError> {
        let mut outputs = Vec::new();
        let mut shown = String::new();
        let mut bytes = 0;
        let most = self
            .request
            .http
            .pages
            .as_ref()
            .map_or(1, |pages| pages.max);
        loop {
            let answer = prepared.send(self.services, MAX_ANSWER_BYTES - bytes).await;
            let answer = answer.map_err(|error| {
                if !error.sent && outputs.is_empty() {
                    report.basis = CostBasis::NotSent;
                }
                failure(self.secrets, &error)
            })?;
            bytes += answer.len();
            let current = answer.url.clone();
            let linked = match &self.request.next {
                Some(Next::Link) => pages::linked(&answer.headers, &current),
                _ => Ok(None),
            };
            let head = self.request.http.whole.then(|| answer.head());
            let (text, value) = self.read(answer).await?;
            if !shown.is_empty() {
                shown.push('\n');
            }
            shown.push_str(&text);
            report.answer = Some(shown.as_str().into());
            let value =
                value.map_err(|error| ToolError::permanent(format!("the answer is {error}")))?;
            let value = match head {
                Some(head) => head.with(value),
                None => value,
            };
            let next = match &self.request.next {
                Some(Next::Filter(filter)) => {
                    let next = self.filtered(filter, value.clone(), "pages.next").await?;
                    pages::found(&next, &current)
                }
                _ => linked,
            };
            let next = next.map_err(|why| ToolError::permanent(self.secrets.quote(&why, 1_000)))?;
            outputs.push(match &self.request.response {
                Some(filter) => self.filtered(filter, value, "response").await?,
                None => value,
            });
            let Some(next) = next else {
                break;
            };
            if next == current || next == prepared.url {
                return Err(ToolError::permanent(
                    "the next page is the one that was just read: `pages.next` does not lead on",
                ));
            }
            if outputs.len() as u32 >= most {
                return Err(ToolError::permanent(format!(
                    "there are more than {most} pages; raise `pages.max`, or have `pages.next` give null sooner"
                )));
            }
            prepared = prepared.at(next);
        }
        Ok(match (&self.request.next, outputs.pop()) {
            (None, Some(only)) => only,
            (_, last) => {
                outputs.extend(last);
                pages::joined(outputs)
            }
        })
    }

    /// The text of an answer without secrets, and what it is as a value.
    async fn read(&self, answer: Answer) -> Result<(String, Result<Value, String>), ToolError> {
        let length = answer.len();
        let hidden = Arc::clone(self.secrets);
        let files = Arc::clone(&self.services.files);
        let read = move || {
            let received = answer.into_received();
            match received.map_err(|error| failure(&hidden, &error))? {
                Received::Text(text) => {
                    let shown = hidden.redact(&text).into_owned();
                    Ok((shown, crate::tools::read_json_or_text(text)))
                }
                Received::Bytes(bytes, mime_type) => {
                    let mime_type = mime_type.as_deref().unwrap_or("application/octet-stream");
                    let kept = files.keep(&bytes, &quote(mime_type, 100));
                    let kept = kept.map_err(|error| {
                        ToolError::permanent(format!(
                            "the answer cannot be kept as a file: {error}"
                        ))
                    })?;
                    Ok((kept.to_string(), Ok(kept)))
                }
            }
        };
        off_thread(length, read).await
    }

    async fn filtered(
        &self,
        filter: &JqRule,
        value: Value,
        field: &str,
    ) -> Result<Value, ToolError> {
        let time = self.request.timeout;
        let output = filter.run(Arc::new(value), self.services, self.call, time);
        output.await.map_err(|error| ToolError {
            message: format!(
                "the filter `{field}` failed on the answer: {}",
                self.secrets.redact(&error.message)
            ),
            ..error
        })
    }
}
