//! The value that the inspector shows, of the selected step and the page.

use super::inspector::Tab;
use super::json_filter::JsonFilter;
use super::model::Model;
use crate::plan::StepIx;
use crate::tui::widgets::tree::branches;
use serde_json::Value;
use std::sync::Arc;

/// The value of this page and a word about it, filtered where the page has a filter; `None` where it has none.
pub(crate) fn value(model: &Model) -> Option<(Arc<Value>, &'static str)> {
    let (whole, note) = whole(model)?;
    let filtered = filter(model).and_then(JsonFilter::output);
    Some(filtered.map_or((whole, note), |output| (Arc::clone(output), "")))
}

/// The jq line of the page that is shown.
pub(crate) fn filter(model: &Model) -> Option<&JsonFilter> {
    let filter = model.inspector.filter.as_ref();
    filter.filter(|filter| is_page(model, filter.page))
}

/// Whether this is the page that is shown.
pub(crate) fn is_page(model: &Model, (step, tab): (StepIx, Tab)) -> bool {
    !model.inspector.of_run && model.selected == Some(step) && model.inspector.tab == tab
}

/// The value of this page, whatever filter it has.
pub(crate) fn whole(model: &Model) -> Option<(Arc<Value>, &'static str)> {
    if model.inspector.of_run {
        return None;
    }
    let row = model.row()?;
    match model.inspector.tab {
        Tab::Input => match row.input() {
            Some(input) => Some((input.to_value(), "")),
            None => Some((
                Arc::clone(row.info.parameters.as_ref()?),
                "as written in the plan; references are not resolved yet",
            )),
        },
        Tab::Output => Some((Arc::clone(row.made()?), "")),
        _ => None,
    }
}

/// Whether the page is a tree now.
pub(crate) fn is_tree(model: &Model) -> bool {
    !model.inspector.raw
        && model.inspector.table.is_none()
        && value(model).is_some_and(|(value, _)| branches(&value))
}
