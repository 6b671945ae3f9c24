//! The items of a batch from a file: JSON lines, CSV, or a folder of files. One is in memory at a time.

use super::csv::{CsvFault, next_record};
use super::item::BatchItem;
use crate::session::SessionError;
use crate::text::message::quote;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// The largest item, in bytes of the input.
const MAX_ITEM: usize = 16 << 20;
/// Faults that are listed; more are counted.
const MOST_FAULTS: usize = 20;
/// The context value of a file's content, where the plan does not say another.
const CONTENT: &str = "content";
/// Numbers beyond this are not exact in every JSON reader, so a CSV cell keeps them as text.
const EXACT: i64 = 1 << 53;

/// Where the items of a batch come from.
#[derive(Clone, Debug)]
pub struct BatchInputs {
    /// A file of JSON lines, a CSV file (by its ending), or a folder.
    pub path: PathBuf,
    /// The context value that is the key of an item; without it the `key` of a line, or the place in the input.
    pub key: Option<String>,
    /// Context values of every item; its own come first.
    pub common: Map<String, Value>,
    /// The context value that holds the content of a file of a folder.
    pub content: Option<String>,
}

/// What is wrong with an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFault {
    /// Where: `FILE:LINE`, or the file of a folder.
    pub place: String,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// The items, one after another.
pub type Items = Box<dyn Iterator<Item = Result<BatchItem, InputFault>> + Send>;

impl BatchInputs {
    /// Reads the items from the beginning.
    ///
    /// # Errors
    /// When the file or the folder cannot be opened.
    pub fn open(&self) -> Result<Items, SessionError> {
        let name = self.path.display().to_string();
        let fault = |error| SessionError::file(&name, error);
        if self.path.is_dir() {
            return self.files().map_err(fault);
        }
        let reader = BufReader::with_capacity(1 << 16, File::open(&self.path).map_err(fault)?);
        let ending = self.path.extension().unwrap_or_default();
        Ok(if ending.eq_ignore_ascii_case("csv") {
            self.csv(name, reader)
        } else {
            self.lines(name, reader)
        })
    }

    /// Reads every item once, and counts them: what is wrong with any is found before something runs. `needed` are the
    /// context values that the plan refers to.
    ///
    /// # Errors
    /// The first faults of items, each with its place.
    pub fn check(&self, needed: &[Arc<str>]) -> Result<u64, SessionError> {
        let mut faults: Vec<String> = Vec::new();
        let (mut count, mut wrong) = (0_u64, 0_u64);
        let mut keys: HashSet<[u8; 16]> = HashSet::new();
        for item in self.open()? {
            let fault = match item {
                Err(fault) => Some(fault.to_string()),
                Ok(item) => {
                    count += 1;
                    let missing = needed
                        .iter()
                        .find(|name| !item.context.contains_key(&***name));
                    let mut short = [0; 16];
                    short.copy_from_slice(&blake3::hash(item.key.as_bytes()).as_bytes()[..16]);
                    if keys.insert(short) {
                        missing.map(|name| {
                            format!(
                                "{}: item {} has no {name}, which the plan refers to; give it there, or to every item \
                                 with -c {name}=VALUE",
                                self.path.display(),
                                quote(&item.key, 60)
                            )
                        })
                    } else {
                        Some(format!(
                            "{}: the key {} stands for an earlier item already; keys are unique in a batch",
                            self.path.display(),
                            quote(&item.key, 60)
                        ))
                    }
                }
            };
            wrong += u64::from(fault.is_some());
            faults.extend(fault.filter(|_| faults.len() < MOST_FAULTS));
        }
        if wrong > faults.len() as u64 {
            faults.push(format!("and {} more", wrong - faults.len() as u64));
        }
        if wrong > 0 {
            faults.push("nothing ran".to_owned());
            return Err(SessionError::Inputs(faults.join("\n")));
        }
        if count == 0 {
            let name = self.path.display();
            let message = format!("{name}: it has no items; nothing ran");
            return Err(SessionError::Inputs(message));
        }
        Ok(count)
    }

    fn lines(&self, name: String, mut from: impl BufRead + Send + 'static) -> Items {
        let this = self.clone();
        let (mut line, mut index) = (0_u64, 0_u64);
        Box::new(std::iter::from_fn(move || {
            loop {
                line += 1;
                let fault = |message: String| InputFault {
                    place: format!("{name}:{line}"),
                    message,
                };
                let text = match next_line(&mut from) {
                    Ok(None) => return None,
                    Ok(Some(Line::Text(text))) => text,
                    Ok(Some(Line::TooLarge)) => return Some(Err(fault(too_large()))),
                    Err(error) => return Some(Err(fault(error.to_string()))),
                };
                let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
                if text.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let item = serde_json::from_slice(text)
                    .map_err(|error| {
                        format!("it is not valid JSON ({error}); one JSON object a line")
                    })
                    .and_then(|value| this.of_value(value, index));
                index += 1;
                return Some(item.map_err(fault));
            }
        }))
    }

    /// An item from a line: the context itself, or `{"key", "context"}`.
    fn of_value(&self, value: Value, index: u64) -> Result<BatchItem, String> {
        let Value::Object(mut own) = value else {
            return Err(
                "it is not a JSON object; a line is a context, or {\"key\", \"context\"}"
                    .to_owned(),
            );
        };
        let is_wrapped = own.len() == 2 && own.contains_key("key") && own.contains_key("context");
        let mut key = None;
        if is_wrapped {
            key = Some(key_of(own.get("key"))?);
            match own.remove("context") {
                Some(Value::Object(context)) => own = context,
                _ => return Err("its context is not a JSON object".to_owned()),
            }
        }
        self.item(key, own, index)
    }

    fn item(
        &self,
        key: Option<String>,
        own: Map<String, Value>,
        index: u64,
    ) -> Result<BatchItem, String> {
        let named = match &self.key {
            None => None,
            Some(name) if own.contains_key(name) => Some(key_of(own.get(name))?),
            Some(name) => return Err(format!("it has no {name}, which --key names")),
        };
        let key = named.or(key).unwrap_or_else(|| index.to_string());
        let mut context = self.common.clone();
        context.extend(own);
        Ok(BatchItem {
            key: key.into(),
            context,
        })
    }

    fn csv(&self, name: String, mut from: impl BufRead + Send + 'static) -> Items {
        let this = self.clone();
        let (mut line, mut index) = (0_u64, 0_u64);
        let mut head: Option<Vec<String>> = None;
        let mut over = false;
        Box::new(std::iter::from_fn(move || {
            loop {
                if over {
                    return None;
                }
                let place = |line: u64| format!("{name}:{line}");
                let record = match next_record(&mut from, &mut line, MAX_ITEM)? {
                    Ok(record) => record,
                    Err((line, fault)) => {
                        over = !matches!(fault, CsvFault::TooLarge);
                        let message = match fault {
                            CsvFault::Io(error) => error.to_string(),
                            CsvFault::TooLarge => too_large(),
                            CsvFault::Unclosed => {
                                "a quotation mark is not closed before the end of the file"
                                    .to_owned()
                            }
                        };
                        let place = place(line);
                        return Some(Err(InputFault { place, message }));
                    }
                };
                let texts = record.fields.into_iter().map(String::from_utf8);
                let Ok(texts) = texts.collect::<Result<Vec<_>, _>>() else {
                    let message = "it is not valid UTF-8; save the file as UTF-8".to_owned();
                    let place = place(record.line);
                    return Some(Err(InputFault { place, message }));
                };
                let Some(names) = &head else {
                    match head_of(texts) {
                        Ok(names) => head = Some(names),
                        Err(message) => {
                            over = true;
                            let place = place(record.line);
                            return Some(Err(InputFault { place, message }));
                        }
                    }
                    continue;
                };
                let item = if texts.len() == names.len() {
                    let cells = texts.iter().map(|text| cell(text));
                    let own = names.iter().cloned().zip(cells).collect();
                    this.item(None, own, index)
                } else {
                    let (found, expected) = (texts.len(), names.len());
                    Err(format!(
                        "it has {found} fields, and the header has {expected}"
                    ))
                };
                index += 1;
                let place = place(record.line);
                return Some(item.map_err(|message| InputFault { place, message }));
            }
        }))
    }

    fn files(&self) -> std::io::Result<Items> {
        let mut names: Vec<OsString> = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let hidden = name.as_encoded_bytes().starts_with(b".");
            if !hidden && entry.path().is_file() {
                names.push(name);
            }
        }
        names.sort();
        let this = self.clone();
        let items = names.into_iter().map(move |name| {
            let path = this.path.join(&name);
            this.file(&path, &name).map_err(|message| InputFault {
                place: path.display().to_string(),
                message,
            })
        });
        Ok(Box::new(items))
    }

    /// A file is an item: its content is a text, or the value in a `.json` file.
    fn file(&self, path: &Path, name: &OsString) -> Result<BatchItem, String> {
        let key = name
            .to_str()
            .ok_or("its name is not valid UTF-8; rename it")?;
        let mut bytes = Vec::new();
        let most = MAX_ITEM as u64 + 1;
        let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
        read.map_err(|error| error.to_string())?;
        if bytes.len() > MAX_ITEM {
            return Err(too_large());
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| "it is not valid UTF-8; give text or JSON files".to_owned())?;
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        let content = if is_json {
            serde_json::from_str(&text)
                .map_err(|error| format!("it is not valid JSON ({error})"))?
        } else {
            Value::String(text)
        };
        let mut values = self.common.clone();
        values.insert("name".to_owned(), key.into());
        let of_content = self.content.clone().unwrap_or_else(|| CONTENT.to_owned());
        values.insert(of_content, content);
        Ok(BatchItem {
            key: key.into(),
            context: values,
        })
    }

    /// Has the content of files stand under the one value that the plan refers to and that nothing else gives.
    pub fn name_content(&mut self, needed: &[Arc<str>]) {
        let given = |name: &Arc<str>| self.common.contains_key(&**name) || &**name == "name";
        let mut open = needed.iter().filter(|name| !given(name));
        if let (Some(name), None) = (open.next(), open.next()) {
            self.content = Some(name.to_string());
        }
    }
}

fn too_large() -> String {
    format!(
        "it is larger than {} MiB; give large contents as files",
        MAX_ITEM >> 20
    )
}

enum Line {
    Text(Vec<u8>),
    TooLarge,
}

/// The next line, without more of it in memory than an item may have.
fn next_line(from: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut text = Vec::new();
    from.by_ref()
        .take(MAX_ITEM as u64 + 1)
        .read_until(b'\n', &mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() <= MAX_ITEM || text.ends_with(b"\n") {
        return Ok(Some(Line::Text(text)));
    }
    loop {
        let piece = from.fill_buf()?;
        let length = piece.len();
        match piece.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                from.consume(at + 1);
                break;
            }
            None if length == 0 => break,
            None => from.consume(length),
        }
    }
    Ok(Some(Line::TooLarge))
}

fn key_of(value: Option<&Value>) -> Result<String, String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err("its key is not a text or a number".to_owned()),
    }
}

fn head_of(mut names: Vec<String>) -> Result<Vec<String>, String> {
    if let Some(first) = names.first_mut()
        && let Some(rest) = first.strip_prefix('\u{feff}')
    {
        *first = rest.to_owned();
    }
    let mut known = HashSet::new();
    for name in &names {
        if name.is_empty() || !known.insert(name) {
            let name = quote(name, 60);
            return Err(format!(
                "the header has the name {name} twice, or a column without a name; the first line names the context values"
            ));
        }
    }
    Ok(names)
}

/// A cell as a value: `true`, `false`, and numbers that JSON writes just so; anything else is text. So `007`, `1e3`, `+1`
/// and numbers that are not exact stay as they are.
fn cell(text: &str) -> Value {
    let value = match text {
        "true" => return true.into(),
        "false" => return false.into(),
        text if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
            serde_json::from_str::<Value>(text).ok()
        }
        _ => None,
    };
    let is_exact = |value: &Value| match value.as_i64() {
        Some(whole) => whole.abs() <= EXACT,
        None => value
            .as_f64()
            .is_some_and(|float| float.abs() <= EXACT as f64),
    };
    value
        .filter(|value| is_exact(value) && written(value) == text)
        .unwrap_or_else(|| text.into())
}

fn written(value: &Value) -> String {
    value.to_string()
}
