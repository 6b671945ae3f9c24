//! A server that is reached over streamable HTTP.

use super::MAX_MESSAGE;
use super::oauth::{self, Access};
use super::settings::{OAuthSettings, with_variables};
use super::surroundings::Surroundings;
use crate::tools::secrets::is_secret_header;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::AuthClient;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use std::sync::Arc;

/// How many requests may be in progress at once: steps wait for slots, not for each other here.
const MAX_REQUESTS: usize = 256;

/// What is needed to reach it.
pub(super) struct Reachable {
    client: reqwest::Client,
    config: StreamableHttpClientTransportConfig,
    address: String,
    access: Access,
}

/// Reads the address and the headers.
pub(super) fn prepare(
    url: &str,
    headers: &[(Arc<str>, Arc<str>)],
    oauth: Option<&OAuthSettings>,
    surroundings: &Surroundings<'_>,
) -> Result<Reachable, String> {
    let read =
        |text: &str| with_variables(text, surroundings.environment).map_err(|e| e.to_string());
    let address = read(url)?;
    let parsed: reqwest::Url = address
        .trim()
        .parse()
        .map_err(|error| format!("its `url` is not an address: {error}"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err("its `url` must begin with http:// or https://".to_owned());
    }
    let mut config = StreamableHttpClientTransportConfig::with_uri(parsed.as_str())
        .max_concurrent_requests(MAX_REQUESTS)
        .max_json_response_size(MAX_MESSAGE)
        .max_sse_event_size(MAX_MESSAGE);
    for (name, value) in headers {
        let value = read(value)?;
        if is_secret_header(name) {
            surroundings.secrets.add(&value);
        }
        let fault = || format!("its header `{name}` is not valid");
        let header = HeaderName::try_from(&**name).map_err(|_| fault())?;
        let value = HeaderValue::try_from(value).map_err(|_| fault())?;
        config.custom_headers.insert(header, value);
    }
    // Headers are sent again to whom a request is redirected.
    let client = surroundings.http.client(&parsed, true);
    let client = client.map_err(|error| error.message.clone())?.clone();
    let address = address.trim().to_owned();
    // A credential of the catalog goes before the user's.
    let has_own = config.custom_headers.contains_key(&AUTHORIZATION);
    let access = match oauth {
        None if has_own => Access::None,
        oauth => Access::of(&address, oauth, surroundings)?,
    };
    Ok(Reachable {
        client,
        config,
        address,
        access,
    })
}

impl Reachable {
    /// The transport; nothing is sent yet.
    pub(super) fn transport(&self) -> StreamableHttpClientTransport<reqwest::Client> {
        StreamableHttpClientTransport::with_client(self.client.clone(), self.config.clone())
    }

    /// The transport that adds tokens to requests, where there are any to add. The authorization server may be asked.
    pub(super) async fn authorized(
        &self,
    ) -> Result<Option<StreamableHttpClientTransport<AuthClient<reqwest::Client>>>, String> {
        let client = oauth::authorized(&self.client, &self.address, &self.access).await?;
        let config = self.config.clone();
        Ok(client.map(|client| StreamableHttpClientTransport::with_client(client, config)))
    }

    /// Whether the next connection brings another token where this one's is not taken any more.
    pub(super) fn renews(&self) -> bool {
        self.access.renews()
    }
}
