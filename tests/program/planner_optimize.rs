//! A rewritten plan gives what the plan gave: random plans, run both ways.

use plandeck::plan::Source;
use plandeck::planner::optimize_plan;
use plandeck::tools::Catalog;
use plandeck::{Execution, ExecutionError, ExecutionPlan};
use proptest::prelude::*;
use serde_json::{Value, json};

const TOOLS: &str = r"
tools:
  pack: {type: jq, filter: '{got: .v}'}
  size: {type: jq, filter: '.v | tostring | length'}
  note: {type: process, command: [cat]}
";

/// A step before it has a place in a plan: its tool, the steps that it refers to and waits for, a literal, a condition.
type Raw = (u8, Vec<u8>, Vec<u8>, u8, u8);

fn steps() -> impl Strategy<Value = Vec<Raw>> {
    let few = || prop::collection::vec(any::<u8>(), 0..3);
    prop::collection::vec((0..5u8, few(), few(), 0..2u8, 0..6u8), 2..9)
}

fn plan(raw: &[Raw]) -> Value {
    let steps = raw.iter().enumerate().map(|(at, (tool, refers, waits, literal, condition))| {
        let before = |picks: &Vec<u8>| {
            let picks = picks.iter().filter(|_| at > 0);
            picks.map(|pick| usize::from(*pick) % at.max(1)).collect::<Vec<_>>()
        };
        let tool = ["pack", "size", "pack", "size", "note"][usize::from(*tool)];
        let mut values: Vec<Value> = before(refers).into_iter().map(|of| format!("{{{{steps[s{of}].output}}}}").into()).collect();
        values.push((*literal).into());
        let waits: Vec<String> = before(waits).into_iter().map(|of| format!("s{of}")).collect();
        let mut step = json!({"id": format!("s{at}"), "tool": tool, "parameters": {"v": values}, "depends_on": waits});
        match condition {
            0 => step["run_if"] = "{{on}}".into(),
            1 => step["run_if"] = "{{not on}}".into(),
            _ => {}
        }
        step
    });
    json!({"name": "drawn", "steps": steps.collect::<Vec<_>>()})
}

/// The result of a run, and the steps that were called.
fn run(plan: &ExecutionPlan, catalog: &Catalog, on: bool) -> (Value, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let execution = Execution::new(plan)
        .catalog(catalog.clone())
        .context(json!({"on": on}))
        .program(env!("CARGO_BIN_EXE_plandeck"));
    let result = match runtime.block_on(execution.run()) {
        Ok(result) => result,
        Err(ExecutionError::ToolExecution { error, .. }) => panic!("{error}"),
        Err(error) => panic!("{error}"),
    };
    let called = result.steps.iter().filter(|step| step.attempts > 0).count();
    (Value::clone(&result.result), called)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn a_rewritten_plan_gives_the_same_result(raw in steps(), on in any::<bool>()) {
        let source = Source { name: "tools".into(), text: TOOLS.into() };
        let catalog = Catalog::parse(&source, None).unwrap();
        let plan = ExecutionPlan::from_value(plan(&raw)).unwrap();
        let done = optimize_plan(&plan, &catalog);
        let (before, calls_before) = run(&plan, &catalog, on);
        let (after, calls_after) = run(&done.plan, &catalog, on);
        prop_assert_eq!(&before, &after, "{:#?}", done.rewrites);
        prop_assert!(calls_after <= calls_before);
        prop_assert!(done.longest_path.1 <= done.longest_path.0);
        let merged = done.rewrites.iter().filter(|one| one.kind.word() == "merge_calls").count();
        prop_assert_eq!(done.plan.steps.len() + merged, plan.steps.len());
    }
}
