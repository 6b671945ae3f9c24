//! Looking for words in the page that the inspector shows.

use crate::tui::dashboard::page;
use crate::tui::dashboard::state::inspected;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::page_search::{PageSearch, places};
use crate::tui::widgets::tree::Found;
use crossterm::event::{KeyCode, KeyEvent};

/// Opens the line that the words are typed into.
pub(crate) fn open(model: &mut Model) {
    model.inspector.search = Some(PageSearch::default());
    model.overlay = Some(Overlay::PageSearch);
}

/// Takes in a key that is part of the words; whether it was one.
pub(crate) fn typed(model: &mut Model, event: &KeyEvent) -> bool {
    let Some(search) = &mut model.inspector.search else {
        return false;
    };
    if search.field.is_empty() && event.code == KeyCode::Backspace {
        close(model);
        return true;
    }
    search.field.edit(event)
}

/// Takes in pasted text.
pub(crate) fn paste(model: &mut Model, text: &str) {
    if let Some(search) = &mut model.inspector.search {
        search.field.insert(text);
    }
}

/// Goes to the first match from here on; nothing typed ends the search.
pub(crate) fn accept(model: &mut Model) {
    model.overlay = None;
    if words(model).is_none() {
        model.inspector.search = None;
        return;
    }
    go(model, true);
}

/// Looks for nothing any more.
pub(crate) fn close(model: &mut Model) {
    if matches!(model.overlay, Some(Overlay::PageSearch)) {
        model.overlay = None;
    }
    model.inspector.search = None;
}

fn words(model: &Model) -> Option<String> {
    let search = model.inspector.search.as_ref()?;
    search.words().map(str::to_owned)
}

/// Goes to the next match, or to the one before.
pub(crate) fn go(model: &mut Model, forward: bool) {
    let Some(words) = words(model) else { return };
    let there = if model.inspector.table.is_some() {
        super::json_table::find(model, &words, forward)
    } else if inspected::is_tree(model) {
        go_in_tree(model, &words, forward)
    } else {
        go_in_text(model, &words, forward)
    };
    match there {
        Found::There => {}
        Found::Nowhere => {
            model.notice = Some(format!(
                "“{}” is not on this page",
                crate::text::fit(&words, 40)
            ));
        }
        Found::TooFar => {
            model.notice = Some("not found in as much of the value as was searched".to_owned());
        }
    }
}

fn go_in_tree(model: &mut Model, words: &str, forward: bool) -> Found {
    let (Some(step), Some((value, _))) = (model.selected, inspected::value(model)) else {
        return Found::Nowhere;
    };
    model
        .inspector
        .tree(step, &value)
        .find(&value, words, forward)
}

fn go_in_text(model: &mut Model, words: &str, forward: bool) -> Found {
    let lines = page::texts(model);
    let (_, height) = model.inspector.extent;
    let found: Vec<usize> = (0..lines.len())
        .filter(|&at| !places(&lines[at], words).is_empty())
        .collect();
    // The match that was gone to last stands in this line, unless the page was scrolled.
    let here = model.inspector.found_line;
    let next = if forward {
        let next = found
            .iter()
            .find(|line| here.is_none_or(|here| **line > here));
        next.or(found.first())
    } else {
        let next = found
            .iter()
            .rev()
            .find(|line| here.is_some_and(|here| **line < here));
        next.or(found.last())
    };
    let Some(&line) = next else {
        return Found::Nowhere;
    };
    model.inspector.found_line = Some(line);
    let scroll = model.inspector.scroll;
    if line < scroll || line >= scroll + height {
        let to = line.saturating_sub(height / 2);
        model.inspector.scroll_by(to as isize - scroll as isize);
    }
    Found::There
}
