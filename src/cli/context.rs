//! Context values from the command line.

use super::failure::Failure;
use crate::plan::{PlanFaults, Source, read_data};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The context that `--context-file` and then `--context` give; what comes later wins.
pub fn context(files: &[PathBuf], pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut context = Map::new();
    for file in files {
        match structured(file)? {
            Value::Object(values) => context.extend(values),
            _ => {
                return Err(Failure::usage(format!(
                    "--context-file {}: not an object of context values",
                    file.display()
                )));
            }
        }
    }
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::usage(format!(
                "--context {pair}: give it as KEY=VALUE or KEY=@FILE"
            )));
        };
        let value = match value.strip_prefix('@') {
            Some(file) => from_file(Path::new(file))?,
            None => from_text(value),
        };
        context.insert(key.to_owned(), value);
    }
    Ok(context)
}

/// JSON where it is JSON, else the text itself.
pub fn from_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The value in a JSON or YAML file, the text of any other.
pub fn from_file(file: &Path) -> Result<Value, Failure> {
    if is_structured(file) {
        return structured(file);
    }
    read(file).map(Value::String)
}

fn is_structured(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("json" | "yaml" | "yml"))
}

fn structured(file: &Path) -> Result<Value, Failure> {
    let text = read(file)?;
    read_data(&text).map_err(|fault| {
        let source_text = Source {
            name: file.display().to_string().into(),
            text: text.into(),
        };
        Failure::from(PlanFaults {
            source_text,
            diagnostics: vec![fault],
        })
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!("{}: not UTF-8 at byte {at}", file.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_json_or_else_text() {
        let pairs: Vec<String> = ["n=5", "zip=01234", "o={\"a\":[1]}", "t=a=b", "empty="]
            .map(str::to_owned)
            .into();
        let context = context(&[], &pairs).unwrap();
        assert_eq!(
            Value::Object(context),
            json!({"n": 5, "zip": "01234", "o": {"a": [1]}, "t": "a=b", "empty": ""})
        );
    }

    #[test]
    fn files_give_text_or_values() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("note.txt");
        let yaml = folder.path().join("all.yaml");
        std::fs::write(&text, "two\nlines\n").unwrap();
        std::fs::write(&yaml, "city: Ulm\nn: [1, 2]\n").unwrap();
        let pair = format!("note=@{}", text.display());
        let context = context(&[yaml], &[pair, "city=Bonn".to_owned()]).unwrap();
        assert_eq!(
            Value::Object(context),
            json!({"city": "Bonn", "n": [1, 2], "note": "two\nlines\n"})
        );
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        assert!(context(&[], &["=x".to_owned()]).is_err());
        assert!(context(&[], &["novalue".to_owned()]).is_err());
    }
}
