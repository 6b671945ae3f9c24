//! The definition of the tool of a step: asked for, edited, and priced like any edit of the plan.

use super::structure;
use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::editor::{Editor, MOST};
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::tool_definition::ToolDefinition;
use std::sync::Arc;

/// Asks for the definition of the tool of the selected step.
pub(crate) fn begin(model: &mut Model) -> Vec<Effect> {
    let Some((step, header)) = structure::selected(model).zip(model.run.header.as_deref()) else {
        return Vec::new();
    };
    let live = structure::hands_over(model).then(|| Box::new(model.run.clone()));
    let query = HistoryQuery::ToolDefinition {
        run_id: Arc::clone(&header.run_id),
        live,
        step,
    };
    model.notice = Some("reading the definition of its tool".to_owned());
    vec![Effect::Ask(query)]
}

/// Opens the editor on the definition, or says why there is none.
pub(super) fn take(
    model: &mut Model,
    step: &Arc<str>,
    known: Result<Box<ToolDefinition>, Arc<str>>,
) {
    model.dirty = true;
    let tool = match known {
        // Whoever does something else by now is left at it.
        Ok(_) if model.overlay.is_some() || structure::selected(model).as_ref() != Some(step) => {
            return;
        }
        Ok(tool) => tool,
        Err(why) => {
            model.notice = Some(why.to_string());
            return;
        }
    };
    model.notice = None;
    let Some(row) = structure::row_of(model, step) else {
        return;
    };
    let editor = Editor::of_tool(row, tool);
    if editor.text().chars().count() > MOST {
        model.notice = Some(
            "too large to edit here: plandeck edit RUN STEP --tool-definition @FILE".to_owned(),
        );
        return;
    }
    model.overlay = Some(Overlay::Editor(Box::new(editor)));
}
