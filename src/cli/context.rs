//! Reads context values from the command line.

use super::failure::Failure;
use crate::session::{value_from_file, value_from_text, values_from_file};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The context values of `--context-file` and then `--context`; later ones override earlier ones.
pub(super) fn context(files: &[PathBuf], pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut context = Map::new();
    for file in files {
        match values_from_file(file)? {
            Some(values) => context.extend(values),
            None => {
                return Err(Failure::usage(format!(
                    "--context-file {}: must hold an object: a value for each name",
                    file.display()
                )));
            }
        }
    }
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::usage(format!(
                "--context {pair}: must be KEY=VALUE or KEY=@FILE"
            )));
        };
        let value = match value.strip_prefix('@') {
            Some(file) => value_from_file(Path::new(file))?,
            None => value_from_text(value)
                .map_err(|what| Failure::usage(format!("--context {key}: {what}")))?,
        };
        context.insert(key.to_owned(), value);
    }
    Ok(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_json_or_text() {
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
    fn files_hold_text_or_values() {
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
    fn anything_but_a_pair_is_refused() {
        assert!(context(&[], &["=x".to_owned()]).is_err());
        assert!(context(&[], &["novalue".to_owned()]).is_err());
    }
}
