//! What a journal notes of where a plan came from.

use super::load::Loaded;
use super::recording::{Provenance, recorded_catalog};
use super::redaction::without_secrets;
use crate::tools::{EditedTools, Toolbox};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Loaded {
    /// Where the plan came from, for the journal.
    pub(super) fn provenance(&self) -> Provenance {
        let absolute = |path: &Path| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
            path.to_string_lossy().into_owned()
        };
        let all = |paths: &[PathBuf]| {
            let paths = paths.iter().map(|path| absolute(path));
            paths.collect::<Vec<_>>()
        };
        let options = &self.options;
        let secrets = self.toolbox.secrets().now();
        let edited_tools = options.edited_tools.iter();
        let edited_tools: EditedTools = edited_tools
            .map(|(name, tool)| (Arc::clone(name), tool.recorded()))
            .collect();
        let edited_tools = json!(edited_tools);
        let edited_tools = secrets.redacted(&edited_tools).unwrap_or(edited_tools);
        let given: Vec<&String> = self.context.keys().collect();
        Provenance {
            plan_path: (self.file != Path::new("-")).then(|| absolute(&self.file).into()),
            plan_text: Some(secrets.redact_text(&without_secrets(&self.source, &self.plan))),
            catalog: recorded_catalog(&self.catalog, &self.plan, &self.toolbox.secrets()),
            settings: json!({
                "tools": all(&options.tools),
                "openapi": all(&options.open_api),
                "mcp_config": all(&options.mcp_config),
                "context": given,
                "worker": options.worker,
                "seed": options.seed,
                "on": options.on,
                // It may hold a user name and a password, which must not be recorded.
                "base_url": options.base_url.as_ref().filter(|url| !url.contains('@')),
                "planned": self.is_planned().then(|| self.digest()),
                "base_url_of": options.base_url_of.as_deref().map(absolute),
                "repeats": self.repeats.as_ref().map(|repeats| &repeats.run_id),
                "repeated": self.repeats.as_ref().and_then(|repeats| repeats.definition.as_ref()),
                "compared_by": self.repeats.as_ref().and_then(|repeats| repeats.by.as_ref()),
                // The plan is the one on record, which its file does not have.
                "edited": options.plan_text.is_some().then_some(true),
                "on_file": options.plan_on_file,
                // Tools that are not as their files have them.
                "edited_tools": edited_tools,
            }),
        }
    }
}
