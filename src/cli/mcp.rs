//! `plandeck mcp`: the verbs for agents, as an MCP server.

use super::args::verbs::McpArgs;
use super::failure::Failure;
use super::output::note_line;
use crate::control::mcp::{serve_http, serve_stdio};

/// Serves agents until the client leaves, or the process ends. Returns the exit code.
pub(super) async fn mcp(args: McpArgs) -> Result<u8, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::usage(format!("this program: {error}")))?;
    let Some(address) = &args.http else {
        let served = serve_stdio(&program).await;
        served.map_err(|error| Failure::usage(format!("mcp: {error}")))?;
        return Ok(0);
    };
    let unusable = |error: std::io::Error| Failure::usage(format!("{address}: {error}"));
    let whole = match address.strip_prefix(':') {
        Some(port) => format!("127.0.0.1:{port}"),
        None => address.clone(),
    };
    let listener = tokio::net::TcpListener::bind(&*whole).await;
    let listener = listener.map_err(unusable)?;
    let bound = listener.local_addr().map_err(unusable)?;
    if !bound.ip().is_loopback() && args.token.is_none() {
        return Err(Failure::usage(format!(
            "{address} can be reached from other machines: set PLANDECK_TOKEN to a secret that clients have to send as \
             `Authorization: Bearer TOKEN`, or listen on 127.0.0.1"
        )));
    }
    note_line(&format!("serving MCP on http://{bound}/mcp"));
    let served = serve_http(listener, &program, args.token.as_deref()).await;
    served.map_err(unusable)?;
    Ok(0)
}
