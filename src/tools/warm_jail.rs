//! A sandbox that is ready before the code that needs it.

use std::fmt;

/// Keeps a sandbox ready; none waits any longer once it is dropped.
pub struct WarmJail(Option<Box<dyn FnOnce() + Send>>);

impl WarmJail {
    /// One that ends so.
    pub(super) fn until_dropped(end: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for WarmJail {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for WarmJail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WarmJail")
    }
}
