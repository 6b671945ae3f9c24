//! What a command would do is shown first; enter gives it.

use super::run_commands::command;
use crate::plan::StepIx;
use crate::run::{Preview, RunCommand, RunState};
use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::editor::Editor;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::preview_questions::Questions;
use crate::tui::dashboard::state::previewed::{Known, Previewed};
use crate::tui::dashboard::state::trying::Trying;
use std::sync::Arc;

const MOVED_ON: &str = "the run has moved on: this is what it would do now";

/// Shows what this command would do; gives it at once where nobody can tell.
pub(crate) fn offer(model: &mut Model, asked: RunCommand) -> Vec<Effect> {
    offer_from(model, asked, (None, None))
}

/// The same for what came of calls that were tried.
pub(super) fn offer_tried(
    model: &mut Model,
    asked: RunCommand,
    trying: Box<Trying>,
) -> Vec<Effect> {
    offer_from(model, asked, (None, Some(trying)))
}

/// The same for a value that was typed into this editor.
pub(crate) fn offer_edit(
    model: &mut Model,
    asked: RunCommand,
    editor: Option<Box<Editor>>,
) -> Vec<Effect> {
    offer_from(model, asked, (editor, None))
}

fn offer_from(
    model: &mut Model,
    asked: RunCommand,
    (editor, trying): (Option<Box<Editor>>, Option<Box<Trying>>),
) -> Vec<Effect> {
    let previews = model.previews.as_ref();
    let shown = previews.and_then(|previews| Previewed::of(previews, &model.run, asked.clone()));
    let Some(mut shown) = shown.filter(Previewed::says_something) else {
        return give(model, asked, editor);
    };
    shown.editor = editor;
    shown.trying = trying;
    let effects = match shown.preview {
        Some(_) => Vec::new(),
        None => ask(&mut model.preview_questions, &model.run, &mut shown, false),
    };
    model.overlay = Some(Overlay::Previewed(Box::new(shown)));
    effects
}

/// Asks the feed what a command would do.
fn ask(
    questions: &mut Questions,
    run: &RunState,
    shown: &mut Previewed,
    confirmed: bool,
) -> Vec<Effect> {
    let number = questions.next(run.at);
    shown.ask(number, run, confirmed);
    vec![Effect::Ask(HistoryQuery::Preview {
        number,
        command: shown.command.clone(),
    })]
}

/// The feed says what the command of the question with this number would do, or why it would be refused.
pub(super) fn take(
    model: &mut Model,
    number: u64,
    known: Result<Preview, Arc<str>>,
) -> Vec<Effect> {
    model.dirty = true;
    let Some(Overlay::Previewed(shown)) = &mut model.overlay else {
        return Vec::new();
    };
    let Some(asked) = shown.asked.filter(|asked| asked.number == number) else {
        return Vec::new();
    };
    match known.map(|preview| shown.take(asked, preview)) {
        Ok(Known::Shown) => Vec::new(),
        Ok(Known::IsOther) => {
            model.notice = Some(MOVED_ON.to_owned());
            Vec::new()
        }
        Ok(Known::Give) => {
            let Some(Overlay::Previewed(shown)) = model.overlay.take() else {
                return Vec::new();
            };
            give(model, shown.command, shown.editor)
        }
        Err(why) => {
            model.notice = Some(why.to_string());
            leave(model);
            Vec::new()
        }
    }
}

/// Gives a command. One that the run cannot take is refused at once, and what was typed for it is in the editor again; so
/// it is where the run refuses it later.
fn give(model: &mut Model, asked: RunCommand, editor: Option<Box<Editor>>) -> Vec<Effect> {
    let refused = editor
        .is_some()
        .then(|| asked.refusal(&model.run))
        .flatten();
    if let Some(why) = refused {
        model.notice = Some(why);
        model.overlay = editor.map(Overlay::Editor);
        return Vec::new();
    }
    model.typed = editor;
    command(asked)
}

/// The run did not take the command that was given last.
pub(super) fn refused(model: &mut Model) {
    if let Some(editor) = model.typed.take()
        && model.overlay.is_none()
    {
        model.overlay = Some(Overlay::Editor(editor));
    }
}

/// Offers a command on the selected step.
pub(crate) fn offer_on_selected(model: &mut Model, how: fn(StepIx) -> RunCommand) -> Vec<Effect> {
    let step = model.selected;
    step.map_or_else(Vec::new, |step| offer(model, how(step)))
}

/// Goes on until the selected step is about to start.
pub(crate) fn run_to(model: &mut Model) -> Vec<Effect> {
    let id = model.row().map(|row| Arc::clone(&row.info.id));
    id.map_or_else(Vec::new, |id| offer(model, RunCommand::RunTo(id)))
}

/// Whether it is shown.
pub(crate) fn is_shown(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Previewed(_)))
}

/// Works out again what is shown, where the run has moved on.
pub(super) fn keep_up(model: &mut Model) -> Vec<Effect> {
    let (Some(previews), Some(Overlay::Previewed(shown))) = (&model.previews, &mut model.overlay)
    else {
        return Vec::new();
    };
    shown.renew(previews, &model.run);
    let asks_again = shown.is_stale(&model.run)
        && shown.asked.is_none()
        && model.preview_questions.may_ask_again(model.run.at);
    if !asks_again {
        return Vec::new();
    }
    ask(&mut model.preview_questions, &model.run, shown, false)
}

/// Gives the command, unless the run has moved on and something else would come of it.
pub(crate) fn confirm(model: &mut Model) -> Vec<Effect> {
    let (Some(previews), Some(Overlay::Previewed(shown))) = (&model.previews, &mut model.overlay)
    else {
        return Vec::new();
    };
    // Nobody says yes to a price that is not there yet.
    if shown.preview.is_none() {
        return Vec::new();
    }
    if shown.renew(previews, &model.run) {
        model.notice = Some(MOVED_ON.to_owned());
        return Vec::new();
    }
    if shown.is_stale(&model.run) {
        return ask(&mut model.preview_questions, &model.run, shown, true);
    }
    let Some(Overlay::Previewed(shown)) = model.overlay.take() else {
        return Vec::new();
    };
    give(model, shown.command, shown.editor)
}

/// Drops the command; what was typed is in the editor again.
pub(crate) fn leave(model: &mut Model) {
    let Some(Overlay::Previewed(shown)) = model.overlay.take() else {
        return;
    };
    let Previewed { editor, trying, .. } = *shown;
    let editor = editor.map(Overlay::Editor);
    model.overlay = editor.or_else(|| trying.map(Overlay::Trying));
}
