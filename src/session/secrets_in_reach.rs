//! The secrets of a plan before any of its tools has read them.

use super::load::Loaded;
use crate::models::process_environment;
use crate::tools::{Secrets, Toolbox};
use std::sync::Arc;

impl Loaded {
    /// The values of all variables that its tools and models may read, known or not read yet.
    pub(crate) fn secrets_in_reach(&self) -> Arc<Secrets> {
        let mut values = Secrets::new();
        for value in self.values_in_reach() {
            values.add(&value);
        }
        self.toolbox.secrets().now().and(&values)
    }

    /// Hides them in the run from its beginning: workers elsewhere read them, and this process may never do.
    pub(crate) fn hide_secrets_in_reach(&self) {
        let secrets = self.toolbox.secrets();
        for value in self.values_in_reach() {
            secrets.add(&value);
        }
    }

    fn values_in_reach(&self) -> Vec<String> {
        let reaches = self.reaches_with_any_worker();
        let environment = process_environment();
        let names = reaches.variables.iter().chain(&reaches.model_variables);
        names.filter_map(|name| environment(name)).collect()
    }
}
