//! The definition of the tool that a step calls, with an edit. It holds for every step that calls the tool.

use super::{EditedPlan, digest, text_of};
use crate::plan::{Draft, ExecutionPlan, FINAL_SYNTHESIS, Step, parse};
use crate::run::Breakpoint;
use crate::session::changes::find;
use crate::session::error::SessionError;
use crate::session::load::catalog_of_plan;
use crate::session::options::SourceOptions;
use crate::session::resume::PriorRun;
use crate::session::servers::add_servers;
use crate::text::merge_patch::patched;
use crate::tools::{BUILTINS, Catalog, EditedTool, EditedTools, REDACTED, ToolDefinition};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

fn refused(why: String) -> SessionError {
    SessionError::PlanEdit(why)
}

/// A tool as a run would call it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DefinedTool {
    /// Its name.
    pub name: Arc<str>,
    /// Its entry in the catalog, without what may be a credential.
    pub entry: Map<String, Value>,
}

/// What an edit of a tool begins with: the plan of a run, and where its tools come from.
pub(super) struct ToolEdit {
    file: PathBuf,
    text: Arc<str>,
    source: SourceOptions,
    draft: Draft,
}

impl ToolEdit {
    pub(super) fn of(
        prior: &PriorRun,
        file: PathBuf,
        source: SourceOptions,
    ) -> Result<Self, SessionError> {
        let recorded = source.plan_text.clone().or(prior.plan_text().cloned());
        // A text from which credentials were left out cannot run.
        let recorded = recorded.filter(|text| !text.contains(REDACTED));
        let text = match recorded {
            Some(recorded) => recorded,
            None => text_of(&file)?.into(),
        };
        Ok(Self {
            draft: parse(&file.display().to_string(), text.as_bytes())?,
            file,
            text,
            source,
        })
    }

    /// The definition of the tool that a step calls.
    pub(super) fn definition(&self, step: &str) -> Result<DefinedTool, SessionError> {
        let catalog = self.catalog(&self.source)?;
        let plan = self.draft.clone().check(Some(&catalog), None)?;
        let tool = tool_of(&plan, &catalog, step)?;
        let entry = tool.entry.as_deref().cloned().unwrap_or_default();
        Ok(DefinedTool {
            name: Arc::clone(&tool.name),
            entry: EditedTool::of(tool, entry).recorded().entry,
        })
    }

    /// The plan with a change of the tool that a step calls.
    ///
    /// # Errors
    /// Where the step calls no tool that could be defined otherwise, the change changes nothing, or the definition or the
    /// plan with it has faults.
    pub(super) fn change(
        self,
        step: &str,
        patch: &Map<String, Value>,
    ) -> Result<EditedPlan, SessionError> {
        let tools = self.tools_with(step, patch)?;
        let Self {
            file, text, source, ..
        } = self;
        let edited = (source.plan_text, source.plan_on_file);
        let (text, on_file) = match edited {
            // The file is read where it has the plan of the run.
            (None, _) if text_of(&file).ok().as_deref() == Some(&*text) => (None, None),
            (None, _) => {
                let on_file = digest(&text);
                (Some(text), Some(on_file))
            }
            edited => edited,
        };
        Ok(EditedPlan {
            file,
            text,
            on_file,
            tools,
        })
    }

    /// The tools that are defined otherwise than in their files, with this change.
    fn tools_with(
        &self,
        step: &str,
        patch: &Map<String, Value>,
    ) -> Result<EditedTools, SessionError> {
        let mut catalog = self.catalog(&self.source)?;
        let plan = self.draft.clone().check(Some(&catalog), None)?;
        let tool = Arc::clone(tool_of(&plan, &catalog, step)?);
        let name = &tool.name;
        let before = tool.entry.as_deref().cloned().unwrap_or_default();
        if patch.get("name").is_some_and(|new| new != &**name) {
            return Err(refused(format!(
                "the tool keeps its name {name}: steps call it by that"
            )));
        }
        let unchanged = || refused(format!("the tool {name} is defined so already"));
        let wanted = patched(&before, patch);
        if wanted == before {
            return Err(unchanged());
        }
        catalog.define(name, &EditedTool::of(&tool, wanted))?;
        self.draft.clone().check(Some(&catalog), None)?;
        let defined = catalog.get(name).and_then(|tool| tool.entry.as_deref());
        let defined = defined.cloned().unwrap_or_default();
        if defined == before {
            return Err(unchanged());
        }
        let edited = EditedTool::of(&tool, defined);
        let of_files = self.catalog(&SourceOptions {
            edited_tools: EditedTools::new(),
            ..self.source.clone()
        })?;
        let on_file = of_files.get(name).and_then(|tool| tool.entry.as_deref());
        let on_file = on_file.cloned().unwrap_or_default();
        if !edited.is_found_again(&on_file) {
            return Err(refused(format!(
                "the definition of {name} has credentials (in headers, env or a URL) that its file does not have in that \
                 place, and they are never recorded: name them as ${{VAR}}"
            )));
        }
        let mut all = self.source.edited_tools.clone();
        if edited.entry == on_file {
            all.remove(name);
        } else {
            all.insert(Arc::clone(name), edited.made_of(&on_file));
        }
        Ok(all)
    }

    fn catalog(&self, source: &SourceOptions) -> Result<Catalog, SessionError> {
        let mut catalog = catalog_of_plan(&self.file, source, &self.draft)?;
        add_servers(&mut catalog, &self.file, &source.mcp_config, &self.draft)?;
        Ok(catalog)
    }
}

/// The tool that a step calls, which has an entry in a catalog.
fn tool_of<'c>(
    plan: &ExecutionPlan,
    catalog: &'c Catalog,
    id: &str,
) -> Result<&'c Arc<ToolDefinition>, SessionError> {
    let is_step = |id: &str| find(plan, id).is_ok();
    let (step, row) = match find(plan, id) {
        Err(_) if Breakpoint::could_be_call(id, is_step) => {
            let step = id.split('/').next().unwrap_or(id);
            return Err(refused(format!(
                "{id} is a call that the code of step {step} makes: name a step of the plan that calls its tool"
            )));
        }
        found => found?,
    };
    if row != step.id {
        return Err(refused(format!(
            "{id} is an element of step {0}, and the definition of a tool holds for every call: name step {0}",
            step.id
        )));
    }
    let tool = catalog.get(&step.tool);
    let tool = tool.filter(|tool| tool.entry.is_some());
    tool.ok_or_else(|| refused(without_entry(step)))
}

/// Why the tool of a step cannot be defined otherwise, and what to do.
fn without_entry(step: &Step) -> String {
    let Step { id, tool, .. } = step;
    match &**tool {
        FINAL_SYNTHESIS => {
            format!("step {id} calls no tool: edit its prompt or its model instead")
        }
        builtin if BUILTINS.contains(&builtin) => format!(
            "{tool} is no tool of a catalog: what step {id} runs is in its input, so edit that instead"
        ),
        _ => format!(
            "no catalog defines the tool {tool}: an MCP server lists it, or a program added it. To change how it is called, \
             give it an entry in the catalog"
        ),
    }
}
