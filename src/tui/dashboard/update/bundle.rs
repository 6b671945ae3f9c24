//! Writing the run as a plan that runs again offline.

use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::terminal::screen::TerminalEffect;
use std::sync::Arc;

/// Whether there is a step on record to write.
pub(crate) fn can_write(model: &Model) -> bool {
    model.forkable && model.run.header.is_some() && model.row().is_some()
}

/// Asks for the bundle of the selected step, with what it depends on, as the run is shown.
pub(crate) fn write(model: &mut Model) -> Vec<Effect> {
    let Some(step) = model.row().map(|row| Arc::clone(&row.info.id)) else {
        return Vec::new();
    };
    let shown = Box::new(model.run.clone());
    vec![Effect::Ask(HistoryQuery::Bundle { shown, step })]
}

/// Saves it, or says why it cannot be made.
pub(super) fn take(model: &mut Model, bundle: Result<(String, String), Arc<str>>) -> Vec<Effect> {
    model.dirty = true;
    match bundle {
        Ok((name, text)) => vec![Effect::Terminal(TerminalEffect::Save(name, text))],
        Err(why) => {
            model.notice = Some(format!("no bundle: {why}"));
            Vec::new()
        }
    }
}
