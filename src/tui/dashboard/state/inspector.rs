//! The inspector: which page it shows, how far it is scrolled, and what of a value is folded.

use super::group_grid::GroupGrid;
use super::json_filter::JsonFilter;
use super::log_lines::LogLines;
use super::page_search::PageSearch;
pub use super::tab::Tab;
use crate::plan::StepIx;
use crate::tui::widgets::json_table::JsonTable;
use crate::tui::widgets::tree::JsonTree;
use ratatui::layout::Rect;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// How many trees remember what was folded.
const TREES: usize = 200;

/// A step, a page of it, and whether its value is filtered.
type TreeKey = (StepIx, Tab, bool);

/// The inspector's own state.
#[derive(Debug, Default)]
pub struct Inspector {
    /// The page shown.
    pub tab: Tab,
    /// Whether the run as a whole is shown instead of a step.
    pub of_run: bool,
    /// Whether values are shown as text instead of a tree.
    pub raw: bool,
    /// Whether the prompt page shows raw bodies.
    pub bodies: bool,
    /// Lines scrolled down, on pages of text.
    pub scroll: usize,
    /// Lines of the page and of the pane when it was last drawn.
    pub extent: (usize, usize),
    /// Where the text of the page was last drawn.
    pub(crate) page_area: Rect,
    /// The page of the log.
    pub(crate) log: LogPage,
    /// The grid of a group.
    pub(crate) grid: GroupGrid,
    /// The jq line of a page.
    pub(crate) filter: Option<JsonFilter>,
    /// The list that is shown as a table instead of the tree.
    pub(crate) table: Option<JsonTable>,
    /// What is looked for in the page.
    pub(crate) search: Option<PageSearch>,
    /// The line of the match that was gone to last.
    pub(crate) found_line: Option<usize>,
    /// Cells of a line of the page when it was last drawn.
    pub(crate) width: usize,
    trees: HashMap<TreeKey, JsonTree>,
    /// The tree that was looked at last.
    last_tree: Option<TreeKey>,
    /// The value of that tree. An input that shares parts with outputs is copied to be shown: once, not for every frame.
    shown: Option<Arc<Value>>,
}

/// What is looked at on the page of the log.
#[derive(Debug)]
pub(crate) struct LogPage {
    /// What was laid out.
    pub lines: LogLines,
    /// Whether the end stays in view.
    pub follows: bool,
    /// Lines from the top that were in view.
    pub seen: usize,
}

impl Default for LogPage {
    fn default() -> Self {
        Self {
            lines: LogLines::default(),
            follows: true,
            seen: 0,
        }
    }
}

impl Inspector {
    /// What is folded and selected in the tree of `value` on this page.
    pub(crate) fn tree(&mut self, step: StepIx, value: &Arc<Value>) -> &mut JsonTree {
        let is_filtered = self.filter.as_ref().is_some_and(|filter| {
            let output = filter.output();
            output.is_some_and(|output| Arc::ptr_eq(output, value))
        });
        let key = (step, self.tab, is_filtered);
        self.shown = Some(Arc::clone(value));
        if let Some(last) = self.last_tree.replace(key)
            && last != key
            && let Some(tree) = self.trees.get_mut(&last)
        {
            tree.put_away();
        }
        if self.trees.len() >= TREES && !self.trees.contains_key(&key) {
            self.trees.clear();
        }
        self.trees
            .entry(key)
            .or_insert_with(|| JsonTree::new(value))
    }

    /// The filter has another output: its tree is a new one.
    pub(crate) fn forget_filtered(&mut self) {
        self.trees.retain(|(_, _, is_filtered), _| !is_filtered);
        self.last_tree = self.last_tree.filter(|(_, _, is_filtered)| !is_filtered);
        self.table = None;
        self.scroll = 0;
    }

    /// Scrolls text by `lines`, within the page. The end of a log stays in view once it was gone to.
    pub(crate) fn scroll_by(&mut self, lines: isize) {
        let (total, height) = self.extent;
        let most = total.saturating_sub(height);
        self.scroll = self.scroll.saturating_add_signed(lines).min(most);
        if lines != 0 && self.tab == Tab::Log {
            self.log.follows = self.scroll == most;
        }
    }

    /// Goes to the beginning of a page that was not looked at, or to the end of a log.
    pub(crate) fn rewind(&mut self) {
        self.scroll = 0;
        self.found_line = None;
        self.log.follows = true;
        self.log.seen = 0;
        self.table = None;
    }
}
