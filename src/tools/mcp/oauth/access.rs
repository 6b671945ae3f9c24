//! What gives a server's requests their tokens.

use super::store::{Remembered, TokenFile};
use crate::tools::SharedSecrets;
use crate::tools::mcp::settings::{OAuthSettings, with_variables};
use crate::tools::mcp::surroundings::Surroundings;
use rmcp::transport::auth::{AuthClient, AuthError, AuthorizationManager, ClientCredentialsConfig};
use std::error::Error;

/// What gives a server's requests their tokens.
pub(in crate::tools::mcp) enum Access {
    /// Nothing does.
    None,
    /// The user has logged in.
    LoggedIn(TokenFile),
    /// The catalog names a client with a secret.
    Client {
        id: String,
        secret: String,
        scopes: Vec<String>,
        /// Where the tokens are added, which are not shown.
        secrets: SharedSecrets,
    },
}

impl Access {
    /// What the settings and the folder of tokens have for a server.
    pub(in crate::tools::mcp) fn of(
        address: &str,
        oauth: Option<&OAuthSettings>,
        surroundings: &Surroundings<'_>,
    ) -> Result<Self, String> {
        let client = oauth.and_then(|oauth| {
            oauth
                .client_id
                .as_deref()
                .zip(oauth.client_secret.as_deref())
        });
        if let Some((id, secret)) = client {
            let read = |text: &str| {
                with_variables(text, surroundings.environment).map_err(|error| error.to_string())
            };
            let secret = read(secret)?;
            surroundings.secrets.add(&secret);
            return Ok(Self::Client {
                id: read(id)?,
                secret,
                scopes: scopes(oauth),
                secrets: surroundings.secrets.clone(),
            });
        }
        let file = surroundings
            .tokens
            .map(|folder| TokenFile::new(folder, address, surroundings.secrets));
        Ok(match file.filter(TokenFile::exists) {
            Some(file) => Self::LoggedIn(file),
            None => Self::None,
        })
    }

    /// Whether a token that is not taken any more is replaced with the next connection.
    pub(in crate::tools::mcp) fn renews(&self) -> bool {
        matches!(self, Self::Client { .. })
    }
}

pub(super) fn scopes(oauth: Option<&OAuthSettings>) -> Vec<String> {
    let scopes = oauth.into_iter().flat_map(|oauth| &oauth.scopes);
    scopes.map(ToString::to_string).collect()
}

/// The client that adds tokens to requests; `None` where there are none to add.
pub(in crate::tools::mcp) async fn authorized(
    client: &reqwest::Client,
    address: &str,
    access: &Access,
) -> Result<Option<AuthClient<reqwest::Client>>, String> {
    let granted = async {
        let mut manager = manager(client, address).await?;
        match access {
            Access::None => return Ok(None),
            Access::LoggedIn(file) => {
                manager.set_credential_store(file.clone());
                if !manager.initialize_from_store().await? {
                    return Ok(None);
                }
            }
            Access::Client {
                id,
                secret,
                scopes,
                secrets,
            } => {
                manager.set_credential_store(Remembered::new(secrets));
                let metadata = manager.resolve_metadata().await?.metadata;
                manager.set_metadata(metadata);
                let config = ClientCredentialsConfig::ClientSecret {
                    client_id: id.clone(),
                    client_secret: secret.clone(),
                    scopes: scopes.clone(),
                    resource: Some(address.to_owned()),
                };
                manager.configure_client_credentials(&config)?;
                manager.exchange_client_credentials(&config).await?;
            }
        }
        Ok(Some(AuthClient::new(client.clone(), manager)))
    };
    granted.await.map_err(|error: AuthError| in_words(&error))
}

pub(super) async fn manager(
    client: &reqwest::Client,
    address: &str,
) -> Result<AuthorizationManager, AuthError> {
    let mut manager = AuthorizationManager::new_allowing_private_addresses(address).await?;
    manager.with_client(client.clone())?;
    Ok(manager)
}

/// An error with its causes.
pub(super) fn in_words(error: &AuthError) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
        source = error.source();
    }
    crate::text::message::quote(&words, 4 << 10)
}
