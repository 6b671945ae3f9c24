//! What is asked before it is done.

use super::run_commands::command;
use super::settings;
use crate::run::RunCommand;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::{Overlay, Question};
use crate::tui::input::key::Key;
use crate::tui::terminal::screen::{Outcome, TerminalEffect};

fn leave(outcome: Outcome) -> Vec<Effect> {
    vec![Effect::Terminal(TerminalEffect::Leave(outcome))]
}

/// Opens a question; where it is open already, the same key again answers it.
pub(crate) fn ask(model: &mut Model, question: Question) -> Vec<Effect> {
    if Overlay::asks(model.overlay.as_ref(), question) {
        return confirm(model);
    }
    model.overlay = Some(Overlay::Question(question));
    Vec::new()
}

/// Asks whether to skip the selected step.
pub(crate) fn ask_to_skip(model: &mut Model) -> Vec<Effect> {
    let step = model.selected;
    step.map_or_else(Vec::new, |step| ask(model, Question::Skip(step)))
}

/// Asks whether to fork the run from the selected step.
pub(crate) fn ask_to_fork(model: &mut Model) -> Vec<Effect> {
    let step = model.selected;
    step.map_or_else(Vec::new, |step| ask(model, Question::Fork(step)))
}

/// Does what was asked about.
pub(crate) fn confirm(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Question(question)) = model.overlay.take() else {
        return Vec::new();
    };
    match question {
        Question::Skip(step) => command(RunCommand::Skip(step)),
        Question::Fork(step) => leave(Outcome::Fork(step)),
        Question::Stop => command(RunCommand::Stop),
        Question::Raise => settings::raise(model),
        Question::Quit if model.in_progress() => {
            model.leaving = true;
            let key = model.keymap.shown("quit", Key::char('q'));
            model.notice = Some(format!(
                "stopping the run, then leaving; {key} leaves at once"
            ));
            command(RunCommand::Stop)
        }
        Question::Quit => leave(Outcome::Quit),
    }
}

/// Quits; during a run of this process it asks first.
pub(crate) fn quit(model: &mut Model) -> Vec<Effect> {
    if model.attached || model.leaving || !model.in_progress() {
        return leave(Outcome::Quit);
    }
    ask(model, Question::Quit)
}
