//! The secrets of a plan before any of its tools has read them.

use super::load::Loaded;
use crate::models::process_environment;
use crate::tools::{Secrets, Toolbox};
use std::sync::Arc;

impl Loaded {
    /// The values of all variables that its tools and models may read, known or not read yet.
    pub(crate) fn secrets_in_reach(&self) -> Arc<Secrets> {
        let reaches = self.reaches_with_any_worker();
        let environment = process_environment();
        let mut values = Secrets::new();
        for name in reaches.variables.iter().chain(&reaches.model_variables) {
            if let Some(value) = environment(name) {
                values.add(&value);
            }
        }
        self.toolbox.secrets().now().and(&values)
    }
}
