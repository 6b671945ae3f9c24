//! What a batch is resumed with: its plan, its inputs and its options, as they are on record.

use super::{Common, absolute};
use crate::cli::args::batch::BatchArgs;
use crate::run::{Rates, ResourceLimits};
use crate::session::SourceOptions;
use crate::tools::Secrets;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The settings on record of a batch.
#[derive(Clone, Copy)]
pub(super) struct Recorded<'a>(pub &'a Value);

/// The settings of a batch that begins or goes on.
pub(super) fn settings(
    args: &BatchArgs,
    source: &SourceOptions,
    common: &Common,
    (plan, inputs): (&Path, &Path),
    (limits, rates): (&ResourceLimits, &Rates),
) -> Value {
    let all =
        |paths: &[PathBuf]| -> Vec<Value> { paths.iter().map(|path| absolute(path)).collect() };
    json!({
        "plan": absolute(plan),
        "inputs": absolute(inputs),
        "key": args.key,
        "context": common,
        "tools": all(&source.tools),
        "openapi": all(&source.open_api),
        "mcp_config": all(&source.mcp_config),
        "worker": source.worker,
        // It may hold a user name and a password, which must not be recorded.
        "base_url": source.base_url.as_ref().filter(|url| !url.contains('@')),
        "base_url_of": source.base_url_of.as_deref().map(absolute),
        "seed": source.seed,
        "on": source.on,
        "limits": limits,
        "rates": rates,
        "max_runs": args.max_runs,
        "retries": args.retries,
        "in_order": args.in_order,
        "fail_fast": args.policy.fail_fast,
        "no_track_cost": args.policy.no_track_cost,
        "approve": args.policy.approve,
    })
}

/// Leaves out the context values that hold a secret: they are given again when the batch is resumed.
pub(super) fn leave_secrets_out(settings: &mut Value, secrets: &Secrets) {
    if let Some(context) = settings["context"].as_object_mut() {
        context.retain(|_, value| secrets.redacted(value).is_none());
    }
}

impl Recorded<'_> {
    /// Fills in what the caller left out.
    pub(super) fn complete(
        self,
        args: &mut BatchArgs,
        source: &mut SourceOptions,
        common: &mut Common,
    ) {
        let text = |name: &str| self.0[name].as_str().map(str::to_owned);
        let path = |name: &str| text(name).map(PathBuf::from);
        let number = |name: &str| {
            let number = self.0[name].as_u64();
            number.and_then(|number| u32::try_from(number).ok())
        };
        let flag = |name: &str| self.0[name].as_bool().unwrap_or_default();
        args.plan = args.plan.take().or_else(|| path("plan"));
        args.inputs = args.inputs.take().or_else(|| path("inputs"));
        args.key = args.key.take().or_else(|| text("key"));
        args.max_runs = args.max_runs.or_else(|| number("max_runs"));
        args.retries = args.retries.or_else(|| number("retries"));
        args.in_order |= flag("in_order");
        args.policy.fail_fast |= flag("fail_fast");
        args.policy.no_track_cost |= flag("no_track_cost");
        if args.policy.approve.is_empty() {
            let known = serde_json::from_value(self.0["approve"].clone());
            args.policy.approve = known.unwrap_or_default();
        }
        source.complete_from(self.0);
        for (name, value) in self.0["context"].as_object().into_iter().flatten() {
            if !common.contains_key(name) {
                common.insert(name.clone(), value.clone());
            }
        }
    }

    /// Its limits.
    pub(super) fn limits(self) -> Option<ResourceLimits> {
        serde_json::from_value(self.0["limits"].clone()).ok()
    }

    /// Its rates.
    pub(super) fn rates(self) -> Option<Rates> {
        serde_json::from_value(self.0["rates"].clone()).ok()
    }
}
