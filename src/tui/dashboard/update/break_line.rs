//! Breakpoints of the selected step: the line in which it is typed when one holds.

use super::run_commands::toggle_breakpoint;
use crate::run::Breakpoint;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::break_line::BreakLine;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::input::text_field::Field;

/// Opens the line for the selected step.
pub(crate) fn open(model: &mut Model) {
    let step = model.row().map(|row| row.info.id.clone());
    model.overlay = step.map(|step| {
        let field = Field::default();
        Overlay::Break(BreakLine { step, field })
    });
}

/// Whether the line is open.
pub(crate) fn is_open(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Break(_)))
}

/// Sets the breakpoint that was typed, or removes it where it is set. One that cannot hold stays in the line, and why is
/// said.
pub(crate) fn apply(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Break(line)) = model.overlay.take() else {
        return Vec::new();
    };
    let text = format!("{}:{}", line.step, line.field.text().trim());
    // The id may hold colons.
    let breakpoint = Breakpoint::parse(&text, |id| *id == *line.step);
    let checked = breakpoint.and_then(|one| match model.run.break_fault(&one) {
        Some(fault) => Err(fault),
        None => Ok(one),
    });
    match checked {
        Ok(breakpoint) => toggle_breakpoint(model, breakpoint),
        Err(fault) => {
            model.notice = Some(fault);
            model.overlay = Some(Overlay::Break(line));
            Vec::new()
        }
    }
}
