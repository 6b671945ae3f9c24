//! Serves the tools over standard input and output, or over HTTP.

use super::server::Server;
use crate::control::access::Token;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use rmcp::ServiceExt;
use rmcp::transport::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Serves one client over standard input and output, until it closes them.
///
/// # Errors
/// When the client does not speak the protocol.
pub async fn serve_stdio(program: &Path) -> io::Result<()> {
    let server = Server::new(program).serve(rmcp::transport::stdio()).await;
    let server = server.map_err(|error| io::Error::other(error.to_string()))?;
    let ended = server.waiting().await;
    ended.map_err(|error| io::Error::other(error.to_string()))?;
    Ok(())
}

/// Serves clients over HTTP at `/mcp`, with a token for those who have it.
///
/// # Errors
/// When the address cannot be served.
pub async fn serve_http(
    listener: tokio::net::TcpListener,
    program: &Path,
    token: Option<&str>,
) -> io::Result<()> {
    let server = Server::new(program);
    let mut config = StreamableHttpServerConfig::default();
    if token.is_some() {
        // Who has the token may come by any name of this machine.
        config = config.disable_allowed_hosts();
    }
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    let mut routes = Router::new().route_service("/mcp", service);
    if let Some(token) = token {
        routes = routes.layer(middleware::from_fn_with_state(Token::of(token), guarded));
    }
    axum::serve(listener, routes).await
}

async fn guarded(State(token): State<Token>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    if token.is_in(given.and_then(|value| value.to_str().ok())) {
        next.run(request).await
    } else {
        crate::control::error::ControlError::Unauthorized.into_response()
    }
}
