//! Logging in to a server: the user permits it in a browser, and the tokens are kept.

use super::access::{in_words, manager, scopes};
use super::redirect::Redirect;
use super::store::TokenFile;
use crate::tools::mcp::settings::{Place, ServerSettings, with_variables};
use crate::tools::mcp::surroundings::Surroundings;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, WWW_AUTHENTICATE};
use rmcp::model::ProtocolVersion;
use rmcp::transport::auth::{AuthorizationRequest, AuthorizationSession};
use serde_json::json;
use std::time::Duration;

/// How long the answer to a request without a token may take. Without one, access is looked for where it usually is.
const CHALLENGE_WITHIN: Duration = Duration::from_secs(20);

/// Logs in. `show` gets the address at which the user permits it.
///
/// # Errors
/// Why that is not possible, or did not happen.
pub(in crate::tools::mcp) async fn log_in(
    settings: &ServerSettings,
    surroundings: &Surroundings<'_>,
    show: &mut (dyn FnMut(&str) + Send),
) -> Result<(), String> {
    let (address, file) = tokens(settings, surroundings)?;
    let Place::Address { oauth, .. } = &settings.place else {
        return Err("it is not reached over HTTP".to_owned());
    };
    let url: reqwest::Url = address
        .parse()
        .map_err(|error| format!("its `url` is not an address: {error}"))?;
    let client = surroundings.http.client(&url, true);
    let client = client.map_err(|error| error.message.clone())?;
    let challenge = challenge(client, &address).await;
    let redirect = Redirect::listen().await?;
    let mut manager = manager(client, &address)
        .await
        .map_err(|error| in_words(&error))?;
    manager.set_credential_store(file);
    let found = manager.resolve_metadata_from_challenge(challenge.as_deref());
    let found = found.await;
    manager.set_metadata(found.map_err(|error| in_words(&error))?.metadata);
    let mut request = AuthorizationRequest::new(redirect.address())
        .with_client_name("Plandeck")
        .with_scopes(scopes(oauth.as_ref()))
        .with_initial_scope_selection();
    if let Some(id) = oauth.as_ref().and_then(|oauth| oauth.client_id.as_deref()) {
        let id = with_variables(id, surroundings.environment);
        request = request.with_preregistered_client(id.map_err(|error| error.to_string())?);
    }
    let session = AuthorizationSession::new(manager, request).await;
    let session = session.map_err(|(_, error)| in_words(&error))?;
    show(session.get_authorization_url());
    let answered = redirect.answered().await?;
    let granted = session.handle_callback_url(&answered).await;
    granted.map(drop).map_err(|error| in_words(&error))
}

/// What the server says to a request without a token: where access is got, and which scope it wants.
async fn challenge(client: &reqwest::Client, address: &str) -> Option<String> {
    let request = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": ProtocolVersion::LATEST_WITH_INITIALIZE,
            "capabilities": {},
            "clientInfo": {"name": "plandeck", "version": env!("CARGO_PKG_VERSION")},
        },
    });
    let sent = client
        .post(address)
        .header(ACCEPT, "application/json, text/event-stream")
        .timeout(CHALLENGE_WITHIN)
        .json(&request);
    let answer = sent.send().await.ok()?;
    let said = answer.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
    (answer.status() == StatusCode::UNAUTHORIZED).then(|| said.to_owned())
}

/// Forgets the tokens of a server. Whether there were any.
///
/// # Errors
/// Why they are still there.
pub(in crate::tools::mcp) fn log_out(
    settings: &ServerSettings,
    surroundings: &Surroundings<'_>,
) -> Result<bool, String> {
    let (_, file) = tokens(settings, surroundings)?;
    file.forget().map_err(|error| error.to_string())
}

/// The address of a server, and the file of its tokens.
fn tokens(
    settings: &ServerSettings,
    surroundings: &Surroundings<'_>,
) -> Result<(String, TokenFile), String> {
    let Place::Address { url, .. } = &settings.place else {
        return Err("it is a program; only servers over HTTP are logged in to".to_owned());
    };
    let address = with_variables(url, surroundings.environment);
    let address = address.map_err(|error| error.to_string())?;
    let address = address.trim().to_owned();
    let folder = surroundings
        .tokens
        .ok_or("there is no folder for tokens: set PLANDECK_HOME")?;
    let file = TokenFile::new(folder, &address, surroundings.secrets);
    Ok((address, file))
}
