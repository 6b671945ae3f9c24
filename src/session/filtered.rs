//! A jq filter that somebody types over a value that is shown.

use crate::text::secrets::SharedSecrets;
use crate::tools::filtered_by;
use crate::tools::sandbox::{Program, Sandbox};
use serde_json::Value;
use std::time::Duration;

/// The most time that a filter may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What `filter` makes of `value`: one output is itself, several are a list. It is bounded in time and memory.
///
/// # Errors
/// What is wrong with the filter, or what it failed of.
pub(crate) async fn filtered(value: &Value, filter: &str) -> Result<Value, String> {
    let sandbox = Sandbox::new(Program::default(), SharedSecrets::default(), false);
    filtered_by(filter, value, &sandbox, LIMIT).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn what_is_simple_needs_no_process_and_faults_are_named() {
        let value = json!({"rows": [{"n": 1}, {"n": 2}]});
        assert_eq!(filtered(&value, ".rows[1].n").await, Ok(json!(2)));
        assert_eq!(filtered(&value, ".rows[].n").await, Ok(json!([1, 2])));
        assert!(filtered(&value, ".rows[").await.is_err());
        let failed = filtered(&value, ".rows + 1").await;
        assert!(failed.unwrap_err().contains("cannot"), "it says what");
    }
}
