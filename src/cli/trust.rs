//! Consent on the command line: `plandeck trust`, and the question before a plan runs.

use super::args::run::ScreenArgs;
use super::args::trust::TrustArgs;
use super::failure::{Failure, NOTHING_RAN};
use super::output::{note_line, out, out_json};
use super::screen;
use super::terminal::ended_by;
use crate::report::local_time;
use crate::session::{
    Consent, ItemMark, Judgement, Loaded, Remembered, SessionError, Settings, SourceOptions,
    Subject, TrustAnswer, TrustRequest, TrustedOnce, load_to_check, read_draft,
};
use crate::tools::{Catalog, Reaches};
use crate::tui::{TrustChoice, TrustItem, TrustPrompt, ask_for_trust};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Whether the caller vouches for what a plan brings: with `--trust`, or by the environment.
pub(super) fn is_given(flag: bool) -> bool {
    flag || std::env::var("PLANDECK_TRUST").is_ok_and(|word| word == "1")
}

/// Consent to run a plan: where nothing speaks for it, the user is asked if there is a screen. `Err` with an exit code
/// where they leave.
pub(super) async fn consent(
    loaded: &Loaded,
    look: &ScreenArgs,
    headless: bool,
    once: &mut TrustedOnce,
) -> Result<Result<Consent, u8>, Failure> {
    let request = match loaded.judge(once)? {
        Judgement::Trusted(consent) => return Ok(Ok(consent)),
        Judgement::Asks(request) if headless => {
            return Err(SessionError::NotTrusted(request).into());
        }
        Judgement::Asks(request) => request,
    };
    let options = screen::options(String::new(), look);
    let answer = ask_for_trust(prompt(loaded, &request), options).await;
    let answer = match answer.map_err(|error| Failure::usage(error.to_string()))? {
        Ok(TrustChoice::Content) => TrustAnswer::Content,
        Ok(TrustChoice::Folders) => TrustAnswer::Folders,
        Ok(TrustChoice::Once) => TrustAnswer::Once,
        Err(outcome) => return Ok(Err(ended_by(outcome).unwrap_or(NOTHING_RAN))),
    };
    Ok(Ok(request
        .accept(answer, once)
        .map_err(SessionError::from)?))
}

fn prompt(loaded: &Loaded, request: &TrustRequest) -> TrustPrompt {
    let items = request
        .items()
        .into_iter()
        .map(|(mark, verb, what)| TrustItem {
            mark: match mark {
                ItemMark::Known => ' ',
                ItemMark::New => '+',
                ItemMark::Gone => '-',
            },
            verb,
            what,
        });
    let changed = request.changed_files().into_iter();
    TrustPrompt {
        plan: loaded.plan.name.to_string(),
        is_change: request.is_change(),
        items: items.collect(),
        changed: changed
            .map(|(mark, name)| match mark {
                ItemMark::Known => name,
                ItemMark::New => format!("{name} (new)"),
                ItemMark::Gone => format!("{name} (gone)"),
            })
            .collect(),
        folders: request.folders().map(|folders| {
            let folders: Vec<String> = folders
                .iter()
                .map(|folder| folder.display().to_string())
                .collect();
            folders.join(" and ")
        }),
    }
}

/// Trusts plans, catalogs and folders, forgets them, or lists what is trusted.
pub(super) async fn trust(args: TrustArgs) -> Result<u8, Failure> {
    if args.paths.is_empty() {
        if args.remove {
            return Err(Failure::usage(
                "--remove needs the path of a plan, a catalog or a folder",
            ));
        }
        return list(args.json);
    }
    let mut done = Vec::new();
    for path in &args.paths {
        done.push(if args.remove {
            let path = Remembered::forget(path).map_err(SessionError::from)?;
            note_line(&format!("no longer trusted: {}", shown(&path)));
            json!({"path": path, "removed": true})
        } else if path.is_dir() {
            let path = Remembered::trust_folder(path, args.force).map_err(SessionError::from)?;
            note_line(&format!("trusted, with everything in it: {}", shown(&path)));
            json!({"path": path, "kind": "folder"})
        } else {
            content(path, &args).await?
        });
    }
    if args.json {
        out_json(&done)?;
    }
    Ok(0)
}

/// Trusts the content of a plan with its catalog, or of a catalog.
async fn content(path: &Path, args: &TrustArgs) -> Result<Value, Failure> {
    let options = SourceOptions {
        tools: args.tools.clone(),
        mcp_config: args.mcp_config.clone(),
        // What the list says does not depend on it, and nothing is asked over the network.
        worker: Some("offline".to_owned()),
        ..SourceOptions::default()
    };
    let is_plan = read_draft(path).is_ok_and(|draft| !draft.is_empty());
    let (kind, subject, reaches) = if is_plan {
        let loaded = load_to_check(path, options, &Settings::default()).await?;
        ("plan", loaded.subject(), loaded.reaches_with_any_worker())
    } else {
        let catalog = Catalog::load(path).map_err(SessionError::from)?;
        let reaches = crate::session::reaches_of_catalog(&catalog);
        ("catalog", Subject::of_catalog(&catalog), reaches)
    };
    if !reaches.needs_trust() {
        note_line(&format!(
            "{} starts no program, reaches no host and runs no code: it needs no trust",
            shown(path)
        ));
        return Ok(json!({"path": path, "kind": kind, "digest": null, "reaches": lists(&reaches)}));
    }
    Remembered::trust_content(&subject, reaches.clone()).map_err(SessionError::from)?;
    note_line(&format!("trusted as it is now: {}", shown(path)));
    for (_, verb, list) in reaches.lists() {
        for one in list {
            note_line(&format!("  {verb:<10} {}", crate::text::line(&one)));
        }
    }
    Ok(json!({"path": path, "kind": kind, "digest": subject.digest(), "reaches": lists(&reaches)}))
}

fn list(as_json: bool) -> Result<u8, Failure> {
    let all = Remembered::read().map_err(SessionError::from)?;
    if as_json {
        let folders = all.folders.iter().map(|folder| {
            json!({"path": folder.path, "kind": "folder", "trusted_at": folder.trusted_at})
        });
        let plans = all.plans.iter().map(|plan| {
            json!({
                "path": plan.path,
                "kind": if plan.is_catalog { "catalog" } else { "plan" },
                "trusted_at": plan.trusted_at,
                "digest": plan.digest,
                "reaches": lists(&plan.reaches),
            })
        });
        out_json(&folders.chain(plans).collect::<Vec<_>>())?;
        return Ok(0);
    }
    if all.folders.is_empty() && all.plans.is_empty() {
        note_line(
            "nothing is trusted but the sample plans; `plandeck trust PATH` trusts a plan, a catalog or a folder",
        );
        return Ok(0);
    }
    let mut text = String::new();
    let mut row = |kind: &str, at: &str, path: Option<&Path>, digest: &str| {
        let path = path.map_or_else(|| "standard input".to_owned(), shown);
        let digest = digest.get(..8).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{kind:<8} {}  {digest:<8}  {path}", local_time(at));
    };
    for folder in &all.folders {
        row("folder", &folder.trusted_at, Some(&folder.path), "");
    }
    for plan in &all.plans {
        let kind = if plan.is_catalog { "catalog" } else { "plan" };
        row(kind, &plan.trusted_at, plan.path.as_deref(), &plan.digest);
    }
    out(&text)?;
    Ok(0)
}

fn shown(path: &Path) -> String {
    crate::text::line(&path.to_string_lossy())
}

/// What is reached, as `check --json` has it.
pub(super) fn lists(reaches: &Reaches) -> Value {
    let lists = reaches.lists().into_iter();
    Value::Object(
        lists
            .map(|(name, _, list)| (name.to_owned(), json!(list)))
            .collect(),
    )
}
