//! Errors of a server, each with its name.

use super::MAX_MESSAGE;
use super::observed::Observed;
use crate::models::http::is_transient;
use crate::run::ErrorKind;
use crate::text::message::quote;
use crate::tools::ToolError;
use reqwest::StatusCode;
use rmcp::model::{ErrorCode, ErrorData};
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::auth::AuthError;
use rmcp::transport::streamable_http_client::{HttpStatusError, StreamableHttpError};
use std::error::Error;
use std::time::Duration;

/// How much of a server's message is quoted, in bytes.
const MAX_QUOTED: usize = 4 << 10;

/// How a server is named in messages.
pub(super) fn named(server: &str) -> String {
    format!("the MCP server \"{server}\"")
}

/// The error of a server that could not be started or reached.
pub(super) fn not_started(server: &str, why: &str) -> ToolError {
    ToolError::transient(format!("{} cannot be used: {why}", named(server)))
}

/// The error of a server that does not answer in time.
pub(super) fn slow_start(server: &str, limit: Duration, observed: &Observed) -> ToolError {
    let tail = observed.tail();
    let tail = if tail.is_empty() {
        String::new()
    } else {
        format!(": {}", quote(&tail, MAX_QUOTED))
    };
    ToolError {
        kind: ErrorKind::TimeoutError,
        ..ToolError::transient(format!(
            "{} did not answer within {} s after its start{}{tail}",
            named(server),
            limit.as_secs_f64(),
            observed.explanation()
        ))
    }
}

/// Why a handshake failed.
pub(super) fn of_handshake(
    server: &str,
    error: &ClientInitializeError,
    observed: &Observed,
) -> ToolError {
    match error {
        ClientInitializeError::ConnectionClosed(_) => ToolError {
            retryable: !observed.is_missing(),
            ..not_started(server, &observed.loss())
        },
        ClientInitializeError::TransportError { error, .. } => {
            of_transport(server, error, observed).0
        }
        ClientInitializeError::JsonRpcError(error) => not_started(
            server,
            &format!("it refused the handshake: {}", quoted(error)),
        ),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
            of_handshake(server, fallback, observed)
        }
        ClientInitializeError::NoCompatibleProtocolVersion {
            server_supported, ..
        } => {
            let known: Vec<String> = server_supported.iter().map(ToString::to_string).collect();
            let known = quote(&known.join(", "), 200);
            ToolError::permanent(format!(
                "{} speaks versions of the protocol that are not known here ({known})",
                named(server)
            ))
        }
        ClientInitializeError::ConflictInitResponseId(..)
        | ClientInitializeError::UncorrelatedErrorResponse { .. } => not_started(
            server,
            "its answer to the handshake has the id of another request",
        ),
        ClientInitializeError::ExpectedInitResponse(_)
        | ClientInitializeError::ExpectedInitResult(_) => {
            not_started(server, "its answer to the handshake is not one")
        }
        error => not_started(server, &quote(&error.to_string(), MAX_QUOTED)),
    }
}

/// Why a request failed, and whether it is certain that the server never saw it.
pub(super) fn of_request(
    server: &str,
    what: &str,
    error: &ServiceError,
    observed: &Observed,
) -> (ToolError, bool) {
    match error {
        ServiceError::McpError(error) => {
            let message = format!("{} refused {what}: {}", named(server), quoted(error));
            let is_final = matches!(
                error.code,
                ErrorCode::INVALID_PARAMS
                    | ErrorCode::METHOD_NOT_FOUND
                    | ErrorCode::INVALID_REQUEST
                    | ErrorCode::PARSE_ERROR
                    | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
            );
            let error = if is_final {
                ToolError::permanent(message)
            } else {
                ToolError::transient(message)
            };
            (error, false)
        }
        ServiceError::TransportSend(error) => of_transport(server, error, observed),
        ServiceError::UnexpectedResponse => (
            ToolError::permanent(format!(
                "{} answered {what} with something else",
                named(server)
            )),
            false,
        ),
        _ => (lost(server, what, observed), false),
    }
}

/// The error of a request whose connection was lost.
pub(super) fn lost(server: &str, what: &str, observed: &Observed) -> ToolError {
    ToolError::transient(format!(
        "{} was lost during {what}: {}",
        named(server),
        observed.loss()
    ))
}

/// What is known of a failed exchange over HTTP.
#[derive(Default)]
struct Exchange {
    status: Option<StatusCode>,
    /// Whether no connection was made, so that nothing was sent.
    is_unconnected: bool,
    is_too_large: bool,
    /// Whether the server answered at all.
    is_answered: bool,
    /// The cause at the bottom.
    cause: String,
}

impl Exchange {
    fn of(error: &DynamicTransportError) -> Self {
        let mut known = Self::default();
        let mut source: Option<&(dyn Error + 'static)> = Some(&*error.error);
        while let Some(error) = source {
            known.cause = error.to_string();
            source = error.source();
            if let Some(error) = error.downcast_ref::<HttpStatusError>() {
                known.status = StatusCode::from_u16(error.status).ok();
            }
            match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
                // It is not its source.
                Some(StreamableHttpError::Client(error)) => {
                    known.is_unconnected = error.is_connect();
                    known.status = error.status();
                    known.cause = error.to_string();
                    source = error.source();
                }
                Some(
                    StreamableHttpError::AuthRequired(_)
                    | StreamableHttpError::Auth(
                        AuthError::AuthorizationRequired | AuthError::TokenRefreshRejected(_),
                    ),
                ) => {
                    known.status = Some(StatusCode::UNAUTHORIZED);
                }
                Some(StreamableHttpError::InsufficientScope(_)) => {
                    known.status = Some(StatusCode::FORBIDDEN);
                }
                Some(StreamableHttpError::ResponseBodyTooLarge { .. }) => known.is_too_large = true,
                Some(
                    StreamableHttpError::UnexpectedServerResponse(_)
                    | StreamableHttpError::UnexpectedContentType(_),
                ) => known.is_answered = true,
                _ => {}
            }
        }
        known.is_answered |= known.status.is_some();
        known
    }

    fn refuses_access(&self) -> bool {
        self.status
            .is_some_and(|status| matches!(status.as_u16(), 401 | 403))
    }
}

/// Whether a server that could not be used has answered at all, and does not refuse access.
pub(super) fn is_answered(error: &DynamicTransportError) -> bool {
    let known = Exchange::of(error);
    known.is_answered && !known.refuses_access()
}

/// Whether a request was refused for want of a valid credential, so that nothing was done.
pub(super) fn refuses_access(error: &ServiceError) -> bool {
    matches!(error, ServiceError::TransportSend(error) if Exchange::of(error).refuses_access())
}

/// Why nothing could be sent or received, and whether it is certain that nothing was sent.
fn of_transport(
    server: &str,
    error: &DynamicTransportError,
    observed: &Observed,
) -> (ToolError, bool) {
    if error.error.downcast_ref::<std::io::Error>().is_some() {
        return (lost(server, "a request", observed), false);
    }
    let known = Exchange::of(error);
    let name = server;
    let server = named(server);
    if known.is_too_large {
        let message = format!(
            "{server} sent a message of more than {} MB; let it give less at once, or the path of a file",
            MAX_MESSAGE >> 20
        );
        return (ToolError::permanent(message), false);
    }
    let whole = error.error.to_string();
    let why = if whole.contains(&known.cause) {
        whole
    } else {
        format!("{whole}: {}", known.cause)
    };
    let why = quote(&why, MAX_QUOTED);
    let what = if known.is_answered {
        "cannot be used"
    } else {
        "cannot be reached"
    };
    let message = format!("{server} {what}: {why}");
    let error = match known.status {
        Some(status) if known.refuses_access() => ToolError::permanent(format!(
            "{server} refuses access (HTTP {status}): log in with plandeck tools login {name}, or give a credential in its \
             `headers`"
        )),
        Some(status) if !is_transient(status) => ToolError::permanent(message),
        _ => ToolError::transient(message),
    };
    (error, known.is_unconnected)
}

fn quoted(error: &ErrorData) -> String {
    let data = match &error.data {
        Some(serde_json::Value::Null) | None => String::new(),
        Some(serde_json::Value::String(text)) => format!(": {text}"),
        Some(data) => format!(": {data}"),
    };
    let text = format!("{} ({}){data}", error.message, error.code.0);
    quote(&text, MAX_QUOTED)
}
