//! `plandeck cache`: outputs that later runs can reuse.

use super::args::history::{CacheAction, CacheArgs};
use super::failure::Failure;
use super::output::{out, out_json, print_message};
use crate::report::short;
use crate::store::{KeptSummary, Store, StoreError, key_text};
use crate::text::{fit, format, pad};
use std::fmt::Write;

/// Characters of a key that are shown.
const KEY: usize = 12;
/// Width, in cells, of the columns for steps and tools.
const NAME: usize = 24;

/// Lists, pins, unpins or removes cached outputs.
pub(super) fn cache(args: &CacheArgs) -> Result<u8, Failure> {
    let store = match Store::open() {
        Err(StoreError::Empty(_)) => None,
        store => Some(store?),
    };
    match &args.action {
        CacheAction::List { pinned, json } => {
            let kept = store.map_or_else(|| Ok(Vec::new()), |store| store.kept(*pinned));
            let kept = kept?;
            if *json {
                out_json(&kept)?;
            } else {
                out(&table(&kept))?;
            }
        }
        CacheAction::Pin { key } => set(store, key, true)?,
        CacheAction::Unpin { key: Some(key), .. } => set(store, key, false)?,
        CacheAction::Unpin { key: None, .. } => {
            let mut count = 0;
            if let Some(mut store) = store {
                for kept in store.kept(true)? {
                    store.pin(&kept.key, false)?;
                    count += 1;
                }
            }
            print_message(&format!("unpinned {}", format::count(count, "output")));
        }
        CacheAction::Clear { older_than } => {
            let cleared = store.map_or(Ok(0), |mut store| store.clear(*older_than));
            print_message(&format!("removed {}", format::count(cleared?, "output")));
        }
    }
    Ok(0)
}

fn set(store: Option<Store>, key: &str, pinned: bool) -> Result<(), Failure> {
    let none = || {
        Failure::usage(format!(
            "no cached output has the key {key:?}; `plandeck cache list` shows the keys"
        ))
    };
    let mut store = store.ok_or_else(none)?;
    let kept = store.kept(false)?;
    let mut found = kept
        .iter()
        .filter(|kept| !key.is_empty() && key_text(&kept.key).starts_with(key));
    let one = found.next().ok_or_else(none)?;
    if found.next().is_some() {
        return Err(Failure::usage(format!(
            "more than one key starts with {key:?}: give more characters"
        )));
    }
    store.pin(&one.key, pinned)?;
    let word = if pinned { "pinned" } else { "unpinned" };
    print_message(&format!(
        "{word} the output of {} ({})",
        fit(&one.step, 60),
        fit(&one.tool, 60)
    ));
    Ok(())
}

fn table(kept: &[KeptSummary]) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let row = |cells: [&str; 7]| {
        let [key, pin, step, tool, age, saves, run] = cells;
        format!(
            "{key:<KEY$}  {}  {}  {}  {age:>8}  {saves:<20}  {run}\n",
            pad(pin, 6),
            pad(&fit(step, NAME), NAME),
            pad(&fit(tool, NAME), NAME),
        )
    };
    let mut text = row(["key", "", "step", "tool", "age", "saves", "run"]);
    for kept in kept {
        let key: String = key_text(&kept.key).chars().take(KEY).collect();
        let saves = format!("{} and {}", kept.cost, format::duration(kept.service));
        let pin = if kept.pinned { "pinned" } else { "" };
        let _ = write!(
            text,
            "{}",
            row([
                &key,
                pin,
                &kept.step,
                &kept.tool,
                &format::age(kept.age),
                &saves,
                &short(&kept.run_id)
            ])
        );
    }
    text
}
