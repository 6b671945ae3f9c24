//! A kind for the tests. Adding a kind takes this file, its `mod` line and its entry in the registry.

use crate::run::NotReused;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolSettings,
};
use crate::tools::{Call, CallReport, CodePort, Tool, ToolKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

static KIND: ToolKind = ToolKind {
    reaches_outside: false,
    repeatable: true,
    timeout: Some(Duration::from_secs(7)),
    ..ToolKind::new("echo")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &["says"],
    implied_by: &["says"],
    rank: 10,
    parse: |fields| {
        Arc::new(EchoSettings {
            says: fields.text("says").unwrap_or_default(),
        })
    },
};

#[derive(Clone, Debug)]
struct EchoSettings {
    says: Arc<str>,
}

impl ToolSettings for EchoSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, _context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        Ok(Arc::new(self.clone()))
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("says", json!(self.says));
        None
    }
}

impl Tool for EchoSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let output = json!({"says": self.says, "to": *call.input});
        async move { CallReport::free(Ok(output)) }.boxed()
    }
}

mod tests {
    use super::*;
    use crate::models::{SmallModelWorker, SpendAuthorizer};
    use crate::plan::Source;
    use crate::tools::{Catalog, CatalogToolbox, ToolOptions, Toolbox};
    use crate::units::Money;
    use tokio_util::sync::CancellationToken;

    fn catalog(tools: &str) -> Result<Catalog, String> {
        let source = Source {
            name: "tools".into(),
            text: tools.into(),
        };
        let faults = |faults: crate::plan::PlanFaults| faults.diagnostics[0].message.clone();
        Catalog::parse(&source, None).map_err(faults)
    }

    #[tokio::test]
    async fn a_kind_is_its_file_and_its_entry() {
        let tools = "tools: {a: {type: echo, says: hi, cost_usd: 0.5}, b: {says: ho, url: x}}";
        let catalog = catalog(tools).unwrap_err();
        assert!(catalog.contains("`url` must begin"), "{catalog}");
        let tools =
            "tools: {a: {type: echo, says: hi, cost_usd: 0.5}, b: {says: ho, sayz: 1, code: x}}";
        let catalog = super::tests::catalog(tools).unwrap();
        let b = catalog.get("b").unwrap();
        assert_eq!(b.kind().name, "code_exec", "the lower rank counts");
        let toolbox = CatalogToolbox::new(
            &catalog,
            &SmallModelWorker::simulated(1),
            ToolOptions::default(),
        );
        let tool = toolbox.tool("a").unwrap();
        let policy = tool.policy();
        assert!(policy.repeatable);
        assert_eq!(policy.timeout, Some(Duration::from_secs(7)));
        assert_eq!(
            tool.quote(&json!({}), None).min,
            Money::from_pico(500_000_000_000)
        );
        let call = Call {
            step: "s".into(),
            attempt: 1,
            input: Arc::new(json!({"n": 1})),
            model: None,
            name: "k".into(),
            idempotency_key: "k".into(),
            trace: None,
            time_limit: None,
            max_memory_mb: None,
            max_cpu_percent: None,
            cancel: CancellationToken::new(),
            log: Arc::new(|_, _| {}),
            listener: None,
            raw: None,
            asker: crate::tools::Asker::default(),
            handle: crate::tools::CallHandle::default(),
            code: CodePort::default(),
            spend_authorizer: SpendAuthorizer::unlimited(),
        };
        let report = tool.call(call).await;
        assert_eq!(
            *report.output.unwrap(),
            json!({"says": "hi", "to": {"n": 1}})
        );
        assert_eq!(report.cost, Some(Money::from_pico(500_000_000_000)));
        let fingerprint = toolbox
            .fingerprint("a", None, crate::units::ModelOptions::default())
            .unwrap();
        assert_eq!(fingerprint.parts["type"], "echo");
        assert_eq!(fingerprint.parts["says"], "hi");
    }

    #[test]
    fn messages_name_every_kind() {
        let error = catalog("tools: {a: {type: ecco}}").unwrap_err();
        let known =
            "model, mcp, http, process, code_exec, jq, agent, recorded, echo, tool, function";
        assert!(error.contains(&format!("(there are: {known})")), "{error}");
    }
}
