//! What was found out about a call that an interrupted run left behind, in words.

use crate::run::{SettledBy, Settlement};
use crate::text::line;

/// One sentence; what tools and plans say in it is made safe to print.
pub(crate) fn settlement_in_words(settlement: &Settlement) -> String {
    line(&in_words(settlement))
}

fn in_words(settlement: &Settlement) -> String {
    let Settlement { name, by, tool, .. } = settlement;
    if *by == SettledBy::Key {
        return format!(
            "attempt {name} was interrupted; the same call is made again under its name"
        );
    }
    let tool = tool.as_deref().unwrap_or("its probe");
    match (settlement.happened, &settlement.error) {
        (Some(true), _) => format!("{tool} says that attempt {name} happened; its output is used"),
        (Some(false), _) => {
            format!("{tool} says that attempt {name} did not happen; it runs again")
        }
        (None, Some(error)) => {
            format!("{tool} cannot say whether attempt {name} happened: {error}")
        }
        (None, None) => format!("{tool} cannot say whether attempt {name} happened"),
    }
}
