//! What the attempts of a step sent to models and received, as it went over the wire.

use crate::report::exchange_in_words;
use crate::run::{Exchange, StepState};
use crate::text::format;
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::text_page::TextPage;
use std::fmt::Write as _;

/// Writes the page.
pub(super) fn write(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    let exchanges = match known(model) {
        None => return page.text("Reading the record …", theme.dim),
        Some(Err(why)) => {
            page.text(&format!("The record cannot be read: {why}"), theme.warning);
            return;
        }
        Some(Ok(exchanges)) => exchanges,
    };
    if row.running_attempt().is_some() {
        let words = "The call is running. What it sends and receives is kept when it has ended.";
        page.text(words, theme.dim);
    } else if exchanges.is_empty() {
        let words = "Nothing is on record of what went over the wire: the step asked no model in this run, or the run is \
            not recorded, or an older version of plandeck recorded it.";
        page.text(words, theme.dim);
    }
    // The last attempt is what most look for.
    for exchange in exchanges.iter().rev() {
        page.heading(&exchange_in_words(exchange));
        page.text(&format!("POST {}", exchange.url), theme.dim);
        for (name, body) in [
            ("request", &exchange.request),
            ("response", &exchange.response),
        ] {
            let size = format::bytes(usize::try_from(body.bytes).unwrap_or(usize::MAX));
            page.text(&format!("{name}, {size}"), theme.dim);
            page.bounded(0, body.body.trim_end(), theme.text, super::LINES / 3);
        }
    }
}

/// The page as text.
pub(super) fn plain(model: &Model) -> String {
    let exchanges = known(model).and_then(|known| known.as_ref().ok());
    let mut text = String::new();
    for exchange in exchanges.into_iter().flatten() {
        let (request, response) = (&exchange.request.body, &exchange.response.body);
        let heading = exchange_in_words(exchange);
        let _ = writeln!(
            text,
            "{heading}\nPOST {}\n\n{request}\n\n{response}\n",
            exchange.url
        );
    }
    text
}

fn known(model: &Model) -> Option<&Result<Vec<Exchange>, std::sync::Arc<str>>> {
    model.bodies.as_ref()?.known.as_ref()
}
