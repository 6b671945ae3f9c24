//! Outputs that are used again: a call that would give the same is not made a second time.
//!
//! The key is made of what determines an output: the tool's fingerprint and the resolved input in canonical form.
//! The run, the attempt and names are no part of it.

use super::blocking::blocking;
use crate::plan::{Step, StepInput, View};
use crate::run::{GivenCall, NotReused, Reuse};
use crate::tools::{FileDigests, FileInputs, Fingerprint, Toolbox};
use crate::units::{Micros, Money};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// The version of the key: it changes when the same parts come to mean something else.
const VERSION: u8 = 2;
/// Values that nest deeper are not looked up.
const DEEPEST: usize = 256;

/// What an output depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheKey {
    /// The digest of everything below but `tool` and `step`.
    pub digest: [u8; 32],
    /// The tool's name, to look for similar keys.
    pub tool: Arc<str>,
    /// The step's id, for the same.
    pub step: Arc<str>,
    /// How long a cached output may be used where neither the step nor the tool sets a time.
    pub time_to_live: Duration,
    /// The parts of the tool's fingerprint, each as a digest: what changed can be named without keeping a secret.
    pub parts: Arc<Map<String, Value>>,
    /// The resolved parameters.
    pub input: StepInput,
}

/// An output with what it took to make it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOutput {
    /// The output.
    pub output: Arc<Value>,
    /// What the call cost.
    pub cost: Money,
    /// How long it took.
    pub service: Micros,
}

/// A cached output.
#[derive(Clone, Debug, PartialEq)]
pub struct CachedOutput {
    /// The output.
    pub output: Arc<Value>,
    /// The run that made it.
    pub run_id: Arc<str>,
    /// How old it is.
    pub age: Micros,
    /// What the call cost.
    pub cost: Money,
    /// How long it took.
    pub service: Micros,
    /// Whether it is pinned.
    pub pinned: bool,
}

impl CachedOutput {
    /// What it saves where it is used for this input.
    pub fn reuse(&self, input: &StepInput) -> Reuse {
        Reuse {
            run_id: Arc::clone(&self.run_id),
            age: self.age,
            cost: self.cost,
            service: self.service,
            pinned: self.pinned,
            input: input.clone(),
        }
    }
}

/// Why there is no cached output to use.
#[derive(Clone, Debug, PartialEq)]
pub enum CacheMiss {
    /// The cache cannot be read.
    Off,
    /// None is to be used in this run.
    Fresh,
    /// Nothing like it was cached.
    Never,
    /// An output of the same call is cached, but is too old.
    Expired {
        /// The run that made it.
        run_id: Arc<str>,
        /// How old it is.
        age: Micros,
        /// How old it may be.
        limit: Micros,
    },
    /// The newest one of the same step of the same tool was made for something else.
    Differs {
        /// The run that made it.
        run_id: Arc<str>,
        /// How old it is.
        age: Micros,
        /// The input that it was made for.
        input: Arc<Value>,
        /// The parts of the tool's fingerprint that differ.
        parts: Vec<String>,
    },
}

/// Where outputs are cached. Asked on the engine's task. It may block (see [`Engine::run`](super::Engine::run)); the run
/// waits for it, and nothing else does.
pub trait OutputCache: Send {
    /// The output that was made for this key, if it is still good.
    fn get(&mut self, key: &CacheKey) -> Result<CachedOutput, CacheMiss>;

    /// Caches an output; a pinned one of the same key stays.
    fn put(&mut self, key: CacheKey, made: NewOutput);

    /// The output that is pinned for this key, whatever its age.
    fn pinned(&mut self, _key: &CacheKey) -> Option<CachedOutput> {
        None
    }

    /// Whether any output is pinned, so that it is worth asking.
    fn has_pins(&self) -> bool {
        false
    }

    /// What keys are hashed with, the same for all runs on one installation: values from the environment are in them,
    /// and a short one could be found by trying all if anybody could make the same hash.
    fn hash_key(&self) -> [u8; 32] {
        [0; 32]
    }

    /// Pins an output for this key, or unpins what is pinned for it; whether it can.
    fn pin(&mut self, _key: CacheKey, _output: Option<CachedOutput>) -> bool {
        false
    }
}

/// The keys of a run's calls.
pub(super) struct Keys {
    toolbox: Arc<dyn Toolbox>,
    hash_key: [u8; 32],
    /// Where in `fingerprints` a tool with a model is.
    places: HashMap<ToolAndModel, usize>,
    fingerprints: Vec<Option<FingerprintHash>>,
    /// What was looked up last. Steps in a row often call the same tool.
    last: Option<(ToolAndModel, usize)>,
    digests: FileDigests,
}

/// The files that a key was made with, and what they were.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FilesSeen {
    files: FileInputs,
    digests: Map<String, Value>,
}

/// A tool's name, the model that a step asks for, and how the user has the step ask it.
type ToolAndModel = (Arc<str>, Option<Arc<str>>, Option<GivenCall>);

/// A fingerprint, ready to go into keys.
#[derive(Clone)]
struct FingerprintHash {
    parts: Arc<Map<String, Value>>,
    digest: [u8; 32],
    files: Option<FileInputs>,
    not_reused: Option<NotReused>,
}

impl FingerprintHash {
    fn of(fingerprint: &Fingerprint, hash_key: &[u8; 32]) -> Self {
        let mut all = fingerprint.parts.clone();
        all.extend(fingerprint.executor.clone());
        // Beside the others: a variable may have the name of a field.
        let environment = &fingerprint.environment.0;
        let named = all.iter().chain(environment);
        let parts: Map<String, Value> = named
            .map(|(name, value)| (name.clone(), short_digest(value, hash_key)))
            .collect();
        let all = Value::Array(vec![Value::Object(all), Value::Object(environment.clone())]);
        let all = canonical(&all).unwrap_or_default();
        Self {
            parts: Arc::new(parts),
            digest: *blake3::keyed_hash(hash_key, all.as_bytes()).as_bytes(),
            files: fingerprint.files.clone(),
            not_reused: fingerprint.not_reused,
        }
    }
}

fn short_digest(value: &Value, hash_key: &[u8; 32]) -> Value {
    let text = canonical(value).unwrap_or_default();
    let hash = blake3::keyed_hash(hash_key, text.as_bytes());
    Value::String(hash.to_hex()[..16].to_owned())
}

impl Keys {
    /// The keys of calls of these tools, hashed with `hash_key`.
    pub(super) fn new(toolbox: Arc<dyn Toolbox>, hash_key: [u8; 32]) -> Self {
        Self {
            toolbox,
            hash_key,
            places: HashMap::new(),
            fingerprints: Vec::new(),
            last: None,
            digests: FileDigests::default(),
        }
    }

    fn fingerprint(&mut self, step: &Step, given: Option<&GivenCall>) -> Option<&FingerprintHash> {
        let model = &step.settings.model;
        let place = match &self.last {
            Some(((tool, last, last_given), place))
                if Arc::ptr_eq(tool, &step.tool)
                    && last == model
                    && last_given.as_ref() == given =>
            {
                *place
            }
            _ => {
                let tool_and_model = (Arc::clone(&step.tool), model.clone(), given.cloned());
                let place = *self
                    .places
                    .entry(tool_and_model.clone())
                    .or_insert_with(|| {
                        let options = given.map(|given| given.options).unwrap_or_default();
                        let of_tool = &self.toolbox;
                        let mut fingerprint =
                            of_tool.fingerprint(&step.tool, model.as_deref(), options);
                        let prompt = given.and_then(|given| given.prompt.as_ref());
                        if let (Some(fingerprint), Some(prompt)) = (&mut fingerprint, prompt) {
                            // As in the catalog: an output is used again once the prompt stands there.
                            let prompt = Value::from(&**prompt);
                            fingerprint.parts.insert("prompt".to_owned(), prompt);
                        }
                        let hash = fingerprint
                            .as_ref()
                            .map(|fingerprint| FingerprintHash::of(fingerprint, &self.hash_key));
                        self.fingerprints.push(hash);
                        self.fingerprints.len() - 1
                    });
                self.last = Some((tool_and_model, place));
                place
            }
        };
        self.fingerprints.get(place)?.as_ref()
    }

    /// Why outputs of a step are not to be used again; `None` where they may be.
    pub(super) fn not_reused(
        &mut self,
        step: &Step,
        given: Option<&GivenCall>,
    ) -> Option<NotReused> {
        let Some(fingerprint) = self.fingerprint(step, given) else {
            return Some(NotReused::Undetermined);
        };
        match step.settings.cache {
            Some(true) => None,
            Some(false) => Some(NotReused::Step),
            None => fingerprint.not_reused,
        }
    }

    /// The key of a call, whether or not its output is to be used again; `None` where what determines it is not
    /// known.
    pub(super) fn of(
        &mut self,
        id: &Arc<str>,
        step: &Step,
        time_to_live: Duration,
        (input, given): (&StepInput, Option<&GivenCall>),
    ) -> Option<(CacheKey, Option<FilesSeen>)> {
        let fingerprint = self.fingerprint(step, given)?.clone();
        let mut hasher = blake3::Hasher::new_keyed(&self.hash_key);
        hasher.update(&[VERSION]);
        hasher.update(&fingerprint.digest);
        let mut text = String::new();
        if !write_input(input, &mut text, 0) {
            return None;
        }
        hasher.update(text.as_bytes());
        let mut parts = fingerprint.parts;
        let seen = match fingerprint.files {
            Some(files) => {
                let digests = blocking(|| files.digests(&mut self.digests))?;
                hasher.update(canonical(&Value::Object(digests.clone()))?.as_bytes());
                let named = digests.iter();
                let named =
                    named.map(|(name, it)| (name.clone(), short_digest(it, &self.hash_key)));
                Arc::make_mut(&mut parts).extend(named);
                Some(FilesSeen { files, digests })
            }
            None => None,
        };
        let key = CacheKey {
            digest: *hasher.finalize().as_bytes(),
            tool: Arc::clone(&step.tool),
            step: Arc::clone(id),
            time_to_live,
            parts,
            input: input.clone(),
        };
        Some((key, seen))
    }

    /// Whether the files are still what they were: an output may have been made with either otherwise.
    pub(super) fn are_unchanged(&mut self, seen: &FilesSeen) -> bool {
        let now = blocking(|| seen.files.digests(&mut self.digests));
        now.as_ref() == Some(&seen.digests)
    }
}

/// JSON text that is the same for values that are the same, whatever the order of members; `None` for what
/// nests too deep.
fn canonical(value: &Value) -> Option<String> {
    let mut text = String::new();
    write(value, &mut text, 0).then_some(text)
}

/// [`canonical`] of an input, without making it a value first.
fn write_input(input: &StepInput, text: &mut String, depth: usize) -> bool {
    match input.view() {
        View::Value(value) => write(value, text, depth),
        View::List(items) => write_list(items, text, depth, write_input),
        View::Object(members) => {
            let members = members.iter().map(|(name, member)| (&**name, member));
            write_object(members.collect(), text, depth, write_input)
        }
    }
}

fn write(value: &Value, text: &mut String, depth: usize) -> bool {
    match value {
        Value::Array(items) => write_list(items, text, depth, write),
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| (&**name, member));
            write_object(members.collect(), text, depth, write)
        }
        plain => {
            // Writing to a string cannot fail.
            let _ = write!(text, "{plain}");
            depth <= DEEPEST
        }
    }
}

/// Writes a part at this depth; whether it could.
type WritePart<T> = fn(&T, &mut String, usize) -> bool;

fn write_list<T>(items: &[T], text: &mut String, depth: usize, part: WritePart<T>) -> bool {
    if depth > DEEPEST {
        return false;
    }
    text.push('[');
    for item in items {
        if !part(item, text, depth + 1) {
            return false;
        }
        text.push(',');
    }
    text.push(']');
    true
}

fn write_object<T>(
    mut members: Vec<(&str, &T)>,
    text: &mut String,
    depth: usize,
    part: WritePart<T>,
) -> bool {
    if depth > DEEPEST {
        return false;
    }
    members.sort_unstable_by_key(|(name, _)| *name);
    text.push('{');
    for (name, member) in members {
        let _ = write!(text, "{}", Value::from(name));
        text.push(':');
        if !part(member, text, depth + 1) {
            return false;
        }
        text.push(',');
    }
    text.push('}');
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_members_does_not_matter_and_everything_else_does() {
        let same = |a: Value, b: Value| canonical(&a) == canonical(&b);
        assert!(same(
            json!({"a": 1, "b": [{"c": 2, "d": 3}]}),
            json!({"b": [{"d": 3, "c": 2}], "a": 1})
        ));
        let values = [
            json!([1, 2]),
            json!([2, 1]),
            json!([[1], 2]),
            json!([1, [2]]),
            json!("[1,2,]"),
            json!({"a": 1}),
            json!({"a": "1"}),
            json!({"a": 1.5}),
            json!({"a\"": 1}),
            json!(null),
            json!("null"),
            json!({}),
            json!([]),
        ];
        for (at, a) in values.iter().enumerate() {
            for b in &values[at + 1..] {
                assert_ne!(canonical(a), canonical(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let mut deep = Value::Null;
        for _ in 0..3000 {
            deep = Value::Array(vec![deep]);
        }
        assert_eq!(canonical(&deep), None);
    }
}
