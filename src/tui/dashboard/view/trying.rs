//! Repeated calls of a step, over the screen: what they cost, and the table of what they answer.

use super::text_box;
use crate::run::{RepeatPrice, Repeats};
use crate::text::{self, format};
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::trying::{Ending, Stage, Trying};
use crate::units::Money;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Cells of the box where there is room.
const WIDTH: u16 = 100;
/// Cells of the labels.
const LABEL: usize = 11;
/// Cells of the columns before the answer: the mark, how often, the share.
const MARK: usize = 2;
const COUNT: usize = 5;
const SHARE: usize = 7;
/// Cells of the column with the numbers of the calls, where there is room for it.
const CALLS: usize = 16;
/// Cells below which the numbers of the calls are left out.
const NARROW: usize = 60;
/// Lines of the chosen answer that are shown whole.
const WHOLE: usize = 6;

/// Draws it.
pub(super) fn draw(model: &Model, trying: &Trying, buf: &mut Buffer, screen: Rect) {
    let (width, room) = text_box::width(screen, WIDTH);
    let row = model.run.steps.get(trying.step.at());
    let id = row.map_or_else(String::new, |row| model.names.fit(&row.info.id, 40));
    let title = format!("try {id} alone, on its recorded input");
    let (lines, chosen) = lines(model, trying, room);
    // The chosen line stays in sight.
    let shown = usize::from(screen.height.saturating_sub(6));
    let mut scroll = chosen.map_or(0, |at| (at + 1).saturating_sub(shown));
    text_box::draw(
        model,
        (&title, hint(trying)),
        &lines,
        &mut scroll,
        buf,
        (screen, width),
    );
}

fn hint(trying: &Trying) -> &'static str {
    match (&trying.stage, &trying.editor) {
        (Stage::Priced(Some(Ok(_))), _) => "+ - how many   enter call it   esc back",
        (Stage::Running(_), _) => "esc stop",
        (Stage::Stopping(_), _) => "what is running ends",
        (_, Some(_)) => "esc back to the prompt",
        (_, None) => "esc back",
    }
}

/// The lines, and which of them is the chosen one.
fn lines(model: &Model, trying: &Trying, room: usize) -> (Vec<Line<'static>>, Option<usize>) {
    let theme = &model.theme;
    let mut lines = Vec::new();
    let mut field = |label: &str, words: &str| {
        let words = text::fit(words, room.saturating_sub(LABEL));
        lines.push(Line::from(vec![
            Span::styled(format!("{label:<LABEL$}"), theme.dim),
            Span::styled(words, theme.text),
        ]));
    };
    let times = trying.times();
    field("calls", &calls(trying));
    field("with", &with(trying));
    if let Some(price) = &trying.price {
        let is_over = matches!(trying.stage, Stage::Over(_));
        field(
            "costs",
            &costs(&price.times(times), trying.repeats(), is_over),
        );
    }
    if let Some(repeats) = trying.repeats() {
        field("agreement", &agreement(repeats));
    }
    let fault = match &trying.stage {
        Stage::Priced(Some(Err(why))) | Stage::Over(Err(why)) => Some(why),
        _ => None,
    };
    if let Some(why) = fault {
        lines.push(Line::default());
        for line in why
            .lines()
            .flat_map(|line| text::wrap(&text::line(line), room, 4).lines)
        {
            lines.push(Line::styled(line, theme.warning));
        }
    }
    let endings = trying.endings();
    if endings.is_empty() {
        return (lines, None);
    }
    lines.push(Line::default());
    let n = trying.repeats().map_or(1, |repeats| repeats.agreement.n);
    let first = lines.len();
    for (at, ending) in endings.iter().enumerate() {
        let is_chosen = at == trying.chosen;
        lines.push(row(model, ending, n, room, is_chosen));
    }
    if let Some(Ending::Answer(answer)) = endings.get(trying.chosen) {
        // What does not fit its line is shown below the table.
        let whole = text::line(&answer.output.to_string());
        if text::width(&whole) > room.saturating_sub(before(room)) {
            lines.push(Line::default());
            for line in text::wrap(&whole, room, WHOLE).lines {
                lines.push(Line::styled(line, theme.dim));
            }
        }
    }
    (lines, Some(first + trying.chosen))
}

fn calls(trying: &Trying) -> String {
    let asked = format::count(trying.times() as usize, "call");
    let ended = trying.repeats().map_or(0, |repeats| repeats.agreement.n);
    match &trying.stage {
        Stage::Priced(None) => format!("{asked}: reading the price"),
        Stage::Priced(_) | Stage::Over(Err(_)) => asked,
        Stage::Running(_) => format!("{ended} of {asked} ended"),
        Stage::Stopping(_) => format!("{ended} of {asked} ended; stopping"),
        Stage::Over(Ok(_)) if ended < trying.times() as usize => {
            format!("{ended} of {asked} ended; stopped")
        }
        Stage::Over(Ok(_)) => asked,
    }
}

fn with(trying: &Trying) -> String {
    let edit = trying.edit.as_ref();
    let prompt = if edit.is_some_and(|edit| edit.prompt.is_some()) {
        "the edited prompt"
    } else {
        "the prompt of the step"
    };
    match edit.and_then(|edit| edit.model.as_ref()) {
        Some(Some(model)) => format!("{prompt}, {}", text::line(model)),
        Some(None) => format!("{prompt}, the model of the plan"),
        None => prompt.to_owned(),
    }
}

fn amount(cost: Option<Money>) -> String {
    cost.map_or_else(|| "an unknown amount".to_owned(), |cost| cost.to_string())
}

fn costs(price: &RepeatPrice, repeats: Option<&Repeats>, is_over: bool) -> String {
    let spent = repeats.map(|repeats| repeats.cost);
    if price.forecast.is_free() && spent.is_none_or(|spent| spent == Some(Money::ZERO)) {
        return "nothing".to_owned();
    }
    let max = amount(price.forecast.max);
    match spent {
        Some(spent) if is_over => format!("{} of at most {max}", amount(spent)),
        Some(spent) => format!("{} so far, at most {max}", amount(spent)),
        None => {
            let recorded = if price.recorded.is_some() {
                " as in the run"
            } else {
                ""
            };
            format!(
                "about {}{recorded}, at most {max}",
                amount(price.expected())
            )
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn agreement(repeats: &Repeats) -> String {
    let found = &repeats.agreement;
    format!(
        "{} (95 % interval {} to {})",
        percent(found.agreement),
        percent(found.interval[0]),
        percent(found.interval[1])
    )
}

/// The cells before the answer.
fn before(room: usize) -> usize {
    let calls = if room < NARROW { 0 } else { CALLS };
    MARK + COUNT + SHARE + calls
}

fn row(
    model: &Model,
    ending: &Ending<'_>,
    n: usize,
    room: usize,
    is_chosen: bool,
) -> Line<'static> {
    let theme = &model.theme;
    let (calls, words, style) = match ending {
        Ending::Answer(answer) => (
            &answer.calls,
            text::json::beginning(&answer.output, 4 * room),
            theme.text,
        ),
        Ending::Failure(failure) => (
            &failure.calls,
            format!("failed: {}", failure.message),
            theme.warning,
        ),
    };
    let count = calls.len();
    let share = percent(count as f64 / n.max(1) as f64);
    let mark = if is_chosen { "› " } else { "  " };
    let numbers = if room < NARROW {
        String::new()
    } else {
        let numbers = text::fit(&numbers(calls), CALLS - 2);
        let pad = CALLS.saturating_sub(text::width(&numbers));
        format!("{numbers}{}", " ".repeat(pad))
    };
    let words = text::fit(&text::line(&words), room.saturating_sub(before(room)));
    let line = Line::from(vec![
        Span::styled(mark, theme.accent),
        Span::styled(format!("{count:>4} "), theme.strong),
        Span::styled(format!("{share:>5}  "), theme.dim),
        Span::styled(numbers, theme.dim),
        Span::styled(words, style),
    ]);
    if is_chosen {
        line.patch_style(theme.selection)
    } else {
        line
    }
}

/// The numbers of calls, counted from 1: `#1-3, 7`.
fn numbers(calls: &[usize]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = calls.iter().map(|call| call + 1).peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if(|next| *next == last + 1) {
            last = next;
        }
        parts.push(match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first}-{last}"),
        });
    }
    format!("#{}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_in_a_row_are_written_as_one() {
        assert_eq!(numbers(&[0, 1, 2, 6]), "#1-3, 7");
        assert_eq!(numbers(&[3, 4]), "#4, 5");
        assert_eq!(numbers(&[8]), "#9");
    }
}
