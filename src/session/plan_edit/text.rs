//! The text of a plan with an edit in it: comments, quotes, order and layout of the rest stay.

use super::PlanEdit;
use crate::plan::{Dialect, Document, ExecutionPlan, FINAL_SYNTHESIS, Segment, Step};
use crate::session::error::SessionError;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Names of the same field, as plans have them; the first is that of most.
const NAMES: [(&str, &str); 3] = [
    ("id", "step_id"),
    ("tool", "tool_name"),
    ("parameters", "input"),
];

/// The text of `plan` with an edit. A plan that is neither JSON nor YAML becomes JSON.
pub(super) fn edited_text(
    text: &str,
    plan: &ExecutionPlan,
    edit: &PlanEdit,
) -> Result<String, SessionError> {
    let has_fields = matches!(
        plan.dialect,
        Dialect::Documented | Dialect::Runtime | Dialect::Template
    );
    if has_fields && let Ok(document) = Document::read(text) {
        let mut editor = Editor { plan, document };
        match editor.make(edit) {
            Err(Fault::Place(why)) => tracing::warn!(%why, "the layout of the plan is lost"),
            Err(Fault::Refused(error)) => return Err(error),
            Ok(()) => return Ok(editor.document.text().to_owned()),
        }
    }
    let whole = serde_json::to_string_pretty(&plan.to_value()).unwrap_or_default() + "\n";
    let document = Document::read(&whole).map_err(SessionError::PlanEdit)?;
    let mut editor = Editor { plan, document };
    match editor.make(edit) {
        Ok(()) => Ok(editor.document.text().to_owned()),
        Err(Fault::Place(why)) => Err(SessionError::PlanEdit(why)),
        Err(Fault::Refused(error)) => Err(error),
    }
}

/// Why an edit is not made.
enum Fault {
    /// It cannot be written in the text as it is.
    Place(String),
    /// It makes no sense.
    Refused(SessionError),
}

fn refused(why: impl Into<String>) -> Fault {
    Fault::Refused(SessionError::PlanEdit(why.into()))
}

/// The id in a step as plans have it.
pub(super) fn id_of(step: &Map<String, Value>) -> Option<String> {
    match step.get("id").or_else(|| step.get("step_id"))? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Puts an edit into a text.
struct Editor<'a> {
    plan: &'a ExecutionPlan,
    document: Document,
}

impl Editor<'_> {
    fn make(&mut self, edit: &PlanEdit) -> Result<(), Fault> {
        match edit {
            PlanEdit::Insert {
                step,
                before,
                after,
            } => self.insert(step, before.as_ref(), after.as_ref()),
            PlanEdit::Remove(step) => self.remove(step),
            PlanEdit::Depend { step, on, not_on } => self.depend(step, on, not_on),
            // It brings a text of its own.
            PlanEdit::Repair { .. } => Ok(()),
            // It is no part of the text.
            PlanEdit::DefineTool { .. } => Ok(()),
        }
    }

    fn step(&self, id: &str) -> Result<&Step, Fault> {
        let known = self.plan.find(id).and_then(|ix| self.plan.step(ix));
        let ids = self.plan.steps.iter().map(|step| &*step.id);
        let known = known.ok_or_else(|| Fault::Refused(SessionError::no_such_step(id, ids)))?;
        if &*known.id == FINAL_SYNTHESIS {
            return Err(refused(format!(
                "{FINAL_SYNTHESIS} is the end of the plan and waits for every step that nothing else waits for"
            )));
        }
        Ok(known)
    }

    /// The ids of what a step waits for.
    fn waits_for(&self, step: &Step) -> Vec<Arc<str>> {
        let steps = step.depends_on.iter().filter_map(|ix| self.plan.step(*ix));
        steps.map(|step| Arc::clone(&step.id)).collect()
    }

    /// The steps that wait for one, the end of the plan left out.
    fn waiting_for(&self, id: &str) -> Vec<Arc<str>> {
        let steps = self.plan.steps.iter();
        let waiting = steps.filter(|step| {
            let mut all = step.depends_on.iter().filter_map(|ix| self.plan.step(*ix));
            &*step.id != FINAL_SYNTHESIS && all.any(|before| &*before.id == id)
        });
        waiting.map(|step| Arc::clone(&step.id)).collect()
    }

    fn insert(
        &mut self,
        step: &Map<String, Value>,
        before: Option<&Arc<str>>,
        after: Option<&Arc<str>>,
    ) -> Result<(), Fault> {
        let id = id_of(step).ok_or_else(|| refused("the new step needs an id"))?;
        if self.plan.find(&id).is_some() {
            return Err(refused(format!("the plan has a step {id} already")));
        }
        let mut step = self.in_dialect(step);
        let mut waits_for = match step.get("depends_on") {
            Some(Value::Array(own)) => Some(own.clone()),
            Some(Value::Null) | None => None,
            Some(one) => Some(vec![one.clone()]),
        };
        let mut waiting = Vec::new();
        if let Some(before) = before {
            let next = self.step(before)?;
            let of_next = self.waits_for(next);
            waiting.push(Arc::clone(&next.id));
            if waits_for.is_none() && after.is_none() {
                waits_for = Some(of_next.iter().map(|id| self.id_value(id)).collect());
            }
        }
        if let Some(after) = after {
            let one = Arc::clone(&self.step(after)?.id);
            let one = self.id_value(&one);
            let all = waits_for.get_or_insert_default();
            if !all.contains(&one) {
                all.push(one);
            }
            if before.is_none() {
                waiting = self.waiting_for(after);
            }
        }
        if let Some(all) = waits_for.filter(|all| !all.is_empty()) {
            step.insert("depends_on".to_owned(), Value::Array(all));
        }
        let own_id = Arc::from(id);
        for waiting in waiting {
            let mut all = self.waits_for(self.step(&waiting)?);
            all.push(Arc::clone(&own_id));
            self.set_dependencies(&waiting, &all)?;
        }
        let path = self.steps()?;
        let at = match (before, after) {
            (Some(before), _) => self.place(before),
            (None, Some(after)) => self.place(after).map(|at| at + 1),
            (None, None) => None,
        };
        self.change_steps(&path, |steps| {
            let at = at.unwrap_or(steps.len()).min(steps.len());
            steps.insert(at, Value::Object(step));
        })
    }

    fn remove(&mut self, id: &Arc<str>) -> Result<(), Fault> {
        let step = self.step(id)?;
        let instead = self.waits_for(step);
        for waiting in self.waiting_for(id) {
            let known = self.waits_for(self.step(&waiting)?);
            let mut all: Vec<Arc<str>> = Vec::new();
            for one in &known {
                let of_one = if one == id {
                    &instead[..]
                } else {
                    std::slice::from_ref(one)
                };
                for one in of_one {
                    if !all.contains(one) {
                        all.push(Arc::clone(one));
                    }
                }
            }
            self.set_dependencies(&waiting, &all)?;
        }
        let path = self.steps()?;
        let at = self.place(id);
        let at = at.ok_or_else(|| Fault::Place("the step has no place of its own".to_owned()))?;
        self.change_steps(&path, |steps| drop(steps.remove(at)))
    }

    fn depend(&mut self, id: &Arc<str>, on: &[Arc<str>], not_on: &[Arc<str>]) -> Result<(), Fault> {
        let step = self.step(id)?;
        let known = self.waits_for(step);
        for one in on.iter().chain(not_on) {
            self.step(one)?;
        }
        if let Some(both) = on.iter().find(|one| not_on.contains(one)) {
            return Err(refused(format!(
                "step {id} cannot both wait for {both} and not"
            )));
        }
        for one in not_on {
            if !known.contains(one) {
                return Err(refused(format!("step {id} does not wait for {one}")));
            }
        }
        let mut all = known.clone();
        all.retain(|one| !not_on.contains(one));
        all.extend(on.iter().filter(|one| !known.contains(one)).cloned());
        if all == known {
            return Err(refused(format!("step {id} waits for that already")));
        }
        self.set_dependencies(id, &all)
    }

    /// Has a step of the text wait for these.
    fn set_dependencies(&mut self, id: &str, all: &[Arc<str>]) -> Result<(), Fault> {
        let mut path = self
            .document
            .step(id)
            .ok_or_else(|| Fault::Place(format!("step {id} has no place of its own")))?;
        path.push(Segment::Field("depends_on".into()));
        let wanted: Vec<Value> = all.iter().map(|id| self.id_value(id)).collect();
        self.document
            .set(&path, &Value::Array(wanted))
            .map_err(Fault::Place)
    }

    fn change_steps(
        &mut self,
        path: &[Segment],
        change: impl FnOnce(&mut Vec<Value>),
    ) -> Result<(), Fault> {
        let steps = self.document.get(path);
        let Some(Value::Array(mut steps)) = steps else {
            return Err(Fault::Place("the plan has no list of steps".to_owned()));
        };
        change(&mut steps);
        self.document
            .set(path, &Value::Array(steps))
            .map_err(Fault::Place)
    }

    fn steps(&self) -> Result<Vec<Segment>, Fault> {
        let path = self.document.steps();
        path.ok_or_else(|| Fault::Place("the plan has no list of steps".to_owned()))
    }

    /// The position of a step in the list.
    fn place(&self, id: &str) -> Option<usize> {
        match self.document.step(id)?.last()? {
            Segment::Index(at) => usize::try_from(*at).ok(),
            Segment::Field(_) => None,
        }
    }

    /// An id as the text has it: a number stays one.
    fn id_value(&self, id: &str) -> Value {
        let own = self.document.step(id).and_then(|mut path| {
            path.push(Segment::Field("id".into()));
            self.document.get(&path)
        });
        own.filter(Value::is_number).unwrap_or_else(|| id.into())
    }

    /// A step with the names by which the plan's dialect is recognised.
    fn in_dialect(&self, step: &Map<String, Value>) -> Map<String, Value> {
        let dialect = self.plan.dialect;
        let named = step.iter().map(|(name, value)| {
            let mut names = NAMES.iter();
            let pair = names.find(|(one, other)| name == one || name == other);
            let name = match pair {
                Some((_, "input")) if dialect == Dialect::Runtime => &**name,
                Some((_, own)) if dialect == Dialect::Template && *own != "input" => own,
                Some((common, _)) => common,
                None => &**name,
            };
            (name.to_owned(), value.clone())
        });
        named.collect()
    }
}
