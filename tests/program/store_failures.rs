//! How the store fails: no space, no permission, the lock of another process, a damaged file.

use crate::common::store::{Echo, engine, run, run_journalled, step};
use plandeck::run::{ExecutionResult, RunOutcome};
use plandeck::store::{Journal, JournalOptions, OnFailure, RunMeta, Store, StoreError};
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

fn some_steps() -> Vec<plandeck::plan::Step> {
    (0..30u32)
        .map(|n| {
            step(
                &n.to_string(),
                json!({"n": n, "text": "word ".repeat(n as usize * 50)}),
                &[],
            )
        })
        .collect()
}

fn begin(home: &Path, options: JournalOptions) -> Result<Journal, StoreError> {
    Journal::begin(home, "a run", RunMeta::default(), options)
}

#[test]
fn a_place_where_no_folder_can_be_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = begin(&file.join("home"), JournalOptions::default())
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Folder { .. }));
    assert!(error.to_string().contains("PLANDECK_HOME"), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("plandeck.db");
    let letter = "Dear reader, this is not a database. ".repeat(100);
    std::fs::write(&file, &letter).unwrap();
    let error = begin(home.path(), JournalOptions::default()).err().unwrap();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("move the file away"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), letter);
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    drop(begin(home.path(), JournalOptions::default()).unwrap());
    let database = rusqlite::Connection::open(home.path().join("plandeck.db")).unwrap();
    database.execute_batch("PRAGMA user_version = 99").unwrap();
    for error in [
        begin(home.path(), JournalOptions::default()).err(),
        Store::at(home.path()).err(),
    ] {
        assert!(
            matches!(error, Some(StoreError::Newer { found: 99, .. })),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_for_too_long_is_reported_and_the_run_continues() {
    let home = tempfile::tempdir().unwrap();
    run_journalled(home.path(), engine(some_steps(), &Arc::default())).await;
    let other = rusqlite::Connection::open(home.path().join("plandeck.db")).unwrap();
    let patience = Some(Duration::from_millis(20));
    let journal = Journal::begin(
        home.path(),
        "another run",
        RunMeta::default(),
        JournalOptions {
            patience,
            on_failure: OnFailure::GoOn,
            ..JournalOptions::default()
        },
    )
    .unwrap();
    let health = journal.health();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let echo = Arc::new(Echo::default());
    let (state, _) = run(engine(some_steps(), &echo).with_sink(journal)).await;
    assert_eq!(ExecutionResult::of(&state).status, RunOutcome::Succeeded);
    assert!(
        health.failure().unwrap().contains("locked"),
        "{:?}",
        health.failure()
    );
    // Reading needs no lock, and what was there is there.
    assert_eq!(Store::at(home.path()).unwrap().runs().unwrap().len(), 1);
    let refused = begin(
        home.path(),
        JournalOptions {
            patience,
            ..JournalOptions::default()
        },
    );
    assert!(matches!(refused.err(), Some(StoreError::Locked(_))));
}

/// The program in a shell that first limits what it may do.
fn limited(home: &Path, limits: &str, more: &str) -> Output {
    let binary = env!("CARGO_BIN_EXE_plandeck");
    let folder = home.parent().unwrap();
    // Ten texts of 100 kB that do not compress, each one large output.
    let code = "s = 7\nt = ''\nfor i in range(20000):\n    s = (s * 1103515245 + seed + 12345) % 2147483648\n    t = t + str(s % 100000)\noutput = t";
    let steps: Vec<_> = (0..10)
        .map(|n| {
            let code = code.replace("seed", &n.to_string());
            json!({"id": n, "tool": "code_exec", "parameters": {"code": code}, "depends_on": if n > 0 { vec![n - 1] } else { vec![] }})
        })
        .collect();
    std::fs::write(
        folder.join("plan.json"),
        json!({"steps": steps}).to_string(),
    )
    .unwrap();
    let script = format!("{limits}; exec '{binary}' run plan.json --json --worker offline {more}");
    Command::new("sh")
        .env("PLANDECK_TRUST", "1")
        .args(["-c", &script])
        .current_dir(folder)
        .env("PLANDECK_HOME", home)
        .output()
        .unwrap()
}

#[test]
fn when_no_more_can_be_written_the_run_continues_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    // No file may grow beyond 400 kB; the signal that would end the program is ignored.
    let output = limited(&home, "trap '' XFSZ; ulimit -f 800", "");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert_eq!(error.matches("is not being recorded").count(), 1, "{error}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["steps_completed"], 10);
    // What had been written before can be read, and shows that more happened.
    let store = Store::at(&home).unwrap();
    let recording = store.load(&store.find("last").unwrap());
    assert!(recording.damage.is_none() && recording.unrecorded);
    assert!(!recording.events.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_may_only_be_read_is_read_and_a_run_continues_without_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    limited(&home, "true", "");
    let forbid = |allowed: bool| {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(
            &home.join("plandeck.db"),
            if allowed { 0o644 } else { 0o444 },
        );
        mode(&home, if allowed { 0o755 } else { 0o555 });
    };
    forbid(false);
    if std::fs::write(home.join("probe"), "").is_ok() {
        // A user for whom permissions do not count.
        std::fs::remove_file(home.join("probe")).unwrap();
        forbid(true);
        return;
    }
    let runs = Store::at(&home)
        .and_then(|store| store.runs())
        .map(|runs| runs.len());
    let output = limited(&home, "true", "");
    let required = limited(&home, "true", "--journal required");
    forbid(true);
    assert_eq!(runs.unwrap(), 1);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written to"));
    assert_eq!(required.status.code(), Some(2));
}

/// A file system of 3 MB of its own, filled up by other files; `None` where this user may not have one. The script
/// finds its folder in `$HOME_DIR`, and the program in `$BIN`.
#[cfg(target_os = "linux")]
fn on_a_full_disk(folder: &Path, script: &str) -> Option<Output> {
    let disk = folder.join("disk");
    std::fs::create_dir(&disk).unwrap();
    let may = "mount -t tmpfs -o size=3m tmpfs \"$HOME_DIR\" || exit 99\n";
    let output = Command::new("unshare")
        .env("PLANDECK_TRUST", "1")
        .args(["-rm", "sh", "-c", &format!("{may}{script}")])
        .current_dir(folder)
        .env("HOME_DIR", &disk)
        .env("PLANDECK_HOME", &disk)
        .env("BIN", env!("CARGO_BIN_EXE_plandeck"))
        .output()
        .ok()?;
    let refused = String::from_utf8_lossy(&output.stderr).starts_with("unshare:");
    (output.status.code() != Some(99) && !refused).then_some(output)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_read_and_making_room_works() {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({
        "tools": {"long": {"type": "jq", "filter": "[range(600)] | map(tostring) | join(\" \")"}},
        "steps": [{"id": "only", "tool": "long", "parameters": {}}],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let script = r#"
        for n in 1 2 3; do "$BIN" run plan.json --headless --fresh > /dev/null 2>&1 || exit 98; done
        dd if=/dev/zero of="$HOME_DIR/other" bs=512 2> /dev/null
        "$BIN" runs --json; echo "status $?"
        "$BIN" show last --json; echo "status $?"
        "$BIN" cache list --json; echo "status $?"
        "$BIN" run plan.json --headless --json --journal required; echo "status $?"
        "$BIN" cache clear; echo "status $?"
        "$BIN" runs prune --keep 1 --json; echo "status $?"
        "$BIN" runs --json; echo "status $?"
        rm "$HOME_DIR/other"
        "$BIN" run plan.json --headless --json --journal required | grep -c succeeded; echo "status $?"
        "$BIN" runs --json; echo "status $?"
    "#;
    let Some(output) = on_a_full_disk(folder.path(), script) else {
        return;
    };
    let error = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    let statuses: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("status "))
        .collect();
    assert_eq!(
        statuses,
        ["0", "0", "0", "2", "0", "0", "0", "0", "0"],
        "{text}{error}"
    );
    assert!(error.contains("the disk is full"), "{error}");
    let lists: Vec<usize> = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Vec<serde_json::Value>>(line).ok())
        .map(|list| list.len())
        .collect();
    // Runs, cached outputs (a filter is not worth it), runs removed, runs left, and runs with the new one.
    assert_eq!(lists, [3, 0, 2, 1, 2], "{text}{error}");
}

#[cfg(unix)]
#[test]
fn a_store_that_vanishes_stops_a_run_that_has_to_be_recorded() {
    let plan = json!({
        "tools": {
            "remove": {"type": "process", "command": ["sh", "-c", "rm -rf home; echo 1"]},
            "touch": {"type": "process", "command": ["touch", "was-called"]},
        },
        "steps": [
            {"id": "first", "tool": "remove", "parameters": {}},
            {"id": "second", "tool": "touch", "parameters": {}, "depends_on": ["first"]},
        ],
    });
    for (required, status) in [(true, 1), (false, 0)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        let journal = if required { "required" } else { "on" };
        let output = crate::common::program::command()
            .args([
                "run",
                "plan.json",
                "--headless",
                "--json",
                "--journal",
                journal,
            ])
            .current_dir(folder.path())
            .env("PLANDECK_HOME", folder.path().join("home"))
            .env("PLANDECK_TRUST", "1")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("was removed or replaced"), "{error}");
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert_eq!(
            folder.path().join("was-called").exists(),
            !required,
            "{error}"
        );
    }
}

/// A store with one run, as bytes, and what it holds.
fn whole() -> (Vec<u8>, Vec<plandeck::run::RunEvent>) {
    let home = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (_, events) = runtime.block_on(run_journalled(
        home.path(),
        engine(some_steps(), &Arc::default()),
    ));
    let database = rusqlite::Connection::open(home.path().join("plandeck.db")).unwrap();
    database
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(database);
    (
        std::fs::read(home.path().join("plandeck.db")).unwrap(),
        events,
    )
}

static WHOLE: std::sync::LazyLock<(Vec<u8>, Vec<plandeck::run::RunEvent>)> =
    std::sync::LazyLock::new(whole);

/// What can be read of a damaged store is correct: all events of a run, or the first of them with a warning.
fn right_or_refused(bytes: &[u8]) {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("plandeck.db"), bytes).unwrap();
    let Ok(store) = Store::at(home.path()) else {
        return;
    };
    let Ok(runs) = store.runs() else { return };
    for run in &runs {
        let recording = store.load(run);
        let events = &WHOLE.1;
        assert!(recording.events.len() <= events.len());
        if recording.damage.is_none() && recording.events.len() as u64 == run.events {
            assert!(recording.events == events[..recording.events.len()]);
        }
        let _ = store.details(run);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_flipped_bit_is_noticed_or_does_not_matter(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = WHOLE.0.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        right_or_refused(&bytes);
    }

    #[test]
    fn a_file_that_was_cut_is_noticed(at in any::<prop::sample::Index>()) {
        right_or_refused(&WHOLE.0[..at.index(WHOLE.0.len())]);
    }
}
