//! An edit of the plan's structure: a step that comes or goes, or what a step waits for.

use super::correction::Correction;
use crate::run::{HandOver, Preview, RunState};
use crate::tui::dashboard::state::tool_definition::ToolDefinition;
use std::fmt::Write as _;
use std::sync::Arc;

/// What is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StructureEdit {
    /// A new step, for which this one waits.
    Before(Arc<str>),
    /// A new step, which waits for this one.
    After(Arc<str>),
    /// This step goes.
    Remove(Arc<str>),
    /// What this step waits for; so far, these.
    Depend(Arc<str>, Vec<Arc<str>>),
    /// The plan as the planner has corrected it after the failure of this step.
    Repair(Arc<str>, Box<Correction>),
    /// The tool that this step calls is defined otherwise than so.
    Define(Arc<str>, Box<ToolDefinition>),
}

/// An edit, what was written for it, and what it would do.
#[derive(Debug)]
pub struct Structure {
    pub(crate) edit: StructureEdit,
    /// What the user has written.
    pub(crate) text: String,
    /// What it would do, or what is wrong with it; `None` until that is known.
    pub(crate) known: Option<Result<Box<Preview>, Arc<str>>>,
    /// What the run is told where the user says yes, if it is running.
    pub(crate) to: Option<Box<HandOver>>,
    /// The edit of the running plan that was there when the price was worked out: this one is on top of it.
    pub(crate) on_top_of: Option<Box<HandOver>>,
    pub(crate) scroll: usize,
}

/// Tools and steps that are named at most.
const NAMED: usize = 30;

impl Structure {
    /// The edit of a run, with the text that the user begins with.
    pub(crate) fn new(edit: StructureEdit, run: &RunState) -> Self {
        let text = template(&edit, run);
        Self {
            edit,
            text,
            known: None,
            to: None,
            on_top_of: run.hand_over.clone(),
            scroll: 0,
        }
    }

    /// What it is called.
    pub(crate) fn title(&self, fit: impl Fn(&str) -> String) -> String {
        match &self.edit {
            StructureEdit::Before(step) => format!("a step before {}", fit(step)),
            StructureEdit::After(step) => format!("a step after {}", fit(step)),
            StructureEdit::Remove(step) => format!("remove {}", fit(step)),
            StructureEdit::Depend(step, _) => format!("what {} waits for", fit(step)),
            StructureEdit::Repair(step, _) => {
                format!("repair the plan after the failure of {}", fit(step))
            }
            StructureEdit::Define(step, known) => {
                format!("the tool {} of {}", fit(&known.tool), fit(step))
            }
        }
    }

    /// Whether something is written for it.
    pub(crate) fn is_written(&self) -> bool {
        !matches!(
            self.edit,
            StructureEdit::Remove(_) | StructureEdit::Repair(..)
        )
    }
}

fn template(edit: &StructureEdit, run: &RunState) -> String {
    let of_plan = || {
        run.steps
            .iter()
            .filter(|row| row.info.parent.is_none() && row.caller.is_none())
    };
    let listed = |names: &mut dyn Iterator<Item = &Arc<str>>| {
        let mut all: Vec<String> = Vec::new();
        for name in names {
            let name = crate::text::line(name);
            if !all.contains(&name) && all.len() < NAMED {
                all.push(name);
            }
        }
        all.join(", ")
    };
    let tools = listed(&mut of_plan().map(|row| &row.info.tool));
    let steps = listed(&mut of_plan().map(|row| &row.info.id));
    let mut text = String::new();
    let head = |text: &mut String, what: &str| {
        let _ = writeln!(
            text,
            "# {what}\n# Save it and leave the editor to see what it would run and cost; nothing runs before you say yes.\n\
             # Leave it as it is to drop it."
        );
    };
    match edit {
        StructureEdit::Before(step) | StructureEdit::After(step) => {
            let (what, waits) = if matches!(edit, StructureEdit::Before(_)) {
                (
                    format!("A new step. {step} waits for it."),
                    format!("Unless you name others, it waits for what {step} waits for."),
                )
            } else {
                (
                    format!(
                        "A new step. It waits for {step}, and what waits for {step} waits for it too."
                    ),
                    format!("Others that it waits for, beside {step}."),
                )
            };
            head(&mut text, &what);
            let _ = writeln!(
                text,
                "id:\n# Tools of this plan: {tools}\ntool:\n# A value can refer to an output: \"{{{{STEP.field}}}}\". Steps: {steps}\n\
                 parameters: {{}}\n# {waits}\n# depends_on: []"
            );
        }
        StructureEdit::Depend(step, known) => {
            head(
                &mut text,
                &format!("The steps that {step} waits for. It waits for whatever it refers to."),
            );
            let _ = writeln!(text, "# Steps: {steps}\ndepends_on:");
            for known in known {
                let id = serde_json::Value::from(&**known);
                let _ = writeln!(text, "- {id}");
            }
        }
        StructureEdit::Repair(_, correction) => return correction.text.to_string(),
        StructureEdit::Define(_, known) => return known.text(),
        StructureEdit::Remove(_) => {}
    }
    text
}
