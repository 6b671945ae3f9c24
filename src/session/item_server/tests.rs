//! Items that are driven step by step, as a worker behind an engine drives them.

use super::*;
use crate::models::SmallModelWorker;
use crate::plan::{Source, parse};
use crate::run::{ResourceLimits, RunEvent, RunState};
use crate::session::Execution;
use crate::store::{EventPacker, EventUnpacker};
use crate::tools::{Catalog, CatalogToolbox, ToolError, ToolOptions};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const PLAN: &str = r#"{"steps": [
    {"id": "a", "tool": "pay", "parameters": {"n": "{{n}}"}},
    {"id": "b", "tool": "pay", "parameters": {"n": "{{a.n}}"}},
    {"id": "c", "tool": "add", "parameters": {"n": "{{b.n}}"}}
]}"#;

/// A catalog whose tool `pay` costs a cent and runs a program, and a toolbox of it.
fn tools(pay: &str) -> (Catalog, Arc<CatalogToolbox>) {
    let tools = json!({"tools": {
        "pay": {"type": "process", "command": ["sh", "-c", pay], "cost_usd": 0.01},
        "add": {"type": "jq", "filter": "{n: (.n + 1)}"},
    }});
    let source = Source {
        name: "tools.json".into(),
        text: tools.to_string().into(),
    };
    let catalog = Catalog::parse(&source, None).unwrap();
    let worker = SmallModelWorker::offline();
    let toolbox = CatalogToolbox::new(&catalog, &worker, ToolOptions::default());
    (catalog, Arc::new(toolbox))
}

fn server(pay: &str) -> ItemServer {
    let (catalog, toolbox) = tools(pay);
    ItemServer::new(catalog, toolbox, "w1")
}

fn definition(pay: &str, limits: ResourceLimits) -> BatchDefinition {
    let (catalog, toolbox) = tools(pay);
    let plan = parse("plan.json", PLAN.as_bytes()).unwrap();
    let plan = plan.check(Some(&catalog), None).unwrap();
    let mut execution = Execution::of(Arc::new(plan), SmallModelWorker::offline());
    execution.provenance.plan_path = Some("/plans/plan.json".into());
    execution.provenance.plan_text = Some(PLAN.into());
    execution.settings.limits = limits;
    execution.settings.seed = 1;
    definition_of(&execution, &*toolbox, Vec::new()).unwrap()
}

fn request(definition: &BatchDefinition) -> ItemRequest {
    ItemRequest {
        batch: "batch".into(),
        definition: definition.digest(),
        key: "k".into(),
        index: 3,
        run_id: "run-1".into(),
        context: [("n".to_owned(), json!(1))].into_iter().collect(),
        timeout_seconds: None,
        retry_failed: false,
        unknown: crate::engine::UnknownSteps::Keep,
        steps_before: Vec::new(),
    }
}

/// What an engine has on record of an item: its steps, and what was answered to each.
#[derive(Clone, Debug, Default)]
struct Record(Vec<(ItemStep, Vec<u8>, Option<FundsAnswer>)>);

/// Drives an item as a worker does, after what is on record, for so many steps more.
async fn drive(
    server: &ItemServer,
    definition: &BatchDefinition,
    record: &mut Record,
    ledger: &mut Ledger,
    most: usize,
) -> Option<(ItemReply, Vec<u8>)> {
    let mut item = ServedItem::new(server, "item", request(definition), Vec::new());
    for (step, events, answer) in &record.0 {
        item.recorded(step, events);
        if *step == ItemStep::Definition {
            item.define(definition.clone());
        }
        if let Some(answer) = answer {
            item.answer(answer.clone());
        }
    }
    for _ in 0..most {
        let (step, events) = item.next().await;
        item.recorded(&step, &events);
        let mut answer = None;
        match &step {
            ItemStep::Definition => item.define(definition.clone()),
            ItemStep::Funds(request) => {
                let given = ledger.reserve(request);
                item.answer(given.clone());
                answer = Some(given);
            }
            ItemStep::Ended { settlement, .. } | ItemStep::Refused { settlement, .. } => {
                if let Some(settlement) = settlement {
                    ledger.settle(settlement);
                }
            }
            ItemStep::Events => {}
        }
        record.0.push((step, events, answer));
        if let Some(reply) = item.take_reply() {
            return Some(reply);
        }
    }
    None
}

fn state(bytes: &[u8]) -> RunState {
    RunState::from_events(&unpacked([bytes]))
}

/// A program that says in a file that it was started.
fn counted(folder: &std::path::Path) -> String {
    format!(
        "echo x >> {}/started; echo '{{\"n\": 1}}'",
        folder.display()
    )
}

fn started(folder: &std::path::Path) -> usize {
    let text = std::fs::read_to_string(folder.join("started")).unwrap_or_default();
    text.lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_worker_dies_the_next_one_goes_on_and_repeats_nothing() {
    for dies_after in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let pay = counted(folder.path());
        let (server, definition) = (server(&pay), definition(&pay, ResourceLimits::none()));
        let (mut record, mut ledger) = (Record::default(), Ledger::default());
        let first = drive(&server, &definition, &mut record, &mut ledger, dies_after).await;
        let (reply, events) = match first {
            Some(end) => end,
            None => drive(&server, &definition, &mut record, &mut ledger, 100)
                .await
                .unwrap(),
        };
        assert!(matches!(reply, ItemReply::Ended { .. }), "{reply:?}");
        let run = state(&events);
        assert!(run.has_ended(), "after {dies_after}");
        // A program may have been started whose end nobody saw; none was started twice.
        let done = run
            .steps
            .iter()
            .filter(|row| row.status == crate::run::StepStatus::Succeeded);
        assert!(started(folder.path()) <= 2, "after {dies_after}");
        assert!(done.count() >= 1 || dies_after > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_being_made_is_unknown_to_the_next_worker() {
    let folder = tempfile::tempdir().unwrap();
    // The first worker dies in the middle of it.
    let pay = format!("{}; sleep 60", counted(folder.path()));
    let (server, definition) = (server(&pay), definition(&pay, ResourceLimits::none()));
    let (mut record, mut ledger) = (Record::default(), Ledger::default());
    let begun = async {
        while started(folder.path()) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        end = drive(&server, &definition, &mut record, &mut ledger, 100) => panic!("{end:?}"),
        () = begun => {}
    }
    let end = drive(&server, &definition, &mut record, &mut ledger, 100).await;
    let run = state(&end.unwrap().1);
    assert_eq!(run.steps[0].status, crate::run::StepStatus::Unknown);
    assert_eq!(started(folder.path()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_draws_on_the_account_of_its_batch() {
    let limits = ResourceLimits {
        max_total_cost_usd: Some(crate::units::Money::from_usd(0.015)),
        ..ResourceLimits::none()
    };
    let pay = "echo '{\"n\": 1}'";
    let (server, definition) = (server(pay), definition(pay, limits.clone()));
    let (mut record, mut ledger) = (Record::default(), Ledger::default());
    ledger.begin(&limits, true, crate::units::Money::ZERO);
    let end = drive(&server, &definition, &mut record, &mut ledger, 100).await;
    let (reply, events) = end.unwrap();
    let ItemReply::Ended { limit: Some(_) } = reply else {
        panic!("{reply:?}");
    };
    let run = state(&events);
    assert_eq!(run.steps[0].status, crate::run::StepStatus::Succeeded);
    assert_eq!(run.ledger(), crate::units::Money::from_usd(0.01));
    assert_eq!(ledger.spent(), crate::units::Money::from_usd(0.01));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_means_something_else_here_is_refused_with_the_remedy() {
    let mine = definition("true", ResourceLimits::none());
    let sound = mine.clone();
    let mut other_step = sound.clone();
    other_step.steps[1] = "0".repeat(32);
    let broken = BatchDefinition {
        text: "{".into(),
        ..sound.clone()
    };
    let newer = BatchDefinition {
        protocol: 99,
        ..sound.clone()
    };
    for (definition, pay, remedy) in [
        (sound, "false", "start it with the same catalog"),
        (other_step, "true", "step \"b\" is not the same here"),
        (broken, "true", "the plan cannot be used here"),
        (newer, "true", "run the same version"),
    ] {
        let (mut record, mut ledger) = (Record::default(), Ledger::default());
        let end = drive(&server(pay), &definition, &mut record, &mut ledger, 9).await;
        let (reply, events) = end.unwrap();
        let ItemReply::Refused { why } = reply else {
            panic!("{reply:?}");
        };
        assert!(
            why.starts_with("the worker w1: ") && why.contains(remedy),
            "{why}"
        );
        assert!(events.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_back_from_their_pieces_as_they_were() {
    let calls = Arc::new(AtomicU32::new(0));
    let plan = json!({"steps": [
        {"id": "list", "tool": "list"},
        {"id": "each", "tool": "flaky", "for_each": "{{list}}", "parameters": {"item": "{{item}}"}, "retry": {"max_attempts": 2}},
    ]});
    let plan = crate::plan::ExecutionPlan::from_value(plan).unwrap();
    let (send, received) = std::sync::mpsc::channel();
    let run = Execution::new(&plan)
        .function("list", |_| {
            Ok(json!(
                (0..40).map(|n| "x".repeat(n * 40)).collect::<Vec<_>>()
            ))
        })
        .function("flaky", move |input| {
            match calls.fetch_add(1, Ordering::Relaxed) % 3 {
                0 => Err(ToolError::transient("busy")),
                _ => Ok(input.clone()),
            }
        })
        .on_event(move |event| drop(send.send(event.clone())))
        .run();
    let _ = run.await;
    let events: Vec<RunEvent> = received.iter().collect();
    assert!(events.len() > 100);
    for size in [1, 7, 100, events.len()] {
        let mut packer = EventPacker::after(&[]);
        let pieces: Vec<Vec<u8>> = events.chunks(size).map(|some| packer.pack(some)).collect();
        assert_eq!(
            EventUnpacker::default().unpack(&pieces.concat()).unwrap(),
            events
        );
        // Whoever has the beginning reads the rest.
        let known = events.len() / 2 / size * size;
        let rest = pieces[known / size..].concat();
        assert_eq!(EventUnpacker::first(&rest), Some(known as u64));
        let unpacked = EventUnpacker::after(&events[..known]).unpack(&rest);
        assert_eq!(unpacked.unwrap(), events[known..]);
        let whole = pieces.concat();
        assert!(
            EventUnpacker::default()
                .unpack(&whole[..whole.len() - 1])
                .is_err()
        );
    }
    assert!(RunState::from_events(&events).has_ended());
}
