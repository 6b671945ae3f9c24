//! `plandeck test`: runs bundles again, and compares what comes out.

use super::args::run::ScreenArgs;
use super::args::trials::TestArgs;
use super::failure::Failure;
use super::output::{out_json, out_line};
use super::trust;
use crate::session::{Settings, SourceOptions, TrustedOnce, bundles_in, expected_of, load};
use crate::text::format;
use serde_json::json;
use std::path::Path;

/// Runs every bundle; the exit code is 0 where all come out the same.
pub(super) async fn test(args: TestArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut files = Vec::new();
    for path in &args.paths {
        files.extend(bundles_in(path)?);
    }
    if files.is_empty() {
        return Err(Failure::usage(
            "there are no bundles; `plandeck bundle RUN -o FILE` writes one",
        ));
    }
    let (mut results, mut failed) = (Vec::new(), 0);
    for file in &files {
        let differences = Box::pin(one(file, &args, &settings)).await?;
        failed += usize::from(!differences.is_empty());
        let name = file.display().to_string();
        if args.json {
            results.push(
                json!({"bundle": name, "same": differences.is_empty(), "differences": differences}),
            );
            continue;
        }
        let word = if differences.is_empty() {
            "same"
        } else {
            "DIFFERS"
        };
        out_line(&format!("{word:<8}{}", crate::text::line(&name)))?;
        for difference in differences {
            out_line(&format!("        {difference}"))?;
        }
    }
    if args.json {
        out_json(&results)?;
    } else {
        out_line(&format!(
            "{}, {failed} of them different",
            format::count(files.len(), "bundle")
        ))?;
    }
    Ok(u8::from(failed > 0))
}

async fn one(file: &Path, args: &TestArgs, settings: &Settings) -> Result<Vec<String>, Failure> {
    let expected = expected_of(file)?;
    let source = SourceOptions {
        worker: Some("offline".to_owned()),
        trust: trust::is_given(args.consent.trust),
        allow_unsandboxed: args.consent.allow_unsandboxed,
        ..SourceOptions::default()
    };
    let loaded = load(file, source, settings).await?;
    let mut once = TrustedOnce::default();
    let look = ScreenArgs::default();
    let Ok(consent) = trust::consent(&loaded, &look, true, &mut once).await? else {
        return Err(Failure::usage(format!(
            "{}: it is not trusted",
            file.display()
        )));
    };
    let differences = loaded.rerun(consent, &expected).await;
    differences.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}
