//! The tokens of a server, in a file that only the user can read.

use crate::tools::SharedSecrets;
use rmcp::transport::auth::{
    AuthError, CredentialRefreshGuard, CredentialStore, StoredCredentials,
};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The tokens of one server.
#[derive(Clone)]
pub(in crate::tools::mcp) struct TokenFile {
    file: PathBuf,
    /// What must not be shown: the tokens are added once they are read.
    secrets: SharedSecrets,
}

impl TokenFile {
    /// The file for the server at this address, in a folder that is made when it is needed.
    pub(super) fn new(folder: &Path, address: &str, secrets: &SharedSecrets) -> Self {
        let digest = blake3::hash(address.as_bytes()).to_hex();
        Self {
            file: folder.join(format!("{}.json", &digest[..32])),
            secrets: secrets.clone(),
        }
    }

    /// Whether there are tokens.
    pub(super) fn exists(&self) -> bool {
        self.file.exists()
    }

    /// Forgets the tokens. Whether there were any.
    pub(super) fn forget(&self) -> io::Result<bool> {
        match std::fs::remove_file(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&self) -> io::Result<Option<StoredCredentials>> {
        let text = match std::fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let known: StoredCredentials = serde_json::from_slice(&text)?;
        hide(&known, &self.secrets);
        Ok(Some(known))
    }

    fn write(&self, credentials: &StoredCredentials) -> io::Result<()> {
        hide(credentials, &self.secrets);
        let folder = self.file.parent().unwrap_or(Path::new("."));
        make_private(folder)?;
        // Such a file is the user's alone from its beginning.
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        part.write_all(&serde_json::to_vec(credentials)?)?;
        part.persist(&self.file).map_err(|error| error.error)?;
        Ok(())
    }

    fn fault(&self, error: &io::Error) -> AuthError {
        let file = self.file.display();
        AuthError::CredentialStoreError(format!("{file}: {error}"))
    }
}

/// Keeps the tokens out of everything that is shown or recorded.
fn hide(credentials: &StoredCredentials, secrets: &SharedSecrets) {
    let known = serde_json::to_value(&credentials.token_response);
    let known = known.unwrap_or_default();
    for name in ["access_token", "refresh_token", "id_token"] {
        if let Some(token) = known[name].as_str() {
            secrets.add(token);
        }
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[async_trait::async_trait]
impl CredentialStore for TokenFile {
    async fn load(&self) -> Result<Option<StoredCredentials>, AuthError> {
        self.read().map_err(|error| self.fault(&error))
    }

    async fn save(&self, credentials: StoredCredentials) -> Result<(), AuthError> {
        self.write(&credentials).map_err(|error| self.fault(&error))
    }

    async fn clear(&self) -> Result<(), AuthError> {
        let cleared = self.forget();
        cleared.map(drop).map_err(|error| self.fault(&error))
    }

    /// Several processes may use the tokens, and a refresh token is good for one refresh.
    async fn acquire_refresh_guard(&self) -> Result<Option<CredentialRefreshGuard>, AuthError> {
        let lock = self.file.with_extension("lock");
        let fault = |error: io::Error| self.fault(&error);
        if let Some(folder) = lock.parent() {
            make_private(folder).map_err(fault)?;
        }
        let locked = tokio::task::spawn_blocking(move || -> io::Result<File> {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(lock)?;
            file.lock()?;
            Ok(file)
        });
        let locked = locked.await.map_err(io::Error::other).and_then(|it| it);
        locked
            .map(|file| Some(CredentialRefreshGuard::new(file)))
            .map_err(fault)
    }
}

/// The tokens of a client of its own: another process gets others.
pub(super) struct Remembered {
    tokens: Mutex<Option<StoredCredentials>>,
    secrets: SharedSecrets,
}

impl Remembered {
    /// None yet. Those that come are added to `secrets`.
    pub(super) fn new(secrets: &SharedSecrets) -> Self {
        Self {
            tokens: Mutex::new(None),
            secrets: secrets.clone(),
        }
    }

    fn put(&self, credentials: Option<StoredCredentials>) {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = credentials;
    }
}

#[async_trait::async_trait]
impl CredentialStore for Remembered {
    async fn load(&self) -> Result<Option<StoredCredentials>, AuthError> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tokens.clone())
    }

    async fn save(&self, credentials: StoredCredentials) -> Result<(), AuthError> {
        hide(&credentials, &self.secrets);
        self.put(Some(credentials));
        Ok(())
    }

    async fn clear(&self) -> Result<(), AuthError> {
        self.put(None);
        Ok(())
    }
}
