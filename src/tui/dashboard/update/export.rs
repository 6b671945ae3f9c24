//! Ways out of the dashboard: the clipboard, files, the user's editor and pager, and a page without frames.

use super::{plan_edit, structure};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::page;
use crate::tui::dashboard::state::inspected;
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::{BarePage, Overlay};
use crate::tui::terminal::screen::{OutsideEnd, OutsideFile, OutsideProgram, TerminalEffect};
use crate::tui::widgets::json;
use serde_json::Value;
use std::fmt::Write as _;

/// Most bytes that are copied.
const COPY_BYTES: usize = 64 << 20;

/// Copies the id on the graph, the selected value in a tree, else the page.
pub(crate) fn copy(model: &mut Model) -> Vec<Effect> {
    let text = if model.focus == Focus::Graph {
        model.row().map(|row| row.info.id.to_string())
    } else {
        selected_value(model).or_else(|| Some(whole(model).1))
    };
    copied(text)
}

/// Copies how a plan refers to what is selected: to the output of the step, or to a part of it.
pub(crate) fn copy_reference(model: &mut Model) -> Vec<Effect> {
    copied(reference(model))
}

/// Copies the final result: text as it is, anything else as JSON.
pub(crate) fn copy_result(model: &mut Model) -> Vec<Effect> {
    copied(model.run.result.as_deref().map(written))
}

/// Copies the last attempt at the selected step as a command for a shell.
pub(crate) fn copy_command(model: &mut Model) -> Vec<Effect> {
    copied(model.row().and_then(page::shell_command))
}

fn copied(text: Option<String>) -> Vec<Effect> {
    let effect = text.map(|text| Effect::Terminal(TerminalEffect::Copy(text)));
    effect.into_iter().collect()
}

/// The value that is selected in a tree: a text as it is, else JSON.
fn selected_value(model: &mut Model) -> Option<String> {
    if let Some(row) = super::json_table::selected(model) {
        return Some(written(&row));
    }
    if !inspected::is_tree(model) {
        return None;
    }
    let step = model.selected?;
    let (value, _) = inspected::value(model)?;
    let selected = model.inspector.tree(step, &value).selected(&value)?;
    Some(written(selected.value))
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => json::pretty(value, COPY_BYTES).0,
    }
}

fn reference(model: &mut Model) -> Option<String> {
    if inspected::filter(model).is_some_and(|filter| filter.output().is_some()) {
        // No reference has a filter in it.
        model.notice = Some(
            "a reference cannot name what a filter made: esc shows the whole value".to_owned(),
        );
        return None;
    }
    let row = model.row()?;
    let (mut root, element) = match row.info.parent.and_then(|parent| {
        let parent = model.run.steps.get(parent.at())?;
        let at = parent
            .elements()
            .iter()
            .position(|ix| Some(*ix) == model.selected)?;
        Some((parent.info.id.to_string(), at))
    }) {
        Some((id, at)) => (id, Some(at)),
        None => (row.info.id.to_string(), None),
    };
    root = format!("steps[{root}].output");
    if let Some(at) = element {
        let _ = write!(root, "[{at}]");
    }
    let in_tree = model.focus == Focus::Inspector && inspected::is_tree(model);
    if in_tree
        && let Some(step) = model.selected
        && let Some((value, _)) = inspected::value(model)
        && let Some(selected) = model.inspector.tree(step, &value).selected(&value)
    {
        let path = selected.path;
        if model.inspector.tab == Tab::Input {
            // No reference leads into the parameters of another step.
            return Some(path.trim_start_matches('.').to_owned());
        }
        root.push_str(&path);
    }
    Some(format!("{{{{{root}}}}}"))
}

/// The page whole, with a name for a file of it.
pub(crate) fn whole(model: &Model) -> (String, String) {
    let mut ending = "txt";
    let text = match inspected::value(model) {
        Some((value, _)) => {
            if !value.is_string() {
                ending = "json";
            }
            written(&value)
        }
        None => page::plain(model),
    };
    let name = match model.row().filter(|_| !model.inspector.of_run) {
        None => "run".to_owned(),
        Some(row) => {
            let plain = |c: char| {
                if c.is_alphanumeric() || matches!(c, '_' | '-') {
                    c
                } else {
                    '_'
                }
            };
            let id: String = row.info.id.chars().take(60).map(plain).collect();
            format!("{id}-{}", model.inspector.tab.name())
        }
    };
    (format!("{name}.{ending}"), text)
}

/// Opens the page in the user's editor or pager.
pub(crate) fn open(model: &mut Model, program: OutsideProgram) -> Vec<Effect> {
    let (name, text) = whole(model);
    let file = OutsideFile::Text { name, text };
    vec![Effect::Terminal(TerminalEffect::Open(program, file))]
}

/// Opens what is being edited in the user's editor.
pub(crate) fn open_value(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Editor(editor)) = &model.overlay else {
        return Vec::new();
    };
    let file = OutsideFile::Text {
        name: if editor.call.is_some() {
            "prompt.txt"
        } else if editor.tool.is_some() {
            "tool.yaml"
        } else {
            "value.json"
        }
        .to_owned(),
        text: editor.text(),
    };
    vec![Effect::Terminal(TerminalEffect::Open(
        OutsideProgram::Editor,
        file,
    ))]
}

/// Writes the page to a file.
pub(crate) fn save(model: &mut Model) -> Vec<Effect> {
    let (name, text) = whole(model);
    vec![Effect::Terminal(TerminalEffect::Save(name, text))]
}

/// Takes in that an editor or pager has ended.
pub(crate) fn returned(model: &mut Model, end: OutsideEnd) -> Vec<Effect> {
    model.dirty = true;
    if let Some(structure) = model.written.take() {
        return structure::returned(model, structure, end);
    }
    if model.edits_plan {
        return plan_edit::returned(model, end);
    }
    match (end, &mut model.overlay) {
        (OutsideEnd::Failed(why), _) => model.notice = Some(why),
        (OutsideEnd::Unchanged, _) => {}
        (OutsideEnd::Changed(text), Some(Overlay::Editor(editor))) => {
            if !editor.replace(&text) {
                model.notice = Some("what was saved is too large to be edited here".to_owned());
            }
        }
        (OutsideEnd::Changed(text), _) => {
            // Nothing that someone wrote gets lost, although a page cannot be changed.
            let (name, _) = whole(model);
            return vec![Effect::Terminal(TerminalEffect::Save(name, text))];
        }
    }
    Vec::new()
}

/// Shows the page without frames, so that the terminal can select in it.
pub(crate) fn show_bare(model: &mut Model) -> Vec<Effect> {
    let (_, text) = whole(model);
    model.overlay = Some(Overlay::Bare(BarePage::new(text)));
    vec![Effect::Terminal(TerminalEffect::Mouse(false))]
}

/// Goes back from it.
pub(crate) fn leave_bare(model: &mut Model) -> Vec<Effect> {
    model.overlay = None;
    vec![Effect::Terminal(TerminalEffect::Mouse(true))]
}
