//! The items of a batch from a file: JSON lines, CSV, or a folder of files. One is in memory at a time.

use super::csv::{CsvFault, next_record};
use super::item::BatchItem;
use super::keys::Keys;
use crate::session::SessionError;
use crate::text::format;
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
    /// What messages call the input, where that is not its path.
    pub name: Option<String>,
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

/// Where an item is, and the item.
type Placed = (String, Result<BatchItem, String>);
type PlacedItems = Box<dyn Iterator<Item = Placed> + Send>;

/// The items, one after another.
pub type Items = Box<dyn Iterator<Item = Result<BatchItem, InputFault>> + Send>;

impl BatchInputs {
    /// Reads the items from the beginning.
    ///
    /// # Errors
    /// When the file or the folder cannot be opened.
    pub fn open(&self) -> Result<Items, SessionError> {
        let items = self
            .placed()?
            .map(|(place, item)| item.map_err(|message| InputFault { place, message }));
        Ok(Box::new(items))
    }

    /// What the places of its items begin with.
    fn name(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => self.path.display().to_string(),
        }
    }

    fn placed(&self) -> Result<PlacedItems, SessionError> {
        let name = self.name();
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
        let mut keys = Keys::default();
        let mut checked = self.look_through(needed, |place, key| {
            keys.add(place, key);
            None
        })?;
        if let Some(mut suspects) = keys.suspects() {
            checked = self.look_through(needed, |place, key| suspects.earlier(place, key))?;
        }
        let Checked {
            count,
            wrong,
            mut faults,
        } = checked;
        if wrong > faults.len() as u64 {
            faults.push(format!("and {} more", wrong - faults.len() as u64));
        }
        if wrong > 0 {
            faults.push("nothing ran".to_owned());
            return Err(SessionError::Inputs(faults.join("\n")));
        }
        if count == 0 {
            let message = format!("{}: it has no items; nothing ran", self.name());
            return Err(SessionError::Inputs(message));
        }
        Ok(count)
    }

    /// Reads every item once. `earlier` is asked for the place of an item that has the same key already.
    fn look_through(
        &self,
        needed: &[Arc<str>],
        mut earlier: impl FnMut(u64, &Arc<str>) -> Option<u64>,
    ) -> Result<Checked, SessionError> {
        let mut checked = Checked::default();
        for (index, (place, item)) in (0..).zip(self.placed()?) {
            let fault = match item {
                Err(message) => Some(message),
                Ok(item) => {
                    checked.count += 1;
                    let missing = needed
                        .iter()
                        .find(|name| !item.context.contains_key(&***name));
                    match (earlier(index, &item.key), missing) {
                        (Some(first), _) => Some(format!(
                            "{}: change one, or take another context value with --key",
                            not_unique(&item.key, first)
                        )),
                        (None, Some(name)) => Some(format!(
                            "item {} has no {name}, which the plan refers to; give it there, or to every item with -c \
                             {name}=VALUE",
                            quote(&item.key, 60)
                        )),
                        (None, None) => None,
                    }
                }
            };
            if let Some(fault) = fault {
                checked.wrong += 1;
                if checked.faults.len() < MOST_FAULTS {
                    checked.faults.push(format!("{place}: {fault}"));
                }
            }
        }
        Ok(checked)
    }

    fn lines(&self, name: String, mut from: impl BufRead + Send + 'static) -> PlacedItems {
        let this = self.clone();
        let (mut line, mut index, mut over) = (0_u64, 0_u64, false);
        Box::new(std::iter::from_fn(move || {
            loop {
                if over {
                    return None;
                }
                line += 1;
                let item = match next_line(&mut from) {
                    Ok(None) => return None,
                    Ok(Some(Line::Text(text))) => {
                        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
                        if text.iter().all(u8::is_ascii_whitespace) {
                            continue;
                        }
                        this.of_line(text, index)
                    }
                    Ok(Some(Line::TooLarge)) => Err(too_large()),
                    Err(error) => {
                        over = true;
                        Err(error.to_string())
                    }
                };
                index += 1;
                return Some((format!("{name}:{line}"), item));
            }
        }))
    }

    fn of_line(&self, text: &[u8], index: u64) -> Result<BatchItem, String> {
        let text = std::str::from_utf8(text).map_err(|_| NOT_UTF8.to_owned())?;
        let value = serde_json::from_str(text)
            .map_err(|error| format!("it is not valid JSON ({error}); one JSON object a line"))?;
        self.of_value(value, index)
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

    fn csv(&self, name: String, mut from: impl BufRead + Send + 'static) -> PlacedItems {
        let this = self.clone();
        let (mut line, mut index) = (0_u64, 0_u64);
        let mut head: Option<Vec<String>> = None;
        let mut over = false;
        Box::new(std::iter::from_fn(move || {
            loop {
                if over {
                    return None;
                }
                let (line, fields) = match next_record(&mut from, &mut line, MAX_ITEM)? {
                    Ok(record) => (record.line, Ok(record.fields)),
                    Err((line, fault)) => {
                        over = !matches!(fault, CsvFault::TooLarge);
                        (line, Err(csv_fault(&fault)))
                    }
                };
                let texts = fields.and_then(|fields| {
                    let texts = fields.into_iter().map(String::from_utf8);
                    let texts = texts.collect::<Result<Vec<_>, _>>();
                    texts.map_err(|_| NOT_UTF8.to_owned())
                });
                let place = format!("{name}:{line}");
                let Some(names) = &head else {
                    match texts.and_then(head_of) {
                        Ok(names) => head = Some(names),
                        Err(message) => {
                            over = true;
                            return Some((place, Err(message)));
                        }
                    }
                    continue;
                };
                let own = texts.and_then(|texts| row_of(names, &texts));
                let item = own.and_then(|own| this.item(None, own, index));
                index += 1;
                return Some((place, item));
            }
        }))
    }

    fn files(&self) -> std::io::Result<PlacedItems> {
        let mut names: Vec<OsString> = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let hidden = name.as_encoded_bytes().starts_with(b".");
            // What cannot be looked at, as a link that leads nowhere, is an item that cannot be read.
            let is_other = std::fs::metadata(entry.path()).is_ok_and(|known| !known.is_file());
            if !hidden && !is_other {
                names.push(name);
            }
        }
        names.sort();
        let this = self.clone();
        let items = names.into_iter().map(move |name| {
            let path = this.path.join(&name);
            (path.display().to_string(), this.file(&path, &name))
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
        read.map_err(|error| {
            format!("it cannot be read ({error}); make it readable, or take it out of the folder")
        })?;
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

/// What was found in the items.
#[derive(Default)]
struct Checked {
    count: u64,
    /// How many are wrong, and what is wrong with the first of them.
    wrong: u64,
    faults: Vec<String>,
}

/// That the key of an item is the one of an earlier item too.
pub(super) fn not_unique(key: &str, first: u64) -> String {
    let key = quote(key, 60);
    format!("the key {key} stands for item {first} already; keys are unique in a batch")
}

const NOT_UTF8: &str = "it is not valid UTF-8; save the file as UTF-8";

fn csv_fault(fault: &CsvFault) -> String {
    match fault {
        CsvFault::Io(error) => error.to_string(),
        CsvFault::TooLarge => too_large(),
        CsvFault::Unclosed => {
            "a quotation mark is not closed before the end of the file; close it, or double one \
                               that belongs to the text"
                .to_owned()
        }
    }
}

/// The context values of a row.
fn row_of(names: &[String], texts: &[String]) -> Result<Map<String, Value>, String> {
    if texts.len() != names.len() {
        let fields = format::count(texts.len(), "field");
        return Err(format!(
            "it has {fields}, and the header has {}; a field with a comma stands in quotation marks",
            names.len()
        ));
    }
    let cells = texts.iter().map(|text| cell(text));
    Ok(names.iter().cloned().zip(cells).collect())
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
