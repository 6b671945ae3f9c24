//! The secrets of a run, which grow while it reads its environment.

use super::{Secrets, forms};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The secrets that everything in a run shares: what one tool reads must not be shown by another.
#[derive(Clone, Debug, Default)]
pub struct SharedSecrets(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    all: RwLock<Arc<Secrets>>,
    /// Changes with every addition.
    version: AtomicU64,
}

/// The secrets as they are now, for a reader that asks all the time: while none is added, it takes no lock.
#[derive(Debug)]
pub(crate) struct SecretsReader {
    shared: SharedSecrets,
    version: u64,
    last: Arc<Secrets>,
}

impl SecretsReader {
    /// A reader of these.
    pub(crate) fn new(shared: SharedSecrets) -> Self {
        Self {
            version: shared.version(),
            last: shared.now(),
            shared,
        }
    }

    /// The secrets as they are now.
    pub(crate) fn now(&mut self) -> &Secrets {
        let version = self.shared.version();
        if version != self.version {
            self.version = version;
            self.last = self.shared.now();
        }
        &self.last
    }

    /// The secrets as they are now, to be held on to.
    pub(crate) fn snapshot(&self) -> Arc<Secrets> {
        self.shared.now()
    }
}

impl SharedSecrets {
    /// Adds a value, as [`Secrets::add`] does.
    pub fn add(&self, value: &str) {
        if !forms::is_secret(value.trim()) || self.now().has(value) {
            return;
        }
        let mut secrets = self.0.all.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut secrets).add(value);
        // While the lock is held, so that who sees the new version waits for the secrets that belong to it.
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// Adds the password in an address, or the user's name where there is no password.
    pub(crate) fn add_credentials_of(&self, address: &str) {
        if let Some(password) = forms::password(address) {
            self.add(password);
        }
    }

    /// Adds the value of a header that carries a credential, and the credential alone: what follows `Bearer`, the
    /// password behind `Basic`, the values of cookies.
    pub(crate) fn add_header(&self, value: &str) {
        self.add(value);
        if let Some((scheme, credential)) = value.split_once(' ') {
            self.add(credential);
            let is_basic = scheme.eq_ignore_ascii_case("basic");
            let decoded = STANDARD.decode(credential.trim()).ok().filter(|_| is_basic);
            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some((_, password)) = decoded.as_deref().and_then(|both| both.split_once(':')) {
                self.add(password);
            }
        }
        if value.contains(['=', ';']) {
            let values = value.split(';').filter_map(|pair| pair.split_once('='));
            let values = values.map(|(_, value)| value.trim());
            for value in values.filter(|value| value.len() >= 8) {
                self.add(value);
            }
        }
    }

    /// The secrets as they are now.
    pub fn now(&self) -> Arc<Secrets> {
        Arc::clone(&self.0.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_what_is_added_at_any_time() {
        let shared = SharedSecrets::default();
        shared.add("first-passphrase");
        let mut reader = SecretsReader::new(shared.clone());
        assert!(reader.now().has("first-passphrase"));
        assert!(!reader.now().has("second-passphrase"));
        shared.add("second-passphrase");
        assert!(reader.now().has("first-passphrase") && reader.now().has("second-passphrase"));
    }
}
