//! `plandeck convert`: the plan of another system as a plan of Plandeck.

use super::args::convert::{ConvertArgs, OtherPlanArgs};
use super::failure::Failure;
use super::output::{note_line, out, out_json};
use crate::import::plans::{ConvertOptions, Converted, LeftOut, converted, recognized};
use crate::session::{EditedPlan, PlanDocument, SessionError};
use crate::text::line;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// The most bytes of a file that a plan names.
const MOST_BYTES: u64 = 16 << 20;

/// Prints the plan or writes it to a file. Exits with 2 where no plan comes of it.
pub(super) fn convert(args: &ConvertArgs) -> Result<u8, Failure> {
    let text = text_of(&args.file)?;
    if let Some(file) = args
        .out
        .as_ref()
        .filter(|file| !args.force && file.exists())
    {
        let file = file.display();
        return Err(Failure::usage(format!(
            "{file} exists; --force replaces it"
        )));
    }
    let found = convert_text(&args.file, &text, &args.of)?;
    if args.json {
        out_json(&json!({
            "format": found.format.0,
            "plan": found.plan,
            "left_out": left_out(&found),
        }))?;
        return Ok(0);
    }
    say_left_out(&found);
    let document = PlanDocument::of_value(found.plan);
    let Some(file) = &args.out else {
        out(&document.text(Some(Path::new("plan.yaml"))))?;
        return Ok(0);
    };
    let is_json = file
        .extension()
        .is_some_and(|one| one.eq_ignore_ascii_case("json"));
    let as_named = if is_json { "plan.json" } else { "plan.yaml" };
    write(file, &document.text(Some(Path::new(as_named))), args.force)?;
    // What a tool reads lies beside the plan.
    let folder = |path: &Path| {
        std::path::absolute(path)
            .ok()?
            .parent()
            .map(Path::to_path_buf)
    };
    if folder(file) != folder(&args.file) && document.has_files() {
        note_line(&format!(
            "note: tools of the plan run in its folder; {} expects the files of {}",
            file.display(),
            args.file.display()
        ));
    }
    Ok(0)
}

fn write(file: &Path, text: &str, is_forced: bool) -> Result<(), SessionError> {
    let mut options = File::options();
    options.write(true);
    if is_forced {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options
        .open(file)
        .and_then(|mut out| out.write_all(text.as_bytes()));
    written.map_err(|error| SessionError::file(file.display().to_string(), error))
}

/// The text of a file, or of standard input where its name is `-`.
pub(super) fn text_of(file: &Path) -> Result<String, SessionError> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    read.map_err(|error| SessionError::file(file.display().to_string(), error))?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The plan in the text of a file.
pub(super) fn convert_text(
    file: &Path,
    text: &str,
    of: &OtherPlanArgs,
) -> Result<Converted, Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split('.').next().filter(|name| !name.is_empty());
    let name = name.filter(|name| *name != "-").unwrap_or("plan");
    let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut open_api = Vec::with_capacity(of.open_api.len());
    for given in &of.open_api {
        let is_file = Path::new(given).exists();
        let named = given.split_once('=').filter(|_| !is_file);
        let (source, path) = match named {
            Some((source, path)) => (Some(source.to_owned()), path),
            None => (None, &**given),
        };
        open_api.push((source, path.to_owned(), text_of(Path::new(path))?));
    }
    let options = ConvertOptions {
        name,
        workflow: of.workflow.as_deref(),
        format: of.format.as_deref(),
        open_api: &open_api,
        files: &|name| beside(&folder, name),
    };
    converted(text, &options)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

/// The text of a file beside the document.
fn beside(folder: &Path, name: &str) -> Result<String, String> {
    let path = Path::new(name);
    if name.is_empty() || path.is_absolute() {
        return Err("its place is not one beside the document".to_owned());
    }
    let path = folder.join(path);
    let read = || {
        let file = File::open(&path)?;
        if !file.metadata()?.is_file() {
            return Err(std::io::Error::other("it is not a file"));
        }
        let mut text = String::new();
        if file.take(MOST_BYTES + 1).read_to_string(&mut text)? as u64 > MOST_BYTES {
            return Err(std::io::Error::other("it is too large"));
        }
        Ok(text)
    };
    read().map_err(|error| format!("{}: {error}", path.display()))
}

/// What is not carried over, as JSON.
pub(super) fn left_out(found: &Converted) -> Value {
    let one = |left: &LeftOut| json!({"where": left.place, "what": left.what});
    found.left_out.iter().map(one).collect()
}

/// Says what is not carried over, on standard error.
pub(super) fn say_left_out(found: &Converted) {
    for left in &found.left_out {
        note_line(&format!("note: {}", line(&left.to_string())));
    }
}

/// The plan as one that no file has, with its tools beside `file`.
pub(super) fn as_edited(file: &Path, plan: Value) -> EditedPlan {
    let text = PlanDocument::of_value(plan).text(Some(Path::new("plan.yaml")));
    EditedPlan::beside(file, text)
}

/// A failure that says what a file is, where it is the plan of another system that was taken for one of Plandeck.
pub(super) fn or_other_plan(failure: SessionError, file: &Path) -> Failure {
    let is_of_plan = matches!(failure, SessionError::Faults(_));
    let words = is_of_plan.then(|| other_plan(file)).flatten();
    words.map_or_else(|| failure.into(), Failure::usage)
}

/// What a file is and what to do with it, where it is the plan of another system.
pub(super) fn other_plan(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let what = recognized(&text)?;
    let file = file.display();
    Some(format!(
        "{file} is {what}, not a plan of Plandeck: `plandeck convert {file} -o plan.yaml` makes one, \
         `plandeck open {file}` looks at it"
    ))
}
