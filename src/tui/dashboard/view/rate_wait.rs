//! What the header says of a rate limit that the run waits for.

use crate::run::RateWait;
use crate::text::{self, format};
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::header_segments::Segment;
use ratatui::text::Span;

/// The rate limit that the run waits for, with the time until its next start and the steps that it holds.
pub(super) fn words(model: &Model, most: usize) -> Option<Vec<Segment>> {
    let theme = &model.theme;
    let rows = model.run_index.held().iter();
    let waits = rows.filter_map(|ix| model.run.steps.get(ix.at())?.rate.as_deref());
    let mut next: Option<&RateWait> = None;
    let mut holds = 0;
    for wait in waits {
        holds += 1;
        let sooner = |known: &RateWait| match (wait.until, known.until) {
            (Some(at), Some(known)) => at < known,
            (at, known) => at.is_some() && known.is_none(),
        };
        if next.is_none_or(sooner) {
            next = Some(wait);
        }
    }
    let next = next?;
    let room = (model.size.0 as usize / 5).clamp(8, most);
    let left = next.until.map_or_else(String::new, |at| {
        format!("{}, ", format::elapsed(at - model.now))
    });
    Some(vec![Segment::new(
        6,
        vec![
            Span::styled("waiting on rate limit ", theme.dim),
            Span::styled(text::fit(&next.name, room), theme.text),
            Span::styled(
                format!(" ({left}{})", format::count(holds, "step")),
                theme.dim,
            ),
        ],
    )])
}
