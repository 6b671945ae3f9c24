//! A correction of the plan, over the screen: what it costs to ask, and what it changes.

use super::{plan_edit, save_edits, text_box};
use crate::text;
use crate::tui::dashboard::state::correction::RepairPrice;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::repairing::{RepairStage, Repairing};
use crate::units::Money;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Cells of the box where there is room.
const WIDTH: u16 = 100;
/// Cells of the labels.
const LABEL: usize = 11;

/// Draws it.
pub(super) fn draw(model: &Model, repairing: &mut Repairing, buf: &mut Buffer, screen: Rect) {
    let (width, room) = text_box::width(screen, WIDTH);
    let id = model.names.fit(&repairing.step, 40);
    let title = format!("repair the plan after the failure of {id}");
    let (hint, lines) = page(model, &repairing.stage, room);
    text_box::draw(
        model,
        (&title, hint),
        &lines,
        &mut repairing.scroll,
        buf,
        (screen, width),
    );
}

fn page(model: &Model, stage: &RepairStage, room: usize) -> (&'static str, Vec<Line<'static>>) {
    let theme = &model.theme;
    let field = |label: &str, words: &str| {
        let wrapped = text::wrap(&text::line(words), room.saturating_sub(LABEL), 3).lines;
        let lines = wrapped.into_iter().enumerate().map(|(at, line)| {
            let label = if at == 0 { label } else { "" };
            Line::from(vec![
                Span::styled(format!("{label:<LABEL$}"), theme.dim),
                Span::styled(line, theme.text),
            ])
        });
        lines.collect::<Vec<_>>()
    };
    match stage {
        RepairStage::Priced(None) => ("esc back", field("asks", "reading the catalog")),
        RepairStage::Priced(Some(price)) => {
            let mut lines = field("asks", &asks(price));
            lines.extend(field("costs", &costs(price)));
            let told = "the plan, its tools, the error of the step and what it was called with";
            lines.extend(field("tells it", told));
            ("enter ask it   esc back", lines)
        }
        RepairStage::Asking(said) => {
            let said = said.as_deref().unwrap_or("asking the planner");
            ("esc stop", field("now", said))
        }
        RepairStage::Failed(why) => {
            let wrapped = why.lines().flat_map(|line| {
                let line = text::line(line);
                text::wrap(&line, room, 4).lines
            });
            let lines = wrapped.map(|line| Line::styled(line, theme.warning));
            ("esc back", lines.collect())
        }
        RepairStage::Shown(correction) => {
            let cost = amount(correction.cost);
            let by = format!("{}, for {cost}", correction.planner);
            let mut lines = field("by", &by);
            if correction.diff.is_empty() {
                lines.push(Line::default());
                let words = "The planner leaves the plan as it is.";
                lines.push(Line::styled(words, theme.text));
                return ("esc back", lines);
            }
            if let Some(change) = &correction.change {
                lines.extend(plan_edit::fields(model, change, room));
            }
            lines.push(Line::default());
            lines.extend(save_edits::diff_lines(model, &correction.diff, room));
            (
                "enter write it and run again   esc leave the plan as it is",
                lines,
            )
        }
    }
}

pub(super) fn amount(cost: Option<Money>) -> String {
    cost.map_or_else(|| "an unknown amount".to_owned(), |cost| cost.to_string())
}

fn asks(price: &RepairPrice) -> String {
    format!("{}, once to three times", price.planner)
}

fn costs(price: &RepairPrice) -> String {
    match price.max_of_one {
        Some(max) => format!("at most {max} each time"),
        None => "an unknown amount: the model has no known price".to_owned(),
    }
}
