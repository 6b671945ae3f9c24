//! Where a plan's tools and worker came from, as the record of a run or a batch has it.

use super::options::SourceOptions;
use serde_json::Value;
use std::path::PathBuf;

impl SourceOptions {
    /// Fills in what the caller left out from the settings on record: catalogs, worker, address and seed.
    pub(crate) fn complete_from(&mut self, settings: &Value) {
        let text = |name: &str| settings[name].as_str().map(str::to_owned);
        let paths = |name: &str| -> Vec<PathBuf> {
            let list = settings[name].as_array().into_iter().flatten();
            list.filter_map(Value::as_str).map(PathBuf::from).collect()
        };
        if self.tools.is_empty() {
            self.tools = paths("tools");
        }
        if self.open_api.is_empty() {
            self.open_api = paths("openapi");
        }
        if self.mcp_config.is_empty() {
            self.mcp_config = paths("mcp_config");
        }
        // Another worker has other cache keys, and may give other answers.
        self.worker = self.worker.take().or_else(|| text("worker"));
        if self.base_url.is_none() {
            self.base_url = text("base_url");
            self.base_url_of = text("base_url_of").map(PathBuf::from);
        }
        // What was sent there is asked about there.
        self.on = self.on.take().or_else(|| text("on"));
        self.seed = self.seed.or_else(|| settings["seed"].as_u64());
    }
}
