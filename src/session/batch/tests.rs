//! Batches of a program that uses the library.

use super::*;
use crate::plan::ExecutionPlan;
use crate::session::JournalSettings;
use serde_json::json;

/// An item with this key and a number.
fn item(key: &str, number: u64) -> BatchItem {
    BatchItem {
        key: key.into(),
        context: [("n".to_owned(), json!(number))].into_iter().collect(),
    }
}

#[tokio::test]
async fn an_item_with_the_key_of_an_earlier_one_does_not_run() {
    let home = tempfile::tempdir().unwrap();
    let plan = ExecutionPlan::from_value(json!({
        "tools": {"twice": {"type": "jq", "filter": ".n * 2"}},
        "steps": [{"id": "s", "tool": "twice", "parameters": {"n": "{{n}}"}}]
    }));
    let plan = plan.unwrap();
    for is_recorded in [false, true] {
        let mut execution = Execution::new(&plan);
        if is_recorded {
            execution = execution.journal(JournalSettings::at(home.path()));
        }
        let items = [
            item("x", 1),
            item("y", 2),
            item("x", 3),
            item("3", 4),
            item("3", 5),
        ];
        let mut lines = Vec::new();
        let run = Batch::new(execution).in_order(true).run(items, |update| {
            if let BatchUpdate::Line(line) = update {
                lines.push(line.clone());
            }
            ControlFlow::Continue(())
        });
        let end = run.await.unwrap();
        assert_eq!(
            (end.tally.counts.succeeded, end.tally.counts.failed),
            (3, 2)
        );
        let results = lines.iter().map(|line| line.result.as_u64());
        assert_eq!(
            results.collect::<Vec<_>>(),
            [Some(2), Some(4), None, Some(8), None]
        );
        assert_eq!(
            lines[2].error.as_ref().unwrap().message.as_ref(),
            "the key x stands for item 0 already; keys are unique in a batch"
        );
        assert_eq!(lines[2].run_id, None);
    }
}
