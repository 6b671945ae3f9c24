//! The bytes of a store: the database file, or the events in one of its rows.

use crate::Target;
use plandeck::run::{EventKind, RunEvent, RunState};
use plandeck::session::JournalSettings;
use plandeck::store::{PruneRules, Store};
use plandeck::{Execution, ExecutionPlan, SmallModelWorker};
use rusqlite::{Connection, params};
use serde_json::json;
use std::path::Path;
use std::sync::LazyLock;

/// The target.
pub const TARGET: Target = Target {
    name: "store",
    run,
    words: &[
        "SQLite format 3\0",
        "\0\0\0\0",
        "\u{7f}",
        "\u{1}",
        "\u{0}\u{1}",
        "run_started",
        "running",
        "succeeded",
        "runs",
        "chunks",
        "blobs",
    ],
};

/// A store with one run, to be damaged.
static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let home = tempfile::tempdir().expect("a temporary folder");
    let plan = ExecutionPlan::from_value(json!({"steps": [
        {"id": "a", "tool": "same", "parameters": {"n": 1, "text": "word ".repeat(800)}},
        {"id": "b", "tool": "same", "parameters": {"x": "{{a}}"}},
        {"id": "c", "tool": "fails", "parameters": {}},
        {"id": "d", "tool": "same", "parameters": {"x": "{{item}}"}, "for_each": [1, 2, 3]},
    ]}))
    .expect("the plan is sound");
    let execution = Execution::new(&plan)
        .worker(&SmallModelWorker::offline())
        .function("same", |parameters| Ok(parameters.clone()))
        .function("fails", |_| {
            Err(plandeck::tools::ToolError::permanent("no"))
        })
        .journal(JournalSettings::at(home.path()));
    super::run_to_end(execution);
    let file = home.path().join("plandeck.db");
    let database = Connection::open(&file).expect("the store opens");
    database
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("its log is merged");
    drop(database);
    std::fs::read(file).expect("it can be read")
});

/// The first byte says what the rest is: changes of a whole store, each of a place and a byte; the whole file; or the
/// events of its run, with a checksum that is right.
pub fn run(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("plandeck.db");
    match kind % 3 {
        0 => std::fs::write(&file, changed(data)),
        1 => std::fs::write(&file, data),
        _ => std::fs::write(&file, &*WHOLE),
    }
    .expect("the file can be written");
    if kind % 3 == 2 {
        replace_events(&file, data);
    }
    read(home.path());
}

/// The whole store with bytes replaced: three bytes for the place, one for what stands there then.
fn changed(data: &[u8]) -> Vec<u8> {
    let mut bytes = WHOLE.clone();
    for change in data.chunks_exact(4).take(64) {
        let place = u32::from_be_bytes([0, change[0], change[1], change[2]]) as usize;
        let place = place % bytes.len();
        bytes[place] = change[3];
    }
    if let [cut, _, _] = data.chunks_exact(4).remainder() {
        bytes.truncate(bytes.len() * usize::from(*cut) / 255);
    }
    bytes
}

/// Puts `data` in place of the events of the first row, as if it had been written so.
fn replace_events(file: &Path, data: &[u8]) {
    let [codec, events, rest @ ..] = data else {
        return;
    };
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(rest).as_bytes()[..8]);
    let database = Connection::open(file).expect("the store opens");
    database
        .execute(
            "UPDATE chunks SET codec = ?1, events = ?2, mark = ?3, data = ?4 WHERE seq = 0",
            params![codec % 3, events, i64::from_le_bytes(first), rest],
        )
        .expect("the row can be changed");
}

/// Reads everything that commands read, and then prunes.
fn read(home: &Path) {
    let Ok(mut store) = Store::at(home) else {
        return;
    };
    for run in store.runs().unwrap_or_default().iter().take(20) {
        let recording = store.load(run);
        sound(&recording.events);
        let _ = RunState::from_events(&recording.events);
        let _ = (
            store.details(run),
            store.successor(run),
            store.find(&run.run_id),
        );
    }
    let _ = (store.kept(false), store.bytes(), store.last_of("plan.json"));
    let _ = store.prune(&PruneRules {
        keep: Some(0),
        ..PruneRules::default()
    });
}

/// Events come in order, from the start of a run.
fn sound(events: &[RunEvent]) {
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event.seq, at as u64, "an event is missing");
    }
    let starts = events
        .iter()
        .skip(1)
        .filter(|event| matches!(event.kind, EventKind::RunStarted(_)));
    let _ = starts.count();
}
