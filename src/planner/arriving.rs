//! A plan whose text is still arriving: its steps are known as soon as each of them is whole.

use crate::plan::parse;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// The most steps that are told of; more than that are counted.
const MAX_SHOWN: usize = 1_000;

/// The most steps whose references are read each time that there is another.
const MAX_READ: usize = 200;

/// What ends the thoughts that some models write before an answer.
const END_OF_THOUGHTS: &str = "</think>";

/// A step of a plan that is arriving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivedStep {
    /// Its id.
    pub id: Arc<str>,
    /// Its tool.
    pub tool: Arc<str>,
    /// The ids of what it waits for. Some may not have arrived.
    pub waits_for: Vec<Arc<str>>,
}

/// The text so far, and the steps in it. What is not as expected is passed over: the whole answer is read when it is
/// there.
#[derive(Debug, Default)]
pub(super) struct ArrivingPlan {
    text: String,
    /// What of the text was looked at.
    seen: usize,
    /// Whether it stands in the list of steps.
    in_list: bool,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Where the step begins that has not ended.
    step: usize,
    values: Vec<Value>,
    steps: Arc<[ArrivedStep]>,
    count: usize,
}

impl ArrivingPlan {
    /// Takes in more text; whether there is another step.
    pub(super) fn push(&mut self, text: &str) -> bool {
        // It may have begun in the text before.
        let from = self.text.len().saturating_sub(END_OF_THOUGHTS.len());
        let from = self.text.floor_char_boundary(from);
        self.text.push_str(text);
        let before = self.count;
        if let Some(end) = self.text[from..].rfind(END_OF_THOUGHTS) {
            let rest = self.text.split_off(from + end + END_OF_THOUGHTS.len());
            *self = Self {
                text: rest,
                ..Self::default()
            };
        }
        if self.text.trim_start().starts_with("<think") {
            return false;
        }
        if !self.in_list {
            self.find_list();
        }
        if self.in_list {
            self.read();
        }
        self.count > before && self.steps.len() < MAX_SHOWN && self.understand()
    }

    /// The steps that are whole.
    pub(super) fn steps(&self) -> Arc<[ArrivedStep]> {
        Arc::clone(&self.steps)
    }

    /// How many steps are whole.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Goes to the list that `"steps"` names.
    fn find_list(&mut self) {
        const NAME: &str = "\"steps\"";
        while let Some(at) = self.text[self.seen..].find(NAME) {
            let after = self.seen + at + NAME.len();
            let rest = self.text[after..].trim_start();
            let list = rest.strip_prefix(':').map(str::trim_start);
            match (rest.is_empty(), list) {
                // It may still come.
                (true, _) | (_, Some("")) => return,
                (_, Some(list)) if list.starts_with('[') => {
                    self.seen = self.text.len() - list.len() + 1;
                    self.in_list = true;
                    return;
                }
                _ => self.seen = after,
            }
        }
    }

    fn read(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.seen) {
            let at = self.seen;
            self.seen += 1;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    if self.depth == 0 {
                        self.step = at;
                    }
                    self.depth += 1;
                }
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0
                        && let Ok(value) = serde_json::from_slice::<Value>(&bytes[self.step..=at])
                        && value.is_object()
                    {
                        self.count += 1;
                        if self.values.len() < MAX_SHOWN {
                            self.values.push(value);
                        }
                    }
                }
                // The list has ended.
                b']' => {
                    self.seen = bytes.len();
                    return;
                }
                _ => {}
            }
        }
    }

    /// Works out what each step waits for; whether that is anything new.
    fn understand(&mut self) -> bool {
        let mut steps: Vec<ArrivedStep> = self.values.iter().filter_map(written).collect();
        if steps.len() <= MAX_READ {
            self.add_references(&mut steps);
        }
        let is_new = *steps != *self.steps;
        self.steps = steps.into();
        is_new
    }

    /// Adds what the steps refer to, as far as that has arrived.
    fn add_references(&self, steps: &mut [ArrivedStep]) {
        let known: HashSet<&str> = steps.iter().map(|step| &*step.id).collect();
        let values = self.values.iter().cloned().map(|mut value| {
            let waits_for = value.get_mut("depends_on").and_then(Value::as_array_mut);
            if let Some(waits_for) = waits_for {
                waits_for.retain(|of| name(of).is_some_and(|of| known.contains(&*of)));
            }
            value
        });
        let plan = json!({"steps": values.collect::<Vec<_>>()}).to_string();
        let read = parse("plan", plan.as_bytes()).and_then(|draft| draft.check(None, None));
        let Ok(plan) = read else { return };
        for step in steps {
            let found = plan.find(&step.id).and_then(|at| plan.step(at));
            let of = found.into_iter().flat_map(|found| found.depends_on.iter());
            for of in of.filter_map(|of| plan.step(*of)) {
                if !step.waits_for.contains(&of.id) {
                    step.waits_for.push(Arc::clone(&of.id));
                }
            }
        }
    }
}

/// A name, as some models write it.
fn name(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// A step as it is written, without its references.
fn written(value: &Value) -> Option<ArrivedStep> {
    let id = name(value.get("id")?)?;
    let waits_for = value.get("depends_on").and_then(Value::as_array);
    let mut known = HashSet::new();
    Some(ArrivedStep {
        tool: value.get("tool").and_then(name).unwrap_or_default(),
        waits_for: waits_for
            .into_iter()
            .flatten()
            .filter_map(name)
            .filter(|of| *of != id && known.insert(Arc::clone(of)))
            .collect(),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(plan: &ArrivingPlan) -> Vec<String> {
        let shown = plan.steps.iter().map(|step| {
            let waits_for: Vec<&str> = step.waits_for.iter().map(|of| &**of).collect();
            format!("{} {} < {}", step.id, step.tool, waits_for.join(" "))
        });
        shown.collect()
    }

    const PLAN: &str = r#"```json
{"name": "tea, \"steps\": none", "steps" : [
  {"id": "boil", "tool": "kettle", "parameters": {"text": "a } and a ] and a \" {"}, "depends_on": []},
  {"id": "pour", "tool": "pour", "parameters": {"what": "{{steps[boil].output.water}}", "cups": [{"size": 2}]}, "depends_on": []},
  {"id": 3, "tool": "serve", "parameters": {}, "depends_on": ["pour", "sugar"]}], "after": [{"id": "no"}]}
```"#;

    #[test]
    fn a_step_is_there_as_soon_as_it_is_whole_however_the_text_arrives() {
        let whole = ["boil kettle < ", "pour pour < boil"];
        for size in [1, 2, 3, 7, 4_000] {
            let mut plan = ArrivingPlan::default();
            let mut grew = Vec::new();
            let bytes = PLAN.as_bytes();
            for piece in bytes.chunks(size) {
                if plan.push(std::str::from_utf8(piece).unwrap()) {
                    grew.push(plan.count());
                }
            }
            // A step that waits for one that is not there is shown all the same.
            assert_eq!(
                shown(&plan),
                ["boil kettle < ", "pour pour < boil", "3 serve < pour sugar"]
            );
            if size == 1 {
                assert_eq!(grew, [1, 2, 3]);
            }
        }
        let mut plan = ArrivingPlan::default();
        let third = PLAN.find("{\"id\": 3").unwrap();
        assert!(plan.push(&PLAN[..third]));
        assert_eq!(shown(&plan), whole);
        assert!(!plan.push("{\"id\": 3, \"tool\""));
        assert_eq!(shown(&plan), whole);
    }

    #[test]
    fn thoughts_and_other_texts_are_no_steps() {
        let mut plan = ArrivingPlan::default();
        assert!(!plan.push("<think>{\"steps\": [{\"id\": \"a\", \"tool\": \"b\"}]} or"));
        assert!(!plan.push(" better </thi"));
        assert!(plan.push("nk>{\"steps\": [{\"id\": \"c\", \"tool\": \"d\"}"));
        assert_eq!(shown(&plan), ["c d < "]);
        for text in [
            "",
            "no plan",
            "{\"steps\": {\"id\": 1}}",
            "{\"steps\": [1, \"{\", [2]]}",
            "\"steps\"",
        ] {
            let mut plan = ArrivingPlan::default();
            assert!(!plan.push(text), "{text}");
            assert_eq!(plan.count(), 0, "{text}");
        }
    }

    #[test]
    fn thousands_of_steps_are_counted() {
        let mut plan = ArrivingPlan::default();
        plan.push("{\"steps\": [");
        for at in 0..5_000 {
            plan.push(&format!(
                "{{\"id\": {at}, \"tool\": \"t\", \"depends_on\": [{}]}},",
                at - 1
            ));
        }
        assert_eq!((plan.count(), plan.steps().len()), (5_000, MAX_SHOWN));
    }
}
