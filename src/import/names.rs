//! Names that are shared by all who have them.

use std::collections::HashSet;
use std::sync::Arc;

/// The names so far. Traces name a few things many times.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashSet<Arc<str>>,
    /// The last one, which is often the next one too.
    last: Arc<str>,
}

impl Names {
    /// The name with this text.
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        if *self.last != *text {
            self.last = match self.known.get(text) {
                Some(name) => Arc::clone(name),
                None => self.add(text),
            };
        }
        Arc::clone(&self.last)
    }

    fn add(&mut self, text: &str) -> Arc<str> {
        let name: Arc<str> = text.into();
        self.known.insert(Arc::clone(&name));
        name
    }
}
