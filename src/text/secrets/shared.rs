//! The secrets of a run, which grow while it reads its environment.

use super::{Secrets, forms};
use std::sync::{Arc, PoisonError, RwLock};

/// The secrets that everything in a run shares: what one tool reads must not be shown by another.
#[derive(Clone, Debug, Default)]
pub struct SharedSecrets(Arc<RwLock<Arc<Secrets>>>);

impl SharedSecrets {
    /// Adds a value, as [`Secrets::add`] does.
    pub fn add(&self, value: &str) {
        if !forms::is_secret(value.trim()) || self.now().has(value) {
            return;
        }
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut secrets).add(value);
    }

    /// Adds the password in an address, or the user's name where there is no password.
    pub fn add_credentials_of(&self, address: &str) {
        if let Some(password) = forms::password(address) {
            self.add(password);
        }
    }

    /// The secrets as they are now.
    pub fn now(&self) -> Arc<Secrets> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
