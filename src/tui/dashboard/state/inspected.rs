//! The value that the inspector shows, of the selected step and the page.

use super::inspector::Tab;
use super::model::Model;
use crate::tui::widgets::tree::branches;
use serde_json::Value;
use std::sync::Arc;

/// The value of this page and a word about it; `None` where the page has none.
pub(crate) fn value(model: &Model) -> Option<(Arc<Value>, &'static str)> {
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
        Tab::Output => Some((Arc::clone(row.output.as_ref()?), "")),
        _ => None,
    }
}

/// Whether the page is a tree now.
pub(crate) fn is_tree(model: &Model) -> bool {
    !model.inspector.raw && value(model).is_some_and(|(value, _)| branches(&value))
}
