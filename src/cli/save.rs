//! `plandeck save`: writes the edits of a run back to its plan and its catalog.

use super::args::trials::SaveArgs;
use super::failure::Failure;
use super::output::{note_line, out, out_json};
use crate::session::{SessionError, saving};
use crate::text::{self, line};

/// Prints the difference, and writes it unless that is not asked for.
pub(super) async fn save(args: SaveArgs) -> Result<u8, Failure> {
    let saving = saving(&args.run).await?;
    let diff = saving.diff();
    let writes = !args.dry_run && args.out.is_none();
    if let Some(file) = &args.out {
        std::fs::write(file, &diff)
            .map_err(|error| SessionError::file(file.display().to_string(), error))?;
    } else if writes {
        saving.write()?;
    }
    if args.json {
        out_json(&saving.to_value(writes && !saving.files.is_empty()))?;
    } else if args.out.is_none() {
        let lines = diff.lines().map(|line| text::line(line) + "\n");
        out(&lines.collect::<String>())?;
    }
    for file in &saving.files {
        for edit in &file.edits {
            note_line(&format!(
                "{} of {}: {} in {}",
                edit.what,
                line(&edit.step),
                line(&edit.place),
                file.path.display()
            ));
        }
    }
    for edit in &saving.left_out {
        note_line(&format!(
            "warning: the {} of {} is not saved: {}",
            edit.what,
            line(&edit.step),
            line(&edit.why)
        ));
    }
    if saving.files.is_empty() {
        note_line(
            "nothing to save: the files hold the edits of the run already, or there are none",
        );
    }
    Ok(0)
}
