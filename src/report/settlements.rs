//! What was found out about a call that an interrupted run left behind, in words.

use crate::run::{SettledBy, Settlement, StepState};
use crate::text::line;

/// The handle that a server gave the last attempt of a row; what tools and plans say in it is made safe to print.
pub(crate) fn handle_in_words(row: &StepState) -> Option<String> {
    let attempt = row.last_attempt()?;
    let handle = attempt.handle.as_deref()?;
    let number = attempt.number;
    Some(line(&format!(
        "attempt {number} is the task {handle} of its server"
    )))
}

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
    if *by == SettledBy::Handle {
        return of_handle(settlement);
    }
    let tool = tool.as_deref().unwrap_or("its probe");
    match (settlement.happened, &settlement.error) {
        (Some(true), _) => format!("{tool} says that attempt {name} happened; its output is used"),
        (Some(false), _) => {
            let released = if settlement.released.is_zero() {
                String::new()
            } else {
                format!(", and the {} counted for it are free", settlement.released)
            };
            format!("{tool} says that attempt {name} did not happen; it runs again{released}")
        }
        (None, Some(error)) => {
            format!("{tool} cannot say whether attempt {name} happened: {error}")
        }
        (None, None) => format!("{tool} cannot say whether attempt {name} happened"),
    }
}

/// The server that had given the call a handle was asked.
fn of_handle(settlement: &Settlement) -> String {
    let Settlement { name, tool, .. } = settlement;
    let tool = tool.as_deref().unwrap_or("its tool");
    match (settlement.happened, &settlement.error) {
        (None, Some(why)) => {
            format!("the server of {tool} cannot say what became of attempt {name}: {why}")
        }
        (None, None) => {
            format!("the server of {tool} is still at attempt {name}; its end is waited for")
        }
        (Some(_), None) => {
            format!("the server of {tool} says that attempt {name} ended; its output is used")
        }
        (Some(_), Some(why)) => {
            format!("the server of {tool} says that attempt {name} failed: {why}")
        }
    }
}
