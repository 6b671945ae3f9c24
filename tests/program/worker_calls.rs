//! Tools called from the library without a plan.

use crate::common::model_server::{Answer, ModelServer};
use plandeck::models::Environment;
use plandeck::run::StepStatus;
use plandeck::tools::Catalog;
use plandeck::{ResourceLimits, SmallModelWorker};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn catalog() -> Catalog {
    Catalog::from_json(&json!({"tools": {
        "echo": {"type": "jq", "filter": "."},
        "fail": {"type": "jq", "filter": "error(\"no\")"},
        "shop": {"type": "model", "description": "Names the shop.", "output_schema": {"type": "string"}},
    }}))
    .unwrap()
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_each_call_its_own_error() {
    let calls = [
        ("echo", json!({"n": 0})),
        ("fail", json!({})),
        ("nobody", json!({})),
        // No reference, but text.
        (
            "echo",
            json!({"text": "{{inputs[0]}} $1 step:0 {{x", "odd key \"}}": [null, {"a": 1}]}),
        ),
    ];
    let inputs: Vec<Value> = calls.iter().map(|(_, input)| input.clone()).collect();
    let calls = calls.map(|(name, input)| (name.to_owned(), input)).to_vec();
    let tools = catalog();
    let results = SmallModelWorker::offline()
        .batch_execute(&tools, calls, ResourceLimits::none())
        .await
        .unwrap();
    let names: Vec<&str> = results.iter().map(|result| &*result.tool).collect();
    assert_eq!(names, ["echo", "fail", "nobody", "echo"]);
    assert_eq!(results[0].output.as_deref(), Some(&inputs[0]));
    assert_eq!(results[3].output.as_deref(), Some(&inputs[3]));
    for (at, error) in [(1, "no"), (2, "the catalog has no tool \"nobody\"")] {
        assert_eq!(results[at].status, StepStatus::Failed);
        let message = results[at].error.as_ref().unwrap().message.clone();
        assert!(message.contains(error), "{message}");
    }
    let worker = SmallModelWorker::offline();
    let none = worker.batch_execute(&tools, Vec::new(), ResourceLimits::none());
    assert_eq!(none.await.unwrap(), []);
}

#[test]
fn a_model_is_asked_within_the_budget() {
    let server = ModelServer::start(vec![Answer {
        to: "Names the shop.".to_owned(),
        says: json!({"output": "Corner Shop"}),
        after: Duration::ZERO,
    }]);
    let environment: Environment =
        Arc::new(|name| (name == "OPENAI_API_KEY").then(|| "sk-test-of-calls".to_owned()));
    let worker = SmallModelWorker::new("openai/gpt-4o-mini")
        .base_url(&server.url())
        .environment(environment);
    let can = worker.get_capabilities();
    assert_eq!(can.worker, "openai/gpt-4o-mini");
    assert_eq!((can.max_tokens, can.temperature), (1000, Some(0.0)));
    assert_eq!(can.context_window, Some(128_000));
    assert_eq!(can.output_usd_per_million, Some(0.6));
    let tools = catalog();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let call = || ("shop".to_owned(), json!({"text": "CORNER SHOP"}));
    let one = worker.execute_tool(&tools, "shop", json!({"text": "CORNER SHOP"}));
    let one = runtime.block_on(one).unwrap();
    assert_eq!(one.output.as_deref(), Some(&json!("Corner Shop")));
    assert_eq!(one.model.as_deref(), Some("gpt-4o-mini"));
    let cost = one.cost.unwrap();
    assert!(!cost.is_zero());
    // The bound of one call fits, those of a hundred do not.
    let limits = ResourceLimits {
        max_total_cost_usd: Some(plandeck::units::Money::from_usd(0.002)),
        ..ResourceLimits::command_line()
    };
    let many = worker.batch_execute(&tools, (0..100).map(|_| call()).collect(), limits);
    let many = runtime.block_on(many).unwrap();
    assert_eq!(many.len(), 100);
    let spent: i64 = many
        .iter()
        .filter_map(|result| result.cost)
        .map(plandeck::units::Money::pico)
        .sum();
    assert!(spent <= 2_000_000_000, "{spent}");
    let made = many
        .iter()
        .filter(|result| result.status == StepStatus::Succeeded)
        .count();
    assert!((1..100).contains(&made), "{made}");
}
